"""A fixed number of steps that gradients can flow through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from .program import InputSplit, Program, State

#: Up to this many steps are written out one after another; more become a loop.
MAX_UNROLLED_STEPS = 4


def run_sequence(
    program: Program,
    parameters: Sequence[tf.Tensor],
    state: State,
    split: InputSplit,
    held: tf.Tensor,
    stepped: tf.Tensor,
    training: bool,
) -> tuple[State, list[tf.Tensor]]:
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

    Returns
    -------
    state : State
        The state after the last step.
    outputs : list of (batch, n_steps, *shape) tf.Tensor
        The values of each probe, batch axis first.
    """
    n_steps = int(stepped.shape[0])

    def one_step(i: Any, state: State) -> Any:
        return program.step(
            parameters, state, split, held, stepped[i], program.probes, training
        )

    run = _write_out if n_steps <= MAX_UNROLLED_STEPS else _loop
    final, probed = run(program, one_step, state, n_steps)
    return final, [_batch_first(values) for values in probed]


def _write_out(program, one_step, state, n_steps):  # type: ignore[no-untyped-def]
    del program
    steps = []
    for i in range(n_steps):
        state, probed = one_step(i, state)
        steps.append(probed)
    return state, [tf.stack(values) for values in zip(*steps, strict=True)]


def _loop(program, one_step, state, n_steps):  # type: ignore[no-untyped-def]
    batch = program.minibatch_size
    buffers = [
        tf.TensorArray(probe.dtype, n_steps, element_shape=(*probe.shape, batch))
        for probe in program.probes
    ]

    def body(i, state, buffers):  # type: ignore[no-untyped-def]
        state, probed = one_step(i, state)
        pairs = zip(buffers, probed, strict=True)
        return i + 1, state, [buffer.write(i, value) for buffer, value in pairs]

    # XLA can differentiate a loop only if it knows the number of iterations.
    _, state, buffers = tf.while_loop(
        lambda i, *_: i < n_steps,
        body,
        (tf.constant(0), state, buffers),
        maximum_iterations=n_steps,
        parallel_iterations=1,
    )
    return state, [buffer.stack() for buffer in buffers]


def _batch_first(values: tf.Tensor) -> tf.Tensor:
    """Turn (n_steps, ..., batch) into (batch, n_steps, ...)."""
    rank = len(values.shape)
    return tf.transpose(values, (rank - 1, *range(rank - 1)))
