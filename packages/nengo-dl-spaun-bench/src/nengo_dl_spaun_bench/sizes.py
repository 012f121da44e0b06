"""Checks of the sizes of networks."""

from __future__ import annotations

from nengo.exceptions import ValidationError
from nengo.utils.numpy import is_integer


def check_sizes(dimensions: int, neurons_per_d: int) -> None:
    """
    Check the sizes that every benchmark network has.

    Parameters
    ----------
    dimensions, neurons_per_d : int
        Arguments of the builder of a network.

    Raises
    ------
    ValidationError
        If one is not an integer above 0; the error names it.
    """
    for name, size in [("dimensions", dimensions), ("neurons_per_d", neurons_per_d)]:
        if not (is_integer(size) and size >= 1):
            raise ValidationError(f"Must be an integer >= 1 (got {size!r})", attr=name)
