"""Data that need not fit into memory, a minibatch at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from nengo.exceptions import ValidationError
from nengo.node import Node
from nengo.probe import Probe

from nengo_dl_ops.user_warnings import warn_user

from ..engine.engine import Engine
from .arrays import check_inputs, common_shape
from .batches import Order
from .data_adapter import DataAdapter, Items
from .keras_forms import UserData, read_values
from .names import RESERVED, Names
from .sample_weights import all_weights, check_weights
from .stream_epochs import StreamEpochs


class Element(NamedTuple):
    """
    An element of a stream.

    Parameters
    ----------
    inputs : dict from nengo.Node to (n_items, n_steps, size_out) array
        Values of nodes.
    targets : dict from nengo.Probe to (n_items, n_steps, size) array
        What outputs are compared with.
    weights : dict from nengo.Probe to (n_items,) or (n_items, n_steps) array
        Weights of samples.
    n_items, n_steps : int
        The lengths of the first two axes (of inputs, if there are any).
    """

    inputs: dict[Node, np.ndarray]
    targets: dict[Probe, np.ndarray]
    weights: dict[Probe, np.ndarray]
    n_items: int
    n_steps: int

    @property
    def form(self) -> tuple:
        """What all elements have in common."""
        targets, weights = [
            {probe: array.shape[1:] for probe, array in arrays.items()}
            for arrays in (self.targets, self.weights)
        ]
        return self.inputs.keys(), targets, weights, self.n_steps


class Reader:
    """
    Reads and checks the elements of a stream.

    Parameters
    ----------
    engine : Engine
        The engine of the simulator.
    names : Names
        The names of its nodes and probes.
    user_data : UserData
        What else the user gave: says how to check targets, and how to weigh.
    size : int
        How many items an element has.
    """

    def __init__(
        self, engine: Engine, names: Names, user_data: UserData, size: int
    ) -> None:
        self._engine = engine
        self._names = names
        self._user_data = user_data
        self.size = size

    def read(self, number: int, element: Any) -> Element:
        """
        Read an element.

        ``element``: arrays by node and probe, or by their names; or ``(x, y)``, or
        ``(x, y, sample_weight)``, or ``x`` alone, as in ``sim.fit(x, y)``. Dictionaries
        may say under ``"n_steps"`` how many steps there are, and lists at their end, as
        in NengoDL 3. Raises a ``ValidationError`` if it is none of these, or an array
        does not fit; names the element.
        """
        try:
            return self._read(element)
        except ValidationError as error:
            message = f"element {number}: {error.args[0]}"
            raise ValidationError(message, attr=error.attr) from error

    def _read(self, element: Any) -> Element:
        engine, size = self._engine, self.size
        nodes, probes, dtype = (
            engine.inputs.nodes,
            engine.model.probes,
            engine.config.dtype,
        )
        x, y, sample_weight = self._unpacked(element)
        values = read_values("data", x, y, nodes, probes, self._names)
        inputs, targets, n_steps = values
        n_items, found = common_shape(inputs or targets, size)
        if n_steps not in (None, found) and inputs:
            raise ValidationError(
                f"expected {RESERVED} to be {found}, as in the arrays, got {n_steps}",
                attr="data",
            )
        n_steps = n_steps or found
        if n_steps == 0 or not 0 < n_items <= size:
            raise ValidationError(
                f"expected at least one step of {size} items, got {n_steps} steps of "
                f"{n_items} items",
                attr="data",
            )
        inputs = check_inputs(inputs, nodes, n_items, n_steps, dtype)
        targets = self._user_data.check(targets, probes, n_items, n_steps, dtype)
        weights = all_weights(
            self._user_data._replace(sample_weight=sample_weight), targets
        )
        weights = check_weights(weights, targets, n_items, n_steps, dtype)
        return Element(inputs, targets, weights, n_items, n_steps)

    def _unpacked(self, element: Any) -> tuple[Any, Any, Any]:
        """Return x, y and weights of samples; what is not there is None."""
        if not isinstance(element, (tuple, list)):  # a list, as in Keras
            element = (element,)
        compares = self._user_data.compares
        n_most = 2 if compares and self._user_data.weigh is None else 3
        if not 0 < len(element) <= n_most:
            forms = ["(x, y)", "(x, y, sample_weight)"][: n_most - 1]
            raise ValidationError(
                f"expected a dictionary, or a tuple {' or '.join(forms)}, got a tuple "
                f"of {len(element)}",
                attr="data",
            )
        x, y, weights = (*element, None, None)[:3]
        return (x, y, weights) if compares else (x, None, None)


class StreamData(DataAdapter):
    """
    Inputs and targets from a data set or a generator, whose elements are minibatches.

    Parameters
    ----------
    stream_epochs : StreamEpochs
        Where the elements come from.
    reader : Reader
        Makes arrays of them.
    minibatch_size : int
        How many items go together.
    dtype : {"float16", "float32", "float64"}
        The type of the targets that are handed out.
    keep_remainder : bool
        As in `.DataAdapter`: whether elements may have fewer items. If not, only
        the last one may, and is left out.

    Raises
    ------
    nengo.exceptions.ValidationError
        If the first element is wrong.
    """

    def __init__(
        self,
        stream_epochs: StreamEpochs,
        reader: Reader,
        minibatch_size: int,
        dtype: str,
        keep_remainder: bool = False,
    ) -> None:
        first = reader.read(0, stream_epochs.first)
        super().__init__(first.n_steps, minibatch_size, dtype, keep_remainder)
        self.element_size = reader.size
        if self._lacks_items(first):
            raise ValidationError(
                f"element 0: expected {self._expected}, got {first.n_items}",
                attr="data",
            )
        self._stream_epochs = stream_epochs
        self._reader = reader
        self._first = first

    @property
    def shapes(self) -> dict[Node | Probe, tuple[int, ...]]:
        """The shape of what the first element has for each node and probe."""
        given = {**self._first.inputs, **self._first.targets}
        return {obj: array.shape for obj, array in given.items()}

    def fingerprint(self) -> bytes:
        """Return the values of the first element."""
        arrays = [*self._first.inputs.values(), *compared(self._first)]
        return b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)

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
        """The shape of each target, then of weights, without the first axis."""
        return [array.shape[1:] for array in compared(self._first)]

    @property
    def weighted(self) -> list[Probe]:
        """The probes with weights of samples, in order."""
        return list(self._first.weights)

    @property
    def n_batches(self) -> int | None:
        """The number of minibatches; None if that is not known beforehand."""
        return self._stream_epochs.n_batches

    def epoch(self, order: Order | None) -> Iterator[Items]:
        """Go through the data once, in its own order; prefetched elements wait."""
        del order
        for element in self._elements():
            if self._lacks_items(element):
                warn_user(
                    f"The last element of the data has {element.n_items} items, not "
                    f"minibatch_size={self.minibatch_size}: it is left out"
                )
                return
            yield self._filled(element.inputs, compared(element))

    def _elements(self) -> Iterator[Element]:
        """Read elements that are alike; only the last may have fewer items."""
        elements = self._stream_epochs.epoch()
        for number, found in enumerate(elements):
            element = self._reader.read(number, found)
            self._check_form(number, element)
            if self._lacks_items(element):
                self._check_last(number, element, elements)
            yield element._replace(  # in the order of the first one
                targets={p: element.targets[p] for p in self._first.targets},
                weights={p: element.weights[p] for p in self._first.weights},
            )

    def _lacks_items(self, element: Element) -> bool:
        """Tell whether an element has fewer items than it may have."""
        return element.n_items < self.element_size and not self.keep_remainder

    @property
    def _expected(self) -> str:
        """Say how many items an element has, for messages."""
        whole = f"minibatch_size={self.minibatch_size}"
        if self.element_size == self.minibatch_size:
            return f"{whole} items"
        n_workers = self.minibatch_size // self.element_size
        return f"{self.element_size} items ({whole}, divided by {n_workers} workers)"

    def _check_form(self, number: int, element: Element) -> None:
        if element.form != self._first.form:
            raise ValidationError(
                f"element {number}: expected the same nodes and probes, steps and "
                f"sizes as in element 0, {_text(self._first)}, got {_text(element)}",
                attr="data",
            )

    def _check_last(self, number: int, element: Element, following: Iterator) -> None:
        """Let only the last element have fewer items."""
        if next(following, None) is not None:
            raise ValidationError(
                f"element {number}: expected {self.element_size} items, got "
                f"{element.n_items} (only the last element may have fewer)",
                attr="data",
            )


def compared(element: Element) -> list[np.ndarray]:
    """Return what outputs are compared with, then weights."""
    return [*element.targets.values(), *element.weights.values()]


def _text(element: Element) -> str:
    arrays = {**element.inputs, **element.targets}
    shapes = [f"{obj} {array.shape[1:]}" for obj, array in arrays.items()]
    return f"{', '.join(shapes)} ({element.n_steps} steps)"
