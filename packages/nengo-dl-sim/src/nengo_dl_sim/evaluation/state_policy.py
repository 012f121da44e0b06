"""Whether minibatches start from one state, or each from the end of the last."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from nengo_dl_ops.step.state import State

from ..data.batches import Batch
from ..data.data_adapter import DataAdapter
from ..data.epoch_plan import EpochPlan, TrainingProgress
from ..engine.simulation_state import SimulationState
from .batch_function import Result
from .minibatch_source import MinibatchSource, StartState


class StatePolicy(ABC):
    """
    Where each minibatch starts, and what becomes of where it ends.

    To be implemented by subclasses: `minibatches`, `follow` and `around`.

    Parameters
    ----------
    minibatch_source : MinibatchSource
        Makes the minibatches.
    """

    def __init__(self, minibatch_source: MinibatchSource) -> None:
        self.minibatch_source = minibatch_source

    @abstractmethod
    def minibatches(
        self,
        data: DataAdapter,
        epoch_plan: EpochPlan,
        seed: int,
        position: TrainingProgress,
    ) -> Iterator[tuple[State, Batch]]:
        """
        Make minibatches.

        ``position``: where to begin; is moved on before a minibatch is handed out.
        """

    @abstractmethod
    def follow(self, result: Result) -> None:
        """Take notice of what came out of a minibatch, or a block of its steps."""

    @abstractmethod
    def around(self) -> AbstractContextManager:
        """Return the context in which the minibatches are computed."""


class Isolated(StatePolicy):
    """
    Every minibatch starts from the same state, and leaves the simulation alone.

    Parameters
    ----------
    minibatch_source : MinibatchSource
        Makes the minibatches, with input streams of its own.
    start_state : StartState
        Where they start.
    """

    def __init__(
        self, minibatch_source: MinibatchSource, start_state: StartState
    ) -> None:
        super().__init__(minibatch_source)
        self._start_state = start_state

    def minibatches(
        self,
        data: DataAdapter,
        epoch_plan: EpochPlan,
        seed: int,
        position: TrainingProgress,
    ) -> Iterator[tuple[State, Batch]]:
        """Make minibatches that start there."""
        return self.minibatch_source.minibatches(
            data, epoch_plan, seed, position, self._start_state
        )

    def follow(self, result: Result) -> None:
        """Forget where a minibatch ended."""

    def around(self) -> AbstractContextManager:
        """Leave what Python code in the simulation remembers alone."""
        return self.minibatch_source.isolated()


class Stateful(StatePolicy):
    """
    Every minibatch goes on from the one before: the simulation itself moves on.

    Parameters
    ----------
    minibatch_source : MinibatchSource
        Makes the minibatches, with the input streams of the simulation.
    simulation : SimulationState
        The state of the simulation; moves on, by whole minibatches.
    """

    def __init__(
        self, minibatch_source: MinibatchSource, simulation: SimulationState
    ) -> None:
        super().__init__(minibatch_source)
        self._simulation = simulation
        self._begun: StartState | None = None

    def minibatches(
        self,
        data: DataAdapter,
        epoch_plan: EpochPlan,
        seed: int,
        position: TrainingProgress,
    ) -> Iterator[tuple[State, Batch]]:
        """Make minibatches from the state of the simulation."""
        batches = self.minibatch_source.continued(
            data, epoch_plan, seed, position, self._simulation
        )
        for state, batch in batches:
            self._begun = StartState(state, self._simulation.n_steps)
            yield state, batch
            self._begun = None

    def follow(self, result: Result) -> None:
        """Move the simulation on."""
        self._simulation.state = result.state
        self._simulation.n_steps += result.n_steps

    @contextmanager
    def around(self) -> Iterator[None]:
        """Undo a minibatch that fails."""
        try:
            yield
        except BaseException:
            if self._begun is not None:
                self._simulation.state, self._simulation.n_steps = self._begun
                self.minibatch_source.take_back()
            raise
