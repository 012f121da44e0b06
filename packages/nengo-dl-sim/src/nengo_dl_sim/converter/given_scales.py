"""Checks of the argument ``scale_firing_rates``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from nengo.exceptions import ValidationError


class GivenScales:
    """
    The scales of firing rates that a user gave.

    Parameters
    ----------
    scales : float or dict or None
        For all layers, or by layer; there also one for each channel.
    layers : collection of keras.Layer
        The layers of the model.
    """

    def __init__(self, scales: Any, layers: Collection[Any]) -> None:
        self._default, self._by_layer = None, {}
        if isinstance(scales, Mapping):
            self._by_layer = {key: _of_layer(scale) for key, scale in scales.items()}
        elif scales is not None:
            self._default = _positive(scales)
        for layer in self._by_layer:
            if layer not in layers:
                raise ValidationError(
                    f"expected layers of the model as keys, got {layer!r:.100}",
                    attr="scale_firing_rates",
                )

    def of(self, layer: Any) -> Any:
        """Return the scale of a layer, or one for each of its channels, or None."""
        return self._by_layer.get(layer, self._default)

    def check_used(self, populations: Collection[Any]) -> None:
        """Refuse scales of layers that have no neurons."""
        for layer in self._by_layer:
            if layer not in populations:
                raise ValidationError(
                    f"expected layers with neurons as keys, {layer.name!r} has none",
                    attr="scale_firing_rates",
                )


def _of_layer(scale: Any) -> Any:
    """Check a number, or one for each channel."""
    if isinstance(scale, (np.ndarray, list, tuple)) and np.ndim(scale) == 1:
        return np.array([_positive(number) for number in scale])
    return _positive(scale)


def _positive(scale: Any) -> float:
    if isinstance(scale, bool) or not isinstance(scale, (int, float, np.number)):
        raise ValidationError(
            "expected a positive number, or a dictionary from layers to such or to "
            f"arrays with one for each channel, got {scale!r:.100}",
            attr="scale_firing_rates",
        )
    if not 0 < float(scale) < np.inf:
        raise ValidationError(
            f"expected a positive number, got {scale}", attr="scale_firing_rates"
        )
    return float(scale)
