"""Making the progress bar that was asked for."""

from __future__ import annotations

import configparser
from typing import TypeAlias

import numpy as np
from nengo import rc
from nengo.exceptions import ValidationError
from nengo.utils import progress

from .base import NullProgressBar, ProgressBar
from .console import ConsoleProgressBar
from .of_nengo import NengoProgressBar

#: What is accepted as ``progress_bar``: whether to show one, or one of Nengo's.
Form: TypeAlias = bool | progress.ProgressBar | type[progress.ProgressBar] | None


def make_progress_bar(title: str, total: int | None, form: Form = True) -> ProgressBar:
    """
    Make the progress bar of a task.

    Parameters
    ----------
    title : str
        What is going on, for example ``"Training"``.
    total : int or None
        The number of steps of the task. None if it is not known.
    form : bool or nengo.utils.progress.ProgressBar or subclass of it or None
        Whether to show one; None does not, as in Nengo. ``progress_bar = none`` (or
        False) in the section ``[progress]`` of Nengo's configuration turns off those
        that True shows. A progress bar of Nengo is used as it is. Of a subclass of
        ``nengo.utils.progress.ProgressBar`` each task gets a new one.

    Returns
    -------
    bar : ProgressBar
        One that shows nothing if it is not enabled.

    Raises
    ------
    nengo.exceptions.ValidationError
        If ``form`` is something else.
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
    shown = bool(form) and _enabled_in_rc()
    return ConsoleProgressBar(title, total) if shown else NullProgressBar()


def _enabled_in_rc() -> bool:
    value = rc.get("progress", "progress_bar").lower()
    words = configparser.ConfigParser.BOOLEAN_STATES
    return value != "none" and words.get(value, True)
