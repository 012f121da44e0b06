"""Data in memory, as a source of minibatches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from nengo.exceptions import ValidationError
from nengo.node import Node
from nengo.probe import Probe

from .batches import check_divisible, cut_items
from .checks import check_count
from .construction import Parts
from .data import check_inputs, check_targets, split_data

#: Inputs by node and targets by probe; or a number of steps.
Data = Mapping["Node | Probe", np.ndarray] | int


class Items(NamedTuple):
    """
    What the user gave for one minibatch.

    Parameters
    ----------
    inputs : dict from nengo.Node to (minibatch_size, n_steps, size_out) array
        Values of nodes.
    targets : list of (minibatch_size, n_steps, size_in) array
        What outputs are compared with, in the order in which they were given.
    """

    inputs: dict[Node, np.ndarray]
    targets: list[np.ndarray]


@dataclass(frozen=True, eq=False)
class ArrayData:
    """
    Inputs and targets in memory.

    Parameters
    ----------
    inputs : dict from nengo.Node to (n_items, n_steps, size_out) array
        Values of nodes.
    targets : dict from nengo.Probe to (n_items, n_steps, size_in) array, or None
        What outputs are compared with. None if the user gave a number of steps.
    n_items, n_steps, minibatch_size : int
        How many items there are, of how many steps, and how many go together.
    dtype : {"float16", "float32", "float64"}
        The type of the targets that are handed out.
    """

    inputs: dict[Node, np.ndarray]
    targets: dict[Probe, np.ndarray] | None
    n_items: int
    n_steps: int
    minibatch_size: int
    dtype: str

    @property
    def n_batches(self) -> int:
        """The number of minibatches."""
        return self.n_items // self.minibatch_size

    def epoch(self, order: np.random.RandomState | None) -> Iterator[Items]:
        """
        Go through the data once.

        Parameters
        ----------
        order : numpy.random.RandomState or None
            Draws the order of items. None: they stay in order.

        Yields
        ------
        items : Items
            A minibatch.
        """
        targets = (self.targets or {}).values()
        for items in cut_items(self.n_items, self.minibatch_size, order):
            yield Items(
                {node: array[items] for node, array in self.inputs.items()},
                [np.asarray(target[items], self.dtype) for target in targets],
            )


def check_data(parts: Parts, data: Data) -> ArrayData:
    """
    Check the data of a training, or of a run over many items.

    Parameters
    ----------
    parts : Parts
        The parts of the simulator.
    data : dict or int
        Inputs and targets, or a number of steps.

    Returns
    -------
    data : ArrayData
        The same, checked.

    Raises
    ------
    nengo.exceptions.ValidationError
        If something does not fit the network.
    """
    size, dtype = parts.config.minibatch_size, parts.config.dtype
    if not isinstance(data, Mapping):
        check_count("data", data, low=1)
        return ArrayData({}, None, size, int(data), size, dtype)
    nodes, probes = parts.inputs.nodes, parts.model.probes
    inputs, targets = split_data(data, nodes, probes)
    n_items, n_steps = _common_shape(data, size)
    if n_steps == 0:
        raise ValidationError("expected at least one step, got 0", attr="data")
    inputs = check_inputs(inputs, nodes, n_items, n_steps, dtype)
    targets = check_targets(targets, probes, n_items, n_steps, dtype)
    check_divisible(n_items, size)
    return ArrayData(inputs, targets, n_items, n_steps, size, dtype)


def _common_shape(data: Mapping, minibatch_size: int) -> tuple[int, int]:
    """Return the numbers of items and steps of the first array."""
    for array in data.values():
        shape = np.shape(array)
        if len(shape) == 3:
            return shape[0], shape[1]
    return minibatch_size, 1
