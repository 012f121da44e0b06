"""What fits what: shapes and types of the signals of one operator, as in NumPy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from nengo.builder.operator import Operator
from nengo.builder.signal import Signal
from nengo.exceptions import BuildError

Shape = tuple[int, ...]


def adds_in_place(shape: Shape, target: Shape) -> bool:
    """Tell whether NumPy takes ``target += value`` for a value of a shape."""
    try:
        return np.broadcast_shapes(shape, target) == target
    except ValueError:
        return False


def dot_shape(A: Shape, X: Shape) -> Shape | None:
    """Return the shape of ``numpy.dot(A, X)``; None if there is no such product."""
    if not A or not X:
        return A or X
    if A[-1] != X[-2:][0]:
        return None
    return A[:-1] + X[:-2] + X[-1:] if len(X) > 1 else A[:-1]


def refuse_shapes(op: Operator, expected: str, sigs: Sequence[Signal]) -> BuildError:
    """Make the error for signals that do not fit each other."""
    shapes = ", ".join(f"{sig.name} {sig.shape}" for sig in sigs)
    return BuildError(f"{op}: expected signals for {expected}, got shapes {shapes}")


def are_products_of_floats(op: Operator) -> bool:
    """
    Tell whether a product of A and X has the type of Y, a floating point one.

    What NumPy does with integers (wrap around), booleans (or, and) and complex numbers
    is left to NumPy.
    """
    kinds = [sig.dtype.kind for sig in (op.A, op.X)]
    return op.Y.dtype.kind == "f" and "f" in kinds and set(kinds) <= set("fiub")
