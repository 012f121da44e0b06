"""Operators that multiply: elementwise and matrix-vector products."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import tensorflow as tf
from nengo.builder.operator import DotInc, ElementwiseInc, Operator
from nengo.builder.signal import Signal

from nengo_dl_signals import SignalDict, SignalLayout, TensorSignal, join

from .builder import Builder, Instant, OpBuilder
from .config import BuildConfig

#: Matrices with up to so many columns are multiplied by multiplying and adding up,
#: which the compiler fuses with what surrounds it.
_NARROW = 4

#: So are matrices of one row (measured for 512 matrices of 1 x 50: 9 us a step against
#: 20 for a batched matrix product; at minibatch 64, 103 and 152), and of a few rows for
#: more than one vector, but fewer than this (for 512 matrices of 2 x 50, us a step:
#:
#: minibatch            1    2    8   16   32   64  128
#: multiply and add up  25   33   50  164  301  217  652
#: matrix product        6   52  117  258  221  106  192
_MANY = 32


@Builder.register(ElementwiseInc)
class ElementwiseIncBuilder(OpBuilder):
    """
    Add elementwise products: ``Y[...] += A * X``, with broadcasting.

    Notes
    -----
    1. sets ``[]``
    2. incs ``[Y]``
    3. reads ``[A, X]``
    4. updates ``[]``
    """

    def __init__(
        self, ops: Sequence[Operator], layout: SignalLayout, config: BuildConfig
    ) -> None:
        super().__init__(ops, layout, config)
        if ops[0].Y.ndim == 2:
            # Matrices of one shape (the merge key sees to it): broadcast as they are.
            self.A = layout.stack([op.A for op in ops])
            self.X = layout.stack([op.X for op in ops])
            self.Y = layout.stack([op.Y for op in ops])
        else:
            self.Y = layout.concat([op.Y for op in ops])
            self.A = join([_repeat_rows(layout[op.A], op.Y) for op in ops])
            self.X = join([_repeat_rows(layout[op.X], op.Y) for op in ops])

    @classmethod
    def merge_key(cls, op: Operator) -> Hashable:
        """Products of vectors always merge, products with matrices by shape."""
        if op.Y.ndim < 2:
            return (op.A.ndim, op.X.ndim) if max(op.A.ndim, op.X.ndim) < 2 else id(op)
        return op.A.shape, op.X.shape, op.Y.shape

    def instant(self, training: bool) -> Instant:
        """Everything follows from what is read."""
        del training
        return Instant.of(self.ops)

    def build_step(self, signals: SignalDict) -> None:
        """Multiply and add all signals at once."""
        if signals.is_batch_first(self.Y):
            A, X = (self._read_batch_first(signals, s) for s in (self.A, self.X))
            signals.add_batch_first(self.Y, A * X)
        else:
            A, X = (self._read(signals, s) for s in (self.A, self.X))
            signals.scatter(self.Y, A * X, mode="inc")

    def _read(self, signals: SignalDict, signal: TensorSignal) -> tf.Tensor:
        value = signals.gather(signal)
        if self.Y.ndim < 2:
            return value
        return tf.reshape(value, (*_aligned(signal, self.Y), value.shape[-1]))

    def _read_batch_first(self, signals: SignalDict, signal: TensorSignal) -> tf.Tensor:
        value = signals.gather_batch_first(signal)
        return tf.reshape(value, (value.shape[0], *_aligned(signal, self.Y)))


def _repeat_rows(signal: TensorSignal, target: Signal) -> TensorSignal:
    """Repeat a scalar's row once for every row of the target."""
    length = target.size
    if len(signal.rows) == length:
        return signal.reshape((length,))
    return signal.reshape((1,))[np.zeros(length, dtype=int)]


def _aligned(signal: TensorSignal, target: TensorSignal) -> tuple[int, ...]:
    """Insert axes after the group's so that NumPy's broadcasting rules hold."""
    n, *shape = signal.shape
    return n, *(1,) * (target.ndim - 1 - len(shape)), *shape


@Builder.register(DotInc)
class DotIncBuilder(OpBuilder):
    """
    Add matrix-vector products: ``Y[...] += dot(A, X)``.

    Notes
    -----
    1. sets ``[]``
    2. incs ``[Y]``
    3. reads ``[A, X]``
    4. updates ``[]``
    """

    def __init__(
        self, ops: Sequence[Operator], layout: SignalLayout, config: BuildConfig
    ) -> None:
        super().__init__(ops, layout, config)
        n, rows, columns = len(ops), ops[0].Y.size, ops[0].X.size
        A, X, Y = (layout.stack([getattr(op, s) for op in ops]) for s in "AXY")
        # Matrices that multiply the same vector are one taller matrix.
        together = _n_sharing(X.reshape((n, columns)))
        n, rows = n // together, rows * together
        self.A = A.reshape((n, rows, columns))
        self.X = layout.stack([op.X for op in ops[::together]]).reshape((n, columns))
        self.Y = Y.reshape((n, rows))

    @classmethod
    def supports(cls, op: Operator) -> bool:
        """Products of matrices whose elements are all there (not sparse ones)."""
        return not op.A.sparse

    @classmethod
    def merge_key(cls, op: Operator) -> Hashable:
        """Products merge if their matrices have the same shape."""
        return op.A.shape, op.X.shape, op.Y.shape

    def instant(self, training: bool) -> Instant:
        """Everything follows from what is read."""
        del training
        return Instant.of(self.ops)

    def build_step(self, signals: SignalDict) -> None:
        """Multiply and add all signals at once."""
        if signals.is_batch_first(self.A):
            A, X = (signals.gather_batch_first(s) for s in (self.A, self.X))
            Y = tf.transpose(tf.linalg.matvec(A, X), (1, 2, 0))
        else:
            Y = batched_product(signals.gather(self.A), signals.gather(self.X))
        signals.scatter(self.Y, Y, mode="inc")


def _n_sharing(X: TensorSignal) -> int:
    """Return how many neighbours read the same vector, if that is the same for all."""
    if X.columns is not None:
        return 1
    rows = X.rows.reshape((X.shape[0], -1))
    starts = np.flatnonzero(np.any(np.diff(rows, axis=0) != 0, axis=1)) + 1
    length = int(starts[0]) if len(starts) else len(rows)
    even = np.array_equal(starts, np.arange(length, len(rows), length))
    return length if even and len(rows) % length == 0 else 1


def batched_product(A: tf.Tensor, X: tf.Tensor) -> tf.Tensor:
    """
    Multiply matrices by vectors, for every operator and every batch item.

    Parameters
    ----------
    A : (n_ops, rows, columns, 1 or batch) tf.Tensor
        The matrices (with a batch axis if learning made them differ between items).
    X : (n_ops, columns, 1 or batch) tf.Tensor
        The vectors.

    Returns
    -------
    Y : (n_ops, rows, batch) tf.Tensor
        The products.
    """
    n, rows, columns, batch = A.shape
    if batch > 1:  # no matrix product: its batch axes would have to come first
        return tf.reduce_sum(A * X[:, None], axis=2)
    if columns == 1:
        return A[:, :, 0] * X
    few = rows <= _NARROW and 1 < X.shape[-1] < _MANY
    if columns <= _NARROW or rows == 1 or few:
        return tf.reduce_sum(A * X[:, None], axis=2)
    if n == 1:
        return tf.matmul(A[0, :, :, 0], X[0])[None]
    return tf.matmul(A[..., 0], X)
