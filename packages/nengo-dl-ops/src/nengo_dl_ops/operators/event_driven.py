"""Products that follow spikes: only what is multiplied by one is added."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from nengo.builder.operator import Operator

from nengo_dl_signals import SignalDict, SignalLayout, gather_rows

from ..builder import Builder
from ..config import BuildConfig
from ..op_builder import Memoryless, OpBuilder
from .nonzero import Nonzero
from .products import DotIncBuilder, batched_product
from .sparse import SparseDotIncBuilder
from .sparse_pattern import SparsePattern


class Costs(NamedTuple):
    """
    What it takes in a program compiled by XLA, in microseconds.

    Parameters
    ----------
    entry : float
        An entry of a plain product.
    find, find_element : float
        To look for spikes, and for each element that may be one.
    piece, piece_entry : float
        To add a piece of a column, and for each of its entries.
    """

    entry: float
    find: float
    find_element: float
    piece: float
    piece_entry: float


#: Measured on two cores of a common server, for sparse matrices and for dense ones.
COSTS = Costs(0.0004, 3.0, 0.001, 0.15, 0.0015)
DENSE_COSTS = Costs(0.00008, 3.0, 0.001, 0.2, 0.0002)

#: Spikes are followed if the plain product takes so many times as long as to look for
#: them, in minibatches of up to so many items.
_GAIN, _DENSE_GAIN, _MAX_BATCH = 2, 5, 8

#: As many steps take about as long as to arrange the entries of a sparse matrix; those
#: of the second number several times as long as to transpose a dense one.
_ARRANGED_STEPS, _TRANSPOSED_STEPS = 16, 256

#: Dense matrices of fewer rows are not worth it: of neurons at usual rates, a twentieth
#: spikes in each step of 1 ms.
_MIN_ROWS = 256


class EventDrivenProduct(Operator):
    """
    Add a product with spikes: what `product` does, as fast as there are few of them.

    Parameters
    ----------
    product : nengo.builder.Operator
        A product whose vector ``X`` is zero in most places, in most steps.

    Notes
    -----
    1. sets ``[]``
    2. incs ``[Y]``
    3. reads ``[A, X]``
    4. updates ``[]``
    """

    def __init__(self, product: Operator) -> None:
        super().__init__(tag=product.tag)
        self.product = product
        self.sets, self.incs = list(product.sets), list(product.incs)
        self.reads, self.updates = list(product.reads), list(product.updates)

    @classmethod
    def is_worth_it(cls, product: Operator) -> bool:
        """
        Tell whether a product may be worth a group of its own.

        Parameters
        ----------
        product : nengo.builder.Operator
            A product with spikes.

        Returns
        -------
        is_worth_it : bool
            By default True.
        """
        del product
        return True

    def make_step(
        self, signals: Any, dt: float, rng: np.random.RandomState
    ) -> Callable[[], None]:
        """Make the step of `product`."""
        step: Callable[[], None] = self.product.make_step(signals, dt, rng)
        return step


class EventDrivenSparseDotInc(EventDrivenProduct):
    """Add the product of a sparse matrix and spikes (a ``SparseDotInc``)."""


@Builder.register(EventDrivenSparseDotInc)
class EventDrivenSparseDotIncBuilder(OpBuilder):
    """
    Add products of sparse matrices and spikes: ``Y[...] += dot(A, X)``.

    In a run the entries in the columns of spikes are added up, and no others, unless
    that would take longer than all of them in order: as in training, in large
    minibatches and for small matrices.

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
        self.plain = SparseDotIncBuilder([op.product for op in ops], layout, config)
        self.columns = SparseColumns(self.plain.pattern)

    @classmethod
    def merge_key(cls, op: Operator) -> Hashable:
        """Products with sparse matrices always merge."""
        return SparseDotIncBuilder.merge_key(op.product)

    def memoryless(self, training: bool) -> Memoryless:
        """Everything follows from what is read."""
        return self.plain.memoryless(training)

    @property
    def prepared_steps(self) -> int:
        """As many as take as long as to arrange the entries."""
        return _ARRANGED_STEPS if self.columns.pays(self.config.minibatch_size) else 0

    def prepare(self, signals: SignalDict) -> list[tf.Tensor]:
        """Arrange entries by column."""
        if not self.prepared_steps:
            return []
        return self.columns.arranged(self.plain.entries(signals))

    def build_step(self, signals: SignalDict) -> None:
        """Multiply and add the entries in the columns of spikes."""
        arranged = signals.prepared.get(id(self))
        if arranged is None:
            self.plain.build_step(signals)
        else:
            self.plain.add_product(signals, lambda A, X: self.columns.sums(arranged, X))

    def build_training_step(self, signals: SignalDict) -> None:
        """Multiply and add all entries."""
        self.plain.build_training_step(signals)


