"""Which tensors of a model are compared with what a network gives out."""

from __future__ import annotations

from typing import Any


def compared(converter: Any) -> list[tuple[Any, Any]]:
    """
    Return the tensors that neurons hold, and the outputs, in the order of the model.

    Parameters
    ----------
    converter : Converter
        A conversion.

    Returns
    -------
    pairs : list of (keras.Layer, keras.KerasTensor)
        The layer that each of them comes from, and the tensor.
    """
    graph, found = converter.graph, []
    ends = {id(graph.origin(tensor)) for tensor in graph.outputs}
    seen: set[Any] = set()
    for call in graph.calls:
        for tensor in call.outputs:
            obj = converter.object_of(tensor)
            is_new = obj not in seen and converter.builder.neurons(obj) is not None
            if is_new or id(tensor) in ends:
                found.append((call.layer, tensor))
            seen.add(obj)
    return found
