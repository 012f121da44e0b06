"""Training with certain data, objectives and optimizer, an epoch or more at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import keras
from nengo.exceptions import ValidationError

from ..compile import State
from ..data.batches import Batch
from ..data.minibatch_data import MinibatchData
from ..run.parameter_store import ParameterStore
from .courses import Course
from .feeder import Schedule
from .position import Position
from .trainer import Callback, Result, Trainer
from .update import Update

#: What minibatches pass through on their way to the trainer.
Passage = Callable[[Iterator[tuple[State, Batch]]], Iterator[tuple[State, Batch]]]


class Learner:
    """
    Trains.

    Parameters
    ----------
    trainer : Trainer
        Computes gradients.
    update : Update
        Applies them.
    course : Course
        How the minibatches follow each other.
    data : MinibatchData
        Inputs and targets.
    seed : int
        The seed of everything random.
    position : Position
        How far training has got; is moved on.
    parameters : ParameterStore
        Holds what is trained, and takes note that it was changed.
    """

    def __init__(
        self,
        trainer: Trainer,
        update: Update,
        course: Course,
        data: MinibatchData,
        seed: int,
        position: Position,
        parameters: ParameterStore,
    ) -> None:
        self._trainer = trainer
        self._update = update
        self._course = course
        self._data = data
        self._seed = seed
        self._position = position
        self._parameters = parameters

    def train(
        self,
        schedule: Schedule,
        callbacks: Sequence[Callback],
        passage: Passage = iter,
    ) -> None:
        """
        Train.

        Parameters
        ----------
        schedule : Schedule
            How to go through the data.
        callbacks : list of callable
            Called after each change of the parameters, and after it was counted.
        passage : callable
            What minibatches pass through; it may announce them, or let none pass.

        Raises
        ------
        nengo.exceptions.SimulationError
            If a loss is not finite.
        """
        feeder = self._course.feeder
        minibatches = self._course.minibatches(
            self._data, schedule, self._seed, self._position
        )
        # Layers may have changed variables of theirs in the minibatch before.
        present = ((feeder.with_variables(s), batch) for s, batch in minibatches)
        callbacks = [self._take_note, self._course.follow, *callbacks]
        self._parameters.changed()  # in time for what interrupts a minibatch
        with self._course.around():
            self._trainer.train(
                passage(present), self._update, schedule.truncation, callbacks
            )

    def check_callbacks(self, callbacks: Sequence[keras.callbacks.Callback]) -> None:
        """
        Check that callbacks find what they look for in the optimizer.

        Parameters
        ----------
        callbacks : list of keras.callbacks.Callback
            What is called on the way.

        Raises
        ------
        nengo.exceptions.ValidationError
            If one exchanges weights of which the optimizer has copies only.
        """
        swap = getattr(keras.callbacks, "SwapEMAWeights", ())
        if self._update.has_copies and any(isinstance(c, swap) for c in callbacks):
            raise ValidationError(
                "expected no SwapEMAWeights with an optimizer that clips norms, or "
                "computes something else of whole parameters, since several of these "
                "share a variable here; got one: use another optimizer",
                attr="callbacks",
            )

    def finish(self) -> None:
        """Let the optimizer give the parameters their last values."""
        self._update.finish()
        self._parameters.changed()

    def _take_note(self, result: Result) -> None:
        """Keep what layers learned beside their parameters, such as mean values."""
        self._parameters.changed()
        variables = self._trainer.program.state_variables
        for variable, value in zip(variables, result.state.variables, strict=True):
            variable.assign(value)
