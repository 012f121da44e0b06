"""A penalty on the size of a signal."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from .arguments import float_tensor
from .norm import vector_norm

N_LEADING_AXES = 2
"""Batch and time, which lie before the axes of one timestep's signal."""


@dataclass(frozen=True)
class Regularize:
    r"""
    Mean norm of a signal, as an objective that needs no targets.

    Computes :math:`w \cdot \mathrm{mean}_{b, t} \|x_{b, t}\|_p` for a signal
    :math:`x` in batch item :math:`b` and timestep :math:`t`.

    Parameters
    ----------
    order : float or str
        Order :math:`p` of the norm: any number above 0 (for example 1 or 2),
        ``inf``, or ``"euclidean"`` for 2.
    axis : int, optional
        Axis of *one timestep's* signal (batch and time do not count) along which to
        take the norm; the mean is over all other axes. If None, the signal of one
        timestep is flattened and has one norm.
    weight : float, optional
        Factor :math:`w` that balances this objective with others (None: 1).

    Raises
    ------
    ValueError
        If an argument is not as described.

    Examples
    --------
    Keep the firing rates of a population low while training its output::

        sim.train(
            data, optimizer, objective={p_out: mse, p_rates: Regularize(weight=1e-3)}
        )
    """

    order: float | str = 2
    axis: int | None = None
    weight: float | None = None

    def __post_init__(self) -> None:
        """Check the arguments."""
        _vector_order(self.order)
        if not (self.axis is None or _is_integer(self.axis)):
            raise ValueError(
                f"axis: expected an integer or None, received {self.axis!r}"
            )
        if not (self.weight is None or _is_finite(self.weight)):
            raise ValueError(
                f"weight: expected a finite number or None, received {self.weight!r}"
            )

    def __call__(self, x: Any, y_pred: Any = None) -> tf.Tensor:
        """
        Compute the penalty.

        Parameters
        ----------
        x : ``(batch, n_steps, size, ...)`` tf.Tensor or array_like of float
            The signal, usually the output of a probe.
        y_pred : ``(batch, n_steps, size, ...)`` tf.Tensor or array_like of float
            The signal, where a penalty is called as Keras calls a loss,
            ``penalty(y_true, y_pred)``: the first argument then has no part in it, and
            may be None.

        Returns
        -------
        loss : ``()`` tf.Tensor
            The weighted mean norm, with the type of ``x``.

        Raises
        ------
        ValueError
            If ``x`` does not hold floating point numbers, has fewer than three axes,
            or lacks the axis asked for.
        """
        x = float_tensor("x", x) if y_pred is None else float_tensor("y_pred", y_pred)
        norms = vector_norm(x, _vector_order(self.order), self._signal_axes(x))
        mean = tf.reduce_mean(norms)
        return mean if self.weight is None else mean * float(self.weight)

    def _signal_axes(self, x: tf.Tensor) -> tuple[int, ...]:
        """Return the axes of ``x`` along which to take the norm."""
        n_axes = x.shape.rank - N_LEADING_AXES
        if n_axes < 1:
            raise ValueError(
                f"x: expected a shape (batch, n_steps, size, ...), received {x.shape}"
            )
        if self.axis is None:
            return tuple(range(N_LEADING_AXES, x.shape.rank))
        if not -n_axes <= self.axis < n_axes:
            raise ValueError(
                f"axis: expected one of the {n_axes} axes of one timestep's signal "
                f"of shape {x.shape[N_LEADING_AXES:]}, received {self.axis}"
            )
        return (self.axis % n_axes + N_LEADING_AXES,)


def _vector_order(order: Any) -> float:
    """Return the order of a norm as a number."""
    if isinstance(order, str) and order == "euclidean":
        return 2.0
    is_number = isinstance(order, numbers.Real) and not isinstance(order, bool)
    if not (is_number and order > 0):
        raise ValueError(
            f'order: expected a number above 0, inf or "euclidean", received {order!r}'
        )
    return float(order)


def _is_integer(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _is_finite(value: Any) -> bool:
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return is_number and math.isfinite(value)
