"""From the values of single nodes to the arrays that a compiled function takes."""

from __future__ import annotations

from collections.abc import Collection, Mapping

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

    Nodes with a constant output keep their value through a run, unless values are
    given for them; all others get a new value in every step. Those that the steps
    themselves compute are left out, unless they are given.

    Parameters
    ----------
    inputs : NodeInputs
        The input nodes of the model.
    data_nodes : collection of nengo.Node
        Nodes whose values are given for every step.
    program : Program
        What the values are for. Nodes that nothing in it reads are left out.

    Attributes
    ----------
    split : InputSplit
        Which nodes keep their value, and which change.
    held : (n_held, 1) tf.Tensor
        The values that stay.
    """

    def __init__(
        self, inputs: NodeInputs, data_nodes: Collection[Node], program: Program
    ) -> None:
        self._inputs = inputs
        self._program = program
        held: list[Signal] = []
        self._stepped: dict[Source, Signal] = {}
        for node in inputs.sources:
            sig = inputs.signal(node)
            if sig is None or sig not in program.layout:
                continue
            if node in data_nodes:
                self._stepped[node] = sig
            elif inputs.is_constant(node):
                held.append(sig)
            elif not inputs.is_in_steps(node):
                self._stepped[node] = sig
        self.split = InputSplit(self._join(held), self._join(self._stepped.values()))
        values = [np.ravel(sig.initial_value) for sig in held]
        joined = np.concatenate(values) if values else np.zeros(0)
        self.held = tf.constant(joined[:, None], program.layout.dtype)

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
