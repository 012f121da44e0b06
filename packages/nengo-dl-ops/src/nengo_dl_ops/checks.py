"""Checks of numbers and switches that are given as arguments."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from nengo.exceptions import ValidationError


def check_count(name: str, value: Any, low: int = 0) -> int:
    """
    Check that an argument is a whole number, and make it Python's.

    Returns the value. NumPy's numbers would wrap around, or be refused by TensorFlow.
    """
    count = whole_number(value)
    if count is None or count < low:
        raise ValidationError(
            f"expected a whole number of at least {low}, got {value!r}", attr=name
        )
    return count


def check_count_or_none(name: str, value: Any, low: int = 0) -> int | None:
    """Check that an argument is a whole number, or None; see `check_count`."""
    return None if value is None else check_count(name, value, low)


def check_boolean(name: str, value: Any) -> bool:
    """Check that an argument is True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise ValidationError(f"expected True or False, got {value!r}", attr=name)
    return bool(value)


def whole_number(value: Any) -> int | None:
    """Return a whole number as one of Python's; None if it is something else."""
    if isinstance(value, (bool, np.bool_)):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None
