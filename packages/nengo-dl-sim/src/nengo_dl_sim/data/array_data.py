"""Data in memory, as a source of minibatches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import numpy as np
from nengo.node import Node
from nengo.probe import Probe

from .batches import cut_items
from .minibatch_data import Items, MinibatchData


class ArrayData(MinibatchData):
    """
    Inputs and targets in memory.

    Parameters
    ----------
    n_steps, minibatch_size, dtype
        As in `.MinibatchData`.
    n_items : int
        How many items there are.
    inputs : dict from nengo.Node to (n_items, n_steps, size_out) array
        Values of nodes.
    targets : dict from nengo.Probe to (n_items, n_steps, size) array, or None
        What outputs are compared with. None if the user gave a number of steps.
    weights : dict from nengo.Probe to (n_items,) or (n_items, n_steps) array
        Weights of samples.
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
    ) -> None:
        super().__init__(n_steps, minibatch_size, dtype)
        self.n_items = n_items
        self.inputs = inputs
        self.targets = targets
        self.weights = weights

    @property
    def nodes(self) -> frozenset[Node]:
        """The nodes whose values are given."""
        return frozenset(self.inputs)

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
    def n_batches(self) -> int:
        """The number of minibatches."""
        return self.n_items // self.minibatch_size

    def epoch(self, order: np.random.RandomState | None) -> Iterator[Items]:
        """Go through the data once; items that do not fill a minibatch are left out."""
        targets = self._compared()
        for items in cut_items(self.n_items, self.minibatch_size, order):
            yield Items(
                {node: array[items] for node, array in self.inputs.items()},
                [np.asarray(target[items], self.dtype) for target in targets],
            )

    def _compared(self) -> list[np.ndarray]:
        return [*(self.targets or {}).values(), *self.weights.values()]
