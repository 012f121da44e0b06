"""Compares a network in spikes with its Keras model, layer by layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..progress import ProgressBarLike
from .compared import compared
from .diagnosis import Diagnosis, Row
from .items import Items
from .keras_values import KerasValues
from .neurons import DT, fastest, is_spiking, spike_height
from .stepwise import Block, Stepwise


def diagnose(
    converter: Any,
    data: Any,
    n_steps: int | None,
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
    items = Items(converter, "data", data, minibatch_size, n_steps)
    pairs = compared(converter)
    tensors = [tensor for _, tensor in pairs]
    objects = [converter.object_of(tensor) for tensor in tensors]
    layers = [_Measured(converter, obj, items.n_steps) for obj in objects]
    values = KerasValues(converter, tensors)
    for block in Stepwise(converter, items, "Diagnosing", progress_bar).run(objects):
        if block.steps.start == 0:
            expected = values(block.inputs)
        for i, layer in enumerate(layers):
            layer.add(block, block.outputs[i], expected[i])
    errors = [layer.errors()[-1] for layer in layers]
    added = _added(converter.graph, tensors, errors)
    rows = [
        measured.row(layer.name, extra)
        for (layer, _), measured, extra in zip(pairs, layers, added, strict=True)
    ]
    return Diagnosis(rows, items.n_steps, DT)


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

    def __init__(self, converter: Any, obj: Any, n_steps: int) -> None:
        self._neurons = converter.builder.neurons(obj)
        self._spiking = is_spiking(self._neurons)
        self._height = spike_height(converter, obj) if self._spiking else 1.0
        self._n_steps = n_steps
        self._squares, self._wanted_squares = np.zeros((2, n_steps))
        self._sum = self._wanted = self._peak = np.zeros(())
        self._spiked = self._active = self._fast = np.zeros(())
        self._rates = self._n_rates = 0.0

    def add(self, block: Block, outputs: np.ndarray, values: np.ndarray) -> None:
        """Add some steps."""
        expected = np.broadcast_to(block.of_model(values), outputs.shape)
        if block.steps.start == 0:
            self._sum = self._wanted = self._peak = np.zeros(outputs[:, 0].shape)
        sums = self._sum[:, None] + np.cumsum(outputs, axis=1, dtype=float)
        wanted = self._wanted[:, None] + np.cumsum(expected, axis=1, dtype=float)
        counts = np.arange(block.steps.start, block.steps.stop)[:, None] + 1
        errors, means = (sums - wanted) / counts, wanted / counts
        self._squares[block.steps] += np.square(errors).sum(axis=(0, 2))
        self._wanted_squares[block.steps] += np.square(means).sum(axis=(0, 2))
        self._sum, self._wanted = sums[:, -1], wanted[:, -1]
        if self._spiking:
            self._peak = np.maximum(self._peak, np.abs(expected).max(axis=1))
            if block.steps.stop == self._n_steps:
                self._finish_minibatch()

    def _finish_minibatch(self) -> None:
        rates = np.abs(self._sum) / self._n_steps / self._height
        limit = fastest(self._neurons) * (1 + 1e-6)
        active = self._wanted != 0
        self._spiked = self._spiked + (rates > 0).sum(axis=0)
        self._active = self._active + (self._wanted > 0).sum(axis=0)
        self._fast = self._fast + (self._peak / self._height > limit).sum(axis=0)
        self._rates += rates[active].sum()
        self._n_rates += active.sum()

    def errors(self) -> np.ndarray:
        """Return the relative error after each step."""
        squares, wanted = self._squares, self._wanted_squares
        alike = np.where(squares == 0, 0.0, np.inf)
        ratio = np.divide(squares, wanted, out=alike, where=wanted > 0)
        return np.asarray(np.sqrt(ratio))

    def row(self, name: str, added: float) -> Row:
        """Return the row of the table."""
        errors = self.errors()
        return Row(
            layer=name,
            error=float(errors[-1]),
            added=float(added),
            neurons=int(self._neurons.size_out) if self._spiking else 0,
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
