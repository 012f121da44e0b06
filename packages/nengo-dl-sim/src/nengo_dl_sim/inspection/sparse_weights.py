"""Weights of sparse transforms that one can compute with."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from nengo.transforms import SparseMatrix
from scipy import sparse


class SparseWeights(SparseMatrix):
    """
    A ``nengo.transforms.SparseMatrix`` that can be computed with.

    ``*`` and ``/`` with a number, and ``+``, ``-``, ``*`` and ``@`` with another sparse
    matrix, give a SciPy array of the same kind; all else, such as ``weights @ x`` or
    ``weights + 1``, what NumPy makes of ``weights.toarray()``. ``*`` is by element.
    """

    #: NumPy's arrays leave it to this class what becomes of an operation with both.
    __array_priority__ = 100.0

    @classmethod
    def of(cls, matrix: SparseMatrix) -> SparseWeights:
        """Return a matrix in this form."""
        if isinstance(matrix, cls):
            return matrix
        return cls(matrix.indices, matrix.data, matrix.shape)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("a sparse matrix cannot become an array without a copy")
        return self._scipy().toarray().astype(dtype or self.dtype)

    def __add__(self, other: Any) -> Any:
        return self._with(operator.add, other)

    def __radd__(self, other: Any) -> Any:
        return self._with(operator.add, other)

    def __sub__(self, other: Any) -> Any:
        return self._with(operator.sub, other)

    def __rsub__(self, other: Any) -> Any:
        return self._with(lambda x, y: y - x, other)

    def __mul__(self, other: Any) -> Any:
        return self._with(operator.mul, other, keeps_zeros=True)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return self._with(operator.truediv, other, keeps_zeros=True)

    def __neg__(self) -> Any:
        return -self._scipy()

    def __matmul__(self, other: Any) -> Any:
        return self._scipy() @ _operand(other)

    def __rmatmul__(self, other: Any) -> Any:
        return _operand(other) @ self._scipy()

    def _with(self, compute: Callable, other: Any, keeps_zeros: bool = False) -> Any:
        """Compute with a matrix of entries if the result is one, too."""
        other = _operand(other)
        if sparse.issparse(other) or (keeps_zeros and np.ndim(other) == 0):
            return compute(self._scipy(), other)
        return compute(self._scipy().toarray(), other)

    def _scipy(self) -> Any:
        # Not a scipy.sparse.csr_matrix, as Nengo has it: `*` of these is `@`.
        return sparse.csr_array(self.allocate())


def _operand(other: Any) -> Any:
    """Return what SciPy and NumPy can compute with."""
    if isinstance(other, SparseMatrix):
        other = other.allocate()
    return sparse.csr_array(other) if sparse.issparse(other) else np.asarray(other)
