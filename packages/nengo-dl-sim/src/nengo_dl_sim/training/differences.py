"""Derivatives by finite differences, with an estimate of their own error."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

#: Steps are tried from large to small: too large ones meet kinks (thresholds of
#: neurons), too small ones drown in rounding, and where that begins nobody knows.
STEPS = 0.1 / 4.0 ** np.arange(8)


class Derivative(NamedTuple):
    """
    A derivative by finite differences.

    Parameters
    ----------
    value : (n,) array
        The derivative of each element.
    error : (n,) array
        How far from the truth it may be, roughly.
    """

    value: np.ndarray
    error: np.ndarray


def derivative(function: Callable[[float], np.ndarray], epsilon: float) -> Derivative:
    """
    Differentiate a function of one number at zero.

    Of central differences with ever smaller steps, each element gets the one that
    agrees best with its neighbours. (With both: two may agree by chance.)

    Parameters
    ----------
    function : callable
        Returns a (n,) array.
    epsilon : float
        The relative precision of its values.

    Returns
    -------
    derivative : Derivative
        Of each element. Its error is the difference from the neighbours, and what
        rounding may have added.
    """
    found = [_difference(function, step, epsilon) for step in STEPS]
    values, rounding = (np.stack(arrays) for arrays in zip(*found, strict=True))
    changes = np.abs(np.diff(values, axis=0))
    errors = np.maximum(changes[:-1], changes[1:]) + rounding[1:-1]
    best = np.argmin(errors, axis=0)[None]
    return Derivative(
        np.take_along_axis(values[1:-1], best, axis=0)[0],
        np.take_along_axis(errors, best, axis=0)[0],
    )


def _difference(
    function: Callable[[float], np.ndarray], step: float, epsilon: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the central difference, and what rounding may do to it."""
    up, down = (np.asarray(function(s), np.float64) for s in (step, -step))
    # What is added up may be larger than the sum: at least of order one, as what
    # Nengo represents, and as large as the largest value.
    size = max(1.0, np.max(np.abs([up, down]), initial=0.0))
    return (up - down) / (2 * step), np.full(up.shape, 2 * epsilon * size / step)
