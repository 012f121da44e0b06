"""Numbers that the type of the simulation does not hold."""

from __future__ import annotations

from typing import Any

import numpy as np
from nengo.exceptions import BuildError


def becomes_infinite(values: Any, dtype: str) -> bool:
    """Tell whether finite numbers become infinite in a floating point type."""
    array = np.asarray(values)
    if array.dtype.kind != "f" or not array.size:
        return False
    limit = float(np.finfo(dtype).max)
    highest, lowest = float(np.max(array)), float(np.min(array))
    if max(highest, -lowest) <= limit:
        return False
    return bool(np.any(np.isfinite(array) & (np.abs(array) > limit)))


def describe_range(dtype: str) -> str:
    """Say which numbers a type holds, for an error."""
    return f"numbers of {dtype}, up to {float(np.finfo(dtype).max):.3g}"


def check_range(name: str, values: Any, dtype: str) -> None:
    """Check that numbers stay finite in the type of the simulation."""
    if becomes_infinite(values, dtype):
        array = np.asarray(values)
        largest = np.max(np.abs(array[np.isfinite(array)]))
        raise BuildError(
            f"{name}: expected {describe_range(dtype)}, got {largest:.3g}; use "
            'configure_settings(dtype="float64"), or smaller numbers'
        )
