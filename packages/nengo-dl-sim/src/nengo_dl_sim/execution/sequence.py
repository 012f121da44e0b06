"""A fixed number of steps that gradients can flow through."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from enum import Enum
from functools import partial
from typing import Any, NamedTuple

import tensorflow as tf

from nengo_dl_ops.step.loop_invariants import LoopInvariants, split_loop_invariants
from nengo_dl_ops.step.packed_state import unpacked
from nengo_dl_ops.step.program import InputSplit, Program
from nengo_dl_ops.step.stages import Stage, Stages
from nengo_dl_ops.step.state import State
from nengo_dl_ops.step.time_batching import (
    MAX_BYTES,
    Parts,
    TimeBatch,
    at_step,
    join_steps,
    repeat_steps,
)
from nengo_dl_signals import TensorSignal

from .rematerialize import rematerialized

#: Up to this many steps are written out one after another; more become a loop.
MAX_UNROLLED_STEPS = 4


class Keep(Enum):
    """Which values of an output leave the computation."""

    ALL = "of all steps"
    LAST = "of the last step"
    FINITE = "whether those of each step are finite"


def run_sequence(
    program: Program,
    parameters: Sequence[tf.Tensor],
    state: State,
    split: InputSplit,
    held: tf.Tensor,
    stepped: tf.Tensor,
    training: bool,
    keep: Mapping[Hashable, Keep],
    check: bool = False,
) -> tuple[State, dict[Hashable, tf.Tensor], tf.Tensor | None]:
    """
    Compute a number of steps.

    Parameters
    ----------
    program : Program
        What to compute in each step.
    parameters : list of tf.Tensor
        As in `Program.step`.
    state : State
        The state to start from.
    split : InputSplit
        Which input nodes change from step to step.
    held : (n_held, batch or 1) tf.Tensor
        Values of nodes that do not change.
    stepped : (n_steps, n_stepped, batch) tf.Tensor
        Values of nodes that do.
    training : bool
        Whether to compute the differentiable approximation.
    keep : dict from hashable to Keep
        Which of the program's outputs are wanted, and which values of them. Others take
        no memory.
    check : bool
        Whether to look at `Program.checked`. No gradient is asked for then.

    Returns
    -------
    state : State
        The state after the last step.
    outputs : dict from hashable to (batch, n_steps, *shape) tf.Tensor
        The values of each output, batch axis first; of one step, if only the last is
        wanted.
    finite : (n_steps, n_checked) tf.Tensor of bool or None
        Whether what is checked was finite; None if nothing is.
    """
    n_steps = int(stepped.shape[0])
    # To keep all steps for their gradients takes memory that grows with their number;
    # to keep the state between blocks, and compute each block twice, does not.
    if training and not check and n_steps > (program.remat_steps or n_steps):
        blocks = _in_blocks(program, parameters, state, split, held, stepped, keep)
        return *blocks, None
    checked = [("checked", tag) for tag, _ in program.checked] if check else []
    keep = {**keep, **dict.fromkeys(checked, Keep.FINITE)}
    given = _Given(parameters, split, held, stepped, training)
    invariants = split_loop_invariants(program, split, training)
    state, outputs = _run_stages(invariants, given, state, keep)
    state = unpacked(program, state)
    if not checked:
        return state, outputs, None
    finite = tf.stack([outputs.pop(key) for key in checked], axis=1)
    return state, outputs, finite


class _Given(NamedTuple):
    """What all steps are given, as in `run_sequence`."""

    parameters: Sequence[tf.Tensor]
    split: InputSplit
    held: tf.Tensor
    stepped: tf.Tensor
    training: bool
    invariants: Parts = ()


def _run_stages(
    invariants: LoopInvariants,
    given: _Given,
    state: State,
    keep: Mapping[Hashable, Keep],
) -> tuple[State, dict[Hashable, tf.Tensor]]:
    """Compute what is the same in all steps, then all steps of each stage in turn."""
    n_steps = int(given.stepped.shape[0])
    program, training = invariants.rest, invariants.training
    stages = _stages(program, given)
    same = invariants.values(given.parameters, given.held)
    given = given._replace(invariants=same)
    in_steps = partial(repeat_steps, n_steps=n_steps)
    held, steps = in_steps(given.held), join_steps(given.stepped)
    signals = program.loaded(given.parameters, given.split, held, steps)
    signals.take_over([(r, None if a is None else in_steps(a)) for r, a in same])
    batch = TimeBatch(signals, n_steps, program.minibatch_size)
    found: dict[Hashable, tf.Tensor] = {}
    for stage in stages.stages:
        if stage.batched:
            for group in stage.groups:
                (group.build_training_step if training else group.build_step)(signals)
        else:
            state, more = _run_loop(program, stage, given, state, batch, keep)
            found.update(more)
    for key in keep:
        if key not in found:
            values = batch.values(program.looked_at[key])
            found[key] = _kept(keep[key], values)
    key = state.key + tf.constant([0, n_steps])
    return state._replace(key=key), {k: found[k] for k in keep}


def _stages(program: Program, given: _Given) -> Stages:
    n_steps, _, batch = given.stepped.shape
    if n_steps == 1:  # there is nothing to join
        return program.one_stage
    stages = program.stages(program.in_training(given.training))
    # The values of all steps are held at once.
    too_much = stages.n_bytes * n_steps * batch > MAX_BYTES
    return program.one_stage if too_much else stages


def _run_loop(
    program: Program,
    stage: Stage,
    given: _Given,
    state: State,
    batch: TimeBatch,
    keep: Mapping[Hashable, Keep],
) -> tuple[State, dict[Hashable, tf.Tensor]]:
    """Compute all steps of a stage; what later ones read goes to ``batch``."""
    parameters, split, held, stepped, training, invariants = given
    n_steps = int(stepped.shape[0])
    taken = batch.by_step(stage.taken)
    keys = [key for key in stage.outputs if key in keep]
    outputs = [program.looked_at[key] for key in keys]
    handed = [*stage.before, *stage.after]
    kinds = [*(Keep.ALL for _ in handed), *(keep[key] for key in keys)]

    def one_step(i: Any, state: State) -> tuple[State, list[tf.Tensor]]:
        state, values = program.stage_step(
            stage,
            parameters,
            state,
            split,
            held,
            stepped[i],
            invariants,
            at_step(taken, i),
            outputs,
            training,
        )
        return state, [_of_step(*pair) for pair in zip(kinds, values, strict=True)]

    carried = state._replace(arrays=[state.arrays[i] for i in stage.states])
    if n_steps <= MAX_UNROLLED_STEPS or not program.use_loop:
        carried, found = _write_out(one_step, carried, n_steps, kinds)
    else:
        records = [
            _record(program, signal, kind)
            for signal, kind in zip([*handed, *outputs], kinds, strict=True)
        ]
        carried, found = _loop(one_step, carried, n_steps, records)
    for signal, value in zip(handed, found[: len(handed)], strict=True):
        batch.take_over(signal, value)
    values = dict(zip(keys, found[len(handed) :], strict=True))
    arrays = list(state.arrays)
    for i, array in zip(stage.states, carried.arrays, strict=True):
        arrays[i] = array
    after = State(arrays, carried.variables, state.key)
    return after, {key: _all_steps(keep[key], values[key]) for key in keys}


def _in_blocks(
    program: Program,
    parameters: Sequence[tf.Tensor],
    state: State,
    split: InputSplit,
    held: tf.Tensor,
    stepped: tf.Tensor,
    keep: Mapping[Hashable, Keep],
) -> tuple[State, dict[Hashable, tf.Tensor]]:
    """Compute steps block by block, and once more, block by block, for gradients."""
    kinds = list(keep.values())
    invariants = split_loop_invariants(program, split, training=True)

    def compute(parameters, state, held, part):  # type: ignore[no-untyped-def]
        given = _Given(parameters, split, held, part, training=True)
        state, outputs = _run_stages(invariants, given, state, keep)
        return state, [outputs[k] for k in keep]

    def one_block(i: Any, state: State) -> tuple[State, list[tf.Tensor]]:
        return rematerialized(compute, parameters, state, held, blocks[i])

    # Blocks of one length share one graph; the steps left over have one of their own.
    length = int(program.remat_steps or 1)
    n_blocks, n_left = divmod(int(stepped.shape[0]), length)
    in_blocks, left = tf.split(stepped, [n_blocks * length, n_left])
    blocks = tf.reshape(in_blocks, (n_blocks, length, *stepped.shape[1:]))
    records = [
        _block_record(program, k, 1 if kind is Keep.LAST else length, kind)
        for k, kind in keep.items()
    ]
    state, found = _loop(one_block, state, n_blocks, records)
    found = [_join_blocks(values) for values in found]
    if n_left:
        state, more = compute(parameters, state, held, left)
        found = [
            new if kind is Keep.LAST else tf.concat([values, new], axis=1)
            for values, new, kind in zip(found, more, kinds, strict=True)
        ]
    return state, dict(zip(keep, found, strict=True))


def _block_record(program: Program, key: Hashable, length: int, keep: Keep) -> _Record:
    """Say what is collected of an output in blocks of steps."""
    signal = program.outputs[key]
    shape = (program.minibatch_size, length, *signal.shape)
    return _Record(keep, shape, signal.dtype)


def _join_blocks(values: tf.Tensor) -> tf.Tensor:
    """Turn (n_blocks, batch, length, ...) into (batch, n_steps, ...)."""
    n_blocks, batch, length, *shape = values.shape
    axes = (1, 0, *range(2, len(values.shape)))
    return tf.reshape(tf.transpose(values, axes), (batch, n_blocks * length, *shape))


def _write_out(one_step, state, n_steps, kinds):  # type: ignore[no-untyped-def]
    steps = []
    for i in range(n_steps):
        state, probed = one_step(i, state)
        steps.append(probed)
    pairs = zip(zip(*steps, strict=True), kinds, strict=True)
    return state, [
        tf.stack(values[-1:] if kind is Keep.LAST else values) for values, kind in pairs
    ]


class _Record(NamedTuple):
    """
    What a loop collects of one output.

    Parameters
    ----------
    keep : Keep
        Which values of it are wanted.
    shape : tuple of int
        The shape of a value.
    dtype : str or tf.DType
        Its type.
    """

    keep: Keep
    shape: tuple[int, ...]
    dtype: Any

    def start(self, n_steps: int) -> tf.Tensor:
        """Return what is there before the first step."""
        if self.keep is Keep.LAST:
            return tf.zeros(self.shape, self.dtype)
        # A list that grows: the gradient of one that is written at an index (as that of
        # a tf.TensorArray) makes a copy of all of it in each step.
        return tf.raw_ops.EmptyTensorList(
            element_shape=tf.constant(self.shape, tf.int32),  # () would be a float
            max_num_elements=n_steps,
            element_dtype=self.dtype,
        )

    def after(self, before: tf.Tensor, value: tf.Tensor) -> tf.Tensor:
        """Return what is there after a step."""
        if self.keep is Keep.LAST:
            return value
        return tf.raw_ops.TensorListPushBack(input_handle=before, tensor=value)

    def values(self, end: tf.Tensor, n_steps: int) -> tf.Tensor:
        """Return what was collected, (n_steps or 1, *shape)."""
        if self.keep is Keep.LAST:
            return end[None]
        return tf.raw_ops.TensorListStack(
            input_handle=end,
            element_shape=tf.constant(self.shape, tf.int32),
            element_dtype=self.dtype,
            num_elements=n_steps,
        )


def _loop(one_step, state, n_steps, records):  # type: ignore[no-untyped-def]
    def body(i, state, found):  # type: ignore[no-untyped-def]
        state, values = one_step(i, state)
        triples = zip(records, found, values, strict=True)
        return i + 1, state, [r.after(before, value) for r, before, value in triples]

    # XLA can differentiate a loop only if it knows the number of iterations.
    _, state, found = tf.while_loop(
        lambda i, *_: i < n_steps,
        body,
        (tf.constant(0), state, [record.start(n_steps) for record in records]),
        maximum_iterations=n_steps,
        parallel_iterations=1,
    )
    return state, [
        r.values(end, n_steps) for r, end in zip(records, found, strict=True)
    ]


def _record(program: Program, signal: TensorSignal, keep: Keep) -> _Record:
    """Say what is collected of a signal."""
    if keep is Keep.FINITE:
        return _Record(keep, (), tf.bool)
    return _Record(keep, (*signal.shape, program.minibatch_size), signal.dtype)


def _of_step(kind: Keep, value: tf.Tensor) -> tf.Tensor:
    """Return what is kept of (..., batch) values in a step."""
    return tf.reduce_all(tf.math.is_finite(value)) if kind is Keep.FINITE else value


def _all_steps(kind: Keep, values: tf.Tensor) -> tf.Tensor:
    """Return what was kept, with the batch axis first if there is one."""
    return values if kind is Keep.FINITE else _batch_first(values)


def _kept(kind: Keep, values: tf.Tensor) -> tf.Tensor:
    """Return what is kept of (n_steps, ..., batch) values."""
    if kind is Keep.FINITE:
        return tf.reduce_all(tf.math.is_finite(values), axis=range(1, values.ndim))
    return _batch_first(values[-1:] if kind is Keep.LAST else values)


def _batch_first(values: tf.Tensor) -> tf.Tensor:
    """Turn (n_steps, ..., batch) into (batch, n_steps, ...)."""
    rank = len(values.shape)
    return tf.transpose(values, (rank - 1, *range(rank - 1)))
