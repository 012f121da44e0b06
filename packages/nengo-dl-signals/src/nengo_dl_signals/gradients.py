"""Reads of rows at fixed places, with gradients that need no scatter where possible."""

from __future__ import annotations

import numpy as np
import tensorflow as tf


def gather_rows(values: tf.Tensor, index: np.ndarray) -> tf.Tensor:
    """
    Read rows at places that are known when the step is built.

    TensorFlow's own gradient of a gather is a scatter, which is slow on every device.
    When no row is read twice, the gradient is itself a read (of the inverse places);
    only repeated rows need a sum.

    Parameters
    ----------
    values : (n_rows, ...) tf.Tensor
        The rows to read from.
    index : (n_reads,) array of int
        Which rows to read.

    Returns
    -------
    read : (n_reads, ...) tf.Tensor
        ``values[index]``.
    """
    index = np.asarray(index, dtype=np.int32)

    @tf.custom_gradient
    def read(x: tf.Tensor) -> tuple[tf.Tensor, object]:
        def gradient(dy: tf.Tensor) -> tf.Tensor:
            return _spread_rows(dy, index, int(values.shape[0]))

        return tf.gather(x, index), gradient

    return read(values)


def _spread_rows(dy: tf.Tensor, index: np.ndarray, n_rows: int) -> tf.Tensor:
    """Return ``out[index[i]] += dy[i]`` over ``n_rows`` rows of zeros."""
    if len(np.unique(index)) < len(index):
        return tf.math.unsorted_segment_sum(dy, index, n_rows)
    # Where nothing was read the gradient is zero: those places read a row of zeros that
    # is put behind the others.
    inverse = np.full(n_rows, len(index))
    inverse[index] = np.arange(len(index))
    if len(index) < n_rows:
        dy = tf.concat([dy, tf.zeros_like(dy[:1])], axis=0)
    return gather_rows(dy, inverse)
