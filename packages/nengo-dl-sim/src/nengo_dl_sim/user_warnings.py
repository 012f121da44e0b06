"""Warnings that point at the user's line, from however deep in the package."""

from __future__ import annotations

import sys
import warnings

#: Packages whose lines are not the user's.
_OURS = ("nengo_dl", "nengo_dl_sim")


def warn_user(message: str, category: type[Warning] = UserWarning) -> None:
    """
    Warn, as if the line that called the package had done so.

    Parameters
    ----------
    message : str
        The text.
    category : type of Warning
        Its kind.

    Warns
    -----
    Warning
        Always.
    """
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and _is_ours(frame.f_globals.get("__name__", "")):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in _OURS
