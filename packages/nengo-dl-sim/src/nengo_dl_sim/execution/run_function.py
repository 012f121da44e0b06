"""Many steps in one call: the loop around the step."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import tensorflow as tf

from nengo_dl_ops.step.loop_invariants import split_loop_invariants
from nengo_dl_ops.step.packed_state import unpacked, with_packed_state
from nengo_dl_ops.step.program import InputSplit, Program
from nengo_dl_ops.step.state import State
from nengo_dl_ops.step.time_batching import Parts

from .compiled_call import CompiledCall
from .jit_policy import Mode
from .recorder import Recorder
from .while_op import Body, repeat

#: At most this many steps run in one call of a compiled function, and the values
#: that go in and come out with them take at most this many bytes. More steps a call
#: gain nothing (a call costs some 0.3 ms); fewer bytes keep memory flat.
MAX_CHUNK_STEPS = 1024
MAX_CHUNK_BYTES = 2**26

#: Every call moves the inputs and outputs of a whole chunk. Where those are many
#: bytes, runs of few steps get a function of their own with short chunks.
SHORT_CHUNK_STEPS = 16
SHORT_CHUNK_BYTES = 2**20


class Chunk(NamedTuple):
    """
    The result of some steps.

    Parameters
    ----------
    state : State
        The state after the last step.
    probed : list of (..., batch) tf.Tensor
        What was recorded: see `.Recorder.end`.
    failed : list of () tf.Tensor of int32
        The first step in which something that is checked was not finite, counted from
        0, in the order of `Program.checked`; -1 if there was none.
    """

    state: State
    probed: list[tf.Tensor]
    failed: Sequence[tf.Tensor] = ()


class RunFunction:
    """
    Runs a program for any number of steps, compiled once.

    The number of steps is a value, not a shape: one compiled function serves all run
    lengths, in chunks of at most ``capacity`` steps.

    Parameters
    ----------
    program : Program
        What to compute in each step.
    variables : list of tf.Variable
        The parameters: read when a chunk starts.
    split : InputSplit
        Which input nodes change from step to step.
    recorder : Recorder
        What is kept of a chunk of ``capacity`` steps.
    capacity : int
        The largest number of steps in one call.
    unroll : int
        How many steps are compiled as one iteration of the loop.
    mode : Mode
        How the loop is executed.
    """

    def __init__(
        self,
        program: Program,
        variables: Sequence[tf.Variable],
        split: InputSplit,
        recorder: Recorder,
        capacity: int,
        unroll: int,
        mode: Mode,
    ) -> None:
        self.program = with_packed_state(program) if mode is Mode.XLA else program
        self.variables = variables
        self.split = split
        self.recorder = recorder
        self.capacity = capacity
        self.unroll = unroll
        self.mode = mode
        self._invariants = split_loop_invariants(self.program, split, training=False)
        self._compiled: CompiledCall | None = None

    def __call__(
        self,
        state: State,
        held: tf.Tensor,
        stepped: tf.Tensor,
        slot: tf.Tensor,
        n_steps: tf.Tensor,
    ) -> Chunk:
        """
        Run some steps.

        Shapes: ``held`` (n_held, batch or 1). ``stepped`` (capacity, n_stepped, batch):
        values of the nodes that do; rows after ``n_steps`` are not looked at. ``slot``
        (n, capacity): what the recorder is told of each step.
        """
        arguments = (state, held, stepped, slot, n_steps)
        if self._compiled is None:
            xla = self.mode is Mode.XLA
            self._compiled = CompiledCall(self._run, arguments, jit_compile=xla)
        return Chunk(*self._compiled(*arguments))

    def _run(
        self,
        state: State,
        held: tf.Tensor,
        stepped: tf.Tensor,
        slot: tf.Tensor,
        n_steps: tf.Tensor,
    ) -> tuple[State, list[tf.Tensor], list[tf.Tensor]]:
        # Read once: no step changes them, and inside the loop each would read them.
        parameters = [tf.convert_to_tensor(v) for v in self.variables]
        parts = self._invariants.values(parameters, held)
        arrays = [array for _, array in parts if array is not None]
        prepared = self._invariants.rest.prepare(parameters) if self._prepares else {}
        fixed = parameters, held, stepped, slot, arrays, prepared
        one_step = partial(self._one_step, parts)
        several = partial(self._several_steps, one_step)
        failed = [tf.constant(-1) for _ in self.program.checked]
        carry = (
            tf.constant(0),
            self.program.carried(state),
            self.recorder.start(),
            failed,
        )
        xla = self.mode is Mode.XLA
        if not self.program.use_loop:  # and runs have `unroll` steps
            _, state, buffers, failed = several(carry, fixed)
        else:
            if self.unroll > 1:
                # The steps that do not fill a round follow one by one: the number of
                # steps is known only when the function runs.
                rounds = n_steps - n_steps % self.unroll
                carry = repeat(several, carry, fixed, rounds, xla)
            last = repeat(one_step, carry, fixed, n_steps, xla)
            _, state, buffers, failed = last
        recorded = self.recorder.end(buffers)
        return unpacked(self.program, self.program.listed(state)), recorded, failed

    @property
    def _prepares(self) -> bool:
        # TensorFlow itself takes long for what XLA makes of that in a step.
        compiled = self.mode is not Mode.GRAPH
        return compiled and self.capacity > self.program.prepared_steps

    def _several_steps(self, one_step: Body, carry: Any, fixed: Any) -> Any:
        for _ in range(self.unroll):
            carry = one_step(carry, fixed)
        return carry

    def _one_step(self, parts: Parts, carry: Any, fixed: Any) -> Any:
        i, state, buffers, failed = carry
        parameters, held, stepped, slot, arrays, prepared = fixed
        computed, outputs = iter(arrays), self.recorder.outputs
        state, probed = self._invariants.rest.step(
            parameters,
            self.program.listed(state),
            self.split,
            held,
            stepped[i],
            [*outputs, *(signal for _, signal in self.program.checked)],
            clusters=self.mode is Mode.HYBRID,
            invariants=[(r, None if a is None else next(computed)) for r, a in parts],
            prepared=prepared,
            before=self.recorder.before,
        )
        n = len(self.recorder.before) + len(outputs)
        buffers = self.recorder.after(buffers, probed[:n], slot, i)
        # The first step counts: those after it only hand on what was not finite.
        failed = [
            tf.where((first < 0) & ~tf.reduce_all(tf.math.is_finite(v)), i, first)
            for first, v in zip(failed, probed[n:], strict=True)
        ]
        return i + 1, self.program.carried(state), buffers, failed
