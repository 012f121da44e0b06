"""Products of a sparse matrix and a vector."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from math import prod

import numpy as np
import tensorflow as tf
from nengo.builder.operator import BsrDotInc, Operator, SparseDotInc

from nengo_dl_signals import (
    SignalDict,
    SignalLayout,
    TensorSignal,
    join,
    sparse_entries,
)

from ..builder import Builder
from ..config import BuildConfig
from ..op_builder import Memoryless, OpBuilder
from .products import batched_product
from .shapes import adds_in_place, are_products_of_floats, dot_shape, refuse_shapes
from .sparse_pattern import AddUp, SparsePattern


@Builder.register(SparseDotInc)
class SparseDotIncBuilder(OpBuilder):
    """
    Add products with sparse matrices: ``Y[...] += dot(A, X)``.

    Of a matrix only its entries are known, as a vector; `SparsePattern` multiplies
    them.

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
        places = [sparse_entries(op.A) for op in ops]
        self.A = layout.concat([op.A for op in ops])
        X = join(
            [layout[op.X].take(p.columns) for op, p in zip(ops, places, strict=True)]
        )
        Y = join([layout[op.Y].take(p.rows) for op, p in zip(ops, places, strict=True)])
        self.X, sources = _distinct(X)
        self.Y, targets = _distinct(Y)
        self.pattern = SparsePattern(sources, targets, self.X.size, self.Y.size)

    @classmethod
    def supports(cls, op: Operator) -> bool:
        """Products of floating point numbers, one for each element of the target."""
        return op.Y.size == op.A.shape[0] and are_products_of_floats(op)

    @classmethod
    def check(cls, op: Operator) -> None:
        """Check that the product has the shape of what it is added to."""
        shape = dot_shape(op.A.shape, op.X.shape) if op.X.ndim in (1, 2) else None
        if shape is None or not adds_in_place(shape, op.Y.shape):
            raise refuse_shapes(op, "Y += dot(A, X)", (op.Y, op.A, op.X))

    @classmethod
    def merge_key(cls, op: Operator) -> Hashable:
        """Products with sparse matrices always merge."""
        return 0

    def memoryless(self, training: bool) -> Memoryless:
        """Everything follows from what is read."""
        del training
        return Memoryless.of(self.ops)

    def build_step(self, signals: SignalDict) -> None:
        """Multiply and add all entries at once."""
        self.add_product(signals)

    def add_product(self, signals: SignalDict, add_up: AddUp | None = None) -> None:
        """Multiply and add, in another way than that of `SparsePattern` if given."""
        A, X = self.entries(signals), tf.cast(signals.gather(self.X), self.Y.dtype)
        signals.scatter(self.Y, self.pattern.product(A, X, add_up), mode="inc")

    def entries(self, signals: SignalDict) -> tf.Tensor:
        """Return the entries of all matrices, (n_entries, 1 or batch)."""
        return tf.cast(signals.gather(self.A), self.Y.dtype)


def _distinct(signal: TensorSignal) -> tuple[TensorSignal, np.ndarray]:
    """Return the elements of a vector once each, and which of them each element is."""
    if signal.columns is not None:
        return signal, np.arange(signal.size)
    rows, number = np.unique(signal.rows, return_inverse=True)
    shape, label = (len(rows),), signal.label
    distinct = TensorSignal(rows, shape, signal.row_shape, signal.dtype, None, label)
    return distinct, number


@Builder.register(BsrDotInc)
class BsrDotIncBuilder(OpBuilder):
    """
    Add products with matrices of dense blocks: ``Y[...] += dot(A, X)``.

    Of a matrix only its blocks are known (in SciPy's format of block sparse rows):
    such are the products that Nengo's optimizer has merged.

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
        self.A = layout.concat([op.A for op in ops])
        self.X = join([_blocks(layout[op.X], op.indices, op.A.shape[2]) for op in ops])
        self.Y = join([_blocks(layout[op.Y], _rows(op), op.A.shape[1]) for op in ops])

    @classmethod
    def supports(cls, op: Operator) -> bool:
        """Products of floating point numbers, one for each element of the target."""
        n_rows = (len(op.indptr) - 1) * op.A.shape[1]
        return op.Y.size == n_rows and are_products_of_floats(op)

    @classmethod
    def check(cls, op: Operator) -> None:
        """Check that the product has the shape of what it is added to."""
        n, rows, columns = op.A.shape
        whole = ((len(op.indptr) - 1) * rows, (int(np.max(op.indices)) + 1) * columns)
        shape = dot_shape(whole, op.X.shape) if op.X.ndim in (1, 2) else None
        fits = shape is not None and adds_in_place(shape, op.Y.shape)
        if op.reshape:
            fits = shape is not None and prod(shape) == op.Y.size
        if not fits or len(op.indices) != n:
            raise refuse_shapes(op, "Y += dot(A, X)", (op.Y, op.A, op.X))

    @classmethod
    def merge_key(cls, op: Operator) -> Hashable:
        """Products merge if their blocks have the same shape."""
        return op.A.shape[1:]

    def memoryless(self, training: bool) -> Memoryless:
        """Everything follows from what is read."""
        del training
        return Memoryless.of(self.ops)

    def build_step(self, signals: SignalDict) -> None:
        """Multiply and add all blocks at once."""
        A, X = (tf.cast(signals.gather(s), self.Y.dtype) for s in (self.A, self.X))
        signals.scatter(self.Y, batched_product(A, X), mode="inc")


def _rows(op: BsrDotInc) -> np.ndarray:
    """Return the row of blocks that each block is in."""
    return np.repeat(np.arange(len(op.indptr) - 1), np.diff(op.indptr))


def _blocks(signal: TensorSignal, which: np.ndarray, length: int) -> TensorSignal:
    """Cut a vector into blocks, and return some of them, (n_blocks, length)."""
    return signal.take(which[:, None] * length + np.arange(length))
