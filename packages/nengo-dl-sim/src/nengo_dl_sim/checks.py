"""
Checks of arguments, and of whether what is trained was built.

Each raises a ``nengo.exceptions.ValidationError`` that names the argument, what was
expected, and what came. Some return the value in the type that it is used in.
"""

from __future__ import annotations

import os
from typing import Any

import nengo
import numpy as np
from nengo.builder import Model
from nengo.exceptions import ValidationError

from nengo_dl_ops import TensorNode
from nengo_dl_ops.checks import check_boolean as check_boolean
from nengo_dl_ops.checks import check_count as check_count
from nengo_dl_ops.checks import check_count_or_none as check_count_or_none
from nengo_dl_ops.checks import whole_number as whole_number


def check_path(name: str, value: Any, what: str = "file") -> None:
    """Check that an argument is the path of something (``what``, for the message)."""
    if not isinstance(value, (str, bytes, os.PathLike)) or not os.fspath(value):
        raise ValidationError(
            f"expected the path of a {what}, got {value!r:.100}", attr=name
        )


def check_period(name: str, value: Any) -> float:
    """Check that an argument is a length of time that is not zero."""
    seconds = _finite(value)
    if seconds is None or seconds <= 0:
        raise ValidationError(
            f"expected a finite time of more than 0 seconds, got {value!r:.100}",
            attr=name,
        )
    return seconds


def check_tolerance(name: str, value: Any) -> None:
    """Check that an argument is a difference that is allowed."""
    number = _finite(value)
    if number is None or number < 0:
        raise ValidationError(
            f"expected a finite number of at least 0, got {value!r:.100}", attr=name
        )


def check_model(value: Any) -> None:
    """Check the argument ``model``."""
    if value is None or isinstance(value, Model):
        return
    raise ValidationError(
        f"expected a nengo.builder.Model, got {value!r:.100}", attr="model"
    )


def check_jit_compile(value: Any) -> None:
    """Check the argument ``jit_compile``."""
    if not isinstance(value, bool) and value != "auto":
        raise ValidationError(
            f"expected True, False or 'auto', got {value!r}", attr="jit_compile"
        )


def check_callable(name: str, value: Any) -> None:
    """Check that an argument is a function."""
    if not callable(value):
        raise ValidationError(f"expected a function, got {value!r}", attr=name)


def described(value: Any, arguments: str = "...") -> str:
    """Say what came in place of an object."""
    if not isinstance(value, type):
        return repr(value)
    name = value.__name__
    return f"the class {name}: make an object of it, for example {name}({arguments})"


def check_duration(name: str, value: Any) -> float:
    """Check that an argument is a length of time."""
    seconds = _finite(value)
    if seconds is None or seconds < 0:
        raise ValidationError(
            f"expected a finite time of at least 0 seconds, got {value!r}", attr=name
        )
    return seconds


def check_dt(value: Any) -> float:
    """Check the argument ``dt``."""
    return check_period("dt", value)


def check_seed(value: Any) -> int | None:
    """Check the argument ``seed``."""
    if value is None:
        return None
    seed = whole_number(value)
    if seed is None or not 0 <= seed < 2**32:
        raise ValidationError(
            f"expected a whole number from 0 to 2**32 - 1, got {value!r}", attr="seed"
        )
    return seed


def check_network(value: Any) -> None:
    """Check the argument ``network``."""
    if value is not None and not isinstance(value, nengo.Network):
        raise ValidationError(f"expected a Network, got {value!r}", attr="network")


def _finite(value: Any) -> float | None:
    """Return a number as float; None if it is no finite number."""
    if isinstance(value, (bool, np.bool_, str, bytes)) or np.ndim(value) > 0:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None


def check_built(network: nengo.Network | None, model: Model) -> None:
    """
    Check that all that is trained in a network was built.

    What was removed since may stay away: what was built is simulated and trained.
    """
    if network is None:
        return
    layers = [node for node in network.all_nodes if isinstance(node, TensorNode)]
    for obj in (*network.all_ensembles, *network.all_connections, *layers):
        if obj not in model.params:
            raise ValidationError(
                f"expected the objects that were built, got {obj!r}, which was added "
                "later: make a new Simulator after adding to a network",
                attr="network",
            )


def check_not_masked(attr: str, obj: Any, value: Any) -> None:
    """Check that an array has no masked elements, which would be used as they are."""
    listed = value if isinstance(value, (list, tuple)) else [value]
    number = sum(int(np.ma.count_masked(v)) for v in listed if np.ma.is_masked(v))
    if number:
        raise ValidationError(
            f"for {obj}: expected an array without a mask, got {number} masked "
            "elements: use array.filled(value); targets that are NaN, "
            "array.filled(numpy.nan), are left out by the default objective, and "
            "sample_weight says in fit what does not count",
            attr=attr,
        )
