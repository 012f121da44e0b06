"""Layers that multiply by a full matrix."""

from __future__ import annotations

from functools import partial
from math import prod
from typing import Any

import keras
import nengo

from .converter import Converter
from .layer_converter import LayerConverter
from .weights import Weight


def product(n_vectors: int, variable: Any, shape: tuple[int, int]) -> dict[str, Any]:
    """
    Multiply each of several vectors by one matrix.

    Parameters
    ----------
    n_vectors : int
        How many there are.
    variable : keras.Variable
        The matrix.
    shape : tuple of int
        Its shape, if the variable has another one.

    Returns
    -------
    arguments : dict from str to object
        Of the connection.
    """
    if n_vectors == 1:
        to_nengo = partial(_transposed, shape=shape)
        weight = Weight(variable, to_nengo, keras.ops.transpose)
        return {"transform": weight.initial, "weight": weight}
    weight = Weight(variable, partial(keras.ops.reshape, newshape=(1, *shape)))
    transform = nengo.Convolution(
        shape[1],
        (n_vectors, shape[0]),
        kernel_size=(1,),
        strides=(1,),
        init=weight.initial,
    )
    return {"transform": transform, "weight": weight}


def _transposed(kernel: Any, shape: tuple[int, int]) -> Any:
    return keras.ops.transpose(keras.ops.reshape(kernel, shape))


@Converter.register(keras.layers.Dense)
class ConvertDense(LayerConverter):
    """Convert dense layers; more axes of the input are positions that share weights."""

    has_weights = True
    over_time = True

    def convert(self, node_id: int) -> Any:
        """Multiply by the kernel, add the bias, apply the activation."""
        bias = Weight(self.layer.bias) if self.layer.use_bias else None
        activation = self.activation(self.layer, self.converter)
        output = self.add_nengo_obj(node_id, biases=bias, activation=activation)
        kernel, n_vectors = self.layer.kernel, prod(self.input_shape(node_id)[:-1])
        arguments = product(n_vectors, kernel, tuple(kernel.shape))
        self.add_connection(node_id, output, **arguments)
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
        kernel = self.layer.kernel
        matrix = prod(kernel.shape[:n_axes]), prod(kernel.shape[n_axes:])
        bias = None if self.layer.bias is None else Weight(self.layer.bias)
        activation = self.activation(self.layer, self.converter)
        output = self.add_nengo_obj(node_id, biases=bias, activation=activation)
        shape = self.input_shape(node_id)
        arguments = product(prod(shape[: len(shape) - n_axes]), kernel, matrix)
        self.add_connection(node_id, output, **arguments)
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
