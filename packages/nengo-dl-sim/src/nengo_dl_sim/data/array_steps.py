"""Data in memory, of which an epoch takes only a number of minibatches."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from nengo_dl_ops.user_warnings import warn_user

from .array_data import ArrayData
from .batches import Order
from .data_adapter import Items


class ArraySteps(ArrayData):
    """
    Inputs and targets in memory, in epochs of some minibatches.

    As in Keras, an epoch goes on where the one before ended. It ends early where the
    data does, with a warning; the next one begins anew, in a new order.

    Parameters
    ----------
    data : ArrayData
        All of the data.
    per_epoch : int
        How many minibatches an epoch has.
    n_done : int
        How many epochs were gone through before.
    """

    def __init__(self, data: ArrayData, per_epoch: int, n_done: int = 0) -> None:
        super().__init__(
            data.n_steps,
            data.minibatch_size,
            data.dtype,
            data.n_items,
            data.inputs,
            data.targets,
            data.weights,
            data.rest,
        )
        self._per_epoch = per_epoch
        self._start = 0  # where the next epoch starts
        self._n_within = 0  # how many epochs began in this pass through the data
        for _ in range(n_done):
            self._move_on()

    @property
    def n_batches(self) -> int:
        """The number of minibatches of an epoch."""
        return self._per_epoch

    def epoch(self, order: Order | None) -> Iterator[Items]:
        """Go on through the data."""
        start, n_within = self._start, self._n_within
        n_left = self._n_minibatches - start
        self._move_on()
        drawn = None if order is None else order.before(n_within)
        stop = start + self._per_epoch
        yield from islice(super().epoch(drawn), start, stop)
        if n_left < self._per_epoch:
            warn_user(
                f"Data came to its end after {n_left} minibatches, not "
                f"{self._per_epoch}"
            )

    def _move_on(self) -> None:
        self._start += self._per_epoch
        self._n_within += 1
        if self._start >= self._n_minibatches:
            self._start = self._n_within = 0
