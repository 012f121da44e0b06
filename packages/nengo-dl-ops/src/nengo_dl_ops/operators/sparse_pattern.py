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

#: Targets are put into a table with others of up to so many times fewer entries, the
#: rest of it is filled up; and so many tables there are at most.
_FILLED_UP = 1.5
_MAX_TABLES = 6


class _Table(NamedTuple):
    """
    The entries of some targets: a column for each, filled up to equal length.

    Parameters
    ----------
    entries : (length, n_targets) array of int
        Numbers of entries; where there is none, how many there are in all.
    sources : (length, n_targets) array of int
        What each entry is multiplied by.
    """

    entries: np.ndarray
    sources: np.ndarray


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
        return [_take(padded, table.entries) for table in self._tables]

    def sums(self, arranged: Sequence[tf.Tensor], X: tf.Tensor) -> tf.Tensor:
        """Compute the products of what `arranged` has returned (see `product`)."""
        sums = [
            tf.reduce_sum(values * _take(X, table.sources), axis=0)
            for values, table in zip(arranged, self._tables, strict=True)
        ]
        return gather_rows(tf.concat(sums, axis=0), self._places)

    @cached_property
    def _counts(self) -> np.ndarray:
        """How many entries each target has."""
        return np.bincount(self.targets, minlength=self.n_targets)

    @cached_property
    def _order(self) -> np.ndarray:
        """The targets, those with most entries first."""
        return np.argsort(-self._counts, kind="stable")

    @cached_property
    def _places(self) -> np.ndarray:
        """Where each target is among those of all tables."""
        places = np.empty(self.n_targets, int)
        places[self._order] = np.arange(self.n_targets)
        return places

    @cached_property
    def _tables(self) -> list[_Table]:
        counts = self._counts[self._order]
        members = np.argsort(self.targets, kind="stable")
        first = np.cumsum(self._counts) - self._counts
        sources = np.append(self.sources, 0)
        tables = []
        for start, stop in _cut(counts):
            number = np.arange(max(counts[start], 1))[:, None]
            place = first[self._order[start:stop]] + number
            there = number < counts[start:stop]
            entries = np.where(there, members[np.where(there, place, 0)], self.size)
            tables.append(_Table(entries, sources[entries]))
        return tables


def _cut(counts: np.ndarray) -> list[tuple[int, int]]:
    """Cut falling numbers into few stretches of similar ones."""
    edges = [0]
    while edges[-1] < len(counts) and len(edges) < _MAX_TABLES:
        low = counts[edges[-1]] / _FILLED_UP
        edges.append(int(np.searchsorted(-counts, -low, side="right")))
    if edges[-1] < len(counts):
        edges.append(len(counts))
    return list(zip(edges[:-1], edges[1:], strict=True))


def _take(values: tf.Tensor, index: np.ndarray) -> tf.Tensor:
    """Read rows, in the shape of an index."""
    return tf.reshape(gather_rows(values, index.ravel()), (*index.shape, -1))


def _of_items(gradient: tf.Tensor, value: tf.Tensor) -> tf.Tensor:
    """Add up the gradients of batch items that share a value."""
    shared = value.shape[-1] == 1 and gradient.shape[-1] > 1
    return tf.reduce_sum(gradient, axis=-1, keepdims=True) if shared else gradient
