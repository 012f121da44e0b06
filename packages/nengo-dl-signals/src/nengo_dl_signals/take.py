"""Assemble rows that lie in several arrays into one tensor, as cheaply as possible."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from .gradients import gather_rows

#: Up to this many pieces are sliced and joined; beyond it, one gather is smaller to
#: compile and faster to run (each slice is a copy of its own in the compiled step).
MAX_SLICES = 16


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
    starts = _run_starts(where, index)
    if len(starts) == 1:
        return slice_rows(arrays[int(where[0])], int(index[0]), len(index))
    if len(np.unique(where)) == 1:
        return _take_from_one(arrays[int(where[0])], index, starts)
    if len(starts) <= MAX_SLICES:
        return _join_slices(arrays, where, index, starts)
    return _gather_from_many(arrays, where, index)


def slice_rows(array: tf.Tensor, start: int, length: int) -> tf.Tensor:
    """Return ``array[start:start + length]``, without a copy if that is all of it."""
    if start == 0 and length == array.shape[0]:
        return array
    return array[start : start + length]


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


def _run_starts(where: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Return where each run of rows that lie one after another begins."""
    breaks = (np.diff(where) != 0) | (np.diff(index) != 1)
    return np.concatenate([[0], np.flatnonzero(breaks) + 1])


def _take_from_one(
    array: tf.Tensor, index: np.ndarray, starts: np.ndarray
) -> tf.Tensor:
    step = index[1] - index[0]
    if step > 0 and np.all(np.diff(index) == step):
        return array[index[0] : index[-1] + 1 : step]
    if np.all(index == index[0]):
        one = array[index[0] : index[0] + 1]
        return tf.broadcast_to(one, (len(index), *array.shape[1:]))
    if len(starts) <= MAX_SLICES:
        return _join_slices({0: array}, np.zeros_like(index), index, starts)
    return gather_rows(array, index)


def _join_slices(
    arrays: Mapping[int, tf.Tensor],
    where: np.ndarray,
    index: np.ndarray,
    starts: np.ndarray,
) -> tf.Tensor:
    lengths = np.diff(np.concatenate([starts, [len(index)]]))
    return concat_rows(
        [
            slice_rows(arrays[int(where[start])], int(index[start]), int(length))
            for start, length in zip(starts, lengths, strict=True)
        ]
    )


def _gather_from_many(
    arrays: Mapping[int, tf.Tensor], where: np.ndarray, index: np.ndarray
) -> tf.Tensor:
    """Join the used stretch of every array, then gather once."""
    parts, place, start = [], np.empty_like(index), 0
    for key in np.unique(where):
        mine = where == key
        low, high = int(index[mine].min()), int(index[mine].max()) + 1
        parts.append(slice_rows(arrays[int(key)], low, high - low))
        place[mine] = index[mine] - low + start
        start += high - low
    return gather_rows(concat_rows(parts), place)
