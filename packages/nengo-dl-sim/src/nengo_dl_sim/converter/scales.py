"""Chooses scales of firing rates by what the Keras model computes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..progress import ProgressBarLike, make_progress_bar
from .channels import channels
from .items import Items
from .keras_values import KerasValues
from .neurons import amplitude, fastest
from .options import Options


def choose_scales(
    converter: Any,
    items: Items,
    options: Options,
    progress_bar: ProgressBarLike,
) -> dict[Any, Any]:
    """
    Let a percentile of the activations of each layer be a rate of firing.

    Parameters
    ----------
    converter : Converter
        The conversion.
    items : Items
        What the Keras model is run on.
    options : Options
        The percentile, of the size of activations over items and steps, the rate, and
        whether to choose a scale for each channel.
    progress_bar : bool or nengo.utils.progress.ProgressBar or None
        As in `Simulator`.

    Returns
    -------
    scales : dict from keras.Layer to float or ``(n_channels,) array``
        Of the layers whose neurons have an amplitude, and whose activations are not
        0. Channels whose activations are 0 get the lowest scale of their layer.
    """
    found = [
        (layer, call, tensor)
        for layer in converter.populations
        if _can_scale(converter, layer)
        for call, tensor in _tensors(converter, layer)
    ]
    largest = [
        _Largest(options.percentile, _rows(converter, call, x, options.per_channel))
        for _, call, x in found
    ]
    values = KerasValues(converter, [tensor for _, _, tensor in found])
    with make_progress_bar("Calibrating", len(items), progress_bar) as bar:
        for rows, inputs in items.minibatches():
            n = rows.stop - rows.start
            for one, array in zip(largest, values(inputs), strict=True):
                one.add(array[:n], len(items))
            bar.step(n)
    peaks: dict[Any, np.ndarray] = {}
    for (layer, _, _), one in zip(found, largest, strict=True):
        peaks[layer] = np.maximum(one.values, peaks.get(layer, 0))
    return {
        layer: _scale(converter, layer, peak, options)
        for layer, peak in peaks.items()
        if peak.any()
    }


def _can_scale(converter: Any, layer: Any) -> bool:
    """Whether neurons of a layer spike, with an amplitude."""
    kinds = [ens.neuron_type for ens in converter.populations[layer]]
    return all(hasattr(kind, "amplitude") and kind.spiking for kind in kinds)


def _tensors(converter: Any, layer: Any) -> list[tuple[Any, Any]]:
    """Return what says how much neurons get: outputs, or inputs if those are mixed."""
    found = []
    for call in converter.calls[layer]:
        held = [converter.builder.neurons(converter.object_of(x)) for x in call.outputs]
        mixed = any(neurons is None for neurons in held)
        found += [(call, x) for x in (call.inputs if mixed else call.outputs)]
    return found


def _rows(converter: Any, call: Any, tensor: Any, per_channel: bool) -> np.ndarray:
    """Return the elements of each channel, or all of them, as rows."""
    shape = converter.shape(tensor)
    if not per_channel:
        return np.arange(np.prod(shape))[None]
    numbers = channels(converter.graph, call, shape)
    return np.argsort(numbers, kind="stable").reshape(numbers.max() + 1, -1)


def _scale(converter: Any, layer: Any, peak: np.ndarray, options: Options) -> Any:
    """Return the scale of a layer, or of each channel."""
    rate = options.target_rate
    if rate is None:
        rate = fastest(converter.populations[layer][0].neurons)
    peak = np.where(peak > 0, peak, peak.max())
    scale = rate * unscaled_amplitude(converter, layer) / peak
    return scale if options.per_channel else float(scale[0])


def unscaled_amplitude(converter: Any, layer: Any) -> float:
    """Return what neurons gave per spike and second without the present scale."""
    neurons, scale = converter.populations[layer][0].neurons, converter.scale_of(layer)
    # A scale for each channel is divided by behind the neurons.
    divided = 1 if scale is None or isinstance(scale, np.ndarray) else scale
    return amplitude(neurons) * divided


class _Largest:
    """Percentiles of the rows of elements; only the numbers above them are kept."""

    def __init__(self, percentile: float, order: np.ndarray) -> None:
        self._fraction = percentile / 100
        self._order = order
        self._kept = np.zeros((len(order), 0))
        self._position = 0.0

    def add(self, values: np.ndarray, n_items: int) -> None:
        """Add some of the items, ``(n, n_steps, size)``."""
        n_all = n_items * values.shape[1] * self._order.shape[1]
        position = (n_all - 1) * self._fraction
        count = n_all - int(position)
        self._position = position - int(position)
        rows = np.abs(values)[..., self._order]  # (n, n_steps, rows, elements)
        rows = np.moveaxis(rows, 2, 0).reshape(len(self._order), -1)
        numbers = np.concatenate([self._kept, rows], axis=1)
        if numbers.shape[1] > count:
            numbers = np.partition(numbers, -count, axis=1)[:, -count:]
        self._kept = numbers

    @property
    def values(self) -> np.ndarray:
        """The percentile of each row."""
        lowest = np.sort(self._kept, axis=1)[:, :2]
        low, high = lowest[:, 0], lowest[:, -1]
        return np.asarray(low + self._position * (high - low))
