"""Operators that set signals to what is known beforehand: zeros, constants, time."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import tensorflow as tf
from nengo.builder.operator import Operator, Reset, TimeUpdate
from nengo.builder.probe import SimProbe
from nengo.builder.signal import Signal

from nengo_dl_signals import SignalDict, SignalLayout, join

from .builder import Builder, Instant, OpBuilder
from .config import BuildConfig


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
        self.values = values[:, None]

    @classmethod
    def merge_key(cls, op: Operator) -> Hashable:
        """All resets merge."""
        return 0

    def instant(self, training: bool) -> Instant:
        """Everything follows from what is read."""
        del training
        return Instant.of(self.ops)

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
        self.step = layout[ops[0].step]
        self.time = layout[ops[0].time]

    @classmethod
    def previous(cls, op: Operator) -> list[Signal]:
        """Counting needs the previous count."""
        return [op.step]

    def build_step(self, signals: SignalDict) -> None:
        """Count, and derive the time from the count so that it does not drift."""
        step = signals.gather(self.step) + 1
        seconds = tf.cast(step, tf.float64) * self.config.dt
        signals.scatter(self.step, step)
        signals.scatter(self.time, tf.cast(seconds, self.time.dtype))


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

    def instant(self, training: bool) -> Instant:
        """Everything follows from what is read."""
        del training
        return Instant.of(self.ops)

    def build_step(self, signals: SignalDict) -> None:
        """Compute nothing."""
