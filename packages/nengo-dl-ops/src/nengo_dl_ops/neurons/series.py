"""Exponential and logarithm of small numbers, by as many terms as their type holds."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

#: Up to here a series is shorter than what it stands in for.
MAX_BOUND = 0.2


def expm1_small(x: tf.Tensor, bound: float) -> tf.Tensor:
    r"""
    Compute :math:`e^x - 1 = x (1 + \frac{x}{2} (1 + \frac{x}{3} (1 + \dots)))`.

    ``bound``: no absolute value of ``x`` is larger.
    """
    if bound > MAX_BOUND:
        return tf.math.expm1(x)
    n_terms = _n_terms(bound, x.dtype, np.cumprod(1.0 / np.arange(1, 31)))
    y = tf.ones_like(x)
    for k in range(n_terms, 1, -1):
        y = 1 + x * (1 / k) * y
    return x * y


def log1p_small(x: tf.Tensor, bound: float) -> tf.Tensor:
    r"""
    Compute :math:`\log(1 + x) = x - \frac{x^2}{2} + \frac{x^3}{3} - \dots`.

    ``bound``: no absolute value of ``x`` is larger.
    """
    if bound > MAX_BOUND:
        return tf.math.log1p(x)
    n_terms = _n_terms(bound, x.dtype, 1.0 / np.arange(1, 31))
    y = tf.fill(tf.shape(x), tf.constant((-1) ** (n_terms + 1) / n_terms, x.dtype))
    for k in range(n_terms - 1, 0, -1):
        y = (-1) ** (k + 1) / k + x * y
    return x * y


def _n_terms(bound: float, dtype: tf.DType, coefficients: np.ndarray) -> int:
    """Return after how many terms the next is nothing next to the first."""
    powers = bound ** np.arange(len(coefficients))
    small = powers * coefficients < np.finfo(dtype.as_numpy_dtype).eps / 8
    return int(np.argmax(small))
