"""A progress bar for files: a line for each task that took a while."""

from __future__ import annotations

import sys
import time
from datetime import timedelta

from .base import ProgressBar, as_text

LONG = 1.0  # seconds, as for a bar in Nengo


class LogProgressBar(ProgressBar):
    """
    Writes one line to the standard error stream when a long task ends.

    Parameters
    ----------
    title : str
        What is going on, for example ``"Training"``.
    total : int or None
        The number of steps of the task. None if it is not known.
    """

    def __init__(self, title: str, total: int | None) -> None:
        self._title = title
        self._total = total
        self._done = 0
        self._values: dict[str, float] = {}

    def step(self, n: int = 1, **values: float) -> None:
        """Count."""
        self._done += n
        self._values = values

    def stage(self, title: str) -> LogProgressBar:
        """Return one for the stage, which gets a line of its own."""
        return LogProgressBar(title, None)

    def start(self) -> None:
        """Look at the clock."""
        self._start = time.monotonic()

    def finish(self, completed: bool) -> None:
        """Write the line."""
        seconds = time.monotonic() - self._start
        if seconds < LONG or sys.stderr is None:
            return
        end = "finished in" if completed else f"stopped{self._where()} after"
        duration = timedelta(seconds=round(seconds))
        text = f"{self._title} {end} {duration}.{as_text(self._values)}"
        print(text, file=sys.stderr, flush=True)

    def _where(self) -> str:
        return f" at {self._done / self._total:.0%}" if self._total else ""
