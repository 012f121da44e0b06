"""Products with sparse matrices whose entries are known to be where they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from nengo_dl_signals import gather_rows

#: From entries and elements to sums: `SparsePattern.product` without a gradient.
AddUp = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]

#: A table takes as long as so many entries do, besides its own.
_TABLE_COST = 2500

#: Tables are cut at so many of the numbers of entries that targets have, at most.
_MAX_EDGES = 256

#: Of minibatches so many entries of each target are added up at once: the compiler
#: reads and writes sums in between, but adds one after another for each item else.
_CHUNK = 16


class Table(NamedTuple):
    """
    The entries of some targets: a column for each, filled up to equal length.

    Parameters
    ----------
    entries : (n_chunks, chunk, n_targets) array of int
        Numbers of entries; where there is none, how many there are in all.
    sources : (n_chunks, chunk, n_targets) array of int
        What each entry is multiplied by.
    """

    entries: np.ndarray
    sources: np.ndarray

    def sums(self, values: tf.Tensor, X: tf.Tensor) -> tf.Tensor:
        """Multiply values, as `entries` tells, and add them up for each target."""
        n_chunks, chunk, n_targets = self.sources.shape
        if X.shape[-1] == values.shape[-1] == 1:
            shape = n_chunks * chunk, n_targets
            factors = tf.reshape(_take(X, self.sources), shape)
            sums = tf.reduce_sum(tf.reshape(values, shape) * factors, axis=0)
            return sums[:, None]
        sources = tf.constant(self.sources, tf.int32)

        def add(i: tf.Tensor, sums: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            for k in range(chunk):
                sums += values[i, k] * tf.gather(X, sources[i, k])
            return i + 1, sums

        batch = max(X.shape[-1], values.shape[-1])
        start = tf.constant(0), tf.zeros((n_targets, batch), X.dtype)
        return tf.while_loop(lambda i, _: i < n_chunks, add, start)[1]


class SparsePattern:
    """
    Where the entries of a sparse matrix are.

    Parameters
    ----------
    sources, targets : (n_entries,) array of int
        The column and the row of each entry. A place may come more than once.
    n_sources, n_targets : int
        The number of columns and of rows.
    """

    def __init__(
        self, sources: np.ndarray, targets: np.ndarray, n_sources: int, n_targets: int
    ) -> None:
        self.sources = sources
        self.targets = targets
        self.n_sources = n_sources
        self.n_targets = n_targets

    @property
    def size(self) -> int:
        """The number of entries."""
        return len(self.sources)

    @cached_property
    def transposed(self) -> SparsePattern:
        """The pattern of the transposed matrix, with the entries in the same order."""
        return SparsePattern(self.targets, self.sources, self.n_targets, self.n_sources)

    def product(
        self, A: tf.Tensor, X: tf.Tensor, add_up: AddUp | None = None
    ) -> tf.Tensor:
        """
        Multiply the matrix by vectors.

        Parameters
        ----------
        A : (n_entries, 1 or batch) tf.Tensor
            The entries.
        X : (n_sources, 1 or batch) tf.Tensor
            The vectors.
        add_up : callable, optional
            Another way to compute it. The gradient does not depend on it.

        Returns
        -------
        Y : (n_targets, 1 or batch) tf.Tensor
            The products.
        """

        @tf.custom_gradient
        def compute(A: tf.Tensor, X: tf.Tensor) -> tuple[tf.Tensor, Callable]:
            def gradient(dY: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
                dA = gather_rows(dY, self.targets) * gather_rows(X, self.sources)
                dX = self.transposed.product(A, dY)
                return _of_items(dA, A), _of_items(dX, X)

            return (add_up or self.add_up)(A, X), gradient

        return compute(A, X)

    def add_up(self, A: tf.Tensor, X: tf.Tensor) -> tf.Tensor:
        """Multiply all entries, and add up those of each target (see `product`)."""
        return self.sums(self.arranged(A), X)

    def arranged(self, A: tf.Tensor) -> list[tf.Tensor]:
        """Arrange entries as `sums` needs them."""
        padded = tf.concat([A, tf.zeros_like(A[:1])], axis=0)
        return [_take(padded, table.entries) for table in self.tables]

    def sums(self, arranged: Sequence[tf.Tensor], X: tf.Tensor) -> tf.Tensor:
        """Compute the products of what `arranged` has returned (see `product`)."""
        pairs = zip(self.tables, arranged, strict=True)
        sums = [table.sums(values, X) for table, values in pairs]
        if len(sums) == 1:
            return sums[0]
        return gather_rows(tf.concat(sums, axis=0), self._places)

    @cached_property
    def _counts(self) -> np.ndarray:
        """How many entries each target has."""
        return np.bincount(self.targets, minlength=self.n_targets)

    @cached_property
    def _groups(self) -> list[np.ndarray]:
        """The targets of each table: in order, if there is only one."""
        order = np.argsort(-self._counts, kind="stable")
        cuts = _cut(self._counts[order])
        if len(cuts) == 1:
            return [np.arange(self.n_targets)]
        return [order[start:stop] for start, stop in cuts]

    @cached_property
    def _places(self) -> np.ndarray:
        """Where each target is among those of all tables."""
        places = np.empty(self.n_targets, int)
        places[np.concatenate(self._groups)] = np.arange(self.n_targets)
        return places

    @cached_property
    def tables(self) -> list[Table]:
        """The entries of all targets, those of similar numbers together."""
        members = np.argsort(self.targets, kind="stable")
        first = np.cumsum(self._counts) - self._counts
        tables = []
        for targets in self._groups:
            counts = self._counts[targets]
            number = _in_chunks(max(counts.max(), 1))[..., None]
            # Zeros are multiplied by what the target's last entry is: where that is not
            # a number, no other target must be.
            own = members[first[targets] + np.minimum(number, counts - 1)]
            entries = np.where(number < counts, own, self.size)
            tables.append(Table(entries, self.sources[own]))
        return tables


def _in_chunks(length: int) -> np.ndarray:
    """Number so many entries and few more, (n_chunks, chunk)."""
    n_chunks = -(-length // _CHUNK)
    chunk = -(-length // n_chunks)
    return np.arange(n_chunks * chunk).reshape((n_chunks, chunk))


def _cut(counts: np.ndarray) -> list[tuple[int, int]]:
    """Cut falling numbers where tables of them, filled up, take least time."""
    edges = np.concatenate([[0], np.flatnonzero(np.diff(counts)) + 1, [len(counts)]])
    if len(edges) > _MAX_EDGES:
        chosen = np.linspace(0, len(edges) - 1, _MAX_EDGES).astype(int)
        edges = edges[chosen]
    times, begins = np.zeros(len(edges)), np.zeros(len(edges), int)
    for end in range(1, len(edges)):
        filled = counts[edges[:end]] * (edges[end] - edges[:end])
        found = times[:end] + filled + _TABLE_COST
        begins[end] = np.argmin(found)
        times[end] = found[begins[end]]
    cuts, end = [], len(edges) - 1
    while end > 0:
        cuts.append((int(edges[begins[end]]), int(edges[end])))
        end = begins[end]
    return cuts[::-1]


def _take(values: tf.Tensor, index: np.ndarray) -> tf.Tensor:
    """Read rows, in the shape of an index."""
    return tf.reshape(gather_rows(values, index.ravel()), (*index.shape, -1))


def _of_items(gradient: tf.Tensor, value: tf.Tensor) -> tf.Tensor:
    """Add up the gradients of batch items that share a value."""
    shared = value.shape[-1] == 1 and gradient.shape[-1] > 1
    return tf.reduce_sum(gradient, axis=-1, keepdims=True) if shared else gradient