class EventDrivenDotInc(EventDrivenProduct):
    """Add the product of a dense matrix and spikes (a ``DotInc``)."""

    @classmethod
    def is_worth_it(cls, product: Operator) -> bool:
        """Tell whether a product is large enough."""
        A, plain = product.A, DENSE_COSTS.entry * product.A.size
        find = DENSE_COSTS.find + DENSE_COSTS.find_element * product.X.size
        return A.ndim == 2 and A.shape[0] >= _MIN_ROWS and plain > _DENSE_GAIN * find


@Builder.register(EventDrivenDotInc)
class EventDrivenDotIncBuilder(OpBuilder):
    """
    Add products of dense matrices and spikes: ``Y[...] += dot(A, X)``.

    In a run the columns of spikes are added up, and no others, unless that would take
    longer than the whole product. The matrix is transposed for that before the steps.

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
        self.plain = DotIncBuilder([op.product for op in ops], layout, config)
        self.n, self.n_rows, self.n_columns = self.plain.A.shape

    @classmethod
    def merge_key(cls, op: Operator) -> Hashable:
        """Products merge if their matrices have the same shape."""
        return DotIncBuilder.merge_key(op.product)

    def memoryless(self, training: bool) -> Memoryless:
        """Everything follows from what is read."""
        return self.plain.memoryless(training)

    @property
    def prepared_steps(self) -> int:
        """Several times as many as take as long as to transpose the matrices."""
        batch = self.config.minibatch_size
        find = DENSE_COSTS.find + DENSE_COSTS.find_element * self.plain.X.size * batch
        pays = batch <= _MAX_BATCH and self._plain_time > _DENSE_GAIN * find
        return _TRANSPOSED_STEPS if pays else 0

    def prepare(self, signals: SignalDict) -> list[tf.Tensor]:
        """Transpose the matrices: a row for each column, of one after another."""
        if not self.prepared_steps:
            return []
        A = tf.transpose(self.plain.factors(signals, "A")[..., 0], (0, 2, 1))
        return [tf.reshape(A, (-1, self.n_rows))]

    def build_step(self, signals: SignalDict) -> None:
        """Multiply and add the columns of spikes."""
        prepared = signals.prepared.get(id(self))
        if prepared is None:
            return self.plain.build_step(signals)
        X = self.plain.factors(signals, "X")
        spikes = tf.reshape(X, (-1,))
        found, batch = Nonzero(spikes), X.shape[-1]
        limit = self._plain_time / (
            DENSE_COSTS.piece + DENSE_COSTS.piece_entry * self.n_rows
        )
        Y = tf.cond(
            found.count <= int(limit),
            lambda: self._follow(found, spikes, prepared[0], batch),
            lambda: batched_product(self.plain.factors(signals, "A"), X),
        )
        return signals.scatter(self.plain.Y, Y, mode="inc")

    def build_training_step(self, signals: SignalDict) -> None:
        """Multiply and add all columns."""
        self.plain.build_training_step(signals)

    def _follow(
        self, found: Nonzero, spikes: tf.Tensor, columns: tf.Tensor, batch: int
    ) -> tf.Tensor:
        """Add all columns in which there is a spike, (n, n_rows, batch)."""

        def add(place: tf.Tensor, sums: tf.Tensor) -> tf.Tensor:
            value = columns[place // batch] * spikes[place]
            if sums.shape[0] == 1:
                return sums + value
            item = place // batch // self.n_columns * batch + place % batch
            return tf.tensor_scatter_nd_add(sums, [[item]], value[None])

        sums = tf.zeros((self.n * batch, self.n_rows), columns.dtype)
        sums = tf.reshape(found.for_each(add, sums), (self.n, batch, self.n_rows))
        return tf.transpose(sums, (0, 2, 1))

    @property
    def _plain_time(self) -> float:
        # It reads the matrix, which takes as long for a few items as for one.
        return DENSE_COSTS.entry * self.plain.A.size


class SparseColumns:
    """
    The entries of a sparse matrix, column by column.

    Parameters
    ----------
    pattern : SparsePattern
        Where they are.
    """

    # Columns are cut into pieces, which are filled up to equal length with any entries;
    # these belong to a target of their own, behind the others.

    def __init__(self, pattern: SparsePattern) -> None:
        self.pattern = pattern
        counts = np.bincount(pattern.sources, minlength=pattern.n_sources)
        self._length = _best_length(counts)
        n_pieces = -(-counts // self._length)
        self._columns = np.repeat(np.arange(pattern.n_sources), n_pieces)
        within = np.arange(len(self._columns)) - np.repeat(
            np.cumsum(n_pieces) - n_pieces, n_pieces
        )
        number = within[:, None] * self._length + np.arange(self._length)
        there = number < counts[self._columns, None]
        first = (np.cumsum(counts) - counts)[self._columns, None]
        members = np.argsort(pattern.sources, kind="stable")
        entries = members[np.where(there, first + number, 0)]
        self._entries = entries
        self._targets = np.where(there, pattern.targets[entries], pattern.n_targets)

    def pays(self, batch: int) -> bool:
        """Tell whether to look for spikes pays, in minibatches of some size."""
        find = COSTS.find + COSTS.find_element * len(self._columns) * batch
        return batch <= _MAX_BATCH and self._plain_time(batch) > _GAIN * find

    def arranged(self, A: tf.Tensor) -> list[tf.Tensor]:
        """Arrange entries, (n_entries, 1), as `sums` needs them."""
        pieces = tf.reshape(gather_rows(A, self._entries.ravel()), self._entries.shape)
        return [pieces, *self.pattern.arranged(A)]

    def sums(self, arranged: Sequence[tf.Tensor], X: tf.Tensor) -> tf.Tensor:
        """Compute the products of what `arranged` has returned with spikes."""
        pieces, *others = arranged
        batch = X.shape[-1]
        spikes = tf.reshape(gather_rows(X, self._columns), (-1,))
        found = Nonzero(spikes)
        limit = self._plain_time(batch) / (
            COSTS.piece + COSTS.piece_entry * self._length
        )
        return tf.cond(
            found.count <= int(limit),
            lambda: self._follow(found, spikes, pieces, batch),
            lambda: self.pattern.sums(others, X),
        )

    def _follow(
        self, found: Nonzero, spikes: tf.Tensor, pieces: tf.Tensor, batch: int
    ) -> tf.Tensor:
        """Add the pieces of all columns in which there is a spike."""
        targets = tf.constant(self._targets * batch, tf.int32)
        n_targets = self.pattern.n_targets

        def add(place: tf.Tensor, sums: tf.Tensor) -> tf.Tensor:
            piece, item = place // batch, place % batch
            where = (targets[piece] + item)[:, None]
            return tf.tensor_scatter_nd_add(sums, where, pieces[piece] * spikes[place])

        sums = tf.zeros((n_targets + 1) * batch, pieces.dtype)
        sums = found.for_each(add, sums)
        return tf.reshape(sums, (n_targets + 1, batch))[:n_targets]

    def _plain_time(self, batch: int) -> float:
        return COSTS.entry * self.pattern.size * batch


def _best_length(counts: np.ndarray) -> int:
    """Return the length of pieces with which all columns take least time."""
    lengths = np.unique(np.quantile(counts[counts > 0], [0, 0.25, 0.5, 0.75, 0.9, 1]))
    lengths = np.maximum(np.ceil(lengths), 1).astype(int)
    costs = [
        np.sum(-(-counts // length)) * (COSTS.piece + COSTS.piece_entry * length)
        for length in lengths
    ]
    return int(lengths[np.argmin(costs)])
