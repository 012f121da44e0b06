"""Runs a program in chunks, and hands the probed values over as they come."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from nengo.node import Node
from nengo_dl_signals import SignalLayout, join

from .compile import InputSplit, Program, RunFunction
from .compile import loop as limits
from .inputs import NodeInputs
from .probe_store import ProbeStore


class Progress(NamedTuple):
    """
    Where a run has got to after a chunk.

    Parameters
    ----------
    state : list of tf.Tensor
        The state of the simulation.
    n_steps : int
        How many steps the chunk took.
    probed : list of array
        The values of each probe by slot.
    """

    state: list[tf.Tensor]
    n_steps: int
    probed: list[np.ndarray]


class Runner:
    """
    Runs a program for any number of steps.

    Parameters
    ----------
    program : Program
        What to compute in each step.
    variables : list of keras.Variable
        The parameters.
    inputs : NodeInputs
        Generates the values of nodes that are not given.
    probes : list of ProbeStore
        Says which values are kept.
    unroll : int
        How many steps are compiled as one iteration of the loop.
    """

    def __init__(
        self,
        program: Program,
        variables: Sequence[tf.Variable],
        inputs: NodeInputs,
        probes: Sequence[ProbeStore],
        unroll: int,
    ) -> None:
        self.program = program
        self.variables = variables
        self.inputs = inputs
        self.probes = probes
        self.unroll = unroll
        self._functions: dict[tuple, RunFunction] = {}

    def run(
        self,
        state: Sequence[tf.Tensor],
        start_step: int,
        n_steps: int,
        data: Mapping[Node, np.ndarray],
        jit_compile: bool,
    ) -> Iterator[Progress]:
        """
        Run some steps, a chunk at a time.

        Parameters
        ----------
        state : list of tf.Tensor
            The state to start from.
        start_step : int
            How many steps were done before.
        n_steps : int
            How many steps to run.
        data : dict from nengo.Node to (minibatch_size, n_steps, size_out) array
            Values of nodes.
        jit_compile : bool
            Whether XLA compiles the loop.

        Yields
        ------
        progress : Progress
            The new state, and what was probed on the way.
        """
        function = self._function(frozenset(data), jit_compile)
        held = held_values(self.inputs, data, self.program)
        done = 0
        while done < n_steps:
            n = min(function.capacity, n_steps - done)
            now = start_step + done
            part = {node: array[:, done : done + n] for node, array in data.items()}
            generated = self.inputs.generate(now, n, skip=data)
            stepped = stepped_values(
                self.inputs, part, generated, self.program, function.capacity
            )
            slots = [probe.slots(now, n, function.capacity) for probe in self.probes]
            chunk = function(state, held, stepped, _stack(slots, function.capacity), n)
            state, done = chunk.state, done + n
            yield Progress(state, n, [values.numpy() for values in chunk.probed])

    def _function(self, given: Collection[Node], jit_compile: bool) -> RunFunction:
        key = given, jit_compile
        if key not in self._functions:
            split = split_inputs(self.inputs, given, self.program.layout)
            capacity = self._capacity(split)
            self._functions[key] = RunFunction(
                self.program,
                self.variables,
                split,
                [probe.n_slots(capacity) for probe in self.probes],
                capacity,
                self.unroll,
                jit_compile,
            )
        return self._functions[key]

    def _capacity(self, split: InputSplit) -> int:
        """Return how many steps' inputs and probed values fit into a chunk."""
        n_in = 0 if split.stepped is None else split.stepped.size
        n_out = sum(
            signal.size / max(probe.period, 1)
            for signal, probe in zip(self.program.probes, self.probes, strict=True)
            if probe.keep_history
        )
        item_bytes = 8 * (n_in + n_out) * self.program.minibatch_size
        fitting = limits.MAX_CHUNK_BYTES // max(int(item_bytes), 1)
        return int(np.clip(fitting, 1, limits.MAX_CHUNK_STEPS))


def split_inputs(
    inputs: NodeInputs, given: Collection[Node], layout: SignalLayout
) -> InputSplit:
    """
    Find which nodes keep their value in a run, and which change.

    Parameters
    ----------
    inputs : NodeInputs
        The input nodes of the model.
    given : collection of nengo.Node
        Nodes whose values are given for every step.
    layout : SignalLayout
        Where their signals are.

    Returns
    -------
    split : InputSplit
        Only nodes that something in the program reads.
    """
    held, stepped = [], []
    for node in used_nodes(inputs, layout):
        changes = node in given or not inputs.is_constant(node)
        (stepped if changes else held).append(layout[inputs.signal(node)])
    return InputSplit(join(held) if held else None, join(stepped) if stepped else None)


def used_nodes(inputs: NodeInputs, layout: SignalLayout) -> list[Node]:
    """Return the input nodes whose output something in the program reads."""
    signals = [(node, inputs.signal(node)) for node in inputs.nodes]
    return [node for node, sig in signals if sig is not None and sig in layout]


def held_values(
    inputs: NodeInputs, given: Collection[Node], program: Program
) -> np.ndarray:
    """Return the values of the nodes that keep theirs, as a (n_held, 1) array."""
    values = [
        np.ravel(inputs.signal(node).initial_value)
        for node in used_nodes(inputs, program.layout)
        if inputs.is_constant(node) and node not in given
    ]
    joined = np.concatenate(values) if values else np.zeros(0)
    return joined[:, None].astype(program.layout.dtype)


def stepped_values(
    inputs: NodeInputs,
    given: Mapping[Node, np.ndarray],
    generated: Mapping[Node, np.ndarray],
    program: Program,
    capacity: int,
) -> np.ndarray:
    """
    Return the values of the nodes that change.

    Parameters
    ----------
    inputs : NodeInputs
        The input nodes of the model.
    given : dict from nengo.Node to (minibatch_size, n_steps, size_out) array
        Values given by the user.
    generated : dict from nengo.Node to (n_steps, size_out, batch) array
        Values of all other nodes that change.
    program : Program
        What they are for.
    capacity : int
        The length of the first axis of the result; surplus rows are left as they are.

    Returns
    -------
    values : (capacity, n_stepped, minibatch_size) array
        In the order of `split_inputs`.
    """
    parts = []
    for node in used_nodes(inputs, program.layout):
        if node in given:
            parts.append(np.transpose(given[node], (1, 2, 0)))
        elif not inputs.is_constant(node):
            parts.append(generated[node])
    size = sum(part.shape[1] for part in parts)
    shape = (capacity, size, program.minibatch_size)
    values, start = np.empty(shape, dtype=program.layout.dtype), 0
    for part in parts:
        values[: len(part), start : start + part.shape[1]] = part
        start += part.shape[1]
    return values


def _stack(slots: Sequence[np.ndarray], capacity: int) -> np.ndarray:
    return np.reshape(slots, (len(slots), capacity)).astype(np.int32)
