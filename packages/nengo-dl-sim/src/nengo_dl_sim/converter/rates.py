"""What outputs are in the mean if nothing is lost by spikes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..progress import ProgressBarLike
from .items import Items
from .keras_values import KerasValues
from .stepwise import Stepwise


def mean_outputs(steps: Stepwise, objects: list[Any]) -> list[np.ndarray]:
    """Return the mean output of each element of objects, over items and steps."""
    sums: list[Any] = [0.0 for _ in objects]
    count = 0
    for block in steps.run(objects):
        sums = [
            total + x.sum(axis=(0, 1), dtype=float)
            for total, x in zip(sums, block.outputs, strict=True)
        ]
        count += block.outputs[0].shape[0] * block.outputs[0].shape[1]
    return [total / count for total in sums]


def expected_means(
    converter: Any,
    in_rates: Callable[[Any], Any],
    items: Items,
    tensors: list[Any],
    progress_bar: ProgressBarLike,
) -> list[np.ndarray]:
    """
    Return what the mean outputs should be.

    These are the means of what the Keras model computes. Behind synapses, outputs need
    time to get there; how much that changes the means is what it changes in rates.

    Parameters
    ----------
    converter : Converter
        The conversion.
    in_rates : callable
        Converts the model again, into a network in rates with another synapse.
    items : Items
        What is shown, and for how many steps.
    tensors : list of keras.KerasTensor
        Which outputs.
    progress_bar : bool or nengo.utils.progress.ProgressBar or None
        As in `Simulator`.

    Returns
    -------
    means : list of ``(size,) array``
        For each tensor.
    """
    means = _keras_means(converter, items, tensors)
    if converter.synapse is None:
        return means
    shown = [items.n_steps, items.n_steps if converter.temporal_model else 1]
    late, at_once = (
        _rate_means(in_rates(synapse), items.of(n), tensors, progress_bar)
        for synapse, n in zip((converter.synapse, None), shown, strict=True)
    )
    return [x + y - z for x, y, z in zip(means, late, at_once, strict=True)]


def _keras_means(converter: Any, items: Items, tensors: list[Any]) -> list[Any]:
    values = KerasValues(converter, tensors)
    sums: list[Any] = [0.0 for _ in tensors]
    for rows, inputs in items.minibatches():
        n = rows.stop - rows.start
        found = [array[:n].mean(axis=1).sum(axis=0) for array in values(inputs)]
        sums = [total + x for total, x in zip(sums, found, strict=True)]
    return [total / len(items) for total in sums]


def _rate_means(
    converter: Any, items: Items, tensors: list[Any], progress_bar: ProgressBarLike
) -> list[np.ndarray]:
    steps = Stepwise(converter, items, "Calibrating in rates", progress_bar)
    return mean_outputs(steps, [converter.object_of(tensor) for tensor in tensors])
