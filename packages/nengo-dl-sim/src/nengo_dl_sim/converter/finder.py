"""Which object of a network is meant by a Keras tensor or layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from .graph import Graph


class Finder:
    """
    Finds what was made for a tensor or a layer; all else is a KeyError.

    Parameters
    ----------
    graph : Graph
        The model.
    objects : dict
        From the ``id`` of tensors to objects.
    probes : dict
        From the ``id`` of outputs to probes.
    """

    def __init__(
        self, graph: Graph, objects: Mapping[int, Any], probes: Mapping[int, Any]
    ) -> None:
        self._graph = graph
        self._calls = graph.layers()
        self._objects = objects
        self._probes = probes
        self._inputs = {id(tensor): objects[id(tensor)] for tensor in graph.inputs}

    def find(self, key: Any) -> Any:
        """Return what holds a tensor, or the output of a layer."""
        return self._objects[id(self._tensor(key))]

    def find_input(self, key: Any) -> Any:
        """Return the node of an input."""
        tensor = key.output if isinstance(key, keras.Operation) else key
        if id(tensor) not in self._inputs:
            raise KeyError(f"expected an input of the model, got {key!r:.100}")
        return self._inputs[id(tensor)]

    def find_output(self, key: Any) -> Any:
        """Return the probe of an output."""
        for tensor, own in zip(
            self._graph.model.outputs, self._graph.outputs, strict=True
        ):
            if key is tensor:
                return self._probes[id(own)]
        wanted = self._tensor(key)
        for own in self._graph.outputs:
            if self._graph.origin(own) is wanted:
                return self._probes[id(own)]
        raise KeyError(f"expected an output of the model, got {key!r:.100}")

    def _tensor(self, key: Any) -> Any:
        """Return the tensor, as it was read, that a key means."""
        if isinstance(key, keras.Operation):
            return self._tensor_of_layer(key)
        key = self._graph.origin(key)
        if id(key) in self._objects:
            return key
        for layer, calls in self._calls.items():
            if len(calls) == 1 and output_of(layer) is key:
                return calls[0].outputs[0]
        return self._tensor_like(key)

    def _tensor_of_layer(self, layer: Any) -> Any:
        calls = [call.outputs for call in self._calls.get(layer, [])]
        calls += self._graph.opened.get(layer, [])
        if not calls:
            output = output_of(layer)  # of an input layer
            if id(output) in self._inputs:
                return output
            raise KeyError(f"{layer.name!r} is not a layer of the model")
        if len(calls) > 1:
            raise KeyError(
                f"{layer.name!r} is called {len(calls)} times: use one of the tensors "
                "that it returned as key"
            )
        return self._graph.origin(calls[0][0])

    def _tensor_like(self, key: Any) -> Any:
        """Find the tensor that is computed as another one: layers called again."""
        try:
            other = Graph(keras.Model(self._graph.inputs, key))
        except ValueError as error:
            raise KeyError(f"{key!r:.100} is not a tensor of the model") from error
        table: dict[Any, int] = {}
        numbers = self._graph.signatures(table)
        wanted = other.signatures(table)[id(other.origin(other.outputs[0]))]
        for call in self._graph.calls:
            for tensor in call.outputs:
                if numbers[id(tensor)] == wanted:
                    return tensor
        raise KeyError(f"{key!r:.100} is not a tensor of the model")


def output_of(layer: Any) -> Any:
    """Return the output of a layer; None if it was never called."""
    try:
        return layer.output
    except (AttributeError, ValueError):
        return None
