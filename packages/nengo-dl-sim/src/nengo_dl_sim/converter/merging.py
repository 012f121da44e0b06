"""Layers that join several inputs."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from .converter import Converter
from .layer_converter import LayerConverter


class ConvertSum(LayerConverter):
    """Convert sums of inputs; to be implemented for others: `factors`."""

    over_time = True

    def factors(self, n: int) -> list[float]:
        """Return what the inputs are multiplied by."""
        return [1.0] * n

    def convert(self, node_id: int) -> Any:
        """Add the inputs, in all positions that they extend to."""
        node = self.add_nengo_obj(node_id)
        shape = self.output_shape(node_id)
        for i, factor in enumerate(self.factors(self.n_inputs(node_id))):
            rows = np.broadcast_to(self.positions(node_id, i), shape).ravel()
            pre = self.get_input_obj(node_id, i)
            if not np.array_equal(rows, np.arange(pre.size_out)):
                pre = pre[rows.tolist()]
            keywords: dict[str, Any] = {} if factor == 1 else {"transform": factor}
            self.connect(pre, node, **keywords)
        return node


Converter.register(keras.layers.Add)(ConvertSum)


@Converter.register(keras.layers.Subtract)
class ConvertSubtract(ConvertSum):
    """Convert a difference."""

    def factors(self, n: int) -> list[float]:
        """Return one and minus one."""
        del n
        return [1.0, -1.0]


@Converter.register(keras.layers.Average)
class ConvertAverage(ConvertSum):
    """Convert the mean of inputs."""

    def factors(self, n: int) -> list[float]:
        """Return equal parts of one."""
        return [1.0 / n] * n


@Converter.register(keras.layers.Concatenate)
class ConvertConcatenate(LayerConverter):
    """Convert inputs side by side."""

    @classmethod
    def convertible(cls, layer: Any, converter: Any) -> tuple[bool, str]:
        """Whether items are not joined with other items."""
        if layer.axis == 0:
            return False, "axis=0 joins items of the minibatch"
        return super().convertible(layer, converter)

    def convert(self, node_id: int) -> Any:
        """Put inputs side by side."""
        node = self.add_nengo_obj(node_id)
        shape = self.output_shape(node_id)
        rows = np.arange(node.size_in).reshape(shape)
        axis = self.layer.axis if self.layer.axis < 0 else self.layer.axis - 1
        sizes = [
            self.input_shape(node_id, i)[axis] for i in range(self.n_inputs(node_id))
        ]
        for i, part in enumerate(np.split(rows, np.cumsum(sizes)[:-1], axis)):
            pre = self.get_input_obj(node_id, i)
            self.connect(pre, node[part.ravel().tolist()])
        return node
