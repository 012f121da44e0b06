"""What only sessions of TensorFlow 1 could do, and what to use in its place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nengo.exceptions import ValidationError

_REPLACEMENTS = {
    "extra_feeds": (
        "put the value into a tf.Variable that a TensorNode or an objective reads, and "
        "assign to it before the call; values of nodes go into `data`"
    ),
    "extra_fetches": (
        "probe what you want to see, or return it from a function in `outputs`"
    ),
}


class SessionError(ValidationError):
    """
    An argument was given that only a session of TensorFlow 1 has.

    Parameters
    ----------
    name : str
        The argument.
    """

    def __init__(self, name: str) -> None:
        message = f"TensorFlow 2 has no sessions; instead, {_REPLACEMENTS[name]}"
        super().__init__(message, attr=name)


def refuse(name: str, value: Any) -> None:
    """
    Refuse an argument of session.run, unless it is empty.

    Parameters
    ----------
    name : str
        The argument.
    value : object
        Its value.

    Raises
    ------
    SessionError
        If it is neither None nor empty.
    """
    empty = isinstance(value, (Mapping, list, tuple)) and not value
    if value is not None and not empty:
        raise SessionError(name)
