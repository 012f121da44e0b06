"""The progress bars that Nengo has, or that users have written for it."""

from __future__ import annotations

from contextlib import AbstractContextManager

from nengo.utils import progress

from .base import ProgressBar, as_text


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
