"""Layers that do nothing when a network runs."""

from __future__ import annotations

from typing import Any

import keras

from .converter import Converter
from .layer_converter import FallbackConverter, LayerConverter

_OVER_TIME = "it does nothing in training of a model over time"


@Converter.register(keras.layers.ActivityRegularization)
@Converter.register(keras.layers.Identity)
class ConvertNothing(LayerConverter):
    """Use the input as it is."""

    kind = "nothing"
    over_time = True

    def convert(self, node_id: int) -> Any:
        """Use the input as it is."""
        return self.get_input_obj(node_id)


class ConvertNoise(ConvertNothing):
    """Convert to a TensorNode that changes activities in training only."""

    def convert(self, node_id: int) -> Any:
        """Make the TensorNode, unless the network will only be run."""
        if self.converter.inference_only:
            return super().convert(node_id)
        if self.converter.temporal_model:
            self.remark(_OVER_TIME, warn=True)
            return super().convert(node_id)
        return FallbackConverter(self.layer, self.converter).convert(node_id)


for _layer in (
    keras.layers.AlphaDropout,
    keras.layers.Dropout,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
    keras.layers.SpatialDropout1D,
    keras.layers.SpatialDropout2D,
    keras.layers.SpatialDropout3D,
):
    Converter.register(_layer)(ConvertNoise)
