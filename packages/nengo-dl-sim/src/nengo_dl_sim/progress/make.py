"""Making the progress bar that was asked for."""

from __future__ import annotations

import configparser
import sys
from typing import TypeAlias

import numpy as np
from nengo import rc
from nengo.exceptions import ValidationError
from nengo.utils import progress

from .bars import LogProgressBar, NengoProgressBar, NullProgressBar, ProgressBar
from .console import ConsoleProgressBar

#: What is accepted as ``progress_bar``: whether to show one, or one of Nengo's.
ProgressBarLike: TypeAlias = (
    bool | progress.ProgressBar | type[progress.ProgressBar] | None
)


def make_progress_bar(
    title: str, total: int | None, form: ProgressBarLike = True
) -> ProgressBar:
    """
    Make the progress bar of a task.

    ``total``: the number of steps of the task. None if it is not known. ``form``:
    whether to show one; None does not, as in Nengo. True shows Nengo's in a notebook, a
    bar in a terminal, and elsewhere a line at the end of a long task. ``progress_bar =
    none`` (or False) in the section ``[progress]`` of Nengo's configuration turns off
    what True shows. A progress bar of Nengo is used as it is. Of a subclass of
    ``nengo.utils.progress.ProgressBar`` each task gets a new one.
    """
    if isinstance(form, type) and issubclass(form, progress.ProgressBar):
        form = form()
    if isinstance(form, progress.ProgressBar):
        return NengoProgressBar(form, title, total)
    if form is not None and not isinstance(form, (bool, np.bool_)):
        raise ValidationError(
            "expected True, False, None or a progress bar of Nengo (see "
            f"nengo.utils.progress), got {form!r}",
            attr="progress_bar",
        )
    if not form or not _enabled_in_rc():
        return NullProgressBar()
    if _is_notebook():
        return NengoProgressBar(progress.get_default_progressbar(), title, total)
    return (ConsoleProgressBar if _is_terminal() else LogProgressBar)(title, total)


def _is_notebook() -> bool:
    """Tell whether a kernel runs the program, as in Jupyter, and Nengo knows it."""
    return getattr(progress.get_ipython(), "kernel", None) is not None


def _is_terminal() -> bool:
    if sys.stderr is None:
        return False
    # A notebook in which Nengo lacks what its bar needs draws over lines, too.
    return sys.stderr.isatty() or "ipykernel" in sys.modules


def _enabled_in_rc() -> bool:
    value = rc.get("progress", "progress_bar").lower()
    words = configparser.ConfigParser.BOOLEAN_STATES
    return value != "none" and words.get(value, True)
