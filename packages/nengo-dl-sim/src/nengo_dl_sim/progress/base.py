"""What every progress bar can do, and the one that shows nothing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType


class ProgressBar(ABC):
    """
    Shows how far a task is, while it is used as a context manager.

    To be implemented by subclasses: `step`, `stage`, `start` and `finish`.
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
    def stage(self, title: str) -> AbstractContextManager:
        """
        Say that something goes on that is no step of the task.

        Parameters
        ----------
        title : str
            What is going on, for example ``"Compiling"``.

        Returns
        -------
        context : context manager
            It goes on while the context is entered.
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
