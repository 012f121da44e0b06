"""Progress bars for the build, runs and training."""

from __future__ import annotations

import configparser
import io
import sys
import time
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Any

import numpy as np
import progressbar
from nengo import rc
from nengo.exceptions import ValidationError

# In seconds. What is not a terminal gets a new line for every update.
_INTERVAL_TERMINAL = 0.1
_INTERVAL_FILE = 10.0


class ProgressBar(ABC):
    """
    Shows how far a task is, while it is used as a context manager.

    To be implemented by subclasses: `step`, `start` and `finish`.
    """

    @abstractmethod
    def step(self, n: int = 1, **values: float) -> None:
        """
        Say that some part of the task is done.

        Parameters
        ----------
        n : int, optional
            How many steps were done.
        **values : float
            Numbers to show, for example a loss.
        """

    @abstractmethod
    def start(self) -> None:
        """Show that the task begins."""

    @abstractmethod
    def finish(self, completed: bool) -> None:
        """
        Show that the task has come to an end.

        Parameters
        ----------
        completed : bool
            False if there was an error.
        """

    def __enter__(self) -> ProgressBar:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.finish(completed=kind is None)


class NullProgressBar(ProgressBar):
    """Shows nothing."""

    def step(self, n: int = 1, **values: float) -> None:
        """Do nothing."""

    def start(self) -> None:
        """Do nothing."""

    def finish(self, completed: bool) -> None:
        """Do nothing."""


class ConsoleProgressBar(ProgressBar):
    """
    Writes to the standard error stream, about ten times a second at most.

    Parameters
    ----------
    title : str
        What is going on, for example ``"Training"``.
    total : int or None
        The number of steps of the task. None if it is not known.
    """

    def __init__(self, title: str, total: int | None) -> None:
        self._total = total
        self._done = 0
        self._values: dict[str, float] = {}
        self._next_update = 0.0
        self._interval = _INTERVAL_TERMINAL if _is_terminal() else _INTERVAL_FILE
        # Only arguments and widgets that progressbar2 has had from its beginnings.
        widgets: list[Any] = [f"{title} ", progressbar.Timer(), ""]
        if total is not None:
            widgets[1:2] = [progressbar.Percentage(), " ", progressbar.Bar()]
            widgets[-1:] = [" ", progressbar.ETA(), ""]
        self._bar = progressbar.ProgressBar(
            max_value=progressbar.UnknownLength if total is None else total,
            widgets=widgets,
            fd=_StandardError(),
        )

    def step(self, n: int = 1, **values: float) -> None:
        """Count, and show it if the last time is long enough ago."""
        self._done += n
        self._values = values
        now = time.monotonic()
        if now >= self._next_update:
            self._next_update = now + self._interval
            self._update()

    def start(self) -> None:
        """Show an empty bar."""
        self._next_update = time.monotonic() + self._interval
        self._bar.start()

    def finish(self, completed: bool) -> None:
        """Show the last state, and end the line."""
        if not completed:
            self._update()
        self._bar.widgets[-1] = self._text()
        self._bar.finish(dirty=not completed)

    def _update(self) -> None:
        self._bar.widgets[-1] = self._text()
        limit = self._done if self._total is None else self._total
        self._bar.update(min(self._done, limit), force=True)

    def _text(self) -> str:
        values = self._values.items()
        return "".join(f" {name}: {value:.4g}" for name, value in values)


class _StandardError(io.TextIOBase):
    """What is ``sys.stderr`` now; progressbar2 takes what it was at import."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()

    def isatty(self) -> bool:
        return sys.stderr.isatty()


def make_progress_bar(
    title: str, total: int | None, enabled: bool | None = None
) -> ProgressBar:
    """
    Make the progress bar of a task.

    Parameters
    ----------
    title : str
        What is going on, for example ``"Training"``.
    total : int or None
        The number of steps of the task. None if it is not known.
    enabled : bool or None
        Whether to show it. None: show it. ``progress_bar = none`` (or False) in the
        section ``[progress]`` of Nengo's configuration turns all bars off.

    Returns
    -------
    bar : ProgressBar
        One that shows nothing if it is not enabled.

    Raises
    ------
    nengo.exceptions.ValidationError
        If ``enabled`` is something else.
    """
    if enabled is not None and not isinstance(enabled, (bool, np.bool_)):
        raise ValidationError(
            f"expected True, False or None, got {enabled!r}", attr="progress_bar"
        )
    shown = (enabled is None or enabled) and _enabled_in_rc()
    return ConsoleProgressBar(title, total) if shown else NullProgressBar()


def _enabled_in_rc() -> bool:
    value = rc.get("progress", "progress_bar").lower()
    words = configparser.ConfigParser.BOOLEAN_STATES
    return value != "none" and words.get(value, True)


def _is_terminal() -> bool:
    # A notebook is no terminal, but draws a line over the last one as terminals do.
    return sys.stderr.isatty() or "ipykernel" in sys.modules
