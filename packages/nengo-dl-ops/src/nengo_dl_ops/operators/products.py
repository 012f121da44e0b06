"""Operators that multiply: elementwise and matrix-vector products."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from math import prod
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from nengo.builder.operator import DotInc, ElementwiseInc, Operator
from nengo.builder.signal import Signal

from nengo_dl_signals import SignalDict, SignalLayout, TensorSignal, join

from ..builder import Builder
from ..config import BuildConfig
from ..op_builder import Memoryless, OpBuilder
from .materialize import materialized
from .shapes import adds_in_place, are_products_of_floats, dot_shape, refuse_shapes

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
            self.Y = join([layout[op.Y].reshape((-1,)) for op in ops])
            self.A = join([_repeat_rows(layout[op.A], op.Y) for op in ops])
            self.X = join([_repeat_rows(layout[op.X], op.Y) for op in ops])

    @classmethod
    def supports(cls, op: Operator) -> bool:
        """Products of floating point numbers."""
        return are_products_of_floats(op)

    @classmethod
    def check(cls, op: Operator) -> None:
        """Check that the product has the shape of what it is added to."""
        A, X, Y = op.A.shape, op.X.shape, op.Y.shape
        if len(Y) > 2 or not (A == X == Y or _makes(A, X, Y)):
            raise refuse_shapes(op, "Y += A * X of up to two axes", (op.Y, op.A, op.X))

    @classmethod
    def merge_key(cls, op: Operator) -> Hashable:
        """Products of vectors always merge, products with matrices by shape."""
        if op.Y.ndim < 2:
            return (op.A.ndim, op.X.ndim) if max(op.A.ndim, op.X.ndim) < 2 else id(op)
        return op.A.shape, op.X.shape, op.Y.shape

    def memoryless(self, training: bool) -> Memoryless:
        """Everything follows from what is read."""
        del training
        return Memoryless.of(self.ops)

    def build_step(self, signals: SignalDict) -> None:
        """Multiply and add all signals at once."""
        if signals.is_batch_first(self.Y):
            A, X = (self._read_batch_first(signals, s) for s in (self.A, self.X))
            signals.add_batch_first(self.Y, A * X)
        else:
            A, X = (self._read(signals, s) for s in (self.A, self.X))
            signals.scatter(self.Y, A * X, mode="inc")

    def _read(self, signals: SignalDict, signal: TensorSignal) -> tf.Tensor:
        value = tf.cast(signals.gather(signal), self.Y.dtype)
        if self.Y.ndim < 2:
            return value
        return tf.reshape(value, (*_aligned(signal, self.Y), value.shape[-1]))

    def _read_batch_first(self, signals: SignalDict, signal: TensorSignal) -> tf.Tensor:
        value = signals.gather_batch_first(signal)
        return tf.reshape(value, (value.shape[0], *_aligned(signal, self.Y)))


def _makes(A: tuple[int, ...], X: tuple[int, ...], Y: tuple[int, ...]) -> bool:
    """Tell whether an elementwise product has the shape of Y, but for leading ones."""
    try:
        shape = np.broadcast_shapes(A, X)
    except ValueError:
        return False
    return (1,) * (len(Y) - len(shape)) + shape == Y


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
        A, X, Y = (
            [layout[getattr(op, name)].reshape((-1,)) for op in ops] for name in "AXY"
        )
        form = _form(ops[0])
        if form.A is not None:
            A = [part.take(form.A) for part in A]
        if form.X is not None:
            X = [part.take(form.X) for part in X]
        n, columns = len(ops) * form.n, form.columns
        self.X = join(X).reshape((n, columns))
        # Matrices that multiply the same vector are one taller matrix.
        together = _n_sharing(self.X)
        if together > 1:
            places = np.arange(n * columns).reshape((n, columns))
            self.X = self.X.take(places[::together])
        n, rows = n // together, form.rows * together
        self.A = join(A).reshape((n, rows, columns))
        self.Y = join(Y).reshape((n, rows))

    @classmethod
    def supports(cls, op: Operator) -> bool:
        """Products of floating point matrices (not sparse ones) and vectors."""
        is_vector = op.X.ndim < 2 or op.X.shape[1:] == (1,)
        return is_vector and not op.A.sparse and are_products_of_floats(op)

    @classmethod
    def check(cls, op: Operator) -> None:
        """Check that the product has the shape of what it is added to."""
        shape = dot_shape(op.A.shape, op.X.shape)
        if shape == op.Y.shape:
            return
        reshaped = shape is not None and op.reshape and prod(shape) == op.Y.size
        fits = shape is not None and adds_in_place(shape, op.Y.shape)
        if not (reshaped if op.reshape else fits):
            raise refuse_shapes(op, "Y += dot(A, X)", (op.Y, op.A, op.X))

    @classmethod
    def merge_key(cls, op: Operator) -> Hashable:
        """Products merge if their matrices have the same shape."""
        return op.A.shape, op.X.shape, op.Y.shape

    def memoryless(self, training: bool) -> Memoryless:
        """Everything follows from what is read."""
        del training
        return Memoryless.of(self.ops)

    def build_step(self, signals: SignalDict) -> None:
        """Multiply and add all signals at once."""
        batch_first = signals.is_batch_first(self.A)
        if batch_first:
            gather = signals.gather_batch_first
            A, X = (tf.cast(gather(s), self.Y.dtype) for s in (self.A, self.X))
            Y = tf.transpose(tf.linalg.matvec(A, X), (1, 2, 0))
        else:
            A, X = (self.factors(signals, name) for name in "AX")
            if signals.packed and X.shape[1] <= _NARROW:  # it becomes part of neurons
                X = materialized(X, signals.key)
            Y = batched_product(A, X)
        signals.scatter(self.Y, Y, mode="inc")

    def factors(self, signals: SignalDict, name: str) -> tf.Tensor:
        """Return all matrices (``"A"``) or vectors (``"X"``), the batch axis last."""
        return tf.cast(signals.gather(getattr(self, name)), self.Y.dtype)


class _Form(NamedTuple):
    """
    A product as ``n`` products of (rows, columns) matrices and vectors.

    Parameters
    ----------
    n, rows, columns : int
        How many, and their shape.
    A, X : (n * rows * columns,) and (n * columns,) array of int or None
        Which elements of the flattened signals they are made of. None: all, in order.
    """

    n: int
    rows: int
    columns: int
    A: np.ndarray | None
    X: np.ndarray | None


def _form(op: DotInc) -> _Form:
    """Describe a product of any form: a number times a vector is many of numbers."""
    A, X, n_added = op.A.shape, op.X.shape, op.Y.size
    if A and X:
        columns = A[-1]
        added = _added_elements(op)
        if added is not None:  # the same row for several elements of the target
            added = (added[:, None] * columns + np.arange(columns)).ravel()
        return _Form(1, n_added, columns, added, None)
    added, first = _added_elements(op), np.zeros(n_added, int)
    return _Form(n_added, 1, 1, added if A else first, added if X else first)


def _added_elements(op: DotInc) -> np.ndarray | None:
    """Return which element of the product each element gets; None: its own."""
    shape = dot_shape(op.A.shape, op.X.shape) or ()
    if prod(shape) == op.Y.size:
        return None
    return np.broadcast_to(np.arange(prod(shape)).reshape(shape), op.Y.shape).ravel()


def _n_sharing(X: TensorSignal) -> int:
    """Return how many neighbours read the same vector, if that is the same for all."""
    if X.columns is not None or not X.size:
        return 1
    rows = X.rows.reshape((X.shape[0], -1))
    starts = np.flatnonzero(np.any(np.diff(rows, axis=0) != 0, axis=1)) + 1
    length = int(starts[0]) if len(starts) else len(rows)
    even = np.array_equal(starts, np.arange(length, len(rows), length))
    return length if even and len(rows) % length == 0 else 1


def batched_product(A: tf.Tensor, X: tf.Tensor) -> tf.Tensor:
    """
    Multiply matrices by vectors, for every operator and every batch item.

    Shapes: ``X`` (n_ops, columns, 1 or batch); returns (n_ops, rows, batch). ``A``
    (n_ops, rows, columns, 1 or batch): the matrices (with a batch axis if learning made
    them differ between items).
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
