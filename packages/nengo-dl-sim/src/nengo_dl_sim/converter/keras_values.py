"""What a Keras model computes, tensor by tensor and step by step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from nengo.exceptions import ValidationError


class KerasValues:
    """
    Computes tensors of a model, also those inside of nested models.

    In models over time, what a recurrent layer gives out at its end only is computed
    for each step, as if that was the last one: as the network does.

    Parameters
    ----------
    converter : Converter
        The conversion.
    wanted : list of keras.KerasTensor
        Tensors of its ``graph``.
    """

    def __init__(self, converter: Any, wanted: list[Any]) -> None:
        self._converter = converter
        self._graph = converter.graph
        self._wanted = [self._graph.origin(tensor) for tensor in wanted]
        self._every_step: dict[Any, Any] = {}
        self._compute = computable(self._graph, self._values)

    def __call__(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        """
        Compute the tensors for a minibatch.

        Parameters
        ----------
        inputs : list of array
            A minibatch for each input.

        Returns
        -------
        values : list of ``(minibatch_size, n_steps, size) array``
            The value of each tensor; for one step unless the model is one over time.
        """
        tensors = [
            keras.ops.convert_to_tensor(array, dtype=tensor.dtype)
            for tensor, array in zip(self._graph.inputs, inputs, strict=True)
        ]
        shape = self._shape(inputs)
        return [
            np.asarray(keras.ops.convert_to_numpy(x)).reshape(*shape, -1).astype(float)
            for x in self._compute(tensors)
        ]

    def _shape(self, inputs: list[np.ndarray]) -> tuple[int, int]:
        over_time = self._converter.temporal_model
        return len(inputs[0]), inputs[0].shape[1] if over_time else 1

    def _values(self, inputs: list[Any]) -> list[Any]:
        values = {
            id(tensor): x for tensor, x in zip(self._graph.inputs, inputs, strict=True)
        }
        for call in self._graph.calls:
            args, kwargs = keras.tree.map_structure(
                lambda leaf: self._value(values, leaf), (call.args, call.kwargs)
            )
            layer = self._layer(call)
            results = keras.tree.flatten(layer(*args, **kwargs))
            for tensor, result in zip(call.outputs, results, strict=True):
                if layer is not call.layer:  # steps become items
                    result = keras.ops.reshape(result, (-1, *result.shape[2:]))
                values[id(tensor)] = result
        return [values[id(tensor)] for tensor in self._wanted]

    def _value(self, values: dict[int, Any], leaf: Any) -> Any:
        if not isinstance(leaf, keras.KerasTensor):
            return leaf
        return values[id(self._graph.origin(leaf))]

    def _layer(self, call: Any) -> Any:
        """Return a layer, or one that gives out each step in its place."""
        layer = call.layer
        if not self._converter.temporal_model or not ends_time(layer):
            return layer
        if layer not in self._every_step:
            config = {**layer.get_config(), "return_sequences": True}
            other = type(layer).from_config(config)
            other.build(call.inputs[0].shape)
            other.set_weights(layer.get_weights())
            self._every_step[layer] = other
        return self._every_step[layer]


def ends_time(layer: Any) -> bool:
    """Whether a layer gives out its last step only."""
    return getattr(layer, "return_sequences", True) is False


def has_channels_first(graph: Any) -> bool:
    """Whether some layer has channels first, for which XLA may be needed."""
    layers = [getattr(call.layer, "layer", call.layer) for call in graph.calls]
    formats = {getattr(layer, "data_format", None) for layer in layers}
    return "channels_first" in formats


def jit_compile(graph: Any) -> Any:
    """
    Say how to run a network for some steps: as a graph, which is ready much sooner.

    Only layers with channels first, in TensorNodes, may need XLA.
    """
    return "auto" if has_channels_first(graph) else False


def computable(graph: Any, function: Callable) -> Callable:
    """
    Let Keras compute layers on any device.

    Parameters
    ----------
    graph : Graph
        The model.
    function : callable
        Calls its layers.

    Returns
    -------
    function : callable
        The same, compiled by XLA if a layer has channels first: TensorFlow itself
        computes some of these on graphics cards only.
    """
    if not has_channels_first(graph):
        return function
    compiled = tf.function(function, jit_compile=True)

    def compute(*args: Any) -> Any:
        try:
            return compiled(*args)
        except (tf.errors.UnimplementedError, tf.errors.InvalidArgumentError) as error:
            raise ValidationError(
                "expected a model that Keras can compute on this device, got one with "
                f"channels first of which XLA says: {error.message[:200]}",
                attr="model",
            ) from error

    return compute
