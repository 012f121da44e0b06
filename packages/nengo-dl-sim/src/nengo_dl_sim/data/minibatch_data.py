"""What minibatches are made of, wherever it comes from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from nengo.node import Node
from nengo.probe import Probe


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
    """

    inputs: dict[Node, np.ndarray]
    targets: list[np.ndarray]


class MinibatchData(ABC):
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
    """

    def __init__(self, n_steps: int, minibatch_size: int, dtype: str) -> None:
        self.n_steps = n_steps
        self.minibatch_size = minibatch_size
        self.dtype = dtype

    @property
    @abstractmethod
    def nodes(self) -> frozenset[Node]:
        """The nodes whose values are given."""

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
    def epoch(self, order: np.random.RandomState | None) -> Iterator[Items]:
        """
        Go through the data once.

        Parameters
        ----------
        order : numpy.random.RandomState or None
            Draws the order of items, if that is up to us. None: they stay in order.

        Yields
        ------
        items : Items
            A minibatch.
        """
