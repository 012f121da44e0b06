"""Where the values of a Nengo signal are found in a simulation step."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
from nengo.exceptions import BuildError


@dataclass(frozen=True, eq=False)
class TensorSignal:
    """
    A view onto rows of the simulation's values.

    Every base signal of a model owns a run of *rows*: its entries along the first
    axis. A ``TensorSignal`` names rows of one or of many signals, so that one read
    or write serves a whole group of merged operators.

    Parameters
    ----------
    rows : (n_rows,) array of int
        The addresses of the rows, as given out by a `.SignalLayout`.
    shape : tuple of int
        The shape of the value of one batch item.
    row_shape : tuple of int
        The shape of one row.
    dtype : str
        The type of the values (as a name, for example ``"float32"``).
    columns : (n_elements,) array of int, optional
        For a view that is not made of whole rows: which elements of the flattened
        rows it consists of.
    label : str
        A name for messages.

    Raises
    ------
    nengo.exceptions.BuildError
        If rows and shape do not hold the same number of elements.
    """

    rows: np.ndarray
    shape: tuple[int, ...]
    row_shape: tuple[int, ...] = ()
    dtype: str = "float32"
    columns: np.ndarray | None = None
    label: str = ""

    def __post_init__(self) -> None:
        held = (
            len(self.rows) * prod(self.row_shape)
            if self.columns is None
            else len(self.columns)
        )
        if held != prod(self.shape):
            raise BuildError(
                f"TensorSignal '{self.label}': expected rows that hold "
                f"{prod(self.shape)} elements for shape {self.shape}, got {held}"
            )

    @property
    def ndim(self) -> int:
        """The number of axes of the value of one batch item."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements of one batch item."""
        return prod(self.shape)

    def reshape(self, shape: tuple[int, ...]) -> TensorSignal:
        """
        Return the same values seen with another shape.

        Parameters
        ----------
        shape : tuple of int
            The new shape; one entry may be -1.

        Returns
        -------
        signal : TensorSignal
            A view onto the same rows.

        Raises
        ------
        nengo.exceptions.BuildError
            If the number of elements differs.
        """
        if shape.count(-1) == 1:
            known = prod(n for n in shape if n != -1)
            inferred = self.size // known if known else 0
            shape = tuple(inferred if n == -1 else n for n in shape)
        return TensorSignal(
            self.rows, shape, self.row_shape, self.dtype, self.columns, self.label
        )

    def take(self, index: np.ndarray) -> TensorSignal:
        """
        Select elements, as ``numpy.ndarray.take`` does.

        Parameters
        ----------
        index : array of int
            Places in the flattened value of one batch item; they may repeat.

        Returns
        -------
        signal : TensorSignal
            Those elements, in the shape of ``index``.
        """
        rows, columns = self._selected(index.ravel())
        return TensorSignal(
            rows, index.shape, self.row_shape, self.dtype, columns, self.label
        )

    def _selected(self, index: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the rows, and which of their elements if not all, of a selection."""
        if not self.row_shape and self.columns is None:
            return self.rows[index], None
        length = prod(self.row_shape)
        if self.columns is None and length and len(index) % length == 0:
            whole = index.reshape((-1, length))
            first = whole[:, :1]
            together = np.all(whole == first + np.arange(length))
            if together and not np.any(first % length):
                return self.rows[first[:, 0] // length], None
        return self.rows, index if self.columns is None else self.columns[index]

    def __getitem__(self, item: slice | list | np.ndarray | None) -> TensorSignal:
        """Select entries along the first axis (any NumPy index of one axis)."""
        if item is None or item is Ellipsis:
            return self
        if self.columns is not None or self.shape[1:] != self.row_shape:
            raise BuildError(
                f"TensorSignal '{self.label}': expected a signal of whole rows "
                f"(shape {self.row_shape} each) to be sliced, got shape {self.shape}"
            )
        rows = np.atleast_1d(self.rows[item])
        return TensorSignal(
            rows,
            (len(rows), *self.row_shape),
            self.row_shape,
            self.dtype,
            label=self.label,
        )
