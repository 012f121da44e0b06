"""Layers that move, repeat or drop elements, or put zeros around them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from .converter import Converter
from .layer_converter import LayerConverter
from .padding import padding_rows


@Converter.register(keras.layers.Flatten)
class ConvertFlatten(LayerConverter):
    """Convert to the same elements in one axis; channels first are moved last."""

    def convert(self, node_id: int) -> Any:
        """Move elements, or use the input as it is."""
        rows = self.positions(node_id)
        if self.layer.data_format == "channels_first" and rows.ndim > 1:
            return self.select(node_id, np.moveaxis(rows, 0, -1))
        return self.get_input_obj(node_id)


@Converter.register(keras.layers.Reshape)
class ConvertReshape(LayerConverter):
    """Convert to the same elements in another shape: the input as it is."""

    def convert(self, node_id: int) -> Any:
        """Use the input as it is."""
        return self.get_input_obj(node_id)


@Converter.register(keras.layers.Permute)
class ConvertPermute(LayerConverter):
    """Convert an exchange of axes."""

    def convert(self, node_id: int) -> Any:
        """Move elements."""
        axes = [axis - 1 for axis in self.layer.dims]
        return self.select(node_id, self.positions(node_id).transpose(axes))


@Converter.register(keras.layers.RepeatVector)
class ConvertRepeatVector(LayerConverter):
    """Convert copies of a vector."""

    def convert(self, node_id: int) -> Any:
        """Copy elements."""
        return self.select(node_id, np.tile(self.positions(node_id), self.layer.n))


def _spatial_axis(layer: Any) -> int:
    """Return the first spatial axis of an item."""
    return 1 if getattr(layer, "data_format", None) == "channels_first" else 0


def _pairs(value: Any) -> list[tuple[int, int]]:
    """Return numbers before and after for each spatial axis."""
    return [tuple(pair) for pair in value] if np.ndim(value) == 2 else [tuple(value)]


class ConvertCropping(LayerConverter):
    """Convert to the elements within margins."""

    def convert(self, node_id: int) -> Any:
        """Choose elements."""
        rows, first = self.positions(node_id), _spatial_axis(self.layer)
        for axis, (a, b) in enumerate(_pairs(self.layer.cropping), start=first):
            rows = np.take(rows, range(a, rows.shape[axis] - b), axis)
        return self.select(node_id, rows)


class ConvertZeroPadding(LayerConverter):
    """Convert to the elements within margins of zeros."""

    def convert(self, node_id: int) -> Any:
        """Put elements where they belong."""
        shape, first = self.input_shape(node_id), _spatial_axis(self.layer)
        pads = [(0, 0)] * len(shape)
        for axis, pair in enumerate(_pairs(self.layer.padding), start=first):
            pads[axis] = pair
        node = self.add_nengo_obj(node_id)
        rows = padding_rows(shape, pads).tolist()
        self.connect(self.get_input_obj(node_id), node[rows])
        return node


class ConvertUpSampling(LayerConverter):
    """Convert copies of each element to its neighbours."""

    @classmethod
    def convertible(cls, layer: Any, converter: Any) -> tuple[bool, str]:
        """Whether nothing is interpolated."""
        method = getattr(layer, "interpolation", "nearest")
        if method != "nearest":
            return False, f"interpolation={method!r} has no counterpart in Nengo"
        return super().convertible(layer, converter)

    def convert(self, node_id: int) -> Any:
        """Copy elements."""
        rows, first = self.positions(node_id), _spatial_axis(self.layer)
        for axis, n in enumerate(np.atleast_1d(self.layer.size), start=first):
            rows = np.repeat(rows, n, axis)
        return self.select(node_id, rows)


for _name, _cls in {
    "Cropping{}D": ConvertCropping,
    "ZeroPadding{}D": ConvertZeroPadding,
    "UpSampling{}D": ConvertUpSampling,
}.items():
    for _n in (1, 2, 3):
        Converter.register(getattr(keras.layers, _name.format(_n)))(_cls)
