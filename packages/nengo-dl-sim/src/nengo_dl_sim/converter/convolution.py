"""Convolutions over one to three spatial axes."""

from __future__ import annotations

from typing import Any

import keras
import nengo
import numpy as np
from nengo.transforms import ChannelShape

from .converter import Converter
from .dense import numbers
from .layer_converter import LayerConverter
from .padding import padded_shape, padding_rows

_DILATED = "training also changes the zeros between the elements of a dilated kernel"


class ConvertConvolution(LayerConverter):
    """Convert convolutions; what is special about a kind: `kernel`, `groups`."""

    has_weights = True

    def kernel(self) -> np.ndarray:
        """Return the kernel, ``(*size, channels of a group, filters)``."""
        return numbers(self.layer.kernel)

    def groups(self, channels: int) -> int:
        """Return the number of groups of channels."""
        del channels
        return int(self.layer.groups)

    def convert(self, node_id: int) -> Any:
        """Convolve, add the bias of each filter, apply the activation."""
        output = self._output(node_id)
        pre, shape = self._padded(node_id)
        transform = self.transform(shape, self.kernel(), self.layer.strides)
        self.connect(pre, output, trainable=True, transform=transform)
        return output

    def transform(self, shape: Any, kernel: np.ndarray, strides: Any) -> Any:
        """Make the transform."""
        kernel = self._dilated(kernel)
        padding = "same" if self.layer.padding == "same" else "valid"
        return nengo.Convolution(
            kernel.shape[-1],
            ChannelShape(shape, channels_last=self.channels_last),
            kernel_size=kernel.shape[:-2],
            strides=tuple(strides),
            padding=padding,
            channels_last=self.channels_last,
            init=kernel,
            groups=self.groups(shape[-1 if self.channels_last else 0]),
        )

    @property
    def channels_last(self) -> bool:
        """Whether channels are the last axis."""
        return bool(self.layer.data_format == "channels_last")

    def _output(self, node_id: int) -> Any:
        activation = self.activation(self.layer, self.converter)
        return self.add_nengo_obj(node_id, self._bias(), activation)

    def _bias(self) -> np.ndarray | None:
        if not self.layer.use_bias:
            return None
        bias = numbers(self.layer.bias)
        if self.channels_last:
            return bias
        return bias.reshape(-1, *(1 for _ in self.layer.kernel_size))

    def _padded(self, node_id: int) -> tuple[Any, tuple[int, ...]]:
        """Return the input, behind zeros if the layer looks only at the past."""
        shape = self.input_shape(node_id)
        if self.layer.padding != "causal":
            return self.get_input_obj(node_id), shape
        reach = (self.layer.kernel_size[0] - 1) * self.layer.dilation_rate[0]
        pads = [(reach, 0), (0, 0)]
        pads = pads if self.channels_last else pads[::-1]
        padded = padded_shape(shape, pads)
        node = nengo.Node(size_in=int(np.prod(padded)), label=f"{self.layer.name}.pad")
        pre = self.get_input_obj(node_id)
        self.connect(pre, node[padding_rows(shape, pads).tolist()])
        return node, padded

    def _dilated(self, kernel: np.ndarray) -> np.ndarray:
        """Put zeros between the elements of a kernel."""
        rates = tuple(self.layer.dilation_rate)
        if all(rate == 1 for rate in rates):
            return kernel
        if not self.converter.inference_only:
            self.remark(_DILATED)
        size = [(n - 1) * r + 1 for n, r in zip(kernel.shape[:-2], rates, strict=True)]
        wide = np.zeros((*size, *kernel.shape[-2:]), kernel.dtype)
        wide[tuple(slice(None, None, r) for r in rates)] = kernel
        return wide


for _layer in (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D):
    Converter.register(_layer)(ConvertConvolution)


@Converter.register(keras.layers.DepthwiseConv1D)
@Converter.register(keras.layers.DepthwiseConv2D)
class ConvertDepthwise(ConvertConvolution):
    """Convert convolutions of each channel by itself: as many groups as channels."""

    def kernel(self) -> np.ndarray:
        """Return the kernel, with the filters of all channels as one axis."""
        return _grouped(numbers(self.layer.kernel))

    def groups(self, channels: int) -> int:
        """Return the number of channels."""
        return channels


@Converter.register(keras.layers.SeparableConv1D)
@Converter.register(keras.layers.SeparableConv2D)
class ConvertSeparable(ConvertDepthwise):
    """Convert convolutions of each channel, followed by products of all channels."""

    def convert(self, node_id: int) -> Any:
        """Convolve twice."""
        output = self._output(node_id)
        pre, shape = self._padded(node_id)
        depthwise = _grouped(numbers(self.layer.depthwise_kernel))
        strides = self.layer.strides
        if np.ndim(strides) == 0:
            strides = (strides,) * len(self.layer.kernel_size)
        first = self.transform(shape, depthwise, strides)
        middle = nengo.Node(
            size_in=first.size_out, label=f"{self.layer.name}.depthwise"
        )
        self.connect(pre, middle, trainable=True, transform=first)
        pointwise = numbers(self.layer.pointwise_kernel)
        second = nengo.Convolution(
            pointwise.shape[-1],
            first.output_shape,
            kernel_size=pointwise.shape[:-2],
            strides=(1,) * (pointwise.ndim - 2),
            channels_last=self.channels_last,
            init=pointwise,
        )
        self.connect(middle, output, trainable=True, transform=second)
        return output


def _grouped(kernel: np.ndarray) -> np.ndarray:
    return kernel.reshape(*kernel.shape[:-2], 1, -1)


class ConvertTransposed(ConvertConvolution):
    """Convert transposed convolutions."""

    @classmethod
    def convertible(cls, layer: Any, converter: Any) -> tuple[bool, str]:
        """Whether the size of the output is the usual one."""
        if getattr(layer, "output_padding", None) is not None:
            return False, "output_padding has no counterpart in Nengo"
        if any(rate != 1 for rate in layer.dilation_rate):
            return False, "dilation_rate has no counterpart in Nengo"
        return super().convertible(layer, converter)

    def convert(self, node_id: int) -> Any:
        """Convolve, add the bias of each filter, apply the activation."""
        output = self._output(node_id)
        kernel = np.swapaxes(numbers(self.layer.kernel), -1, -2)
        transform = nengo.ConvolutionTranspose(
            kernel.shape[-1],
            ChannelShape(self.input_shape(node_id), self.channels_last),
            output_shape=ChannelShape(self.output_shape(node_id), self.channels_last),
            kernel_size=kernel.shape[:-2],
            strides=tuple(self.layer.strides),
            padding=self.layer.padding,
            channels_last=self.channels_last,
            init=kernel,
        )
        self.add_connection(node_id, output, trainable=True, transform=transform)
        return output


for _layer in (
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
):
    Converter.register(_layer)(ConvertTransposed)
