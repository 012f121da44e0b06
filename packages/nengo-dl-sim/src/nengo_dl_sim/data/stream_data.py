"""Data that need not fit into memory, a minibatch at a time."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from nengo.exceptions import ValidationError
from nengo.node import Node
from nengo.probe import Probe

from ..construction import Parts
from .arrays import check_inputs, check_labels, check_targets, common_shape, split_data
from .forms import node_values, probe_targets
from .minibatch_data import Items, MinibatchData
from .names import RESERVED, Names
from .supply import Supply


class Element(NamedTuple):
    """
    An element of a stream.

    Parameters
    ----------
    inputs : dict from nengo.Node to (n_items, n_steps, size_out) array
        Values of nodes.
    targets : dict from nengo.Probe to (n_items, n_steps, size) array
        What outputs are compared with.
    n_items, n_steps : int
        The lengths of the first two axes (of inputs, if there are any).
    """

    inputs: dict[Node, np.ndarray]
    targets: dict[Probe, np.ndarray]
    n_items: int
    n_steps: int

    @property
    def form(self) -> tuple:
        """What all elements have in common."""
        targets = [(probe, array.shape[1:]) for probe, array in self.targets.items()]
        return self.inputs.keys(), dict(targets), self.n_steps


class Reader:
    """
    Reads and checks the elements of a stream.

    Parameters
    ----------
    parts : Parts
        The parts of the simulator.
    names : Names
        The names of its nodes and probes.
    as_outputs : bool
        Whether targets must have the size and the number of steps of the outputs.
    """

    def __init__(self, parts: Parts, names: Names, as_outputs: bool) -> None:
        self._parts = parts
        self._names = names
        self._as_outputs = as_outputs

    def read(self, number: int, element: Any) -> Element:
        """
        Read an element.

        Parameters
        ----------
        number : int
            Which one it is, for messages.
        element : dict or tuple or array_like
            Arrays by node and probe, or by their names; or ``(x, y)``, or ``x``
            alone, as in ``sim.fit(x, y)``. Dictionaries may say under ``"n_steps"``
            how many steps there are, as in NengoDL 3.

        Returns
        -------
        element : Element
            The arrays.

        Raises
        ------
        nengo.exceptions.ValidationError
            If it is none of these, or an array does not fit; names the element.
        """
        try:
            return self._read(element)
        except ValidationError as error:
            message = f"element {number}: {error.args[0]}"
            raise ValidationError(message, attr=error.attr) from error

    def _read(self, element: Any) -> Element:
        nodes, probes = self._parts.inputs.nodes, self._parts.model.probes
        values, n_steps = self._by_object(element)
        inputs, targets = split_data(values, nodes, probes)
        size = self._parts.config.minibatch_size
        n_items, found = common_shape(inputs or targets, size)
        if n_steps not in (None, found) and inputs:
            raise ValidationError(
                f"expected {RESERVED} to be {found}, as in the arrays, got {n_steps}",
                attr="data",
            )
        n_steps = n_steps or found
        if n_steps == 0 or n_items > size:
            raise ValidationError(
                f"expected at least one step of {size} items, got {n_steps} steps of "
                f"{n_items} items",
                attr="data",
            )
        dtype = self._parts.config.dtype
        inputs = check_inputs(inputs, nodes, n_items, n_steps, dtype)
        if self._as_outputs:
            targets = check_targets(targets, probes, n_items, n_steps, dtype)
        else:
            targets = check_labels(targets, probes, n_items, dtype)
        return Element(inputs, targets, n_items, n_steps)

    def _by_object(self, element: Any) -> tuple[dict[Any, Any], int | None]:
        nodes, probes = self._parts.inputs.nodes, self._parts.model.probes
        if not isinstance(element, tuple):
            element = (element,)
        if len(element) not in (1, 2):
            raise ValidationError(
                "expected a dictionary, or a tuple (x, y) of inputs and targets "
                f"(not weights of samples, too), got a tuple of {len(element)}",
                attr="data",
            )
        x, n_steps = _without_n_steps(element[0])
        values = node_values("data", x, nodes, self._names)
        if len(element) == 2:
            targets = probe_targets(element[1], probes, self._names)
            values = self._names.by_object("data", values, targets)
        return values, n_steps


class StreamData(MinibatchData):
    """
    Inputs and targets from a data set or a generator, whose elements are minibatches.

    Parameters
    ----------
    supply : Supply
        Where the elements come from.
    reader : Reader
        Makes arrays of them.
    minibatch_size : int
        How many items go together.
    dtype : {"float16", "float32", "float64"}
        The type of the targets that are handed out.

    Raises
    ------
    nengo.exceptions.ValidationError
        If the first element is wrong.
    """

    def __init__(
        self, supply: Supply, reader: Reader, minibatch_size: int, dtype: str
    ) -> None:
        first = reader.read(0, supply.first)
        if first.n_items < minibatch_size:
            raise ValidationError(
                f"element 0: expected minibatch_size={minibatch_size} items, got "
                f"{first.n_items}",
                attr="data",
            )
        super().__init__(first.n_steps, minibatch_size, dtype)
        self._supply = supply
        self._reader = reader
        self._first = first

    @property
    def nodes(self) -> frozenset[Node]:
        """The nodes whose values are given."""
        return frozenset(self._first.inputs)

    @property
    def probes(self) -> list[Probe] | None:
        """The probes with targets, in order."""
        return list(self._first.targets)

    @property
    def target_shapes(self) -> list[tuple[int, ...]]:
        """The number of steps, and the size, of each target."""
        return [array.shape[1:] for array in self._first.targets.values()]

    @property
    def n_batches(self) -> int | None:
        """The number of minibatches; None if that is not known beforehand."""
        return self._supply.n_batches

    def epoch(self, order: np.random.RandomState | None) -> Iterator[Items]:
        """Go through the data once, in its own order; what is made ahead waits."""
        del order
        elements = self._supply.epoch()
        for number, given in enumerate(elements):
            element = self._reader.read(number, given)
            self._check_form(number, element)
            if element.n_items < self.minibatch_size:
                self._check_last(number, element, elements)
                return
            yield Items(
                element.inputs,
                [
                    np.asarray(element.targets[probe], self.dtype)
                    for probe in self._first.targets
                ],
            )

    def _check_form(self, number: int, element: Element) -> None:
        if element.form != self._first.form:
            raise ValidationError(
                f"element {number}: expected the same nodes and probes, steps and "
                f"sizes as in element 0, {_text(self._first)}, got {_text(element)}",
                attr="data",
            )

    def _check_last(self, number: int, element: Element, rest: Iterator) -> None:
        """Let an element with fewer items be the last one; and leave it out."""
        if next(rest, None) is not None:
            raise ValidationError(
                f"element {number}: expected {self.minibatch_size} items, got "
                f"{element.n_items} (only the last element may have fewer)",
                attr="data",
            )
        warnings.warn(
            f"The last element of the data has {element.n_items} items, not "
            f"minibatch_size={self.minibatch_size}: it is left out",
            stacklevel=2,
        )


def _without_n_steps(x: Any) -> tuple[Any, int | None]:
    """Take the number of steps out of a dictionary, if it is there."""
    if not isinstance(x, Mapping) or RESERVED not in x:
        return x, None
    found = np.unique(x[RESERVED])
    if len(found) != 1 or found.dtype.kind not in "iu" or found[0] < 1:
        raise ValidationError(
            f"expected one number of steps as {RESERVED}, got {found}", attr="data"
        )
    return {key: value for key, value in x.items() if key != RESERVED}, int(found[0])


def _text(element: Element) -> str:
    arrays = {**element.inputs, **element.targets}
    shapes = [f"{obj} {array.shape[1:]}" for obj, array in arrays.items()]
    return f"{', '.join(shapes)} ({element.n_steps} steps)"
