"""The values that a signal stores: all of them, or the nonzeros of a sparse matrix."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from nengo.builder.signal import Signal
from nengo.exceptions import BuildError
from nengo.transforms import SparseMatrix


class SparseEntries(NamedTuple):
    """
    The entries of a sparse matrix; where a place comes twice, its values add up.

    Parameters
    ----------
    rows, columns : (n_entries,) array of int
        The place of each entry.
    values : (n_entries,) array
        Its value.
    """

    rows: np.ndarray
    columns: np.ndarray
    values: np.ndarray


def sparse_entries(sig: Signal) -> SparseEntries:
    """
    Return the entries of a sparse signal, always in the same order.

    Parameters
    ----------
    sig : nengo.builder.Signal
        A signal whose initial value is a ``nengo.transforms.SparseMatrix`` or a SciPy
        sparse matrix.

    Returns
    -------
    entries : SparseEntries
        In the order in which the matrix holds them.

    Raises
    ------
    nengo.exceptions.BuildError
        If the signal is not sparse.
    """
    matrix = sig.initial_value
    if not sig.sparse:
        raise BuildError(f"Signal '{sig.name}': expected a sparse matrix, got an array")
    if isinstance(matrix, SparseMatrix):
        rows, columns = matrix.indices.T
        return SparseEntries(rows, columns, matrix.data)
    matrix = matrix.tocoo()
    return SparseEntries(matrix.row, matrix.col, matrix.data)


def stored_value(sig: Signal) -> np.ndarray:
    """
    Return the initial value of a signal as a simulation stores it.

    Parameters
    ----------
    sig : nengo.builder.Signal
        A signal.

    Returns
    -------
    value : array
        The initial value; of a sparse signal the (n_entries,) values that it holds.
    """
    return sparse_entries(sig).values if sig.sparse else sig.initial_value
