"""What minibatches are made of, wherever it comes from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from nengo.node import Node
from nengo.probe import Probe

from .batches import Order, filled


class Items(NamedTuple):
    """
    What the user gave for one minibatch.

    Parameters
    ----------
    inputs : dict from nengo.Node to (minibatch_size, n_steps, size_out) array
        Values of nodes.
    targets : list of (minibatch_size, n_steps, size) array
        What outputs are compared with, in the order in which they were given; then
        the weights of samples, ``(minibatch_size,)`` or ``(minibatch_size, n_steps)``.
    n_items : int or None
        How many items there are; what follows them only fills the minibatch. None:
        all.
    """

    inputs: dict[Node, np.ndarray]
    targets: list[np.ndarray]
    n_items: int | None = None


class DataAdapter(ABC):
    """
    Inputs and targets, a minibatch at a time.

    Parameters
    ----------
    n_steps : int
        How many time steps there are.
    minibatch_size : int
        How many items go together.
    dtype : {"float16", "float32", "float64"}
        The type of the targets that are handed out.
    keep_remainder : bool
        Whether items that do not fill a minibatch are handed out, too: with copies of
        the last one, which fill it.
    """

    def __init__(
        self, n_steps: int, minibatch_size: int, dtype: str, keep_remainder: bool
    ) -> None:
        self.n_steps = n_steps
        self.minibatch_size = minibatch_size
        self.dtype = dtype
        self.keep_remainder = keep_remainder

    def _filled(
        self, inputs: Mapping[Node, np.ndarray], targets: Sequence[np.ndarray]
    ) -> Items:
        """Return a minibatch of up to as many items as it has."""
        size = self.minibatch_size
        lengths = [len(array) for array in (*inputs.values(), *targets)] or [size]
        return Items(
            {node: filled(array, size) for node, array in inputs.items()},
            [filled(np.asarray(target, self.dtype), size) for target in targets],
            None if lengths[0] == size else lengths[0],
        )

    @property
    @abstractmethod
    def shapes(self) -> dict[Node | Probe, tuple[int, ...]]:
        """The shape of what was given for each node and probe."""

    @abstractmethod
    def fingerprint(self) -> bytes:
        """Return what tells this data from other data, without reading all of it."""

    @property
    @abstractmethod
    def nodes(self) -> frozenset[Node]:
        """The nodes whose values are given."""

    @property
    def held_nodes(self) -> frozenset[Node]:
        """Those of `nodes` that are known to keep their value in all steps."""
        return frozenset()

    @property
    @abstractmethod
    def probes(self) -> list[Probe] | None:
        """The probes with targets, in order; None if the user gave just a number."""

    @property
    @abstractmethod
    def target_shapes(self) -> list[tuple[int, ...]]:
        """The shape of each of `Items.targets`, without the first axis."""

    @property
    def weighted(self) -> list[Probe]:
        """The probes with weights of samples, in order."""
        return []

    @property
    @abstractmethod
    def n_batches(self) -> int | None:
        """The number of minibatches; None if that is not known beforehand."""

    @abstractmethod
    def epoch(self, order: Order | None) -> Iterator[Items]:
        """
        Go through the data once.

        ``order``: draws the order of items, if that is up to us. None: they stay in
        order.
        """
