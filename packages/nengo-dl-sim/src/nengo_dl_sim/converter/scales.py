"""Chooses the scale of firing rates of each layer by what the Keras model computes."""

from __future__ import annotations

from typing import Any

import numpy as np
from nengo.ensemble import Neurons

from ..progress import ProgressBarLike, make_progress_bar
from .items import Items
from .keras_values import keras_values
from .neurons import amplitude, fastest


def choose_scales(
    converter: Any,
    items: Items,
    percentile: float,
    target_rate: float | None,
    progress_bar: ProgressBarLike,
) -> dict[Any, float]:
    """
    Let a percentile of the activations of each layer be a rate of firing.

    Parameters
    ----------
    converter : Converter
        The conversion.
    items : Items
        What the Keras model is run on.
    percentile : float
        Of the size of all activations of a layer, over neurons and items.
    target_rate : float or None
        The rate, in Hz; None for a spike each step, or as fast as neurons can.
    progress_bar : bool or nengo.utils.progress.ProgressBar or None
        As in `Simulator`.

    Returns
    -------
    scales : dict from keras.Layer to float
        Of the layers whose neurons have an amplitude, and whose activations are not 0.
    """
    layers = [layer for layer in converter.populations if _can_scale(converter, layer)]
    tensors = [_tensors(converter, layer) for layer in layers]
    flat = [tensor for group in tensors for tensor in group]
    largest = [_Largest(percentile) for _ in flat]
    with make_progress_bar("Calibrating", len(items), progress_bar) as bar:
        for rows, inputs in items.minibatches():
            n = rows.stop - rows.start
            values = keras_values(converter.graph, inputs, flat)
            for one, array in zip(largest, values, strict=True):
                one.add(array[:n], len(items))
            bar.step(n)
    found = iter([one.value for one in largest])
    scales = {}
    for layer, group in zip(layers, tensors, strict=True):
        value = max(next(found) for _ in group)
        if value > 0:
            scales[layer] = _scale(converter, layer, value, target_rate)
    return scales


def _can_scale(converter: Any, layer: Any) -> bool:
    kinds = [ens.neuron_type for ens in converter.populations[layer]]
    return all(hasattr(kind, "amplitude") and kind.spiking for kind in kinds)


def _tensors(converter: Any, layer: Any) -> list[Any]:
    """Return what says how much neurons get: outputs, or inputs if those are mixed."""
    found = []
    for call in converter.calls[layer]:
        held = [isinstance(converter.object_of(x), Neurons) for x in call.outputs]
        found += call.outputs if all(held) else call.inputs
    return found


def _scale(
    converter: Any, layer: Any, value: float, target_rate: float | None
) -> float:
    neurons = converter.populations[layer][0].neurons
    # Without the present scale, which divided the amplitude.
    per_spike = amplitude(neurons) * (converter.scale_of(layer) or 1)
    rate = fastest(neurons) if target_rate is None else target_rate
    return rate * per_spike / value


class _Largest:
    """A percentile, of which only the numbers above it are kept."""

    def __init__(self, percentile: float) -> None:
        self._fraction = percentile / 100
        self._kept = np.zeros(0)
        self._position = 0.0

    def add(self, values: np.ndarray, n_items: int) -> None:
        """Add some of the items."""
        n_all = n_items * values.shape[1]
        self._position = (n_all - 1) * self._fraction
        count = n_all - int(self._position)
        self._position -= int(self._position)
        numbers = np.concatenate([self._kept, np.abs(values).ravel()])
        if len(numbers) > count:
            numbers = np.partition(numbers, -count)[-count:]
        self._kept = numbers

    @property
    def value(self) -> float:
        """The percentile of all that was added."""
        lowest = np.sort(self._kept)[:2]
        return float(lowest[0] + self._position * (lowest[-1] - lowest[0]))
