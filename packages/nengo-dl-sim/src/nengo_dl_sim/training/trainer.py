"""Gradient descent: from minibatches to changes of parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from nengo.exceptions import SimulationError

from ..compile import InputSplit, Program, State
from ..compile.call import CompiledForShapes
from ..compile.sequence import Keep, run_sequence
from ..data.batches import Batch
from ..measures.measure import Measure
from .optimizers import Update, backend_variable

#: The state to start from, and the data, of each minibatch.
Minibatches = Iterable[tuple[State, Batch]]


class Result(NamedTuple):
    """
    What came out of a minibatch, or of a block of its steps.

    Parameters
    ----------
    state : State
        The state after the last time step.
    n_steps : int
        How many steps it had.
    values : list
        The value of each measure: in training an array of losses (before the
        parameters changed), else what its function returns, as arrays.
    n_items : int
        How many items it had, without those that only fill a minibatch.
    watched : list
        In training, the value of each measure that is looked at only.
    """

    state: State
    n_steps: int
    values: Any
    n_items: int
    watched: Any = ()


#: Called with every result.
Callback = Callable[[Result], None]


class BackPropagation(NamedTuple):
    """
    What comes out of back-propagation.

    Parameters
    ----------
    losses : (n,) tf.Tensor
        The losses.
    state : State
        The state after the last time step.
    watched : list
        The values of the measures that are looked at only.
    variables : list of tf.Tensor or None
        The gradient of each trainable variable, if it has one.
    outputs : list of tf.Tensor or None
        For each output that is kept: something, if the losses depend on it.
    """

    losses: tf.Tensor
    state: State
    watched: list[Any]
    variables: list[tf.Tensor | None]
    outputs: list[tf.Tensor | None]


class Reach(NamedTuple):
    """
    What losses depend on, as far as TensorFlow can tell before it computes anything.

    Parameters
    ----------
    outputs : list of int
        The probes whose values make a difference, by number.
    variables : list of bool
        For each trainable variable, whether it has a gradient.
    """

    outputs: list[int]
    variables: list[bool]


class Trainer:
    """
    Computes measures of a program's outputs, their gradients, and applies those.

    It knows nothing of nodes, probes and forms of arguments. Parameters and state are
    passed to the program as values. The only thing that changes is the variables, by
    an optimizer, after all losses were found to be finite.

    Parameters
    ----------
    program : Program
        What to compute in each step.
    variables : list of keras.Variable or tf.Variable
        The values of its parameters.
    measures : list of Measure
        What is computed. In training they are summed up and minimised.
    watched : list of Measure
        What is looked at in training.
    split : InputSplit
        Which input nodes change from step to step.
    keep : list of Keep
        Which values of each probe the measures look at.
    jit_compile : bool
        Whether XLA compiles the computation.
    """

    def __init__(
        self,
        program: Program,
        variables: Sequence[keras.Variable | tf.Variable],
        measures: Sequence[Measure],
        watched: Sequence[Measure],
        split: InputSplit,
        keep: Sequence[Keep],
        jit_compile: bool,
    ) -> None:
        self.program = program
        self.variables = variables
        self.trainable = [v for v in variables if v.trainable]
        self.measures = measures
        self.watched = watched
        self._summed = [measure.summed() for measure in measures]
        self.split = split
        self.keep = keep
        self._gradients = CompiledForShapes(self._compute_gradients, jit_compile)
        self._values = CompiledForShapes(self._compute_values, jit_compile)

    def reach(self, state: State, batch: Batch) -> Reach:
        """
        Find out what the losses depend on.

        Parameters
        ----------
        state : State
            Any state of the simulation.
        batch : Batch
            A block of steps, of which only shapes and types matter (tf.TensorSpec
            will do).

        Returns
        -------
        reach : Reach
            What has a gradient.

        Raises
        ------
        nengo.exceptions.ValidationError
            If a measure does not return numbers to minimise.
        """
        traced = self._gradients.traced(state, *batch[:3])
        gradients = BackPropagation(*traced.structured_outputs)
        looked_at = [k for k, kind in enumerate(self.keep) if kind is not Keep.NONE]
        found = zip(looked_at, gradients.outputs, strict=True)
        return Reach(
            [k for k, value in found if value is not None],
            [value is not None for value in gradients.variables],
        )

    def train(
        self,
        minibatches: Minibatches,
        update: Update,
        truncation: int | None,
        callbacks: Sequence[Callback],
    ) -> None:
        """
        Take a step of gradient descent for each minibatch, or each block of its steps.

        Parameters
        ----------
        minibatches : iterable over (State, Batch)
            The next one is asked for after all callbacks were called.
        update : Update
            Turns gradients into changes of the variables.
        truncation : int or None
            The number of steps of a block: the state is carried from block to block,
            gradients are not. None: all steps are one block.
        callbacks : list of callable
            Called after each change.

        Raises
        ------
        nengo.exceptions.SimulationError
            If a loss is not finite. The variables are as they were before the block.
        """
        for state, batch in minibatches:
            for block in batch.blocks(truncation):
                losses, state, watched = update.step(
                    self._gradients, state, *_tensors(block)
                )
                values = self._check_finite(losses.numpy())
                n_steps, n_items = len(block.stepped), self.program.minibatch_size
                for callback in callbacks:
                    callback(Result(state, n_steps, values, n_items, watched))

    def evaluate(
        self,
        minibatches: Minibatches,
        training: bool,
        truncation: int | None,
        callbacks: Sequence[Callback],
    ) -> None:
        """
        Compute the measures of minibatches, as they are.

        Parameters
        ----------
        minibatches : iterable over (State, Batch)
            The next one is asked for after all callbacks were called.
        training : bool
            Whether to compute the differentiable approximation.
        truncation : int or None
            The number of steps that are computed at once. None: all.
        callbacks : list of callable
            Called with the values of the measures, after each block.
        """
        for state, batch in minibatches:
            begun = state
            for block in batch.blocks(truncation):
                values, state = self._measured(state, block, training)
                arrays = tf.nest.map_structure(np.asarray, values)
                n_items = block.n_items or self.program.minibatch_size
                present = self._of_items(block.n_items, state, begun)
                for callback in callbacks:
                    callback(Result(present, len(block.stepped), arrays, n_items))

    def _measured(
        self, state: State, block: Batch, training: bool
    ) -> tuple[list[Any], State]:
        """Compute the measures of those items that there are."""
        n_items, tensors = block.n_items, _tensors(block)
        if n_items is None or not all(measure.of_items for measure in self.measures):
            return self._values(state, *tensors, training, n_items)
        # No need to compile this for another number of items.
        values, state = self._values(state, *tensors, training, None)
        return tf.nest.map_structure(lambda value: value[:n_items], values), state

    def _of_items(self, n_items: int | None, state: State, begun: State) -> State:
        """Leave the state of those that only filled a minibatch as it was."""
        if n_items is None:
            return state
        return self.program.of_items(n_items, state, begun)

    def _compute_gradients(
        self,
        state: State,
        held: tf.Tensor,
        stepped: tf.Tensor,
        targets: list[tf.Tensor],
    ) -> BackPropagation:
        with tf.GradientTape() as tape:
            state, outputs = self._run(state, held, stepped, training=True)
            losses = [loss.value(outputs, targets) for loss in self._summed]
            weights = [measure.weight for measure in self.measures]
            total = tf.add_n(
                [w * loss for w, loss in zip(weights, losses, strict=True)]
            )
        sources = [backend_variable(v) for v in self.trainable]
        looked_at = [values for values in outputs if values is not None]
        gradients, sensitivities = tape.gradient(total, (sources, looked_at))
        # Of these only whether they exist is of interest, not their (large) values.
        exist = [None if value is None else tf.zeros(()) for value in sensitivities]
        watched = [measure.value(outputs, targets) for measure in self.watched]
        return BackPropagation(tf.stack(losses), state, watched, gradients, exist)

    def _compute_values(
        self,
        state: State,
        held: tf.Tensor,
        stepped: tf.Tensor,
        targets: list[tf.Tensor],
        training: bool,
        n_items: int | None,
    ) -> tuple[list[Any], State]:
        state, outputs = self._run(state, held, stepped, training)
        if n_items is not None:
            outputs = [None if one is None else one[:n_items] for one in outputs]
            targets = [target[:n_items] for target in targets]
        return [measure.value(outputs, targets) for measure in self.measures], state

    def _run(
        self, state: State, held: tf.Tensor, stepped: tf.Tensor, training: bool
    ) -> tuple[State, list[tf.Tensor]]:
        return run_sequence(
            self.program,
            [tf.convert_to_tensor(v) for v in self.variables],
            state,
            self.split,
            held,
            stepped,
            training,
            self.keep,
        )

    def _check_finite(self, losses: np.ndarray) -> np.ndarray:
        for measure, value in zip(self.measures, losses, strict=True):
            if not np.isfinite(value):
                raise SimulationError(
                    f"Objective of {measure.name}: expected a finite number, got "
                    f"{value}. Training stopped; the parameters are those of the "
                    "minibatch before. Likely causes: NaN in targets with an "
                    "objective that does not ignore it, or too large a learning rate."
                )
        return losses


def _tensors(batch: Batch) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
    targets = [tf.constant(target) for target in batch.targets]
    return batch.held, tf.constant(batch.stepped), targets
