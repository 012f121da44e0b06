"""A fixed number of steps that gradients can flow through."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from enum import Enum
from typing import Any

import tensorflow as tf

from nengo_dl_ops.step.program import InputSplit, Program
from nengo_dl_ops.step.state import State
from nengo_dl_ops.step.time_batching import MAX_BYTES, TimeBatch, join_steps
from nengo_dl_signals import repeat_batch

from .rematerialize import rematerialized

#: Up to this many steps are written out one after another; more become a loop.
MAX_UNROLLED_STEPS = 4


class Keep(Enum):
    """Which values of an output leave the computation."""

    ALL = "of all steps"
    LAST = "of the last step"


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
    held : (n_held, 1) tf.Tensor
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
    time_batch = _time_batch(program, parameters, split, held, stepped, training)
    outputs = _known_outputs(program, time_batch, keep)
    wanted = [k for k in keep if k not in outputs]
    last = [keep[k] is Keep.LAST for k in wanted]
    signals = [program.outputs[k] for k in wanted]
    checked = [signal for _, signal in program.checked] if check else []
    last += [False] if checked else []

    def one_step(i: Any, state: State) -> tuple[State, list[tf.Tensor]]:
        state, probed = program.step(
            parameters,
            state,
            split,
            held,
            stepped[i],
            [*signals, *checked],
            training,
            remainder=None if time_batch is None else time_batch.remainder(i),
        )
        n = len(signals)
        finite = [tf.reduce_all(tf.math.is_finite(v)) for v in probed[n:]]
        return state, [*probed[:n], *([tf.stack(finite)] if checked else [])]

    if n_steps <= MAX_UNROLLED_STEPS or not program.use_loop:
        state, found = _write_out(one_step, state, n_steps, last)
    else:
        buffers = [
            _buffer(program, k, 1 if keep[k] is Keep.LAST else n_steps) for k in wanted
        ]
        buffers += _finite_buffers(n_steps, len(checked))
        state, found = _loop(one_step, state, n_steps, last, buffers)
    finite = found.pop() if checked else None
    for k, values in zip(wanted, found, strict=True):
        outputs[k] = _batch_first(values)
    return state, outputs, finite


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
    last = [kind is Keep.LAST for kind in keep.values()]
    plain = replace(program, remat_steps=None)

    def compute(parameters, state, held, part):  # type: ignore[no-untyped-def]
        state, outputs, _ = run_sequence(
            plain, parameters, state, split, held, part, True, keep
        )
        return state, [outputs[k] for k in keep]

    def one_block(i: Any, state: State) -> tuple[State, list[tf.Tensor]]:
        return rematerialized(compute, parameters, state, held, blocks[i])

    # Blocks of one length share one graph; the steps left over have one of their own.
    length = int(program.remat_steps or 1)
    n_blocks, n_left = divmod(int(stepped.shape[0]), length)
    in_blocks, left = tf.split(stepped, [n_blocks * length, n_left])
    blocks = tf.reshape(in_blocks, (n_blocks, length, *stepped.shape[1:]))
    buffers = [
        _block_buffer(program, k, n_blocks, 1 if one else length, one)
        for k, one in zip(keep, last, strict=True)
    ]
    state, found = _loop(one_block, state, n_blocks, last, buffers)
    found = [_join_blocks(values) for values in found]
    if n_left:
        state, more = compute(parameters, state, held, left)
        found = [
            new if one else tf.concat([values, new], axis=1)
            for values, new, one in zip(found, more, last, strict=True)
        ]
    return state, dict(zip(keep, found, strict=True))


def _block_buffer(
    program: Program, key: Hashable, n_blocks: int, length: int, last: bool
) -> tf.TensorArray:
    """Make a place for the values of an output in all blocks, or in the last one."""
    signal = program.outputs[key]
    shape = (program.minibatch_size, length, *signal.shape)
    return tf.TensorArray(signal.dtype, 1 if last else n_blocks, element_shape=shape)


def _join_blocks(values: tf.Tensor) -> tf.Tensor:
    """Turn (n_blocks, batch, length, ...) into (batch, n_steps, ...)."""
    n_blocks, batch, length, *shape = values.shape
    axes = (1, 0, *range(2, len(values.shape)))
    return tf.reshape(tf.transpose(values, axes), (batch, n_blocks * length, *shape))


def _time_batch(
    program: Program,
    parameters: Sequence[tf.Tensor],
    split: InputSplit,
    held: tf.Tensor,
    stepped: tf.Tensor,
    training: bool,
) -> TimeBatch | None:
    """Compute what does not need the step before, if there is more than one step."""
    n_steps, _, batch = stepped.shape
    training = program.in_training(training)
    if n_steps == 1:  # there is nothing to join
        return None
    time_split = program.time_split(training)
    # The values of all steps are held at once.
    if not time_split.batched or time_split.n_bytes * n_steps * batch > MAX_BYTES:
        return None
    signals = program.loaded(parameters, split, held, join_steps(stepped))
    return TimeBatch(time_split, signals, training, n_steps)


def _known_outputs(
    program: Program, time_batch: TimeBatch | None, keep: Mapping[Hashable, Keep]
) -> dict[Hashable, tf.Tensor]:
    """Return the outputs that are known before the steps are computed."""
    outputs: dict[Hashable, tf.Tensor] = {}
    if time_batch is None:
        return outputs
    for key, kind in keep.items():
        values = time_batch.values(program.outputs[key])
        if values is not None:
            values = repeat_batch(values, program.minibatch_size)
            outputs[key] = _batch_first(values[-1:] if kind is Keep.LAST else values)
    return outputs


def _write_out(one_step, state, n_steps, last):  # type: ignore[no-untyped-def]
    steps = []
    for i in range(n_steps):
        state, probed = one_step(i, state)
        steps.append(probed)
    pairs = zip(zip(*steps, strict=True), last, strict=True)
    return state, [tf.stack(values[-1:] if one else values) for values, one in pairs]


def _loop(one_step, state, n_steps, last, buffers):  # type: ignore[no-untyped-def]
    def body(i, state, buffers):  # type: ignore[no-untyped-def]
        state, probed = one_step(i, state)
        buffers = [
            buffer.write(0 if one else i, value)
            for buffer, one, value in zip(buffers, last, probed, strict=True)
        ]
        return i + 1, state, buffers

    # XLA can differentiate a loop only if it knows the number of iterations.
    _, state, buffers = tf.while_loop(
        lambda i, *_: i < n_steps,
        body,
        (tf.constant(0), state, buffers),
        maximum_iterations=n_steps,
        parallel_iterations=1,
    )
    return state, [buffer.stack() for buffer in buffers]


def _buffer(program: Program, key: Hashable, size: int) -> tf.TensorArray:
    """Make a place for values of an output."""
    signal = program.outputs[key]
    shape = (*signal.shape, program.minibatch_size)
    return tf.TensorArray(signal.dtype, size, element_shape=shape)


def _finite_buffers(n_steps: int, n_checked: int) -> list[tf.TensorArray]:
    """Make a place for what is found out of what is checked, if anything is."""
    if not n_checked:
        return []
    return [tf.TensorArray(tf.bool, n_steps, element_shape=(n_checked,))]


def _batch_first(values: tf.Tensor) -> tf.Tensor:
    """Turn (n_steps, ..., batch) into (batch, n_steps, ...)."""
    rank = len(values.shape)
    return tf.transpose(values, (rank - 1, *range(rank - 1)))
