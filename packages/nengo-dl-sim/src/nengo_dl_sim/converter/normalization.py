"""Layers that are an affine map of each element."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from .converter import Converter
from .dense import numbers
from .layer_converter import LayerConverter

_FROZEN = (
    "its mean and variance stay as they are in training; set layer.trainable = False, "
    "or inference_only=True, if that is meant"
)


class ConvertAffine(LayerConverter):
    """Convert ``scale * x + offset``; to be implemented: `affine`."""

    def affine(self, shape: tuple[int, ...]) -> tuple[Any, Any]:
        """Return scale and offset; both extend to the shape of an item."""
        raise NotImplementedError

    def convert(self, node_id: int) -> Any:
        """Multiply and add."""
        shape = self.output_shape(node_id)
        scale, offset = (np.asarray(x) for x in self.affine(shape))
        node = self.add_nengo_obj(node_id, biases=offset if np.any(offset) else None)
        transform = np.broadcast_to(scale, shape).ravel().copy()
        # Elements that share a factor must not be trained by themselves.
        single = scale.size == transform.size
        self.add_connection(node_id, node, trainable=single, transform=transform)
        return node


@Converter.register(keras.layers.BatchNormalization)
class ConvertBatchNormalization(ConvertAffine):
    """Convert batch normalization with the statistics that it has learned."""

    has_weights = True

    def convert(self, node_id: int) -> Any:
        """Multiply and add."""
        if self.layer.trainable and not self.converter.inference_only:
            self.remark(_FROZEN, warn=True)
        return super().convert(node_id)

    def affine(self, shape: tuple[int, ...]) -> tuple[Any, Any]:
        """Return scale and offset of each channel."""
        layer = self.layer
        scale = 1 / np.sqrt(numbers(layer.moving_variance) + layer.epsilon)
        if layer.scale:
            scale = scale * numbers(layer.gamma)
        offset = -numbers(layer.moving_mean) * scale
        if layer.center:
            offset = offset + numbers(layer.beta)
        axis = layer.axis[0] if isinstance(layer.axis, (list, tuple)) else layer.axis
        position = axis if axis < 0 else axis - 1 - len(shape)
        wanted = (-1, *(1 for _ in range(-position - 1)))
        return scale.reshape(wanted), offset.reshape(wanted)


@Converter.register(keras.layers.Rescaling)
class ConvertRescaling(ConvertAffine):
    """Convert a scale and an offset that are no parameters."""

    over_time = True

    def affine(self, shape: tuple[int, ...]) -> tuple[Any, Any]:
        """Return scale and offset."""
        del shape
        return self.layer.scale, self.layer.offset


@Converter.register(keras.layers.Normalization)
class ConvertNormalization(ConvertAffine):
    """Convert a normalization by mean and variance of data."""

    def affine(self, shape: tuple[int, ...]) -> tuple[Any, Any]:
        """Return scale and offset."""
        del shape
        mean, variance = (numbers(x)[0] for x in (self.layer.mean, self.layer.variance))
        deviation = np.maximum(np.sqrt(variance), keras.config.epsilon())
        if self.layer.invert:
            return deviation, mean
        return 1 / deviation, -mean / deviation
