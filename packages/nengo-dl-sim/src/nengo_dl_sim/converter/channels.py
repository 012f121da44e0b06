"""Which elements of the output of a layer belong to which channel."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np


def channels(graph: Any, call: Any, shape: tuple[int, ...]) -> np.ndarray:
    """
    Number the channels of an output.

    Parameters
    ----------
    graph : Graph
        The model.
    call : Call
        A call of a layer.
    shape : tuple of int
        Of an item of its output.

    Returns
    -------
    numbers : (size,) array of int
        The channel of each element: its place along the first axis if the layer, or
        the last one before it that says so, has channels first, else along the last.
    """
    axis = 0 if _channels_first(graph, call) else -1
    return np.indices(shape)[axis].ravel()


def _channels_first(graph: Any, call: Any) -> bool:
    made_by = {id(tensor): other for other in graph.calls for tensor in other.outputs}
    while call is not None:
        layer = getattr(call.layer, "layer", call.layer)  # what TimeDistributed holds
        data_format = getattr(layer, "data_format", None)
        if data_format is not None:
            return bool(data_format == "channels_first")
        if not _keeps_axes(call, layer):
            return False
        call = made_by.get(id(graph.origin(call.inputs[0])))
    return False


def _keeps_axes(call: Any, layer: Any) -> bool:
    """Whether channels of the first input are channels of the output."""
    if isinstance(layer, keras.layers.Concatenate):
        return True
    same = call.inputs and call.inputs[0].shape == call.outputs[0].shape
    return bool(same) and not hasattr(layer, "kernel")
