"""What a Keras model computes, tensor by tensor."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np


def keras_values(
    graph: Any, inputs: list[np.ndarray], wanted: list[Any]
) -> list[np.ndarray]:
    """
    Compute tensors of a model, also those inside of nested models.

    Parameters
    ----------
    graph : Graph
        The model.
    inputs : list of array
        A minibatch for each input.
    wanted : list of keras.KerasTensor
        Tensors of ``graph``.

    Returns
    -------
    values : list of ``(minibatch_size, size) array``
        The value of each tensor, flat.
    """
    values = {
        id(tensor): keras.ops.convert_to_tensor(array, dtype=tensor.dtype)
        for tensor, array in zip(graph.inputs, inputs, strict=True)
    }
    for call in graph.calls:
        args, kwargs = keras.tree.map_structure(
            lambda leaf: _value(graph, values, leaf), (call.args, call.kwargs)
        )
        results = keras.tree.flatten(call.layer(*args, **kwargs))
        for tensor, result in zip(call.outputs, results, strict=True):
            values[id(tensor)] = result
    return [_flat(values[id(graph.origin(tensor))]) for tensor in wanted]


def _value(graph: Any, values: dict[int, Any], leaf: Any) -> Any:
    if not isinstance(leaf, keras.KerasTensor):
        return leaf
    return values[id(graph.origin(leaf))]


def _flat(value: Any) -> np.ndarray:
    array = np.asarray(keras.ops.convert_to_numpy(value))
    return array.reshape(len(array), -1).astype(float)
