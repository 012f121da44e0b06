"""Variables that a strategy of TensorFlow leaves alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import tensorflow as tf
from nengo.exceptions import ValidationError

T = TypeVar("T")


def plain_variables() -> AbstractContextManager:
    """Return a context in which no strategy in whose scope it is makes variables."""
    return tf.variable_creator_scope(_make_elsewhere)


def check_plain(what: str, variables: Iterable[Any], attr: str) -> None:
    """
    Refuse variables that a strategy has made.

    ``what``: whose they are. Raises a ``ValidationError`` if there are some.
    """
    found = [getattr(variable, "value", variable) for variable in variables]
    if any(isinstance(value, tf.distribute.DistributedValues) for value in found):
        raise ValidationError(
            f"expected variables that no strategy of TensorFlow has made, got {what}, "
            "which was made in the scope of one: make it before the scope. (Each "
            "worker has its own, and the simulator sees to it that they stay equal.)",
            attr=attr,
        )


def _make_elsewhere(next_creator: Any, **arguments: Any) -> tf.Variable:
    if not tf.distribute.has_strategy():
        return next_creator(**arguments)
    return outside_scopes(lambda: tf.Variable(**arguments))


def outside_scopes(function: Callable[[], T]) -> T:
    """Call a function outside of the scope of any strategy."""
    if not tf.distribute.has_strategy():
        return function()
    # A scope has no way out, but it is one of a thread.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result()
