"""Exponential and logarithm of small numbers, by as many terms as their type holds."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cache
from itertools import zip_longest
from math import factorial

import numpy as np
import tensorflow as tf

#: Up to here a polynomial is shorter than what it stands in for.
MAX_BOUND = 0.2

_N_TERMS = 31


def expm1_small(x: tf.Tensor, bound: float) -> tf.Tensor:
    """Compute ``exp(x) - 1`` for ``-bound <= x <= 0``."""
    if bound > MAX_BOUND:
        return tf.math.expm1(x)
    return _times_polynomial(x, _expm1_term, bound)


def log1p_small(x: tf.Tensor, bound: float) -> tf.Tensor:
    """Compute ``log(1 + x)`` for ``-bound <= x <= 0``."""
    if bound > MAX_BOUND:
        return tf.math.log1p(x)
    return _times_polynomial(x, _log1p_term, bound)


def _expm1_term(k: int) -> Fraction:
    """Return the k-th coefficient of the series of ``(exp(x) - 1) / x``."""
    return Fraction(1, factorial(k + 1))


def _log1p_term(k: int) -> Fraction:
    """Return the k-th coefficient of the series of ``log(1 + x) / x``."""
    return Fraction((-1) ** k, k + 1)


def _times_polynomial(
    x: tf.Tensor, term: Callable[[int], Fraction], bound: float
) -> tf.Tensor:
    """Return ``x`` times a series."""
    eps = float(np.finfo(x.dtype.as_numpy_dtype).eps)
    *lower, highest = economized(term, bound, eps / 8)
    y = tf.fill(tf.shape(x), tf.constant(highest, x.dtype))
    for coefficient in reversed(lower):
        y = coefficient + x * y
    return x * y


@cache
def economized(
    term: Callable[[int], Fraction], bound: float, tolerance: float
) -> list[float]:
    """
    Return the coefficients of a short polynomial that is a series up to a tolerance.

    The tolerance holds for ``-bound <= x <= 0``. A polynomial of degree n is lowered by
    a degree with an error that is the least possible, by taking off a multiple of the
    n-th polynomial of Chebyshev [1]_.

    References
    ----------
    .. [1] Lanczos, C. (1956). *Applied Analysis*, chapter 7. Prentice-Hall.
    """
    coefficients = [term(k) for k in range(_N_TERMS)]
    polynomials, error = _chebyshev(Fraction(bound)), Fraction(0)
    while len(coefficients) > 1:
        polynomial = polynomials[len(coefficients) - 1]
        factor = coefficients[-1] / polynomial[-1]
        error += abs(factor)  # no polynomial of Chebyshev is larger than 1
        if error > tolerance:
            break
        pairs = zip(coefficients, polynomial, strict=True)
        coefficients = [c - factor * p for c, p in pairs][:-1]
    return [float(c) for c in coefficients]


def _chebyshev(bound: Fraction) -> list[list[Fraction]]:
    """Return Chebyshev's polynomials of ``1 + 2 x / bound``, by degree."""
    one, slope = Fraction(1), 2 / bound
    found = [[one], [one, slope]]
    while len(found) < _N_TERMS:
        before, last = found[-2:]
        shifted = [Fraction(0), *(slope * c for c in last)]
        triples = zip_longest(last, shifted, before, fillvalue=Fraction(0))
        found.append([2 * (a + b) - c for a, b, c in triples])
    return found
