"""Convolutions over one to three spatial axes."""

from __future__ import annotations

from functools import partial
from typing import Any

import keras
import nengo
import numpy as np
from nengo.transforms import ChannelShape

from .converter import Converter
from .layer_converter import LayerConverter
from .padding import padded_shape, padding_rows
from .weights import Weight

_DILATED = "optimizers that compute norms see the zeros between elements of its kernel"


class ConvertConvolution(LayerConverter):
    """Convert convolutions; what is special about a kind: `weight`, `groups`."""

    has_weights = True

    def weight(self, kernel: Any) -> Weight:
        """Return what a kernel ``(*size, channels of a group, filters)`` is made of."""
        return self._dilated(kernel, tuple(kernel.shape))

    def groups(self, channels: int) -> int:
        """Return the number of groups of channels."""
        del channels
        return int(self.layer.groups)

    def convert(self, node_id: int) -> Any:
        """Convolve, add the bias of each filter, apply the activation."""
        output = self._output(node_id)
        pre, shape = self._padded(node_id)
        weight = self.weight(self.layer.kernel)
        transform = self.transform(shape, weight.initial, self.layer.strides)
        self.connect(pre, output, transform=transform, weight=weight)
        return output

    def transform(self, shape: Any, kernel: np.ndarray, strides: Any) -> Any:
        """Make the transform."""
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

    def _bias(self) -> Weight | None:
        if not self.layer.use_bias:
            return None
        bias = self.layer.bias
        if self.channels_last:
            return Weight(bias)
        shape = (-1, *(1 for _ in self.layer.kernel_size))
        return Weight(bias, partial(keras.ops.reshape, newshape=shape))

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

    def _dilated(self, kernel: Any, shape: tuple[int, ...]) -> Weight:
        """Put zeros between the elements of a kernel of a shape."""
        rates = tuple(self.layer.dilation_rate)
        if all(rate == 1 for rate in rates):
            return Weight(kernel, partial(keras.ops.reshape, newshape=shape))
        if not self.converter.inference_only:
            self.remark(_DILATED)
        spread = partial(_spread, shape=shape, rates=rates)
        return Weight(kernel, spread, partial(_gathered, rates=rates), has_zeros=True)


def _spread(kernel: Any, shape: tuple[int, ...], rates: tuple[int, ...]) -> Any:
    """Put zeros between the elements of a kernel."""
    ops, kernel = keras.ops, keras.ops.reshape(kernel, shape)
    for axis, rate in enumerate(rates):
        shape = tuple(kernel.shape)
        n = shape[axis]
        pads = (
            [(0, 0)] * (axis + 1) + [(0, rate - 1)] + [(0, 0)] * (len(shape) - axis - 1)
        )
        wide = ops.pad(ops.expand_dims(kernel, axis + 1), pads)
        wide = ops.reshape(wide, (*shape[:axis], n * rate, *shape[axis + 1 :]))
        kernel = wide[(*(slice(None),) * axis, slice((n - 1) * rate + 1))]
    return kernel


def _gathered(kernel: Any, rates: tuple[int, ...]) -> Any:
    """Take the elements between which there are zeros."""
    return kernel[tuple(slice(None, None, rate) for rate in rates)]


for _layer in (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D):
    Converter.register(_layer)(ConvertConvolution)


@Converter.register(keras.layers.DepthwiseConv1D)
@Converter.register(keras.layers.DepthwiseConv2D)
class ConvertDepthwise(ConvertConvolution):
    """Convert convolutions of each channel by itself: as many groups as channels."""

    def weight(self, kernel: Any) -> Weight:
        """Return it with the filters of all channels as one axis."""
        *size, channels, multiplier = kernel.shape
        return self._dilated(kernel, (*size, 1, channels * multiplier))

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
        depthwise = self.weight(self.layer.depthwise_kernel)
        strides = self.layer.strides
        if np.ndim(strides) == 0:
            strides = (strides,) * len(self.layer.kernel_size)
        first = self.transform(shape, depthwise.initial, strides)
        middle = nengo.Node(
            size_in=first.size_out, label=f"{self.layer.name}.depthwise"
        )
        self.connect(pre, middle, transform=first, weight=depthwise)
        pointwise = Weight(self.layer.pointwise_kernel)
        kernel = pointwise.initial
        second = nengo.Convolution(
            kernel.shape[-1],
            first.output_shape,
            kernel_size=kernel.shape[:-2],
            strides=(1,) * (kernel.ndim - 2),
            channels_last=self.channels_last,
            init=kernel,
        )
        self.connect(middle, output, transform=second, weight=pointwise)
        return output


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
        weight = Weight(self.layer.kernel, _swapped, _swapped)
        kernel = weight.initial
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
        self.add_connection(node_id, output, transform=transform, weight=weight)
        return output


def _swapped(kernel: Any) -> Any:
    return keras.ops.swapaxes(kernel, -1, -2)


for _layer in (
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
):
    Converter.register(_layer)(ConvertTransposed)
