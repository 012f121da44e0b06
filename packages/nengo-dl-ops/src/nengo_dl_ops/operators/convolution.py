"""Convolutions over any number of spatial axes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from nengo.builder.operator import Operator
from nengo.builder.transforms import ConvInc, ConvTransposeInc
from nengo.exceptions import BuildError
from nengo.transforms import Convolution, ConvolutionTranspose

from nengo_dl_signals import SignalDict, SignalLayout

from ..builder import Builder
from ..config import BuildConfig
from ..op_builder import Memoryless, OpBuilder
from .depthwise import convolve_depthwise, is_depthwise

#: As many spatial axes as TensorFlow convolves over on every device.
_MAX_DIMENSIONS = 3


class GeneralConvIncBuilder(OpBuilder):
    """
    What convolutions and transposed ones share; to be implemented: `convolve`.

    As in Nengo the kernel is not flipped, and ``"same"`` padding puts the odd zero
    at the end.
    """

    def __init__(
        self, ops: Sequence[Operator], layout: SignalLayout, config: BuildConfig
    ) -> None:
        super().__init__(ops, layout, config)
        (op,) = ops
        self.conv: Convolution | ConvolutionTranspose = op.conv
        if self.conv.dimensions > _MAX_DIMENSIONS:
            raise BuildError(
                f"{op}: expected a convolution over at most {_MAX_DIMENSIONS} spatial "
                f"axes, got {self.conv.dimensions}"
            )
        self.W, self.X, self.Y = layout[op.W], layout[op.X], layout[op.Y]

    @abstractmethod
    def convolve(self, image: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """
        Compute the convolution.

        Shapes: ``image`` (batch, *spatial, n_channels); ``kernel`` (*kernel_size,
        n_channels, n_filters); returns (batch, *spatial, n_filters).
        """

    def memoryless(self, training: bool) -> Memoryless:
        """Everything follows from what is read."""
        del training
        return Memoryless.of(self.ops)

    def build_step(self, signals: SignalDict) -> None:
        """Convolve all batch items at once."""
        kernel = signals.gather(self.W)
        if kernel.shape[-1] > 1:
            raise BuildError(
                f"{self.ops[0]}: expected one kernel for all batch items, "
                f"got {kernel.shape[-1]}"
            )
        image = self._to_image(signals.gather(self.X))
        y = self._from_image(self.convolve(image, kernel[..., 0]))
        signals.scatter(self.Y, y, mode="inc")

    def _to_image(self, x: tf.Tensor) -> tf.Tensor:
        """Turn (n, batch) into (batch, *spatial, channels)."""
        shape = self.conv.input_shape.shape
        image = tf.reshape(tf.transpose(x), (x.shape[-1], *shape))
        if self.conv.channels_last:
            return image
        return tf.transpose(image, (0, *range(2, len(shape) + 1), 1))

    def _from_image(self, y: tf.Tensor) -> tf.Tensor:
        """Turn (batch, *spatial, channels) into (n, batch)."""
        if not self.conv.channels_last:
            last = self.conv.dimensions + 1
            y = tf.transpose(y, (0, last, *range(1, last)))
        return tf.transpose(tf.reshape(y, (y.shape[0], -1)))


@Builder.register(ConvInc)
class ConvIncBuilder(GeneralConvIncBuilder):
    """
    Add a convolution: ``Y[...] += conv(W, X)``, never merged.

    Notes
    -----
    1. sets ``[]``
    2. incs ``[Y]``
    3. reads ``[W, X]``
    4. updates ``[]``
    """

    def convolve(self, image: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """Compute the convolution."""
        if is_depthwise(self.conv):
            strides, padding = self.conv.strides, self.conv.padding
            return convolve_depthwise(image, kernel, strides, padding)
        return tf.nn.convolution(
            image,
            self._dense_kernel(kernel),
            strides=self.conv.strides,
            padding=self.conv.padding.upper(),
        )

    def _dense_kernel(self, kernel: tf.Tensor) -> tf.Tensor:
        """Give every filter all input channels, with zeros for other groups' ones."""
        # TensorFlow's own grouped convolution has no gradient on a CPU.
        if self.conv.groups == 1:
            return kernel
        ones = (1,) * self.conv.dimensions
        tiled = tf.tile(kernel, (*ones, self.conv.groups, 1))
        return tiled * tf.constant(_group_mask(self.conv), kernel.dtype)


@Builder.register(ConvTransposeInc)
class ConvTransposeIncBuilder(GeneralConvIncBuilder):
    """
    Add a transposed convolution: ``Y[...] += conv_transpose(W, X)``, never merged.

    It is the gradient of a convolution in its input: strides spread the elements of
    the input, and ``padding`` is that of the convolution.

    Notes
    -----
    1. sets ``[]``
    2. incs ``[Y]``
    3. reads ``[W, X]``
    4. updates ``[]``
    """

    def convolve(self, image: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """Compute the transposed convolution."""
        last = self.conv.dimensions + 1
        shape = self.conv.output_shape
        return tf.nn.conv_transpose(
            image,
            tf.transpose(kernel, (*range(last - 1), last, last - 1)),
            (image.shape[0], *shape.spatial_shape, shape.n_channels),
            strides=self.conv.strides,
            padding=self.conv.padding.upper(),
        )


def _group_mask(conv: Convolution) -> np.ndarray:
    """Return 1 where channel (row) and filter (column) are in the same group."""
    channels, filters = conv.input_shape.n_channels, conv.n_filters
    of_channel = np.arange(channels) * conv.groups // channels
    of_filter = np.arange(filters) * conv.groups // filters
    return (of_channel[:, None] == of_filter).astype(float)
