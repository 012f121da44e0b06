"""Checks of the arguments of TensorNodes and layers."""

from __future__ import annotations

from typing import Any

import numpy as np
from nengo.base import ObjView
from nengo.exceptions import ValidationError
from nengo.params import Default

from ..checks import whole_number


def given(value: Any, default: Any = None) -> Any:
    """Return the value of an argument, which may be ``nengo.Default``."""
    return default if value is Default else value


def item_shape(name: str, value: Any) -> tuple[int, ...] | None:
    """
    Check the shape of one item.

    ``value``: its value; lists and arrays are understood, too.
    """
    if value is None:
        return None
    if whole_number(value) is not None:
        raise _error(name, f"a tuple of whole numbers, such as ({value},)", value)
    is_list = isinstance(value, (tuple, list)) or np.ndim(value) == 1
    if not is_list:
        raise _error(name, "a tuple of whole numbers, such as (28, 28, 1)", value)
    if any(length is None for length in value):
        raise _error(name, "the shape of one item, without the batch axis", value)
    lengths = [whole_number(length) for length in value]
    if any(length is None or length < 1 for length in lengths):
        raise _error(name, "a tuple of whole numbers of at least 1", value)
    return tuple(length for length in lengths if length is not None)


def check_input(value: Any) -> None:
    """Check that a layer can be appended to an object."""
    if isinstance(value, ObjView) or hasattr(type(value), "size_out"):
        return
    raise _error(
        "input", "an object of a network (a Node, an Ensemble, its neurons, ...)", value
    )


def _error(name: str, expected: str, value: Any) -> ValidationError:
    return ValidationError(f"Expected {expected}, got {value!r:.100}", attr=name)
