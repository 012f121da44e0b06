"""Warnings that point at the line of the user's program that caused them."""

from __future__ import annotations

import inspect
import warnings
from types import FrameType

#: Packages of which no line is the user's.
_INSIDE = frozenset(
    {
        *("nengo_dl", "nengo_dl_objectives", "nengo_dl_ops", "nengo_dl_signals"),
        *("nengo_dl_sim", "nengo", "keras", "tensorflow", "contextlib", "functools"),
    }
)


def warn_user(message: str, category: type[Warning] = UserWarning) -> None:
    """
    Warn of something, in the name of the line that called into this package.

    Every call warns: Python would show a text only once for each line of a program (and
    of a notebook, for each number of a line).
    """
    frame = _users_frame(inspect.currentframe())
    if frame is None:
        warnings.warn(message, category, stacklevel=2)
        return
    warnings.warn_explicit(
        message,
        category,
        frame.f_code.co_filename,
        frame.f_lineno,
        module=frame.f_globals.get("__name__"),
        registry={},
    )


def _users_frame(frame: FrameType | None) -> FrameType | None:
    """Return the innermost frame that is not of a package; None in a thread of ours."""
    while frame is not None:
        package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if package not in _INSIDE:
            return frame
        frame = frame.f_back
    return None
