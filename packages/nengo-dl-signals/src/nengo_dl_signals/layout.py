"""Addresses for the values of all signals of a model."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np
from nengo.builder.signal import Signal
from nengo.exceptions import BuildError

from .stored import stored_value
from .tensor_signal import TensorSignal


class _Place(NamedTuple):
    """Where a base signal is: its first row, how many it has, their and its shape."""

    start: int
    length: int
    row_shape: tuple[int, ...]
    shape: tuple[int, ...]


class SignalLayout:
    """
    Gives every base signal a run of row addresses, and views their share of it.

    What is never written is addressed row by row (a weight matrix of a thousand rows
    needs a thousand addresses, not a million). What is written is addressed element
    by element, so that operators of any shape can write and read any part of it. A
    sparse matrix is a vector of the entries that it holds.

    Parameters
    ----------
    bases : iterable of nengo.builder.Signal
        The base signals (not views) of the model. The order decides the addresses.
    constants : collection of nengo.builder.Signal
        Those of them that no operator writes.
    dtype : {"float16", "float32", "float64"}
        The type that floating point signals get. Integers, booleans and complex
        numbers keep theirs.
    exact : collection of nengo.builder.Signal, optional
        Base signals that get ``"float64"`` and ``"int64"`` instead, such as the time
        and the count of steps.
    """

    def __init__(
        self,
        bases: Iterable[Signal],
        constants: Collection[Signal] = (),
        dtype: str = "float32",
        exact: Collection[Signal] = (),
    ) -> None:
        self.dtype = dtype
        self.exact = frozenset(exact)
        self.constants = frozenset(constants)
        self._places: dict[Signal, _Place] = {}
        self.n_rows = 0
        for base in bases:
            if base not in self._places:
                place = self._place(base)
                self._places[base] = place
                self.n_rows += place.length

    def _place(self, base: Signal) -> _Place:
        shape = stored_value(base).shape
        # Whoever reads a constant reads whole rows, but an operator may write any part.
        if base in self.constants and shape:
            return _Place(self.n_rows, shape[0], shape[1:], shape)
        return _Place(self.n_rows, prod(shape), (), shape)

    def row_shape(self, sig: Signal) -> tuple[int, ...]:
        """Return the shape of one row of the base of a signal."""
        return self._places[sig.base].row_shape

    def rows(self, base: Signal) -> np.ndarray:
        """Return the addresses of all rows of a base signal."""
        start, length, *_ = self._places[base]
        return np.arange(start, start + length, dtype=np.int32)

    @property
    def bases(self) -> list[Signal]:
        """The base signals, in the order of their addresses."""
        return list(self._places)

    def __repr__(self) -> str:
        n = len(self._places)
        return f"<SignalLayout: {n} signals in {self.n_rows} rows, {self.dtype}>"

    def __str__(self) -> str:
        lines = []
        for base, place in self._places.items():
            rows = describe_rows(place.start, place.start + place.length)
            kind = "constant " if base in self.constants else ""
            lines.append(
                f"{rows}: {base.name}, {kind}{self.type_of(base)} {base.shape}"
            )
        return "\n".join([repr(self), *lines])

    def __contains__(self, sig: Signal) -> bool:
        return sig.base in self._places

    def __getitem__(self, sig: Signal) -> TensorSignal:
        """
        Find a signal.

        Parameters
        ----------
        sig : nengo.builder.Signal
            A base signal of the layout or a view of one.

        Returns
        -------
        tensor_signal : TensorSignal
            The rows (and columns) that hold it.

        Raises
        ------
        nengo.exceptions.BuildError
            If the base of the signal is not in the layout.
        """
        base = sig.base
        if base not in self._places:
            raise BuildError(f"Signal '{sig.name}' is not part of this model")
        start, _, row_shape, shape = self._places[base]
        columns: np.ndarray | None = None
        if sig is base:
            rows = self.rows(base)
        elif row_shape:
            selected, columns = _rows_of_view(sig)
            rows, shape = self.rows(base)[selected], sig.shape
        else:
            rows, shape = start + elements(sig).ravel(), sig.shape
        rows = rows.astype(np.int32, copy=False)
        return TensorSignal(
            rows, shape, row_shape, self.type_of(sig), columns, sig.name
        )

    def type_of(self, sig: Signal) -> str:
        """Return the name of the type that a signal's values get."""
        kind = np.dtype(sig.dtype).kind
        if kind not in "fiubc":
            raise BuildError(f"Signal '{sig.name}': expected numbers, got {sig.dtype}")
        if sig.base in self.exact and kind in "fi":
            return "float64" if kind == "f" else "int64"
        return self.dtype if kind == "f" else np.dtype(sig.dtype).name

    def concat(self, sigs: Sequence[Signal]) -> TensorSignal:
        """
        Join signals along their first axis.

        Parameters
        ----------
        sigs : list of nengo.builder.Signal
            Signals of equal type and of equal shape but for the first axis.

        Returns
        -------
        tensor_signal : TensorSignal
            Shape ``(sum of first axes, ...)``.
        """
        return join([self[sig] for sig in sigs])

    def stack(self, sigs: Sequence[Signal]) -> TensorSignal:
        """
        Join signals of equal shape along a new first axis.

        Parameters
        ----------
        sigs : list of nengo.builder.Signal
            Signals of equal type and shape.

        Returns
        -------
        tensor_signal : TensorSignal
            Shape ``(len(sigs), *shape)``.
        """
        return join([self[sig] for sig in sigs]).reshape((len(sigs), *sigs[0].shape))


