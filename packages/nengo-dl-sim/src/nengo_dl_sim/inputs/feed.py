"""From the values of single nodes to the arrays that a compiled function takes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cached_property

import numpy as np
import tensorflow as tf
from nengo.builder.signal import Signal
from nengo.node import Node

from nengo_dl_ops.step.program import InputSplit, Program
from nengo_dl_signals import join

from .nodes import NodeInputs
from .operators import Source


class InputFeed:
    """
    Arranges the values of input nodes for a program.

    Nodes with a constant output keep their value through a run, and so do those that
    are given the same value for all steps; all others get a new value in every step.
    Those that the steps themselves compute are left out, unless they are given.

    Parameters
    ----------
    inputs : NodeInputs
        The input nodes of the model.
    data_nodes : collection of nengo.Node
        Nodes whose values are given for every step.
    held_nodes : collection of nengo.Node
        Those of them whose value is the same in all steps of an item.
    program : Program
        What the values are for. Nodes that nothing in it reads are left out.

    Attributes
    ----------
    split : InputSplit
        Which nodes keep their value, and which change.
    """

    def __init__(
        self,
        inputs: NodeInputs,
        data_nodes: Collection[Node],
        held_nodes: Collection[Node],
        program: Program,
    ) -> None:
        self._inputs = inputs
        self._program = program
        self._held: dict[Source, Signal] = {}
        self._stepped: dict[Source, Signal] = {}
        self._per_item = False
        for node in inputs.sources:
            sig = inputs.signal(node)
            if sig is None or sig not in program.layout:
                continue
            if node in held_nodes:
                self._held[node] = sig
                self._per_item = True
            elif node in data_nodes:
                self._stepped[node] = sig
            elif inputs.is_constant(node):
                self._held[node] = sig
            elif not inputs.is_in_steps(node):
                self._stepped[node] = sig
        held, stepped = self._held.values(), self._stepped.values()
        self.split = InputSplit(self._join(held), self._join(stepped))

    @property
    def held_shape(self) -> tuple[int, int]:
        """The shape of `held`."""
        size = sum(sig.size for sig in self._held.values())
        return size, self._program.minibatch_size if self._per_item else 1

    def held(self, data: Mapping[Node, np.ndarray]) -> tf.Tensor:
        """
        Return the values that stay.

        Shapes: returns (n_held, minibatch_size), or (n_held, 1) if all items have the
        same. ``data``: values given by the user.
        """
        return self._held_values(data) if self._per_item else self._constants

    @cached_property
    def _constants(self) -> tf.Tensor:
        """What is the same in every call: a run may have a single step."""
        return self._held_values({})

    def _held_values(self, data: Mapping[Node, np.ndarray]) -> tf.Tensor:
        values, start = np.zeros(self.held_shape, self._program.layout.dtype), 0
        for node, sig in self._held.items():
            constant = np.reshape(sig.initial_value, (-1, 1))
            value = data[node][:, 0].T if node in data else constant
            values[start : start + sig.size] = value
            start += sig.size
        return tf.constant(values)

    @property
    def sizes(self) -> dict[Source, int]:
        """How many rows those nodes have that change, in the order of `stepped`."""
        return {node: sig.size for node, sig in self._stepped.items()}

    def stepped(
        self,
        data: Mapping[Node, np.ndarray],
        start_step: int,
        n_steps: int,
        capacity: int,
    ) -> np.ndarray:
        """
        Return the values that change.

        Shapes: returns (capacity, n_stepped, minibatch_size). ``data``: values given by
        the user; the others are generated. ``capacity``: the length of the first axis
        of the result; what is left over is zero.
        """
        generated = self._inputs.generate(start_step, n_steps, skip=data)
        shape = (capacity, sum(self.sizes.values()), self._program.minibatch_size)
        values, start = np.zeros(shape, dtype=self._program.layout.dtype), 0
        for node, sig in self._stepped.items():
            rows = slice(start, start + sig.size)
            values[:n_steps, rows] = (
                np.transpose(data[node], (1, 2, 0)) if node in data else generated[node]
            )
            start += sig.size
        return values

    def _join(self, sigs: Collection[Signal]):  # type: ignore[no-untyped-def]
        return join([self._program.layout[sig] for sig in sigs]) if sigs else None
