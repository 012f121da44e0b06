"""Pooling: averages of neighbours; maxima only if they may become averages."""

from __future__ import annotations

import itertools
from math import prod
from typing import Any

import keras
import nengo
import numpy as np

from .converter import Converter
from .layer_converter import LayerConverter
from .pooling_transform import PoolingTransform

_LOSSY = "the maximum of neighbours became their average"


def _dimensions(name: str) -> list[type]:
    return [getattr(keras.layers, name.format(n)) for n in (1, 2, 3)]


class ConvertAveragePooling(LayerConverter):
    """Convert averages of neighbours into a sparse transform."""

    def convert(self, node_id: int) -> Any:
        """Average."""
        node = self.add_nengo_obj(node_id)
        shape = self.input_shape(node_id)
        last = self.layer.data_format == "channels_last"
        spatial = shape[:-1] if last else shape[1:]
        window = self._window(spatial)
        transform = _of_channels(window, shape, self.output_shape(node_id), last)
        self.add_connection(node_id, node, transform=transform)
        return node

    def _window(self, spatial: tuple[int, ...]) -> tuple[Any, ...]:
        """Return shape, size, strides and padding."""
        layer = self.layer
        n = len(spatial)
        strides = layer.pool_size if layer.strides is None else layer.strides
        size, strides = (np.broadcast_to(x, n) for x in (layer.pool_size, strides))
        return spatial, size, strides, layer.padding


class ConvertGlobalAveragePooling(ConvertAveragePooling):
    """Convert averages of all positions."""

    def _window(self, spatial: tuple[int, ...]) -> tuple[Any, ...]:
        return spatial, spatial, spatial, "valid"


class ConvertMaxPooling(ConvertAveragePooling):
    """Convert maxima of neighbours into averages, if that was asked for."""

    kind = "special"

    @classmethod
    def convertible(cls, layer: Any, converter: Any) -> tuple[bool, str]:
        """Whether it may become an average."""
        why = "Nengo has no maximum; max_to_avg_pool=True makes it an average"
        return converter.max_to_avg_pool, "" if converter.max_to_avg_pool else why

    def convert(self, node_id: int) -> Any:
        """Average instead."""
        self.remark(_LOSSY)
        return super().convert(node_id)


class ConvertGlobalMaxPooling(ConvertMaxPooling, ConvertGlobalAveragePooling):
    """Convert maxima of all positions into averages, if that was asked for."""


for _name, _cls in {
    "AveragePooling{}D": ConvertAveragePooling,
    "GlobalAveragePooling{}D": ConvertGlobalAveragePooling,
    "MaxPooling{}D": ConvertMaxPooling,
    "GlobalMaxPooling{}D": ConvertGlobalMaxPooling,
}.items():
    for _layer in _dimensions(_name):
        Converter.register(_layer)(_cls)


def _entries(shape: Any, size: Any, strides: Any, padding: str) -> list[Any]:
    """Return for each position of the output which ones of the input it averages."""
    numbered = np.arange(prod(shape)).reshape(shape)
    axes = [
        _intervals(*args, padding) for args in zip(shape, size, strides, strict=True)
    ]
    return [
        numbered[tuple(slice(*interval) for interval in intervals)].ravel()
        for intervals in itertools.product(*axes)
    ]


def _intervals(n: int, size: int, stride: int, padding: str) -> list[tuple[int, int]]:
    """Return where windows begin and end along one axis; zeros around do not count."""
    if padding == "same":
        count = -(-n // stride)
        before = max((count - 1) * stride + size - n, 0) // 2
    else:
        count, before = (n - size) // stride + 1, 0
    starts = [i * stride - before for i in range(count)]
    return [(max(s, 0), min(s + size, n)) for s in starts]


def _of_channels(
    window: tuple[Any, ...], shape: Any, shape_out: Any, channels_last: bool
) -> nengo.Sparse:
    """Do the same with each channel."""
    entries = _entries(*window)
    channels = shape[-1] if channels_last else shape[0]
    rows_in = np.arange(prod(shape)).reshape(
        (-1, channels) if channels_last else (channels, -1)
    )
    rows_in = rows_in if channels_last else rows_in.T
    size_out = len(entries) * channels
    rows_out = np.arange(size_out).reshape(
        (-1, channels) if channels_last else (channels, -1)
    )
    rows_out = rows_out if channels_last else rows_out.T
    indices, weights = [], []
    for row, columns in enumerate(entries):
        for column in columns:
            indices.append(np.stack([rows_out[row], rows_in[column]], axis=1))
            weights.append(np.full(channels, 1 / len(columns)))
    return _transform(
        (size_out, prod(shape)),
        np.concatenate(indices),
        np.concatenate(weights),
        window,
        shape,
        shape_out,
        channels_last,
    )


def _transform(
    size: tuple[int, int],
    indices: np.ndarray,
    weights: np.ndarray,
    window: tuple[Any, ...],
    shape: Any,
    shape_out: Any,
    channels_last: bool,
) -> nengo.Sparse:
    """Remember which windows these are, unless some are cut off at the borders."""
    _, pool_size, strides, _ = window
    if np.any(weights != 1 / prod(pool_size)):
        return nengo.Sparse(size, indices=indices, init=weights)
    return PoolingTransform(
        size,
        indices,
        weights,
        tuple(shape),
        _without_ones(shape, shape_out, channels_last),
        tuple(map(int, pool_size)),
        tuple(map(int, strides)),
        (0,) * len(strides),
        channels_last,
    )


def _without_ones(shape: Any, shape_out: Any, channels_last: bool) -> tuple[int, ...]:
    """Return the shape of the output with all axes, also those that a layer drops."""
    missing = (1,) * (len(shape) - len(shape_out))
    return (*missing, *shape_out) if channels_last else (*shape_out, *missing)
