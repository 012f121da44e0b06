"""The current values of signals, of views of them, and of sparse ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from nengo.builder.signal import Signal
from nengo.exceptions import ValidationError
from nengo.transforms import SparseMatrix
from numpy.typing import ArrayLike

from nengo_dl_signals import elements, sparse_entries, stored_value

from .sparse_weights import SparseWeights

#: Returns the live value of a base signal, or None if it has no live value.
LiveValue = Callable[[Signal], "np.ndarray | None"]


def live_value(sig: Signal, live: LiveValue) -> np.ndarray | SparseMatrix | None:
    """
    Return the current value of a signal or of a view of one.

    ``live``: returns the current value of a base signal, or None. Returns None if the
    signal has no live value.
    """
    value = live(sig.base)
    if value is None:
        return None
    if sig.is_view:
        batch = value.shape[: value.ndim - sig.base.ndim]
        value = value.reshape((*batch, -1))[..., elements(sig)]
    if not sig.sparse:
        return value
    rows, columns, _ = sparse_entries(sig)
    return SparseWeights(np.stack([rows, columns], axis=1), value, sig.shape)


def is_as_built(value: np.ndarray | SparseMatrix, sig: Signal) -> bool:
    """Tell whether a signal still has the value that it was built with."""
    entries = value.data if isinstance(value, SparseMatrix) else value
    return np.array_equal(entries, stored_value(sig).astype(entries.dtype))


def with_part(base: np.ndarray, sig: Signal, value: ArrayLike) -> np.ndarray:
    """
    Replace the part of a base signal that a signal is.

    Shapes: ``base`` (*batch, *shape); returns (*batch, *shape). ``value``: the new
    value of the signal, or one that NumPy broadcasts to it; of a sparse signal a
    ``nengo.transforms.SparseMatrix`` with the same indices, or its data.
    """
    whole = sig.sparse or not sig.is_view
    n_batch = base.ndim - stored_value(sig.base).ndim
    new = base.copy() if whole else base.reshape((*base.shape[:n_batch], -1)).copy()
    part = (...,) if whole else (..., elements(sig))
    shape = new[part].shape
    try:
        array = _numbers(sig, value)
        with np.errstate(over="ignore", invalid="ignore"):  # both are looked for below
            new[part] = np.broadcast_to(array, shape)
    except (TypeError, ValueError, OverflowError) as error:
        expected = f"numbers of shape {shape[n_batch:]}"
        expected += f" or {shape}" if n_batch else ""
        raise _wrong_value(sig, expected, f"{value!r} ({error})") from error
    is_float = new.dtype.kind == "f"
    if not np.all(np.isfinite(new[part]) if is_float else new[part] == array):
        kind = "finite numbers" if is_float else "numbers"
        raise _wrong_value(sig, f"{kind} of type {new.dtype}", repr(value))
    return new.reshape(base.shape)


def _numbers(sig: Signal, value: ArrayLike) -> np.ndarray:
    if isinstance(value, SparseMatrix):
        rows, columns, _ = sparse_entries(sig)
        if not np.array_equal(value.indices, np.stack([rows, columns], axis=1)):
            raise ValueError("its indices are others")
        value = value.data
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"of type {array.dtype}")
    return array


def _wrong_value(sig: Signal, expected: str, got: str) -> ValidationError:
    return ValidationError(f"{sig}: expected {expected}, got {got}", attr="signals")
