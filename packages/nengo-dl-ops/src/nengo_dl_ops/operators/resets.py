"""Operators that set signals to what is known beforehand: zeros, constants, time."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import tensorflow as tf
from nengo.builder.operator import Operator, Reset, TimeUpdate
from nengo.builder.probe import SimProbe
from nengo.builder.signal import Signal

from nengo_dl_signals import SignalDict, SignalLayout, join

from ..builder import Builder
from ..config import BuildConfig
from ..op_builder import Memoryless, OpBuilder
from ..ranges import check_range
from .shapes import refuse_shapes


@Builder.register(Reset)
class ResetBuilder(OpBuilder):
    """
    Set signals to a constant: ``dst[...] = value``.

    Notes
    -----
    1. sets ``[dst]``
    2. incs ``[]``
    3. reads ``[]``
    4. updates ``[]``
    """

    def __init__(
        self, ops: Sequence[Operator], layout: SignalLayout, config: BuildConfig
    ) -> None:
        super().__init__(ops, layout, config)
        self.dst = join([layout[op.dst].reshape((-1,)) for op in ops])
        values = np.concatenate([np.full(op.dst.size, op.value) for op in ops])
        for op in ops:
            check_range(f"{op}", op.value, config.dtype)
        self.values = values[:, None].astype(self.dst.dtype)

    @classmethod
    def merge_key(cls, op: Operator) -> Hashable:
        """All resets merge."""
        return 0

    def memoryless(self, training: bool) -> Memoryless:
        """Everything follows from what is read."""
        del training
        return Memoryless.of(self.ops)

    def build_step(self, signals: SignalDict) -> None:
        """Set all signals at once."""
        if np.any(self.values):
            signals.scatter(self.dst, tf.constant(self.values, self.dst.dtype))
        else:
            signals.clear(self.dst)


@Builder.register(TimeUpdate)
class TimeUpdateBuilder(OpBuilder):
    """
    Advance the clock: ``step += 1``, ``time = step * dt``.

    Notes
    -----
    1. sets ``[step, time]``
    2. incs ``[]``
    3. reads ``[]``
    4. updates ``[]``
    """

    shared = True

    def __init__(
        self, ops: Sequence[Operator], layout: SignalLayout, config: BuildConfig
    ) -> None:
        super().__init__(ops, layout, config)
        op = ops[0]
        self.step = layout[op.step]
        self.time = layout[op.time]
        self.counted = self.step.take(_broadcast_elements(op))

    @classmethod
    def check(cls, op: Operator) -> None:
        """Check that the time takes the count of steps."""
        try:
            _broadcast_elements(op)
        except ValueError as error:
            raise refuse_shapes(op, "time = step * dt", (op.time, op.step)) from error

    @classmethod
    def previous(cls, op: Operator) -> list[Signal]:
        """Counting needs the previous count."""
        return [op.step]

    def build_step(self, signals: SignalDict) -> None:
        """Count, and derive the time from the count so that it does not drift."""
        signals.scatter(self.step, signals.gather(self.step) + 1)
        counted = signals.gather(self.counted)
        seconds = tf.cast(counted, tf.float64) * self.config.dt
        signals.scatter(self.time, tf.cast(seconds, self.time.dtype))


def _broadcast_elements(op: TimeUpdate) -> np.ndarray:
    """Return which of the counts each element of the time follows from."""
    counts = np.empty(op.time.shape, int)
    counts[...] = np.arange(op.step.size).reshape(op.step.shape)
    return counts


@Builder.register(SimProbe)
class SimProbeBuilder(OpBuilder):
    """
    Mark a signal as probed; its value is read at the end of the step.

    Notes
    -----
    1. sets ``[]``
    2. incs ``[]``
    3. reads ``[signal]``
    4. updates ``[]``
    """

    @classmethod
    def merge_key(cls, op: Operator) -> Hashable:
        """All probes merge."""
        return 0

    def memoryless(self, training: bool) -> Memoryless:
        """Everything follows from what is read."""
        del training
        return Memoryless.of(self.ops)

    def build_step(self, signals: SignalDict) -> None:
        """Compute nothing."""
