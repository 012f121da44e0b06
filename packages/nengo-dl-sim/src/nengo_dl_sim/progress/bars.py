"""What each progress bar can do; bars that are a line, one of Nengo's, or none."""

from __future__ import annotations

import sys
import time
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from types import TracebackType

from nengo.utils import progress


class ProgressBar(ABC):
    """
    Shows how far a task is, while it is used as a context manager.

    To be implemented by subclasses: `step`, `stage`, `start` and `finish`.
    """

    @abstractmethod
    def step(self, n: int = 1, **values: float) -> None:
        """Say that some part of the task is done."""

    @abstractmethod
    def stage(self, title: str) -> AbstractContextManager:
        """Say that something goes on that is no step of the task."""

    @abstractmethod
    def start(self) -> None:
        """Show that the task begins."""

    @abstractmethod
    def finish(self, completed: bool) -> None:
        """Show that the task has come to an end."""

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

    def stage(self, title: str) -> AbstractContextManager:
        """Do nothing."""
        return nullcontext()

    def start(self) -> None:
        """Do nothing."""

    def finish(self, completed: bool) -> None:
        """Do nothing."""


def as_text(values: dict[str, float]) -> str:
    """Put values into words, to be added to the text of a bar."""
    return "".join(f" {name}: {value:.4g}" for name, value in values.items())


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


class NengoProgressBar(ProgressBar):
    """
    Shows a task in a progress bar of Nengo, in the way Nengo does.

    Parameters
    ----------
    bar : nengo.utils.progress.ProgressBar
        Is updated every now and then by a thread, and closed when the task has ended.
    title : str
        What is going on, for example ``"Training"``.
    total : int or None
        The number of steps of the task. None if it is not known.
    """

    def __init__(
        self, bar: progress.ProgressBar, title: str, total: int | None
    ) -> None:
        self._title = title
        self._progress = progress.Progress(title, max_steps=total or None)
        self._tracker = progress.ProgressTracker(bar, self._progress)

    def step(self, n: int = 1, **values: float) -> None:
        """Count; values become part of the name of the task."""
        self._progress.name_during = self._title + as_text(values)
        self._progress.step(n)

    def stage(self, title: str) -> AbstractContextManager:
        """Show the stage in the same bar."""
        stage: AbstractContextManager = self._tracker.next_stage(title)
        return stage

    def start(self) -> None:
        """Begin to update the bar."""
        self._tracker.__enter__()

    def finish(self, completed: bool) -> None:
        """Update the bar for the last time, and close it."""
        self._progress.name_after = self._progress.name_during
        self._tracker.__exit__(None if completed else Exception, None, None)
