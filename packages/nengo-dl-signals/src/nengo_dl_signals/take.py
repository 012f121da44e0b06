"""Assemble rows that lie in several arrays into one tensor, as cheaply as possible."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from .gradients import gather_rows

#: Up to this many pieces are sliced and joined; beyond it, one gather is smaller to
#: compile and faster to run (each slice is a copy of its own in the compiled step).
MAX_SLICES = 16


class _Piece(NamedTuple):
    """Rows of one array at equal distances."""

    key: int
    start: int
    length: int
    step: int


def take_rows(
    arrays: Mapping[int, tf.Tensor], where: np.ndarray, index: np.ndarray
) -> tf.Tensor:
    """
    Read row ``index[i]`` of array ``where[i]`` for every ``i``.

    Parameters
    ----------
    arrays : mapping from int to (n_rows, ..., batch) tf.Tensor
        The arrays, equal in type and in all axes but the first and the last; the
        batch axis may be 1 in some of them.
    where : (n,) array of int
        The array that holds each row.
    index : (n,) array of int
        The place of each row in its array.

    Returns
    -------
    rows : (n, ..., batch) tf.Tensor
        The rows in the order asked for: a slice where they lie together, else joined
        slices, else a gather.
    """
    # Rows that come several times each are read once and broadcast, which the compiler
    # makes part of what reads them.
    repeats = _n_repeats(where, index)
    if repeats > 1:
        once = take_rows(arrays, where[::repeats], index[::repeats])
        return _repeat_each(once, repeats)
    pieces = _pieces(where, index)
    if pieces is not None:
        return concat_rows([_slice(arrays[piece.key], piece) for piece in pieces])
    if len(np.unique(where)) == 1:
        return gather_rows(arrays[int(where[0])], index)
    return _gather_from_many(arrays, where, index)


def concat_rows(parts: list[tf.Tensor]) -> tf.Tensor:
    """Join tensors along the first axis, repeating batch axes of one item."""
    if len(parts) == 1:
        return parts[0]
    batch = max(part.shape[-1] for part in parts)
    return tf.concat([repeat_batch(part, batch) for part in parts], axis=0)


def repeat_batch(array: tf.Tensor, batch: int) -> tf.Tensor:
    """Give an array a batch axis of ``batch`` items (a no-op if it has them)."""
    if array.shape[-1] == batch:
        return array
    return tf.broadcast_to(array, (*array.shape[:-1], batch))


def _n_repeats(where: np.ndarray, index: np.ndarray) -> int:
    """Return how often every row comes in a row, if that is the same for all."""
    changes = np.flatnonzero((np.diff(where) != 0) | (np.diff(index) != 0)) + 1
    length = int(changes[0]) if len(changes) else len(index)
    even = np.array_equal(changes, np.arange(length, len(index), length))
    return length if even and len(index) % length == 0 else 1


def _repeat_each(rows: tf.Tensor, repeats: int) -> tf.Tensor:
    n, *rest = rows.shape
    return tf.reshape(
        tf.broadcast_to(rows[:, None], (n, repeats, *rest)), (n * repeats, *rest)
    )


def _pieces(where: np.ndarray, index: np.ndarray) -> list[_Piece] | None:
    """Cut the rows into few stretches of equal distance, or give up."""
    # A stretch ends where the array changes, or where the distance does.
    step = np.diff(index)
    step[np.diff(where) != 0] = 0
    turns = np.concatenate([[0], np.flatnonzero(np.diff(step)) + 1, [len(step)]])
    pieces: list[_Piece] = []
    first, turn = 0, 0
    while first < len(index):
        if len(pieces) == MAX_SLICES:
            return None
        turn = int(np.searchsorted(turns, first, side="right"))
        along = int(step[first]) if first < len(step) else 0
        length = int(turns[turn]) - first + 1 if along > 0 else 1
        key, start = int(where[first]), int(index[first])
        pieces.append(_Piece(key, start, length, max(along, 1)))
        first += length
    return pieces


def _slice(array: tf.Tensor, piece: _Piece) -> tf.Tensor:
    """Return the rows of a piece, without a copy if that is the whole array."""
    if piece.start == 0 and piece.step == 1 and piece.length == array.shape[0]:
        return array
    stop = piece.start + (piece.length - 1) * piece.step + 1
    return array[piece.start : stop : piece.step]


def _gather_from_many(
    arrays: Mapping[int, tf.Tensor], where: np.ndarray, index: np.ndarray
) -> tf.Tensor:
    """Join the used stretch of every array, then gather once."""
    # Only what lies between the first and the last row that is wanted of each array.
    parts, place, start = [], np.empty_like(index), 0
    for key in np.unique(where):
        mine = where == key
        low, high = int(index[mine].min()), int(index[mine].max()) + 1
        parts.append(_slice(arrays[int(key)], _Piece(0, low, high - low, 1)))
        place[mine] = index[mine] - low + start
        start += high - low
    return gather_rows(concat_rows(parts), place)
