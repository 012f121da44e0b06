"""Layers that are an affine map of each element."""

from __future__ import annotations

from functools import partial
from math import prod
from typing import Any

import keras
import nengo
import numpy as np

from .converter import Converter
from .elementwise import multiply
from .layer_converter import LayerConverter
from .weights import Weight, numbers

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
        scale, offset = self.affine(self.output_shape(node_id))
        node = self.add_nengo_obj(node_id, biases=offset if np.any(offset) else None)
        self.scaled(node_id, node, scale)
        return node

    def scaled(self, node_id: int, node: Any, scale: Any) -> None:
        """Connect the input, multiplied by constants."""
        wide = np.broadcast_to(scale, self.output_shape(node_id))
        self.add_connection(node_id, node, transform=wide.ravel().copy())


@Converter.register(keras.layers.BatchNormalization)
class ConvertBatchNormalization(ConvertAffine):
    """Convert batch normalization with the statistics that it has learned."""

    has_weights = True

    def convert(self, node_id: int) -> Any:
        """Multiply and add; at once, if gamma and beta are not trained."""
        trains = not self.converter.inference_only
        if trains and self.layer.trainable:
            self.remark(_FROZEN, warn=True)
        if trains and self.layer.trainable_weights:
            return self._trained(node_id)
        node, shape = self.add_nengo_obj(node_id), self.output_shape(node_id)
        scale, offset = self.affine(shape)
        self.converter.builder.bias(self.layer, node, self._beta(offset), shape)
        self.scaled(node_id, node, scale)
        return node

    def _trained(self, node_id: int) -> Any:
        """Normalize by constants; then multiply by gamma, and add beta."""
        layer, shape = self.layer, self.output_shape(node_id)
        scale, offset = self._statistics(shape)
        middle = nengo.Node(size_in=prod(shape), label=f"{layer.name}.normalized")
        self.scaled(node_id, middle, scale)
        self.converter.builder.bias(layer, middle, offset, shape, "normalized.bias")
        beta = self._beta(np.zeros_like(offset)) if layer.center else None
        node = self.add_nengo_obj(node_id, biases=beta)
        if layer.scale:
            multiply(self, middle, node, layer.gamma, scale.shape, shape)
        else:
            self.connect(middle, node)
        return node

    def affine(self, shape: tuple[int, ...]) -> tuple[Any, Any]:
        """Return scale and offset, without beta, of each channel."""
        scale, offset = self._statistics(shape)
        if not self.layer.scale:
            return scale, offset
        gamma = numbers(self.layer.gamma).reshape(scale.shape)
        return gamma * scale, gamma * offset

    def _statistics(self, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Return scale and offset that normalize each channel."""
        layer = self.layer
        scale = 1 / np.sqrt(numbers(layer.moving_variance) + layer.epsilon)
        offset = -numbers(layer.moving_mean) * scale
        axis = layer.axis[0] if isinstance(layer.axis, (list, tuple)) else layer.axis
        position = axis if axis < 0 else axis - 1 - len(shape)
        wide = (-1, *(1 for _ in range(-position - 1)))
        return scale.reshape(wide), offset.reshape(wide)

    def _beta(self, offset: np.ndarray) -> np.ndarray | Weight:
        """Add beta to an offset."""
        if not self.layer.center:
            return offset
        there, back = (partial(_plus, offset=x) for x in (offset, -offset))
        return Weight(self.layer.beta, there, back)


def _plus(value: Any, offset: np.ndarray) -> Any:
    return keras.ops.reshape(value, offset.shape) + offset


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
