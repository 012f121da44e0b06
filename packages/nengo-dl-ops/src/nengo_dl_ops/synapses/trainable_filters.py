"""How filters depend on what is trained of them: time constants, or coefficients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import factorial

import tensorflow as tf
from nengo.base import Process
from nengo.synapses import Alpha, LinearFilter, Lowpass

from ..operators.process_coefficients import TrainableProcess
from ..operators.transformed_parameters import Bounds
from ..with_values import with_values
from .filter_sections import trainable_linear_filter

#: So many terms of a series, in parts of a time constant of which there is at most one
#: in a step, are exact in double precision.
_N_TERMS = 20


@dataclass(frozen=True)
class TrainableLowpass(TrainableProcess):
    r"""
    The time constant :math:`\tau` of ``nengo.Lowpass``, at least a time step.

    .. math:: A = e^{-dt / \tau}, \quad B = 1 - A
    """

    def bounds(self, process: Process, dt: float) -> Mapping[str, Bounds]:
        """Return the bounds of the time constant."""
        del process
        return {"tau": Bounds(low=dt)}

    def coefficients(
        self, values: Mapping[str, tf.Tensor], dt: float
    ) -> dict[str, tf.Tensor]:
        """Compute A and B."""
        x = dt / values["tau"]
        return {"A": tf.exp(-x)[None, None], "B": -tf.math.expm1(-x)[None, None]}

    def with_values(self, process: Process, values: Mapping[str, float]) -> Process:
        """Return a filter with another time constant."""
        tau = values["tau"]
        return with_values(process, tau=tau, den=[tau, 1])


@dataclass(frozen=True)
class TrainableAlpha(TrainableProcess):
    r"""
    The time constant :math:`\tau` of ``nengo.Alpha``, at least a time step.

    With :math:`a = 1 / \tau`, :math:`x = a \, dt`, for a hold of order zero:

    .. math::

       A = e^{-x} \begin{pmatrix} 1 - x & -a x \\ dt & 1 + x \end{pmatrix}, \quad
       B = \begin{pmatrix} dt \, e^{-x} \\ (1 - e^{-x} (1 + x)) / a^2
       \end{pmatrix}, \quad
       C = \begin{pmatrix} 0 & a^2 \end{pmatrix}
    """

    def bounds(self, process: Process, dt: float) -> Mapping[str, Bounds]:
        """Return the bounds of the time constant, that of both poles."""
        del process
        return {"tau": Bounds(low=dt)}

    def coefficients(
        self, values: Mapping[str, tf.Tensor], dt: float
    ) -> dict[str, tf.Tensor]:
        """Compute A, B and C."""
        tau = values["tau"]
        x, a = dt / tau, 1 / tau
        decay = tf.exp(-x)
        A = [[decay * (1 - x), -decay * a * x], [decay * dt, decay * (1 + x)]]
        B = [[decay * dt], [decay * _exp_without_start(x) * tau**2]]
        return {
            "A": tf.stack([tf.stack(row) for row in A]),
            "B": tf.stack([tf.stack(row) for row in B]),
            "C": tf.stack([tf.stack([tf.zeros_like(a), a**2])]),
        }

    def with_values(self, process: Process, values: Mapping[str, float]) -> Process:
        """Return a filter with another time constant."""
        tau = values["tau"]
        return with_values(process, tau=tau, den=[tau**2, 2 * tau, 1])


def trainable_filter(process: LinearFilter) -> TrainableProcess | None:
    """Say what can be trained of a filter; None if there is nothing."""
    if not process.analog or process.method != "zoh":
        return None
    if type(process) is LinearFilter:
        return trainable_linear_filter(process)
    forms = {Lowpass: TrainableLowpass(), Alpha: TrainableAlpha()}
    return forms.get(type(process))


def _exp_without_start(x: tf.Tensor) -> tf.Tensor:
    r"""Compute :math:`e^x - 1 - x` for x between 0 and 1, without cancellation."""
    y = tf.zeros_like(x)
    for k in range(_N_TERMS, 1, -1):
        y = x * y + 1 / factorial(k)
    return tf.square(x) * y
