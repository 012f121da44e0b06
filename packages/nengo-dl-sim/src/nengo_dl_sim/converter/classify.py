"""Counts how many items a network in spikes classifies correctly after each step."""

from __future__ import annotations

from typing import Any

import numpy as np
from nengo.exceptions import ValidationError

from ..checks import check_boolean
from ..progress import ProgressBarLike
from .accuracy_curve import AccuracyCurve
from .items import Items
from .keras_values import KerasValues
from .neurons import amplitude, is_spiking
from .stepwise import Block, Stepwise


def accuracy_curve(
    converter: Any,
    x: Any,
    y: Any,
    n_steps: int | None,
    average: bool,
    minibatch_size: int,
    progress_bar: ProgressBarLike,
) -> AccuracyCurve:
    """
    Classify items in spikes and by the Keras model.

    Parameters
    ----------
    converter : Converter
        What to look at; the other arguments are those of its method.

    Returns
    -------
    curve : AccuracyCurve
        Accuracy against steps.
    """
    items = Items(converter, "x", x, minibatch_size, n_steps)
    check_boolean("average", average)
    labels = _labels(y, len(items), _n_classes(converter))
    neurons = _spiking(converter)
    output = converter.outputs[converter.model.outputs[0]]
    counts = _Counts(items.n_steps, [amplitude(obj) for obj in neurons], average)
    correct = 0
    (tensor,) = converter.graph.outputs
    values = KerasValues(converter, [tensor])
    mean = average and converter.has_time(tensor)
    steps = Stepwise(converter, items, "Classifying", progress_bar)
    for block in steps.run([output, *neurons]):
        if block.steps.start == 0:
            (scores,) = values(block.inputs)
            scores = scores[: block.items.stop - block.items.start]
            scores = scores.mean(axis=1) if mean else scores[:, -1]
            correct += int(np.sum(scores.argmax(axis=1) == labels[block.items]))
        counts.add(block, labels[block.items])
    return counts.curve(len(items), sum(obj.size_out for obj in neurons), correct)


def _n_classes(converter: Any) -> int:
    tensors = converter.graph.outputs
    shapes = [converter.shape(tensor) for tensor in tensors]
    if len(shapes) != 1 or len(shapes[0]) != 1 or shapes[0][0] < 2:
        raise ValidationError(
            "expected a model with one output, of a score for each of several classes, "
            f"got outputs of shape {', '.join(str(t.shape) for t in tensors)}",
            attr="model",
        )
    return int(shapes[0][0])


def _labels(y: Any, n_items: int, n_classes: int) -> np.ndarray:
    wanted = (
        f"expected a whole number from 0 to {n_classes - 1} for each of {n_items} "
        f"items, or an array of shape {(n_items, n_classes)} with a 1 for the class"
    )
    try:
        labels = np.asarray(y)
    except ValueError as error:
        raise ValidationError(f"{wanted}, got {y!r:.100}", attr="y") from error
    if labels.dtype.kind not in "biuf":
        raise ValidationError(f"{wanted}, got type {labels.dtype}", attr="y")
    if labels.shape == (n_items, n_classes):
        if not np.isfinite(labels).all():
            raise ValidationError(f"{wanted}, got NaN or infinity", attr="y")
        return labels.argmax(axis=1)
    if labels.shape not in ((n_items,), (n_items, 1)):
        raise ValidationError(f"{wanted}, got shape {labels.shape}", attr="y")
    labels = labels.reshape(-1)
    wrong = labels[~np.isin(labels, np.arange(n_classes))]
    if wrong.size:
        raise ValidationError(f"{wanted}, got {wrong[0]}", attr="y")
    return labels.astype(int)


def _spiking(converter: Any) -> list[Any]:
    groups = converter.populations.values()
    neurons = [ens.neurons for group in groups for ens in group]
    return [obj for obj in neurons if is_spiking(obj)]


class _Counts:
    """Sums over items, for each step."""

    def __init__(self, n_steps: int, amplitudes: list[float], average: bool) -> None:
        self._correct = np.zeros(n_steps)
        self._spikes = np.zeros(n_steps)
        self._amplitudes = amplitudes
        self._average = average
        self._sum = np.zeros(())

    def add(self, block: Block, labels: np.ndarray) -> None:
        """Add some steps of some items."""
        scores, *spikes = block.outputs
        steps = block.steps
        if self._average:
            # Dividing by the number of steps would not change which one is largest.
            before = np.expand_dims(self._sum, -2) if steps.start else 0
            scores = np.cumsum(scores, axis=1, dtype=float) + before
            self._sum = scores[:, -1]
        found = scores.argmax(axis=2) == labels[:, None]
        self._correct[steps] += found.sum(axis=0)
        for values, height in zip(spikes, self._amplitudes, strict=True):
            sums = np.abs(values).sum(axis=(0, 2), dtype=float)
            self._spikes[steps] += sums / height

    def curve(self, n_items: int, n_neurons: int, n_correct: int) -> AccuracyCurve:
        """Divide the sums by numbers of items, neurons and steps."""
        steps = np.arange(1, len(self._spikes) + 1)
        rates = np.cumsum(self._spikes) / steps / max(n_items * n_neurons, 1)
        return AccuracyCurve(self._correct / n_items, n_correct / n_items, rates)
