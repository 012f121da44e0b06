"""What probes have recorded, and which steps they record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from nengo.probe import Probe


@dataclass
class ProbeStore:
    """
    Collects the values of one probe on the host.

    Parameters
    ----------
    probe : nengo.Probe
        The probe.
    dt : float
        The length of a time step, in seconds.
    keep_history : bool
        Whether all values are kept, or those of the last step only.
    minibatch_size : int or None
        The length of the batch axis of the data. None: it has none.
    shape : tuple of int
        The shape of one value of one item.
    """

    probe: Probe
    dt: float
    keep_history: bool
    minibatch_size: int | None
    shape: tuple[int, ...]
    _chunks: list[np.ndarray] = field(default_factory=list)

    @property
    def period(self) -> float:
        """The number of steps from one value to the next."""
        return (
            1 if self.probe.sample_every is None else self.probe.sample_every / self.dt
        )

    def n_slots(self, capacity: int) -> int:
        """
        Return how many slots a chunk needs.

        The last slot takes the values of steps that are not sampled.
        """
        if not self.keep_history:
            return 2
        return int(np.ceil(capacity / max(self.period, 1))) + 2

    def slots(self, start_step: int, n_steps: int, capacity: int) -> np.ndarray:
        """
        Return the slot that takes the value of each step.

        Shapes: returns (capacity,).
        """
        sampled = self._sampled(start_step, n_steps)
        position = np.cumsum(sampled) - 1 if self.keep_history else 0
        slots = np.zeros(capacity, dtype=np.int32)
        slots[:n_steps] = np.where(sampled, position, self.n_slots(capacity) - 1)
        return slots

    def add(self, start_step: int, n_steps: int, values: np.ndarray) -> None:
        """
        Keep the values of a chunk.

        Shapes: ``values`` (n_slots, *shape, batch).
        """
        n_sampled = int(self._sampled(start_step, n_steps).sum())
        if n_sampled and not self.keep_history:
            self._chunks = [values[:1].copy()]
        elif n_sampled:
            self._chunks.append(values[:n_sampled].copy())

    def clear(self) -> None:
        """Forget all values."""
        self._chunks = []

    def data(self) -> np.ndarray:
        """
        Return what was recorded.

        Returns (minibatch_size, n_values, *shape): a read-only array. If the simulation
        has no batch axis, without it, and of shape (0,) if nothing was recorded, as in
        Nengo.
        """
        chunks = self._chunks
        if not chunks:
            batch = self.minibatch_size
            return np.zeros((0,) if batch is None else (batch, 0, *self.shape))
        if len(chunks) > 1:
            self._merge(chunks, np.concatenate)
        data = np.moveaxis(chunks[0], -1, 0)
        data = data[0] if self.minibatch_size is None else data
        data.flags.writeable = False
        return data

    def values(self) -> np.ndarray:
        """
        Return what was recorded, value by value.

        Shapes: returns (n_values, minibatch_size, *shape).
        """
        data = self.data()
        return data if self.minibatch_size is None else np.moveaxis(data, 1, 0)

    def delete(self, index: int | slice) -> None:
        """Forget some values."""
        if self._chunks:
            self._merge(
                self._chunks, lambda chunks: np.delete(np.concatenate(chunks), index, 0)
            )

    def _merge(
        self, chunks: list[np.ndarray], merge: Callable[[list[np.ndarray]], np.ndarray]
    ) -> None:
        """Make one of all chunks in a list, to which a thread that runs may add."""
        n = len(chunks)
        chunks[:n] = [merge(chunks[:n])]

    def _sampled(self, start_step: int, n_steps: int) -> np.ndarray:
        steps = np.arange(start_step + 1, start_step + n_steps + 1)
        return steps % self.period < 1
