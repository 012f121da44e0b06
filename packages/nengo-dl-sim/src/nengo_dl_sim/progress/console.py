"""A progress bar for terminals."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import progressbar

from .bars import ProgressBar, as_text

_INTERVAL = 0.1  # seconds


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
            self._next_update = now + _INTERVAL
            self._update()

    @contextmanager
    def stage(self, title: str) -> Iterator[None]:
        """Show a bar for the stage, then an empty one for the task."""
        with ConsoleProgressBar(title, None):
            yield
        self.start()

    def start(self) -> None:
        """Show an empty bar."""
        self._next_update = time.monotonic() + _INTERVAL
        self._bar.start()

    def finish(self, completed: bool) -> None:
        """Show the last state, and end the line."""
        if not completed:
            self._update()
        self._bar.widgets[-1] = as_text(self._values)
        self._bar.finish(dirty=not completed)

    def _update(self) -> None:
        self._bar.widgets[-1] = as_text(self._values)
        limit = self._done if self._total is None else self._total
        self._bar.update(min(self._done, limit), force=True)


class _StandardError(io.TextIOBase):
    """What is ``sys.stderr`` now; progressbar2 takes what it was at import."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()

    def isatty(self) -> bool:
        return sys.stderr.isatty()
