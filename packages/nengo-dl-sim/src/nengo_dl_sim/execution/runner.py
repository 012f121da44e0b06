"""Runs a program in chunks, and hands the probed values over as they come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from nengo.exceptions import ValidationError
from nengo.node import Node

from nengo_dl_ops.step.program import InputSplit, Program
from nengo_dl_ops.step.state import State

from ..inputs.feed import InputFeed
from ..inputs.held_nodes import held_nodes
from ..inputs.nodes import NodeInputs
from ..recording.probe_groups import group_probes
from ..recording.probe_store import ProbeStore
from . import run_function as limits
from .jit_policy import Mode
from .microbatches import Microbatches, microbatch_size
from .recorder import Recorder, SlotRecorder
from .run_function import RunFunction
from .step_errors import check_finite_steps


class Progress(NamedTuple):
    """
    Where a run has got to after a chunk.

    Parameters
    ----------
    state : State
        The state of the simulation.
    n_steps : int
        How many steps the chunk took.
    probed : dict from hashable to array
        The values of each probe by slot, by its key.
    """

    state: State
    n_steps: int
    probed: dict[Any, np.ndarray]


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
    probes : dict from hashable to ProbeStore
        Says which values of the program's outputs are kept.
    unroll : int
        How many steps are compiled as one iteration of the loop.
    """

    def __init__(
        self,
        program: Program,
        variables: Sequence[tf.Variable],
        inputs: NodeInputs,
        probes: Mapping[Any, ProbeStore],
        unroll: int,
    ) -> None:
        self.program = program
        self.variables = variables
        self.inputs = inputs
        self.recordings = group_probes(program.outputs, probes)
        self.unroll = unroll
        self._feeds: dict[tuple[frozenset[Node], ...], InputFeed] = {}
        self._functions: dict[tuple, RunFunction | Microbatches] = {}
        self._last_slots: tuple[tuple[int, ...], tf.Tensor] = (), tf.zeros(0)

    def feed(self, data: Mapping[Node, np.ndarray]) -> InputFeed:
        """Find or make what arranges the values of nodes for a run."""
        # Not the values but the choice of nodes decides what is compiled.
        key = frozenset(data), held_nodes(data)
        if key not in self._feeds:
            self._feeds[key] = InputFeed(self.inputs, *key, self.program)
        return self._feeds[key]

    def compile(self, state: State, n_steps: int, feed: InputFeed, mode: Mode) -> None:
        """Compile, without running a step, what `run` will use."""
        function = self._function(feed, n_steps, mode)
        size = 0 if feed.split.stepped is None else feed.split.stepped.size
        shape = (function.capacity, size, self.program.minibatch_size)
        nothing = tf.zeros(shape, self.program.layout.dtype)
        slots = tf.zeros((len(self.recordings), function.capacity), tf.int32)
        held = tf.zeros(feed.held_shape, self.program.layout.dtype)
        function(state, held, nothing, slots, tf.constant(0))

    def close(self) -> None:
        """Give up what was compiled."""
        self._functions.clear()

    def is_compiled(self, n_steps: int, feed: InputFeed, mode: Mode) -> bool:
        """Tell whether `compile` need not be called for these arguments."""
        if not self.program.use_loop:  # without which it would run the steps
            return True
        return self._key(feed, n_steps, mode) in self._functions

    def run(
        self,
        state: State,
        start_step: int,
        n_steps: int,
        data: Mapping[Node, np.ndarray],
        feed: InputFeed,
        mode: Mode,
    ) -> Iterator[Progress]:
        """Run some steps, a chunk at a time."""
        function = self._function(feed, n_steps, mode)
        held = feed.held(data)
        capacity, done = function.capacity, 0
        while done < n_steps:
            n = min(capacity, n_steps - done)
            now = start_step + done
            part = {node: array[:, done : done + n] for node, array in data.items()}
            stepped = tf.constant(feed.stepped(part, now, n, capacity))
            slots = self._slots(now, n, capacity)
            try:
                chunk = function(state, held, stepped, slots, tf.constant(n))
                check_finite_steps(self.program, chunk.failed, now)
            except BaseException:
                # Processes have drawn values for steps that did not take place.
                self.inputs.take_back()
                raise
            state, done = chunk.state, done + n
            yield Progress(state, n, self._split(chunk.probed))

    def check_length(self, n_steps: int) -> None:
        """
        Check that so many steps can be run.

        Raises a ``ValidationError`` if there is no loop, and it is not the number that
        is written out.
        """
        if not self.program.use_loop and n_steps != self.unroll:
            raise ValidationError(
                f"expected unroll_simulation={self.unroll} steps, since the network "
                f"has configure_settings(use_loop=False), got {n_steps}",
                attr="n_steps",
            )

    def _split(self, recorded: Sequence[tf.Tensor]) -> dict[Any, np.ndarray]:
        """Return the values of each probe."""
        return dict(
            found
            for recording, values in zip(self.recordings, recorded, strict=True)
            for found in recording.split(values.numpy())
        )

    def _key(self, feed: InputFeed, n_steps: int, mode: Mode) -> tuple:
        """Return on what it depends which function runs so many steps."""
        divided = mode is Mode.XLA and self.program.use_loop
        whole = self.program.minibatch_size
        size = microbatch_size(self.program, n_steps) if divided else whole
        return feed, self._capacity(feed.split, n_steps), size, mode

    def _function(
        self, feed: InputFeed, n_steps: int, mode: Mode
    ) -> RunFunction | Microbatches:
        """Find or make the compiled function for a choice of given nodes."""
        key = _, capacity, size, _ = self._key(feed, n_steps, mode)
        if key not in self._functions:
            program = self.program

            def make(program: Program) -> RunFunction:
                return self._run_function(program, feed, capacity, mode)

            if size < program.minibatch_size:
                self._functions[key] = Microbatches(program, size, make)
            else:
                self._functions[key] = make(program)
        return self._functions[key]

    def _run_function(
        self, program: Program, feed: InputFeed, capacity: int, mode: Mode
    ) -> RunFunction:
        return RunFunction(
            program,
            self.variables,
            feed.split,
            self._recorder(program, capacity),
            capacity,
            self.unroll,
            mode,
        )

    def _recorder(self, program: Program, capacity: int) -> Recorder:
        """Make what keeps something of so many steps."""
        return SlotRecorder(
            [recording.signal for recording in self.recordings],
            [recording.store.n_slots(capacity) for recording in self.recordings],
            program.minibatch_size,
        )

    def _capacity(self, split: InputSplit, n_steps: int) -> int:
        """Return how many steps one call of the function for such a run takes."""
        if not self.program.use_loop:
            return n_steps
        step_bytes = self._bytes_per_step(split)
        fitting = limits.MAX_CHUNK_BYTES // max(step_bytes, 1)
        capacity = max(min(fitting, limits.MAX_CHUNK_STEPS), 1)
        if self.program.prepared_steps >= max(n_steps, 1):
            # A function that does not prepare.
            capacity = min(capacity, self.program.prepared_steps)
        is_short = n_steps <= limits.SHORT_CHUNK_STEPS
        if is_short and capacity * step_bytes > limits.SHORT_CHUNK_BYTES:
            return min(capacity, limits.SHORT_CHUNK_STEPS)
        return capacity

    def _bytes_per_step(self, split: InputSplit) -> int:
        n_in = 0 if split.stepped is None else split.stepped.size
        n_out = sum(
            recording.signal.size / max(recording.store.period, 1)
            for recording in self.recordings
            if recording.store.keep_history
        )
        return int(8 * (n_in + n_out) * self.program.minibatch_size)

    def _slots(self, start_step: int, n_steps: int, capacity: int) -> tf.Tensor:
        """Return the slot of each recording that takes the values of each step."""
        stores = [recording.store for recording in self.recordings]
        if all(store.period <= 1 for store in stores):  # the same in every chunk
            start_step, n_steps = 0, capacity
        key = start_step, n_steps, capacity
        if key != self._last_slots[0]:
            slots = [store.slots(*key) for store in stores]
            array = np.reshape(slots, (len(slots), capacity))
            self._last_slots = key, tf.constant(array, tf.int32)
        return self._last_slots[1]
