"""Data in memory, in minibatches: all of it in an epoch, or a number of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import islice
from types import MappingProxyType

import numpy as np
from nengo.node import Node
from nengo.probe import Probe

from nengo_dl_ops.user_warnings import warn_user

from ..inputs.held_nodes import held_nodes
from .batches import Order, cut_items
from .data_adapter import DataAdapter, Items


class ArrayData(DataAdapter):
    """
    Inputs and targets in memory.

    Parameters
    ----------
    n_steps, minibatch_size, dtype
        As in `.DataAdapter`.
    n_items : int
        How many items there are.
    inputs : dict from nengo.Node to (n_items, n_steps, size_out) array
        Values of nodes.
    targets : dict from nengo.Probe to (n_items, n_steps, size) array, or None
        What outputs are compared with. None if the user gave a number of steps.
    weights : dict from nengo.Probe to (n_items,) or (n_items, n_steps) array
        Weights of samples.
    keep_remainder : bool
        As in `.DataAdapter`.
    """

    def __init__(
        self,
        n_steps: int,
        minibatch_size: int,
        dtype: str,
        n_items: int,
        inputs: dict[Node, np.ndarray],
        targets: dict[Probe, np.ndarray] | None,
        weights: Mapping[Probe, np.ndarray] = MappingProxyType({}),
        keep_remainder: bool = False,
    ) -> None:
        super().__init__(n_steps, minibatch_size, dtype, keep_remainder)
        self.n_items = n_items
        self.inputs = inputs
        self.targets = targets
        self.weights = weights

    @property
    def shapes(self) -> dict[Node | Probe, tuple[int, ...]]:
        """The shape of what was given for each node and probe."""
        given = {**self.inputs, **(self.targets or {})}
        return {obj: array.shape for obj, array in given.items()}

    def fingerprint(self) -> bytes:
        """Return the numbers of items and steps, and the first and the last item."""
        arrays = [*self.inputs.values(), *self._compared()]
        values = [np.ascontiguousarray(array[[0, -1]]) for array in arrays]
        described = repr((self.n_items, self.n_steps)).encode()
        return described + b"".join(value.tobytes() for value in values)

    @property
    def nodes(self) -> frozenset[Node]:
        """The nodes whose values are given."""
        return frozenset(self.inputs)

    @cached_property
    def held_nodes(self) -> frozenset[Node]:
        """Those of them whose value is the same in all steps of an item."""
        return held_nodes(self.inputs)

    @property
    def probes(self) -> list[Probe] | None:
        """The probes with targets, in order."""
        return None if self.targets is None else list(self.targets)

    @property
    def target_shapes(self) -> list[tuple[int, ...]]:
        """The shape of each target, then of weights, without the first axis."""
        return [array.shape[1:] for array in self._compared()]

    @property
    def weighted(self) -> list[Probe]:
        """The probes with weights of samples, in order."""
        return list(self.weights)

    @property
    def n_batches(self) -> int | None:
        """The number of minibatches."""
        return self._n_minibatches

    @property
    def _n_minibatches(self) -> int:
        n_filled, n_left = divmod(self.n_items, self.minibatch_size)
        return n_filled + (1 if self.keep_remainder and n_left else 0)

    def epoch(self, order: Order | None) -> Iterator[Items]:
        """Go through the data once."""
        targets = self._compared()
        drawing = None if order is None else order.rng()
        size = self.minibatch_size
        for items in cut_items(self.n_items, size, drawing, self.keep_remainder):
            yield self._filled(
                {node: array[items] for node, array in self.inputs.items()},
                [target[items] for target in targets],
            )

    def first(self, n_batches: int) -> ArrayData:
        """
        Return the first minibatches.

        Parameters
        ----------
        n_batches : int
            How many are wanted.

        Returns
        -------
        data : ArrayData
            These; all, if there are fewer.

        Warns
        -----
        UserWarning
            If there are fewer.
        """
        if n_batches > self._n_minibatches:
            warn_user(
                f"Data came to its end after {self._n_minibatches} minibatches, not "
                f"{n_batches}"
            )
        n_items = min(self.n_items, n_batches * self.minibatch_size)
        inputs, weights = [
            {obj: array[:n_items] for obj, array in arrays.items()}
            for arrays in (self.inputs, self.weights)
        ]
        targets = self.targets
        if targets is not None:
            targets = {probe: array[:n_items] for probe, array in targets.items()}
        return ArrayData(
            self.n_steps,
            self.minibatch_size,
            self.dtype,
            n_items,
            inputs,
            targets,
            weights,
            self.keep_remainder,
        )

    def _compared(self) -> list[np.ndarray]:
        return [*(self.targets or {}).values(), *self.weights.values()]


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
            data.keep_remainder,
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


class ValuesInSteps(ArrayData):
    """Inputs in memory of which each step has values of its own, even if equal."""

    held_nodes = frozenset()
