"""What every objective asks of its arguments, said before TensorFlow is."""

from __future__ import annotations

import math
import numbers
from typing import Any

import numpy as np
import tensorflow as tf


def float_tensor(name: str, value: Any, dtype: tf.DType | None = None) -> tf.Tensor:
    """
    Convert an argument to a floating point tensor of known rank.

    ``dtype``: type to cast to. If None, the argument must be of floating point already.
    Raises a ``ValueError`` if ``value`` is not an array of numbers, not of floating
    point (without ``dtype``), or a tensor of unknown rank.
    """
    try:
        # The hint keeps Python numbers in full precision. An array has a type, which
        # a hint would override without asking (dropping an imaginary part, say).
        hint = None if isinstance(value, np.ndarray) else dtype
        tensor = tf.convert_to_tensor(value, dtype_hint=hint)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name}: expected an array of numbers or a tensor, "
            f"received {type(value).__name__}: {value!r}"
        ) from error
    is_number = tensor.dtype.is_floating or tensor.dtype.is_integer
    if not (tensor.dtype.is_floating if dtype is None else is_number):
        expected = "floating point numbers" if dtype is None else "real numbers"
        raise ValueError(
            f"{name}: expected {expected}, received {tensor.dtype.name} values"
        )
    if tensor.shape.rank is None:
        raise ValueError(f"{name}: expected a known rank, received an unknown shape")
    return tensor if dtype is None else tf.cast(tensor, dtype)


def number(
    name: str, value: Any, above: float | None = None, at_least: float | None = None
) -> float:
    """Check that an argument is a finite number in its range, and return it."""
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    is_number = is_number and math.isfinite(value)
    too_low = is_number and (
        (above is not None and value <= above)
        or (at_least is not None and value < at_least)
    )
    if not is_number or too_low:
        low = "" if above is None else f" above {above}"
        low = low if at_least is None else f" of at least {at_least}"
        raise ValueError(f"{name}: expected a finite number{low}, received {value!r}")
    return float(value)


def integer(name: str, value: Any, at_least: int | None = None) -> int:
    """Check that an argument is an integer in its range, and return it."""
    is_integer = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not is_integer or (at_least is not None and value < at_least):
        low = "" if at_least is None else f" of at least {at_least}"
        raise ValueError(f"{name}: expected an integer{low}, received {value!r}")
    return int(value)
