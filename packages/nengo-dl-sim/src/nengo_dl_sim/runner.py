"""Runs a program in chunks, and hands the probed values over as they come."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from nengo.node import Node

from .compile import InputSplit, Mode, Program, RunFunction, State
from .compile import loop as limits
from .input_feed import InputFeed
from .inputs import NodeInputs
from .probe_store import ProbeStore


class Progress(NamedTuple):
    """
    Where a run has got to after a chunk.

    Parameters
    ----------
    state : State
        The state of the simulation.
    n_steps : int
        How many steps the chunk took.
    probed : list of array
        The values of each probe by slot.
    """

    state: State
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
        self._functions: dict[tuple, tuple[InputFeed, RunFunction]] = {}

    def compile(self, state: State, given: Collection[Node], mode: Mode) -> None:
        """
        Compile, without running a step, what `run` will use.

        Parameters
        ----------
        state : State
            Any state of the simulation.
        given : collection of nengo.Node
            Nodes whose values will be given.
        mode : Mode
            How the loop is executed.
        """
        feed, function = self._function(frozenset(given), mode)
        capacity = function.capacity
        size = 0 if feed.split.stepped is None else feed.split.stepped.size
        shape = (capacity, size, self.program.minibatch_size)
        nothing = np.zeros(shape, self.program.layout.dtype)
        slots = np.zeros((len(self.probes), capacity))
        function(state, feed.held(), nothing, slots, 0)

    def is_compiled(self, given: Collection[Node], mode: Mode) -> bool:
        """Tell whether `compile` has been called for these arguments."""
        return (frozenset(given), mode) in self._functions

    def run(
        self,
        state: State,
        start_step: int,
        n_steps: int,
        data: Mapping[Node, np.ndarray],
        mode: Mode,
    ) -> Iterator[Progress]:
        """
        Run some steps, a chunk at a time.

        Parameters
        ----------
        state : State
            The state to start from.
        start_step : int
            How many steps were done before.
        n_steps : int
            How many steps to run.
        data : dict from nengo.Node to (minibatch_size, n_steps, size_out) array
            Values of nodes.
        mode : Mode
            How the loop is executed.

        Yields
        ------
        progress : Progress
            The new state, and what was probed on the way.
        """
        feed, function = self._function(frozenset(data), mode)
        held, done = feed.held(), 0
        while done < n_steps:
            n = min(function.capacity, n_steps - done)
            now = start_step + done
            part = {node: array[:, done : done + n] for node, array in data.items()}
            stepped = feed.stepped(part, now, n, function.capacity)
            slots = [probe.slots(now, n, function.capacity) for probe in self.probes]
            chunk = function(state, held, stepped, _stack(slots, function.capacity), n)
            state, done = chunk.state, done + n
            yield Progress(state, n, [values.numpy() for values in chunk.probed])

    def _function(
        self, given: Collection[Node], mode: Mode
    ) -> tuple[InputFeed, RunFunction]:
        """Find or make the compiled function for a choice of given nodes."""
        key = given, mode
        if key not in self._functions:
            feed = InputFeed(self.inputs, given, self.program)
            capacity = self._capacity(feed.split)
            self._functions[key] = (
                feed,
                RunFunction(
                    self.program,
                    self.variables,
                    feed.split,
                    [probe.n_slots(capacity) for probe in self.probes],
                    capacity,
                    self.unroll,
                    mode,
                ),
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


def _stack(slots: Sequence[np.ndarray], capacity: int) -> np.ndarray:
    return np.reshape(slots, (len(slots), capacity)).astype(np.int32)
