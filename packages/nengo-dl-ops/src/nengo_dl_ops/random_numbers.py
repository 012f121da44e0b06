"""Random numbers as a pure function of a seed: the same in every mode."""

from __future__ import annotations

from math import prod

import numpy as np
import tensorflow as tf

from .config import Share

# TensorFlow's own stateless generators draw other numbers when XLA compiles them, so
# that a run would depend on how it is executed. This one needs integers only.

#: The step of the counter, and the factors of the mixing function, of SplitMix64.
_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_FACTORS = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def step_seed(key: tf.Tensor, stream: int) -> tf.Tensor:
    """
    Make the seed from which a group of operators draws in one step.

    Parameters
    ----------
    key : (2,) tf.Tensor of int
        The seed of the simulation and the number of the step
        (``nengo_dl_signals.SignalDict.key``).
    stream : int
        Differs between the groups of a model.

    Returns
    -------
    seed : () tf.Tensor of uint64
        A seed for `uniform`.
    """
    simulation, step = tf.unstack(tf.cast(key, tf.uint64))
    return fold_in(fold_in(simulation, tf.constant(stream, tf.uint64)), step)


def fold_in(seed: tf.Tensor, number: tf.Tensor) -> tf.Tensor:
    """
    Make a new seed from a seed and a number.

    Parameters
    ----------
    seed, number : () tf.Tensor of uint64
        Where to start from, and what tells the new seeds apart.

    Returns
    -------
    seed : () tf.Tensor of uint64
        A seed whose numbers have nothing to do with those of the old one.
    """
    return _mix(_mix(seed) + number * _GAMMA)


def uniform(
    seed: tf.Tensor, shape: tuple[int, ...], dtype: str, share: Share | None = None
) -> tf.Tensor:
    """
    Draw numbers between 0 (included) and 1 (not included).

    Parameters
    ----------
    seed : () tf.Tensor of uint64
        Equal seeds give equal numbers.
    shape : tuple of int
        How many.
    dtype : {"float16", "float32", "float64"}
        Their type; they have as many random bits as it holds.
    share : Share, optional
        Which items of a minibatch the last axis is for (``config.share`` of a
        builder): they get the numbers that they would get in the whole one. None: all.

    Returns
    -------
    numbers : ``(*shape) tf.Tensor``
        All different from each other (but for rounding).

    References
    ----------
    .. [1] Steele, G. L., Lea, D., & Flood, C. H. (2014). Fast splittable pseudorandom
       number generators. OOPSLA '14, 453-472.
    """
    n_bits = np.finfo(dtype).nmant + 1
    bits = _shift(_mix(seed + _counter(shape, share) * _GAMMA), 64 - n_bits)
    # Below 2**63, where the conversion from signed integers is the faster one.
    return tf.cast(tf.cast(bits, tf.int64), dtype) * np.asarray(2.0**-n_bits, dtype)


def _counter(shape: tuple[int, ...], share: Share | None) -> np.ndarray:
    """Count what is drawn, from 1 on."""
    if share is None:
        return np.arange(1, prod(shape) + 1, dtype=np.uint64).reshape(shape)
    whole = _counter((*shape[:-1], share.whole), None)
    return whole[..., share.items]


def _mix(bits: tf.Tensor) -> tf.Tensor:
    """Let every bit depend on every other one."""
    bits = tf.bitwise.bitwise_xor(bits, _shift(bits, 30)) * _FACTORS[0]
    bits = tf.bitwise.bitwise_xor(bits, _shift(bits, 27)) * _FACTORS[1]
    return tf.bitwise.bitwise_xor(bits, _shift(bits, 31))


def _shift(bits: tf.Tensor, places: int) -> tf.Tensor:
    return tf.bitwise.right_shift(bits, np.uint64(places))
