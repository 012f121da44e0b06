"""Regularizers of activities, of layers that are Nengo's objects now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras

from nengo_dl_ops import TensorNode

from ..settings.activities import InShape

_OVER_TIME = (
    "activity_regularizer has no effect on training of a network over time: Keras sums "
    "it over the steps, which net.config[obj].activity_regularizer does not"
)


class Sum:
    """
    The sum of several regularizers of one output.

    Parameters
    ----------
    parts : list of InShape
        The regularizers.
    """

    def __init__(self, parts: list[InShape]) -> None:
        self.parts = parts

    def __call__(self, outputs: Any) -> Any:
        """Return the penalty."""
        return sum(part(outputs) for part in self.parts)


def regularize_activities(converter: Any) -> None:
    """
    Let the network be trained with the regularizers of activities of the model.

    Parameters
    ----------
    converter : Converter
        What has made the objects of all layers.
    """
    found: dict[Any, list[InShape]] = {}
    for call in converter.graph.calls:
        for tensor in call.outputs:
            obj = converter.object_of(tensor)
            # TensorNodes warn of what is inside of a layer, or regularize it.
            is_native = converter.get_converter(call.layer).kind != "TensorNode"
            is_native &= not isinstance(obj, TensorNode)
            for regularizer in _regularizers(call.layer, is_native):
                if converter.temporal_model:
                    converter.remark(call.layer, _OVER_TIME, warn=True)
                else:
                    part = InShape(regularizer, converter.shape(tensor))
                    found.setdefault(obj, []).append(part)
    for obj, parts in found.items():
        converter.net.config[obj].activity_regularizer = Sum(parts)


def _regularizers(layer: Any, with_parts: bool) -> Iterator[Any]:
    """Yield that of a layer, and those of the layers that give the same output."""
    parts = [getattr(layer, name, None) for name in ("activation", "layer")]
    for one in (layer, *(parts if with_parts else ())):
        found = getattr(one, "activity_regularizer", None)
        if isinstance(one, keras.Layer) and found is not None:
            yield found
