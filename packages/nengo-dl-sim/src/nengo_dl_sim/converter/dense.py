"""Layers that multiply by a full matrix."""

from __future__ import annotations

from math import prod
from typing import Any

import keras
import nengo
import numpy as np

from .converter import Converter
from .layer_converter import LayerConverter


def numbers(variable: Any) -> np.ndarray:
    """Return the values of a variable of Keras."""
    # Not of the variable itself, which NumPy 2 warns of.
    return np.asarray(keras.ops.convert_to_tensor(variable))


def product(n_vectors: int, kernel: np.ndarray) -> Any:
    """Make a transform that multiplies each of several vectors by one matrix."""
    if n_vectors == 1:
        return kernel.T
    return nengo.Convolution(
        kernel.shape[1],
        (n_vectors, kernel.shape[0]),
        kernel_size=(1,),
        strides=(1,),
        init=kernel[np.newaxis],
    )


@Converter.register(keras.layers.Dense)
class ConvertDense(LayerConverter):
    """Convert dense layers; more axes of the input are positions that share weights."""

    has_weights = True
    over_time = True

    def convert(self, node_id: int) -> Any:
        """Multiply by the kernel, add the bias, apply the activation."""
        bias = numbers(self.layer.bias) if self.layer.use_bias else None
        activation = self.activation(self.layer, self.converter)
        output = self.add_nengo_obj(node_id, biases=bias, activation=activation)
        transform = product(
            prod(self.input_shape(node_id)[:-1]), numbers(self.layer.kernel)
        )
        self.add_connection(node_id, output, trainable=True, transform=transform)
        return output


@Converter.register(keras.layers.EinsumDense)
class ConvertEinsumDense(LayerConverter):
    """Convert products of Einstein's notation that contract the last axes."""

    has_weights = True

    @classmethod
    def convertible(cls, layer: Any, converter: Any) -> tuple[bool, str]:
        """Whether it is a dense layer."""
        if _contracted(layer.equation) is None:
            return False, f"{layer.equation!r} is no dense layer"
        return super().convertible(layer, converter)

    def convert(self, node_id: int) -> Any:
        """Multiply by the kernel as a matrix."""
        n_axes = _contracted(self.layer.equation) or 0
        kernel = numbers(self.layer.kernel)
        kernel = kernel.reshape(prod(kernel.shape[:n_axes]), -1)
        bias = None if self.layer.bias is None else numbers(self.layer.bias)
        activation = self.activation(self.layer, self.converter)
        output = self.add_nengo_obj(node_id, biases=bias, activation=activation)
        shape = self.input_shape(node_id)
        transform = product(prod(shape[: len(shape) - n_axes]), kernel)
        self.add_connection(node_id, output, trainable=True, transform=transform)
        return output


def _contracted(equation: str) -> int | None:
    """Return how many last axes are contracted; None if something else is done."""
    operands, _, result = equation.replace(" ", "").replace("...", "0").partition("->")
    x, _, kernel = operands.partition(",")
    for n in range(1, len(kernel)):
        kept, summed, new = x[:-n], kernel[:n], kernel[n:]
        is_same = x.endswith(summed) and result == kept + new and kept
        if is_same and not set(new) & set(x) and not set(summed) & set(kept):
            return n
    return None