def describe_rows(start: int, stop: int) -> str:
    """Name the rows from one to before another, for people."""
    if stop - start < 2:
        return f"row {start}" if stop > start else "no row"
    return f"rows {start}-{stop - 1}"


def join(parts: Sequence[TensorSignal]) -> TensorSignal:
    """
    Join tensor signals along their first axis.

    Parameters
    ----------
    parts : list of TensorSignal
        Signals that agree in type, in row shape, and in shape but for the first axis.

    Returns
    -------
    tensor_signal : TensorSignal
        All their rows in order.

    Raises
    ------
    nengo.exceptions.BuildError
        If they do not agree.
    """
    first = parts[0]
    for part in parts:
        if (part.dtype, part.row_shape) != (first.dtype, first.row_shape):
            raise BuildError(
                f"Cannot join '{part.label}' ({part.dtype}, rows of {part.row_shape}) "
                f"to '{first.label}' ({first.dtype}, rows of {first.row_shape})"
            )
    length = sum(part.shape[0] if part.ndim else 1 for part in parts)
    return TensorSignal(
        np.concatenate([part.rows for part in parts]),
        (length, *first.shape[1:]),
        first.row_shape,
        first.dtype,
        _join_columns(parts),
        first.label if len(parts) == 1 else f"{first.label} and {len(parts) - 1} more",
    )


def _join_columns(parts: Sequence[TensorSignal]) -> np.ndarray | None:
    if all(part.columns is None for part in parts):
        return None
    joined, start = [], 0
    row_size = int(np.prod(parts[0].row_shape))
    for part in parts:
        held = len(part.rows) * row_size
        own = np.arange(held) if part.columns is None else part.columns
        joined.append(start + own)
        start += held
    return np.concatenate(joined)


def _rows_of_view(sig: Signal) -> tuple[np.ndarray | slice, np.ndarray | None]:
    """Return which rows of the base hold a view, and which elements if not all."""
    base: Any = sig.base
    row_size = int(np.prod(base.shape[1:]))
    whole_rows = (
        sig.shape[1:] == base.shape[1:]
        and sig.elemstrides[1:] == base.elemstrides[1:]
        and sig.elemstrides[0] % row_size == 0
        and sig.elemoffset % row_size == 0
    )
    if whole_rows:
        steps = np.arange(sig.shape[0]) * (sig.elemstrides[0] // row_size)
        return sig.elemoffset // row_size + steps, None
    return slice(None), elements(sig).ravel()


def elements(sig: Signal) -> np.ndarray:
    """
    Find the elements of a view.

    Parameters
    ----------
    sig : nengo.builder.Signal
        A view of a signal (or a base signal, which has all of its own elements).

    Returns
    -------
    index : array of int
        Where each element of the view is in the flattened base; the view's shape.
    """
    if sig.ndim == 1:  # as thousands of parts of arrays are
        return sig.elemoffset + np.arange(sig.size) * sig.elemstrides[0]
    index = np.full(sig.shape, sig.elemoffset)
    for axis, (length, stride) in enumerate(
        zip(sig.shape, sig.elemstrides, strict=True)
    ):
        steps = np.arange(length) * stride
        # Broadcast along the other axes: the sum over all axes, for every element.
        index += steps.reshape((-1,) + (1,) * (sig.ndim - axis - 1))
    return index
