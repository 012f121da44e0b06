"""Parameters between bounds, as functions of numbers that training changes freely."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from nengo.builder.operator import Operator
from nengo.builder.signal import Signal

from nengo_dl_signals import SignalDict, SignalLayout, join

from ..builder import Builder
from ..config import BuildConfig
from ..op_builder import Memoryless, OpBuilder


class Bounds(NamedTuple):
    r"""
    Between which values a parameter stays in training.

    The parameter :math:`p` follows from a number :math:`\theta` without bounds, which
    is what training changes:

    .. math::

       p &= \theta & \quad & \text{(no bounds)} \\
       p &= low + e^\theta & & \text{(a lower bound)} \\
       p &= high - e^\theta & & \text{(an upper bound)} \\
       p &= low + \frac{high - low}{1 + e^{-\theta}} & & \text{(both)}

    Parameters
    ----------
    low, high : float or None
        The bounds, which are never reached; None: there is none.
    """

    low: float | None = None
    high: float | None = None

    def contain(self, value: Any) -> bool:
        """Tell whether a value, or each of some, lies between the bounds."""
        value = np.asarray(value, np.float64)
        above = self.low is None or np.all(value > self.low)
        below = self.high is None or np.all(value < self.high)
        return bool(np.all(np.isfinite(value)) and above and below)

    def unconstrained(self, value: Any) -> np.ndarray:
        """Return the number without bounds that gives a value."""
        value = np.asarray(value, np.float64)
        if self.low is None:
            return value if self.high is None else np.log(self.high - value)
        if self.high is None:
            return np.log(value - self.low)
        return np.log(value - self.low) - np.log(self.high - value)

    def value(self, unconstrained: Any) -> np.ndarray:
        """Return the value that a number without bounds gives."""
        unconstrained = np.asarray(unconstrained, np.float64)
        if self.low is None:
            return (
                unconstrained
                if self.high is None
                else self.high - np.exp(unconstrained)
            )
        if self.high is None:
            return self.low + np.exp(unconstrained)
        return self.low + (self.high - self.low) / (1 + np.exp(-unconstrained))

    def __str__(self) -> str:
        parts = [] if self.low is None else [f"greater than {self.low:g}"]
        parts += [] if self.high is None else [f"less than {self.high:g}"]
        return " and ".join(parts) or "a finite number"


#: No bounds.
UNBOUNDED = Bounds()

#: More than zero.
POSITIVE = Bounds(low=0.0)

#: Between zero and one.
UNIT = Bounds(low=0.0, high=1.0)


class SimBoundedParameter(Operator):
    """
    Compute parameters from numbers without bounds.

    Parameters
    ----------
    unconstrained : nengo.builder.Signal
        The numbers, (n,).
    value : nengo.builder.Signal
        The parameters, (n,).
    bounds : Bounds
        Between which values they stay.
    tag : str, optional
        Whose they are.

    Notes
    -----
    1. sets ``[value]``
    2. incs ``[]``
    3. reads ``[unconstrained]``
    4. updates ``[]``
    """

    def __init__(
        self,
        unconstrained: Signal,
        value: Signal,
        bounds: Bounds,
        tag: str | None = None,
    ) -> None:
        super().__init__(tag=tag)
        self.sets = [value]
        self.incs: list[Signal] = []
        self.reads = [unconstrained]
        self.updates: list[Signal] = []
        self.bounds = bounds

    @property
    def unconstrained(self) -> Signal:
        """The numbers without bounds."""
        return self.reads[0]

    @property
    def value(self) -> Signal:
        """The parameters."""
        return self.sets[0]

    def make_step(self, signals: Any, dt: float, rng: Any) -> Callable[[], None]:
        """Compute them with NumPy."""
        del dt, rng
        unconstrained, value = signals[self.unconstrained], signals[self.value]

        def step() -> None:
            value[...] = self.bounds.value(unconstrained)

        return step


@Builder.register(SimBoundedParameter)
class SimBoundedParameterBuilder(OpBuilder):
    """
    Compute parameters between bounds; the equations are those of `Bounds`.

    They follow from constants: in training they are computed once for all steps.

    Notes
    -----
    1. sets ``[value]``
    2. incs ``[]``
    3. reads ``[unconstrained]``
    4. updates ``[]``
    """

    shared = True

    def __init__(
        self, ops: Sequence[Operator], layout: SignalLayout, config: BuildConfig
    ) -> None:
        super().__init__(ops, layout, config)
        self.unconstrained = join([layout[op.unconstrained] for op in ops])
        self.value = join([layout[op.value] for op in ops])
        self.low = _each([op.bounds.low for op in ops], ops, config.dtype)
        self.high = _each([op.bounds.high for op in ops], ops, config.dtype)

    @classmethod
    def merge_key(cls, op: Operator) -> Hashable:
        """They merge if they have bounds on the same sides."""
        return op.bounds.low is None, op.bounds.high is None

    def memoryless(self, training: bool) -> Memoryless:
        """Everything follows from what is read."""
        del training
        return Memoryless.of(self.ops)

    def build_step(self, signals: SignalDict) -> None:
        """Compute all of them at once."""
        signals.scatter(self.value, self._value(signals.gather(self.unconstrained)))

    def _value(self, unconstrained: tf.Tensor) -> tf.Tensor:
        low, high = self.low, self.high
        if low is None:
            return (
                tf.identity(unconstrained)
                if high is None
                else high - tf.exp(unconstrained)
            )
        if high is None:
            return low + tf.exp(unconstrained)
        return low + (high - low) * tf.sigmoid(unconstrained)


def _each(
    bounds: Sequence[float | None], ops: Sequence[Operator], dtype: str
) -> np.ndarray | None:
    """Return the bound of each value, (n, 1); None if there is none."""
    if bounds[0] is None:
        return None
    sizes = [op.value.size for op in ops]
    return np.repeat(np.asarray(bounds, dtype), sizes)[:, None]
