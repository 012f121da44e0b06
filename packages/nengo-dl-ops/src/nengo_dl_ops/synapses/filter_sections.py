"""Linear filters as products of sections of second order, which keeps them stable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import tensorflow as tf
from nengo.base import Process
from nengo.synapses import LinearFilter

from ..operators.process_coefficients import TrainableProcess
from ..operators.transformed_parameters import UNBOUNDED, Bounds
from ..with_values import with_values

#: So many terms of the exponential series of a matrix whose norm is at most 1/2 are
#: exact in double precision.
_N_TERMS = 14

#: Coefficients, from that of the lowest power on: numbers, arrays or tensors.
Polynomial = Sequence[Any]


@dataclass(frozen=True)
class TrainableLinearFilter(TrainableProcess):
    r"""
    The coefficients of ``nengo.LinearFilter``, as those of a product of sections.

    .. math::

       \frac{num(s)}{den(s)} = \frac{\sum_j n_j (T s)^j}{\prod_k
       \left( \tau_k^2 s^2 + 2 \frac{\tau_k^2}{d_k} s + 1 \right)} \qquad
       T^n = \prod_k \tau_k^2

    with sections of second order, of which the poles have the absolute value
    :math:`1 / \tau_k` and the real part :math:`-1 / d_k` if they are complex, and the
    sum :math:`-2 / d_k` if they are real (:math:`\tau_k` and :math:`d_k` in seconds).
    If the number of poles :math:`n` is odd, the last section is :math:`\tau_k s + 1`,
    and counts with :math:`\tau_k` in the product. Such a filter is stable if all
    :math:`\tau_k` and :math:`d_k` are positive, and all that are stable are such
    products [1]_. They stay above a time step; :math:`n_j`, which have no unit, have no
    bounds. :math:`n_0` is the gain for constant input.

    The matrices of the controller canonical form are discretised for a hold of order
    zero.

    Parameters
    ----------
    order : int
        The number of poles.
    n_num : int
        The number of coefficients of the numerator: more than ``order`` with a
        passthrough.

    References
    ----------
    .. [1] Oppenheim, A. V., & Schafer, R. W. (2010). *Discrete-time signal processing*
       (3rd ed.), chapter 6. Pearson.
    """

    ndim = 1

    order: int
    n_num: int

    def bounds(self, process: Process, dt: float) -> Mapping[str, Bounds]:
        """Return the bounds of the time constants; the numerator has none."""
        del process
        taus = dict.fromkeys([*self._taus, *self._decays], Bounds(low=dt))
        return {**taus, **dict.fromkeys(self._nums, UNBOUNDED)}

    def values(self, process: Process, dt: float) -> dict[str, Any]:
        """Return what the poles and the numerator give."""
        del dt
        return self._values(process)

    def refusal(self, process: Process, dt: float) -> str | None:
        """Refuse filters that are not stable, or faster than a time step."""
        poles = np.roots(process.den)
        if np.all(poles.real < 0) and self._contain(self._values(process), dt):
            return None
        return (
            f"poles with negative real parts and time constants above {dt:g} s, got "
            f"poles {[complex(pole) for pole in poles]}"
        )

    def built(self, process: Process, dt: float) -> dict[str, Any]:
        """Return numerator and denominator."""
        del dt
        return {"num": process.num, "den": process.den}

    def attributes(self, process: Process, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return numerator and denominator; if nothing has changed, those there are."""
        own = self._values(process)
        if all(np.all(values[name] == own[name]) for name in own):
            elements = np.shape(values[self._nums[0]])
            return {
                name: np.broadcast_to(coefs, (*elements, len(coefs))).copy()
                for name, coefs in (("num", process.num), ("den", process.den))
            }
        # The constant of the denominator is no parameter: it stays what it was.
        parts = zip(("num", "den"), self._polynomials(values), strict=True)
        return {
            name: np.stack(np.broadcast_arrays(*coefs[::-1]), axis=-1) * process.den[-1]
            for name, coefs in parts
        }

    def with_values(self, process: Process, values: Mapping[str, Any]) -> Process:
        """Return a filter with another numerator and denominator."""
        return with_values(process, num=values["num"], den=values["den"])

    def coefficients(
        self, values: Mapping[str, tf.Tensor], dt: float
    ) -> dict[str, tf.Tensor]:
        """Compute A, B, C and D, those of them that a step reads."""
        # In steps, in which all numbers have similar size.
        in_steps = {
            name: value[:, 0] if name in self._nums else value[:, 0] / dt
            for name, value in values.items()
        }
        num, den = self._polynomials(in_steps)
        num = [coef / den[-1] for coef in num]
        den = [coef / den[-1] for coef in den]
        D = num[self.order] if self.passthrough else tf.zeros_like(num[0])
        if self.order == 0:
            return {"D": D[None, None, :, None]}
        zeros = [tf.zeros_like(D)] * (self.order - len(num))
        C = tf.stack(
            [b - D * a for b, a in zip([*num, *zeros], den[:-1], strict=False)][::-1]
        )
        change = _exponential_minus_one(_with_input(den[:-1][::-1]), self.order + 1)
        change = tf.transpose(change, (1, 2, 0))
        A = change[:-1, :-1] + np.eye(self.order, dtype=D.dtype.name)[..., None]
        return self._in_seconds(A, change[:-1, -1:], C[None], D[None, None], dt)

    @property
    def passthrough(self) -> bool:
        """Whether some of the input passes without delay."""
        return self.n_num > self.order

    @property
    def _taus(self) -> list[str]:
        return [f"tau_{k}" for k in range((self.order + 1) // 2)]

    @property
    def _decays(self) -> list[str]:
        return [f"decay_{k}" for k in range(self.order // 2)]

    @property
    def _nums(self) -> list[str]:
        return [f"num_{j}" for j in range(self.n_num)]

    def _values(self, process: LinearFilter) -> dict[str, float]:
        taus, decays = _sections(np.roots(process.den))
        num = process.num[::-1][: self.n_num] / process.den[-1]
        unit = _unit(taus, self.order)
        return {
            **dict(zip(self._taus, taus, strict=True)),
            **dict(zip(self._decays, decays, strict=True)),
            **{
                name: float(coef / unit**j)
                for j, (name, coef) in enumerate(zip(self._nums, num, strict=True))
            },
        }

    def _contain(self, values: Mapping[str, float], dt: float) -> bool:
        taus = [values[name] for name in (*self._taus, *self._decays)]
        return Bounds(low=dt).contain(taus)

    def _polynomials(self, values: Mapping[str, Any]) -> tuple[Polynomial, Polynomial]:
        """Return numerator and denominator, of which the constant is one."""
        taus = [values[name] for name in self._taus]
        decays = [values[name] for name in self._decays]
        one = values[self._nums[0]] * 0 + 1
        den: Polynomial = [one]
        for tau, decay in zip(taus, decays, strict=False):
            den = _product(den, [one, 2 * tau**2 / decay, tau**2])
        if self.order % 2:
            den = _product(den, [one, taus[-1]])
        unit = _unit(taus, self.order)
        return [values[name] * unit**j for j, name in enumerate(self._nums)], den

    def _in_seconds(
        self, A: tf.Tensor, B: tf.Tensor, C: tf.Tensor, D: tf.Tensor, dt: float
    ) -> dict[str, tf.Tensor]:
        """Return the matrices for a state as Nengo has it, with those that are read."""
        if self.order == 1 and not self.passthrough:  # the state is the output
            return {"A": A[..., None], "B": (B * C)[..., None]}
        unit = dt ** np.arange(1, self.order + 1, dtype=np.float64)
        unit = tf.constant(unit[:, None, None], A.dtype)
        across = tf.transpose(unit, (1, 0, 2))
        found = {"A": A * unit / across, "B": B * unit, "C": C / across}
        found |= {"D": D} if self.passthrough else {}
        return {name: value[..., None] for name, value in found.items()}


def trainable_linear_filter(process: LinearFilter) -> TrainableLinearFilter:
    """Say what can be trained of a general filter."""
    order = len(np.trim_zeros(process.den, "f")) - 1
    num = np.trim_zeros(process.num, "f")
    # A power that the numerator has with a zero is trained, but for a passthrough.
    n_num = max(len(num), min(len(process.num), order), 1)
    return TrainableLinearFilter(order, n_num)


def _sections(poles: np.ndarray) -> tuple[list[float], list[float]]:
    """Return time constants and decays of poles: the slowest real one may be alone."""
    real = sorted(poles[poles.imag == 0].real)
    pairs = [(pole, pole.conjugate()) for pole in poles[poles.imag > 0]]
    pairs += zip(real[0::2], real[1::2], strict=False)
    taus = [float(abs(a * b) ** -0.5) for a, b in pairs]
    decays = [float(-2 / (a + b).real) for a, b in pairs]
    return taus + ([float(-1 / real[-1])] if len(real) % 2 else []), decays


def _unit(taus: Sequence[Any], order: int) -> Any:
    """Return the mean time constant, in which the numerator is measured."""
    alone = order % 2
    powers = [tau ** (2 / order) for tau in (taus[:-1] if alone else taus)]
    return prod(powers + ([taus[-1] ** (1 / order)] if alone else []))


def _product(a: Polynomial, b: Polynomial) -> Polynomial:
    """Multiply two polynomials."""
    pairs = [(i + j, x * y) for i, x in enumerate(a) for j, y in enumerate(b)]
    return [
        sum(value for power, value in pairs if power == k)
        for k in range(len(a) + len(b) - 1)
    ]


def _with_input(den: Sequence[tf.Tensor]) -> tf.Tensor:
    """Return the matrix of ``d/dt (x, u)`` for a constant u, in canonical form."""
    order, zeros = len(den), tf.zeros_like(den[0])
    first = tf.stack([*(-coef for coef in den), zeros + 1], axis=-1)
    shift = np.eye(order, order + 1, dtype=zeros.dtype.name)
    shift[-1] = 0  # the input does not change
    others = tf.broadcast_to(shift, (*zeros.shape, *shift.shape))
    return tf.concat([first[:, None], others], axis=1)


def _exponential_minus_one(matrix: tf.Tensor, n_halved: int) -> tf.Tensor:
    """
    Compute ``exp(matrix) - 1`` for matrices of which the norm is at most 2**n / 2.

    ``n_halved``: n. By a series for the matrix halved n times, and squares of that
    [1]_; without the one, as a small change of each step has to be exact.

    References
    ----------
    .. [1] Moler, C., & Van Loan, C. (2003). Nineteen dubious ways to compute the
       exponential of a matrix, twenty-five years later. SIAM Review, 45(1), 3-49.
    """
    one = np.eye(matrix.shape[-1], dtype=matrix.dtype.name)
    small = matrix / 2**n_halved
    change = small / _N_TERMS
    for k in range(_N_TERMS - 1, 0, -1):
        change = tf.matmul(small / k, one + change)
    for _ in range(n_halved):
        change = 2 * change + tf.matmul(change, change)
    return change
