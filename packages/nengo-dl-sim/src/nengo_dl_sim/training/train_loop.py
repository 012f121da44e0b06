"""Training with certain data, objectives and optimizer, an epoch or more at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import keras
from nengo.exceptions import ValidationError

from ..data.data_adapter import DataAdapter
from ..data.epoch_plan import EpochPlan, TrainingProgress
from ..engine.parameter_store import ParameterStore
from ..evaluation.batch_function import Callback, Result
from ..evaluation.evaluator import BatchHook
from ..evaluation.state_policy import StatePolicy
from .gradient_function import GradientFunction
from .trainable_parameters import TrainableParameter
from .update import Update


class TrainLoop:
    """
    Trains.

    Parameters
    ----------
    function : GradientFunction
        Computes gradients.
    update : Update
        Applies them.
    state_policy : StatePolicy
        How the minibatches follow each other.
    data : DataAdapter
        Inputs and targets.
    seed : int
        The seed of everything random.
    position : TrainingProgress
        How far training has got; is moved on.
    parameters : ParameterStore
        Holds what is trained, and takes note that it was changed.
    names : callable
        Returns the names of what is trained, for messages.
    """

    def __init__(
        self,
        function: GradientFunction,
        update: Update,
        state_policy: StatePolicy,
        data: DataAdapter,
        seed: int,
        position: TrainingProgress,
        parameters: ParameterStore,
        names: Callable[[], Iterable[TrainableParameter]],
    ) -> None:
        self._function = function
        self._update = update
        self._state_policy = state_policy
        self._data = data
        self._seed = seed
        self._position = position
        self._parameters = parameters
        self._names = names

    def train(
        self,
        epoch_plan: EpochPlan,
        callbacks: Sequence[Callback],
        batch_hook: BatchHook = iter,
    ) -> None:
        """Train."""
        minibatch_source = self._state_policy.minibatch_source
        minibatches = self._state_policy.minibatches(
            self._data, epoch_plan, self._seed, self._position
        )
        # Layers may have changed variables of theirs in the minibatch before.
        current = (
            (minibatch_source.with_variables(s), batch) for s, batch in minibatches
        )
        callbacks = [self._take_note, self._state_policy.follow, *callbacks]
        self._parameters.changed()  # in time for what interrupts a minibatch
        with self._state_policy.around():
            self._function.train(
                batch_hook(current),
                self._update,
                epoch_plan.truncation,
                callbacks,
                self._names,
            )

    def check_callbacks(self, callbacks: Sequence[keras.callbacks.Callback]) -> None:
        """
        Check that callbacks find what they look for in the optimizer.

        Raises a ``ValidationError`` if one exchanges weights of which the optimizer has
        copies only.
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
        variables = self._function.program.state_variables
        for variable, value in zip(variables, result.state.variables, strict=True):
            variable.assign(value)
