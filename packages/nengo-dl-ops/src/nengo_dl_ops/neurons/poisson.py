"""Numbers of events in a Poisson process."""

from __future__ import annotations

import tensorflow as tf

from ..config import Share
from ..random_numbers import fold_in, uniform

#: From this mean on, numbers are drawn by rejection, below it by inversion (whose time
#: grows with the mean).
_LARGE = 10.0

#: No more than this many rounds, as a guard: with a mean below `_LARGE` a count of 100
#: has a probability of 1e-62, and 100 rejections in a row one of less than 1e-70.
_MAX_ROUNDS = 100.0


def poisson(seed: tf.Tensor, mean: tf.Tensor, share: Share | None = None) -> tf.Tensor:
    """
    Draw from Poisson distributions.

    Shapes: ``mean`` (...). Returns (...): a whole number for each mean, of the same
    type. What is not finite stays as it is. ``share``: as in `uniform`.
    """
    # The tails of the distribution need the precision.
    exact = tf.cast(mean, tf.float64)
    large = exact >= _LARGE
    zero, typical = tf.zeros_like(exact), tf.fill(exact.shape, _LARGE)
    typical = tf.cast(typical, tf.float64)
    finite = tf.math.is_finite(exact)
    few = _by_inversion(seed, tf.where(exact < _LARGE, exact, zero), share)
    means = tf.where(large & finite, exact, typical)
    many = _by_rejection(seed, means, large, share)
    counts = tf.where(finite, tf.where(large, many, few), exact)
    return tf.cast(counts, mean.dtype)


def _by_inversion(seed: tf.Tensor, mean: tf.Tensor, share: Share | None) -> tf.Tensor:
    """Go up the cumulative distribution until it passes a uniform number."""
    u = uniform(seed, tuple(mean.shape), "float64", share)

    def unfinished(k, p, cumulative, count):  # type: ignore[no-untyped-def]
        del p, count
        return tf.reduce_any(u >= cumulative) & (k < _MAX_ROUNDS)

    def go_up(k, p, cumulative, count):  # type: ignore[no-untyped-def]
        k, count = k + 1, count + tf.cast(u >= cumulative, count.dtype)
        p = p * mean / k
        return k, p, cumulative + p, count

    none, p = tf.zeros_like(mean), tf.exp(-mean)
    zero = tf.constant(0, tf.float64)
    return tf.while_loop(unfinished, go_up, (zero, p, p, none))[-1]


def _by_rejection(
    seed: tf.Tensor, mean: tf.Tensor, wanted: tf.Tensor, share: Share | None
) -> tf.Tensor:
    """
    Draw by transformed rejection (algorithm PTRS), for means of 10 and more.

    References
    ----------
    .. [1] Hoermann, W. (1993). The transformed rejection method for generating
       Poisson random variables. Insurance: Mathematics and Economics, 12(1), 39-45.
    """
    b = 0.931 + 2.53 * tf.sqrt(mean)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    always_below = 0.9277 - 3.6224 / (b - 2)

    def unfinished(k, count, pending):  # type: ignore[no-untyped-def]
        del count
        return tf.reduce_any(pending) & (k < _MAX_ROUNDS)

    def draw(k, count, pending):  # type: ignore[no-untyped-def]
        shape = (2, *mean.shape)
        u, v = tf.unstack(
            uniform(fold_in(seed, tf.cast(k, tf.uint64)), shape, "float64", share)
        )
        u, v = u - 0.5, 1 - v  # v > 0, for its logarithm
        edge = 0.5 - tf.abs(u)
        drawn = tf.floor((2 * a / edge + b) * u + mean + 0.43)
        hat = tf.math.log(v * inverse_alpha / (a / (edge * edge) + b))
        target = drawn * tf.math.log(mean) - mean - tf.math.lgamma(drawn + 1)
        accepted = (edge >= 0.07) & (v <= always_below) | (drawn >= 0) & (hat <= target)
        count = tf.where(pending & accepted, drawn, count)
        return k + 1, count, pending & ~accepted

    zero = tf.constant(0, tf.float64)
    return tf.while_loop(unfinished, draw, (zero, tf.zeros_like(mean), wanted))[1]
