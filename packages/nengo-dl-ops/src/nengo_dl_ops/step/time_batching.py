"""The values of all steps at once, with time as a part of the batch axis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from nengo_dl_signals import SignalDict, TensorSignal, repeat_batch

#: Addresses of rows, and their values; None for zeros. See `SignalDict.parts`.
Parts = Sequence[tuple[np.ndarray, tf.Tensor | None]]

#: What is held for all steps may take so many bytes.
MAX_BYTES = 2**28


class TimeBatch:
    """
    What stages have computed for all steps so far.

    Parameters
    ----------
    signals : SignalDict
        Parameters, and inputs with the steps as the slow part of the batch axis.
    n_steps : int
        The number of steps.
    minibatch_size : int
        The number of items.
    """

    def __init__(self, signals: SignalDict, n_steps: int, minibatch_size: int) -> None:
        self.signals = signals
        self._n_steps = n_steps
        self._batch = minibatch_size

    def by_step(self, rows: np.ndarray) -> Parts:
        """
        Return values for a loop over the steps.

        ``rows``: (n_rows,) array of bool; the arrays of the parts are (n_steps, n,
        batch), or (1, n, 1) for what is the same in all steps.
        """
        return [
            (some, None if array is None else self._by_step(array))
            for some, array in self.signals.parts(rows)
        ]

    def take_over(self, signal: TensorSignal, values: tf.Tensor) -> None:
        """Hold (n_steps, n, batch) values that a loop has computed."""
        self.signals.load(signal.rows, join_steps(values))

    def values(self, output: TensorSignal) -> tf.Tensor:
        """Return the values of an output in all steps, (n_steps, *shape, batch)."""
        steps = self._by_step(self.signals.gather(output))
        steps = tf.broadcast_to(steps, (self._n_steps, *steps.shape[1:]))
        return repeat_batch(steps, self._batch)

    def _by_step(self, array: tf.Tensor) -> tf.Tensor:
        """
        Turn (..., n_steps * batch) into (n_steps, ..., batch).

        What is the same for all steps and items becomes (1, ..., 1).
        """
        *shape, size = array.shape
        n_steps = self._n_steps if size > 1 else 1
        apart = tf.reshape(array, (*shape, n_steps, size // n_steps))
        rank = len(shape)
        return tf.transpose(apart, (rank, *range(rank), rank + 1))


def at_step(parts: Parts, i: tf.Tensor | int) -> Parts:
    """Return what `TimeBatch.by_step` gives, in one step."""
    return [
        (rows, None if steps is None else steps[i if steps.shape[0] > 1 else 0])
        for rows, steps in parts
    ]


def join_steps(array: tf.Tensor) -> tf.Tensor:
    """Turn (n_steps, n, batch) into (n, n_steps * batch)."""
    n_steps, n, batch = array.shape
    return tf.reshape(tf.transpose(array, (1, 0, 2)), (n, n_steps * batch))


def repeat_steps(array: tf.Tensor, n_steps: int) -> tf.Tensor:
    """Turn (n, ..., batch) into (n, ..., n_steps * batch), unless all have the same."""
    batch = array.shape[-1]
    return array if batch == 1 else tf.tile(array, [*[1] * (array.ndim - 1), n_steps])
