"""The elements of a vector that are not zero, one after another, in static shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

_BITS = 32

#: Up to so many numbers have a running sum of their own: XLA adds up each anew.
_SUMMED_AT_ONCE = 128


class Nonzero:
    """
    Finds the elements of a vector that are not zero.

    Parameters
    ----------
    values : (n,) tf.Tensor
        The vector.

    Attributes
    ----------
    count : () tf.Tensor of int32
        How many there are.
    """

    # Each element is a bit of a word. Words hold every `n_words`-th element, so that
    # they are made by adding rows. Which word the k-th bit is in follows from the
    # running sum of their numbers of bits; where in that word, from halving it.

    def __init__(self, values: tf.Tensor) -> None:
        n = values.shape[0]
        self._n_words = -(-n // _BITS)
        flags = tf.pad(values != 0, [[0, _BITS * self._n_words - n]])
        flags = tf.reshape(flags, (_BITS, self._n_words))
        bits = (np.uint32(1) << np.arange(_BITS, dtype=np.uint32))[:, None]
        self._words = tf.reduce_sum(tf.where(flags, bits, np.uint32(0)), axis=0)
        self._ends = _running_sum(_n_bits(self._words))
        self.count = self._ends[-1]

    def place(self, number: tf.Tensor) -> tf.Tensor:
        """
        Return where one of them is.

        Parameters
        ----------
        number : () tf.Tensor of int32
            Which one, counted from 0: less than ``count``.

        Returns
        -------
        place : () tf.Tensor of int32
            Its place in the vector.
        """
        which = tf.reduce_sum(tf.cast(self._ends <= number, tf.int32))
        word = self._words[which]
        rank, bit = number - (self._ends[which] - _n_bits(word)), tf.constant(0)
        half = _BITS // 2
        while half:
            low = tf.bitwise.bitwise_and(word, np.uint32((1 << half) - 1))
            high = tf.bitwise.right_shift(word, np.uint32(half))
            n_low = _n_bits(low)
            in_high = rank >= n_low
            word = tf.where(in_high, high, low)
            rank = tf.where(in_high, rank - n_low, rank)
            bit, half = tf.where(in_high, bit + half, bit), half // 2
        return bit * self._n_words + which

    def for_each(self, body: Callable[[tf.Tensor, Any], Any], start: Any) -> Any:
        """
        Carry a tensor from one of them to the next.

        Parameters
        ----------
        body : callable
            Takes the place of an element and the tensor, and returns the next one.
        start : tf.Tensor
            What the first one takes.

        Returns
        -------
        last : tf.Tensor
            What the last one returns.
        """
        _, last = tf.while_loop(
            lambda number, _: number < self.count,
            lambda number, carry: (number + 1, body(self.place(number), carry)),
            (tf.constant(0), start),
        )
        return last


def _n_bits(words: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.raw_ops.PopulationCount(x=words), tf.int32)


def _running_sum(values: tf.Tensor) -> tf.Tensor:
    """Return the running sum of a vector (XLA's own takes n * n operations)."""
    n = values.shape[0]
    if n <= _SUMMED_AT_ONCE:
        return tf.cumsum(values)
    n_blocks = -(-n // _SUMMED_AT_ONCE)
    blocks = tf.pad(values, [[0, n_blocks * _SUMMED_AT_ONCE - n]])
    sums = tf.cumsum(tf.reshape(blocks, (n_blocks, _SUMMED_AT_ONCE)), axis=1)
    before = _running_sum(sums[:, -1]) - sums[:, -1]
    return tf.reshape(sums + before[:, None], (-1,))[:n]
