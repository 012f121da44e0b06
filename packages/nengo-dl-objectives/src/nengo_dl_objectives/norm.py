"""The norm of vectors, with a gradient that is finite everywhere."""

from __future__ import annotations

import math

import tensorflow as tf


def vector_norm(x: tf.Tensor, order: float, axis: tuple[int, ...]) -> tf.Tensor:
    r"""
    Norm of the vectors that lie along some axes of a tensor.

    Computes :math:`\left(\sum_i |x_i|^p\right)^{1/p}` for the order :math:`p`, and
    :math:`\max_i |x_i|` for infinity, as ``tf.norm`` does for vectors.

    Parameters
    ----------
    x : ``[...]`` tf.Tensor of float
        The vectors.
    order : float
        Order :math:`p > 0` of the norm, or ``inf``.
    axis : tuple of int
        Axes that together make one vector.

    Returns
    -------
    norm : ``[...]`` tf.Tensor
        The norms, with the shape of ``x`` less the reduced axes.

    Notes
    -----
    Where the norm has no derivative, the gradient is 0: at a zero vector (0 is a
    subgradient there) and, for :math:`p < 1`, at a zero element. ``tf.norm``
    gives NaN in both places, which would spread to every parameter.
    """
    magnitude = tf.abs(x)
    largest = tf.reduce_max(magnitude, axis)
    if math.isinf(order):
        return largest
    scale = _finite_scale(tf.reduce_max(magnitude, axis, keepdims=True))
    total = tf.reduce_sum(_power(magnitude / scale, order), axis)
    return tf.squeeze(scale, axis) * _power(total, 1 / order)


def _finite_scale(largest: tf.Tensor) -> tf.Tensor:
    """
    Return the unit in which a vector's powers neither overflow nor vanish.

    It is a constant to the gradient: the norm is the same in any unit.
    """
    usable = tf.math.is_finite(largest) & (largest > 0)
    return tf.stop_gradient(tf.where(usable, largest, tf.ones_like(largest)))


def _power(base: tf.Tensor, exponent: float) -> tf.Tensor:
    """
    Return ``base**exponent`` for a base of at least 0, with gradient 0 at base 0.

    The zeros are replaced before the power as well as after it. The derivative of
    ``pow`` at 0 is infinite for exponents below 1, and an infinity that is only
    masked in the result would come back in the gradient as 0 * inf = NaN.
    """
    is_zero = tf.equal(base, 0)
    power = tf.pow(tf.where(is_zero, tf.ones_like(base), base), exponent)
    return tf.where(is_zero, tf.zeros_like(base), power)
