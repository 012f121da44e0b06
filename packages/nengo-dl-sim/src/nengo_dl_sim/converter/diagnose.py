"""Compares a network in spikes with its Keras model, layer by layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..checks import check_count
from ..progress import ProgressBarLike
from .compared import compared
from .diagnosis import Diagnosis, Row
from .items import Items
from .keras_values import keras_values
from .neurons import DT, amplitude, fastest, is_spiking
from .stepwise import Block, Stepwise


def diagnose(
    converter: Any,
    data: Any,
    n_steps: int,
    minibatch_size: int,
    progress_bar: ProgressBarLike,
) -> Diagnosis:
    """
    Compare each layer that has neurons, and the outputs.

    Parameters
    ----------
    converter : Converter
        What to look at; the other arguments are those of its method.

    Returns
    -------
    diagnosis : Diagnosis
        A table.
    """
    items = Items(converter, "data", data, minibatch_size)
    n_steps = check_count("n_steps", n_steps, low=1)
    pairs = compared(converter)
    tensors = [tensor for _, tensor in pairs]
    objects = [converter.object_of(tensor) for tensor in tensors]
    layers = [_Measured(obj, n_steps) for obj in objects]
    steps = Stepwise(converter, items, n_steps, "Diagnosing", progress_bar)
    for block in steps.run(objects):
        if block.start == 0:
            expected = keras_values(converter.graph, block.inputs, tensors)
        for i, layer in enumerate(layers):
            layer.add(block, block.outputs[i], expected[i])
    errors = [layer.errors()[-1] for layer in layers]
    added = _added(converter.graph, tensors, errors)
    rows = [
        measured.row(layer.name, extra)
        for (layer, _), measured, extra in zip(pairs, layers, added, strict=True)
    ]
    return Diagnosis(rows, n_steps, converter.synapse, DT)


def _added(graph: Any, tensors: list[Any], errors: list[float]) -> list[float]:
    """Subtract the largest error of the layers that a tensor is computed from."""
    own = {id(tensor): error for tensor, error in zip(tensors, errors, strict=True)}
    carried: dict[int, float] = {}
    before: dict[int, float] = {}
    for call in graph.calls:
        inputs = [carried.get(id(graph.origin(x)), 0.0) for x in call.inputs]
        largest = max(inputs, default=0.0)
        for tensor in call.outputs:
            before[id(tensor)] = largest
            carried[id(tensor)] = own.get(id(tensor), largest)
    return [own[id(x)] - before[id(x)] for x in tensors]


class _Measured:
    """Sums about one layer over items and steps."""

    def __init__(self, obj: Any, n_steps: int) -> None:
        self._obj = obj
        self._n_steps = n_steps
        self._squares = np.zeros(n_steps)
        self._sum = np.zeros(())
        self._expected = self._spiked = self._active = self._fast = np.zeros(())
        self._rates = self._n_rates = 0.0

    def add(self, block: Block, outputs: np.ndarray, expected: np.ndarray) -> None:
        """Add some steps."""
        expected = expected[: len(outputs)]
        before = 0 if block.start == 0 else self._sum
        sums = np.cumsum(outputs, axis=1, dtype=float)
        sums += np.expand_dims(before, 1) if block.start else 0
        self._sum = sums[:, -1]
        end = block.start + outputs.shape[1]
        counts = np.arange(block.start + 1, end + 1)[:, None]
        differences = sums / counts - expected[:, None]
        self._squares[block.start : end] += np.square(differences).sum(axis=(0, 2))
        if end == self._n_steps:
            self._finish_minibatch(expected)

    def _finish_minibatch(self, expected: np.ndarray) -> None:
        self._expected = self._expected + np.square(expected).sum()
        if not is_spiking(self._obj):
            return
        rates = np.abs(self._sum) / self._n_steps / amplitude(self._obj)
        limit = fastest(self._obj) * (1 + 1e-6)
        wanted = np.abs(expected) / amplitude(self._obj)
        active = expected != 0
        self._spiked = self._spiked + (rates > 0).sum(axis=0)
        self._active = self._active + (expected > 0).sum(axis=0)
        self._fast = self._fast + (wanted > limit).sum(axis=0)
        self._rates += rates[active].sum()
        self._n_rates += active.sum()

    def errors(self) -> np.ndarray:
        """Return the relative error after each step."""
        total = float(self._expected)
        if total == 0:
            return np.where(self._squares == 0, 0.0, np.inf)
        return np.sqrt(self._squares / total)

    def row(self, name: str, added: float) -> Row:
        """Return the row of the table."""
        errors = self.errors()
        spiking = is_spiking(self._obj)
        return Row(
            layer=name,
            error=float(errors[-1]),
            added=float(added),
            neurons=int(self._obj.size_out) if spiking else 0,
            saturated=int(np.count_nonzero(self._fast)),
            silent=int(np.count_nonzero((self._spiked == 0) & (self._active > 0))),
            rate=float(self._rates / max(self._n_rates, 1)),
            settled=_settled(errors),
        )


def _settled(errors: np.ndarray) -> int:
    """Return from which step on nine tenths of the decline are over."""
    if not np.isfinite(errors).all():
        return len(errors)
    allowed = errors[-1] + 0.1 * max(errors[0] - errors[-1], 0) + 1e-6
    above = np.flatnonzero(errors > allowed)
    return int(above[-1] + 2) if above.size else 1
