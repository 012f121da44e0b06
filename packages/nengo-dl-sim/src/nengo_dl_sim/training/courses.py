"""How the minibatches of a run follow each other: apart, or as one simulation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from ..compile import State
from ..data.batches import Batch
from ..data.minibatch_data import MinibatchData
from ..run.now import Now
from .feeder import Feeder, Origin, Schedule
from .position import Position
from .trainer import Result


class Course(ABC):
    """
    Where each minibatch starts, and what becomes of where it ends.

    To be implemented by subclasses: `minibatches`, `follow` and `around`.

    Parameters
    ----------
    feeder : Feeder
        Makes the minibatches.
    """

    def __init__(self, feeder: Feeder) -> None:
        self.feeder = feeder

    @abstractmethod
    def minibatches(
        self, data: MinibatchData, schedule: Schedule, seed: int, position: Position
    ) -> Iterator[tuple[State, Batch]]:
        """
        Make minibatches.

        Parameters
        ----------
        data : MinibatchData
            Inputs and targets.
        schedule : Schedule
            How to go through the data.
        seed : int
            The seed of everything random.
        position : Position
            Where to begin; is moved on before a minibatch is handed out.

        Yields
        ------
        state : State
            The state to start from.
        batch : Batch
            The data.
        """

    @abstractmethod
    def follow(self, result: Result) -> None:
        """Take notice of what came out of a minibatch, or a block of its steps."""

    @abstractmethod
    def around(self) -> AbstractContextManager:
        """Return the context in which the minibatches are computed."""


class Apart(Course):
    """
    Every minibatch starts from the same state, and leaves the simulation alone.

    Parameters
    ----------
    feeder : Feeder
        Makes the minibatches, with input streams of its own.
    origin : Origin
        Where they start.
    """

    def __init__(self, feeder: Feeder, origin: Origin) -> None:
        super().__init__(feeder)
        self._origin = origin

    def minibatches(
        self, data: MinibatchData, schedule: Schedule, seed: int, position: Position
    ) -> Iterator[tuple[State, Batch]]:
        """Make minibatches from the origin."""
        return self.feeder.minibatches(data, schedule, seed, position, self._origin)

    def follow(self, result: Result) -> None:
        """Forget where a minibatch ended."""

    def around(self) -> AbstractContextManager:
        """Leave what Python code in the simulation remembers alone."""
        return self.feeder.isolated()


class Onwards(Course):
    """
    Every minibatch goes on from the one before: the simulation itself moves on.

    Parameters
    ----------
    feeder : Feeder
        Makes the minibatches, with the input streams of the simulation.
    now : Now
        The present of the simulation; moves on, by whole minibatches.
    """

    def __init__(self, feeder: Feeder, now: Now) -> None:
        super().__init__(feeder)
        self._now = now
        self._begun: Origin | None = None

    def minibatches(
        self, data: MinibatchData, schedule: Schedule, seed: int, position: Position
    ) -> Iterator[tuple[State, Batch]]:
        """Make minibatches from the present."""
        batches = self.feeder.continued(data, schedule, seed, position, self._now)
        for state, batch in batches:
            self._begun = Origin(state, self._now.n_steps)
            yield state, batch
            self._begun = None

    def follow(self, result: Result) -> None:
        """Move the simulation on."""
        self._now.state = result.state
        self._now.n_steps += result.n_steps

    @contextmanager
    def around(self) -> Iterator[None]:
        """Undo a minibatch that fails."""
        try:
            yield
        except BaseException:
            if self._begun is not None:
                self._now.state, self._now.n_steps = self._begun
                self.feeder.take_back()
            raise
