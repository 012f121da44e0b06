"""Values that XLA is to compute once, into an array, before they are read."""

from __future__ import annotations

import tensorflow as tf

#: Operations that XLA computes within the loop over the elements of what reads them.
_FUSED = frozenset(
    {
        *("AddV2", "Sub", "Mul", "Neg", "RealDiv", "Maximum", "Minimum", "SelectV2"),
        *("BroadcastTo", "Cast", "ExpandDims", "Identity", "Reshape", "StridedSlice"),
        *("Sum", "Transpose"),
    }
)

#: Those of them that choose, for each element, where its value comes from.
_PIECEWISE = frozenset({"ConcatV2", "GatherV2", "Pack", "PadV2"})


def materialized(value: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
    """
    Return a value that XLA computes before it computes what reads it.

    A loop over elements that chooses where each one comes from is not vectorized: what
    takes long for each element, as a step of neurons does, then takes several times as
    long. (13,000 LIF neurons in minibatches of 64: 16 ms a step, not 2.) Values that
    are not joined of pieces are returned as they are.

    Parameters
    ----------
    value : tf.Tensor
        Part of a step of a run that XLA compiles.
    key : (2,) tf.Tensor of int
        That of the step.

    Returns
    -------
    value : tf.Tensor
        The same.
    """
    if not is_piecewise(value):
        return value
    # XLA does not know that steps are counted from 0, and never fuses what one of some
    # branches gives. (Of `tf.cond`, whose branches take little, it makes a selection.)
    branch = tf.cast(key[1] < 0, tf.int32)
    return tf.switch_case(branch, [lambda: value, lambda: tf.zeros_like(value)])


def is_piecewise(value: tf.Tensor) -> bool:
    """Tell whether XLA would join a value of pieces in the loop of what reads it."""
    seen, left = set(), [value.op]
    while left:
        op = left.pop()
        if op.type in _PIECEWISE:
            return True
        if op.type in _FUSED and op.name not in seen:
            seen.add(op.name)
            left += [tensor.op for tensor in op.inputs]
    return False
