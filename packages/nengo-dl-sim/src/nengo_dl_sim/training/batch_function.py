"""Gradient descent: from minibatches to changes of parameters."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from nengo.exceptions import SimulationError

from nengo_dl_ops.step.program import InputSplit, Program
from nengo_dl_ops.step.state import State
from nengo_dl_ops.tensor_nodes.gradients import gradient_maker

from ..data.batches import Batch
from ..execution.compiled_call import CompiledForShapes
from ..execution.finite_steps import check_finite_steps
from ..execution.sequence import Keep, run_sequence
from ..measures.measure import Measure
from .finite import STOPPED, Descent, check_sound, row_sizes
from .trainable_parameters import TrainableParameter
from .update import Update, backend_variable

logger = logging.getLogger(__name__)

#: What is raised where XLA cannot compile something.
_XLA_ERRORS = (
    tf.errors.InvalidArgumentError,
    tf.errors.UnimplementedError,
    tf.errors.NotFoundError,
    tf.errors.InternalError,
)

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
    total : () tf.Tensor
        The weighted sum of the losses.
    variables : list of tf.Tensor or None
        The gradient of each trainable variable, if it has one, times the scale.
    sizes : list of (n_rows,) tf.Tensor or None
        How large these are.
    outputs : list of tf.Tensor or None
        For each output that is kept: something, if the losses depend on it.
    """

    losses: tf.Tensor
    state: State
    watched: list[Any]
    total: tf.Tensor
    variables: list[tf.Tensor | None]
    sizes: list[tf.Tensor | None]
    outputs: list[tf.Tensor | None]


class GradientCoverage(NamedTuple):
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


class BatchFunction:
    """
    Computes measures of a program's outputs, their gradients, and applies those.

    It knows nothing of nodes, probes and forms of arguments. Parameters and state are
    passed to the program as values. The only thing that changes is the variables, by
    an optimizer, after losses and gradients were found to be finite.

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
    trained_parts : callable
        Returns the names of what is trained, for messages.
    falls_back : bool
        Whether to go on without XLA if it cannot compile the measures.
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
        trained_parts: Callable[[], Iterable[TrainableParameter]],
        falls_back: bool = True,
    ) -> None:
        self.program = program
        self.variables = variables
        self.trainable = [v for v in variables if v.trainable]
        self.measures = measures
        self.watched = watched
        self._summed = [measure.summed() for measure in measures]
        self.split = split
        self.keep = keep
        self._trained_parts = trained_parts
        self._falls_back = falls_back
        self._compile(jit_compile)

    def _compile(self, jit_compile: bool) -> None:
        self._is_compiled = jit_compile
        self._gradients = CompiledForShapes(self._compute_gradients, jit_compile)
        self._values = CompiledForShapes(self._compute_values, jit_compile)

    def coverage(self, state: State, batch: Batch) -> GradientCoverage:
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
        reach : GradientCoverage
            What has a gradient.

        Raises
        ------
        nengo.exceptions.ValidationError
            If a measure does not return numbers to minimise.
        """
        scale = tf.TensorSpec((), tf.float64)
        traced = self._gradients.traced(state, *batch[:3], scale)
        gradients = BackPropagation(*traced.structured_outputs)
        looked_at = [k for k, kind in enumerate(self.keep) if kind is not Keep.NONE]
        found = zip(looked_at, gradients.outputs, strict=True)
        return GradientCoverage(
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
            If a loss, a gradient or the learning rate is not finite. The variables are
            as they were before the block. A TensorNode that was not finite is named.
        """
        for state, batch in minibatches:
            for block in batch.blocks(truncation):
                descent = self._with_or_without_xla(
                    self._step, update, state, *_tensors(block)
                )
                if not descent.sound:
                    self._check_nodes(state, block, descent)
                values = check_sound(descent, self.measures, self._trained_parts())
                state, watched = descent.state, descent.watched
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

        Raises
        ------
        nengo.exceptions.SimulationError
            If a TensorNode is not finite, as in a run.
        """
        for state, batch in minibatches:
            begun = state
            for block in batch.blocks(truncation):
                values, state, finite = self._with_or_without_xla(
                    self._measured, state, block, training
                )
                self._check_finite(finite, block)
                arrays = tf.nest.map_structure(np.asarray, values)
                n_items = block.n_items or self.program.minibatch_size
                present = self._of_items(block.n_items, state, begun)
                for callback in callbacks:
                    callback(Result(present, len(block.stepped), arrays, n_items))

    def _measured(
        self, state: State, block: Batch, training: bool
    ) -> tuple[list[Any], State, tf.Tensor | None]:
        """Compute the measures of those items that there are."""
        n_items, tensors = block.n_items, _tensors(block)
        if n_items is None or not all(measure.of_items for measure in self.measures):
            return self._values(state, *tensors, training, n_items)
        # No need to compile this for another number of items.
        values, *rest = self._values(state, *tensors, training, None)
        return tf.nest.map_structure(lambda value: value[:n_items], values), *rest

    def _check_nodes(self, state: State, block: Batch, descent: Descent) -> None:
        """Look for a TensorNode that is to blame for numbers that are not finite."""
        if self.program.checked:  # else there is no need to compute all of it again
            arguments = state, *_tensors(block)
            found = self._with_or_without_xla(self._values, *arguments, True, None)
            self._check_finite(found[-1], block, f". {STOPPED}")
            if np.isfinite(descent.losses).all():
                self._check_gradients(*arguments)

    def _check_gradients(self, *arguments: Any) -> None:
        """Look for a TensorNode whose function has no finite slope."""
        checked = copy(self)
        checked.program = self.program.with_checked_gradients()
        checked._compile(jit_compile=False)
        try:
            checked._gradients(*arguments, tf.ones((), tf.float64))
        except tf.errors.InvalidArgumentError as error:
            if name := gradient_maker(error):
                raise SimulationError(
                    f"{name}: expected a finite slope of its function where it was "
                    f"used, got a gradient of NaN or infinity. {STOPPED} Likely "
                    "causes: the square root or norm of zero (add a small number to "
                    "its argument); numbers that are too large."
                ) from None

    def _check_finite(
        self, finite: tf.Tensor | None, block: Batch, more: str = ""
    ) -> None:
        if finite is not None and not (found := finite.numpy()).all():
            failed = np.where(found.all(axis=0), -1, found.argmin(axis=0))
            check_finite_steps(self.program, failed, block.start_step, more)

    def _of_items(self, n_items: int | None, state: State, begun: State) -> State:
        """Leave the state of those that only filled a minibatch as it was."""
        if n_items is None:
            return state
        return self.program.of_items(n_items, state, begun)

    def _step(self, update: Update, *arguments: Any) -> Descent:
        return update.step(self._gradients, *arguments)

    def _with_or_without_xla(self, compute: Callable, *arguments: Any) -> Any:
        """Compute something, without XLA if XLA lacks what measures are made of."""
        try:
            return compute(*arguments)
        except _XLA_ERRORS as error:
            if not self._is_compiled:
                raise
            if not self._falls_back:
                raise _refused(self.measures, error) from error
            self._compile(False)
            result = compute(*arguments)  # or what fails, fails without XLA, too
            logger.warning("Training without XLA, which said: %s", _first_line(error))
            return result

    def _compute_gradients(
        self,
        state: State,
        held: tf.Tensor,
        stepped: tf.Tensor,
        targets: list[tf.Tensor],
        scale: tf.Tensor,
    ) -> BackPropagation:
        with tf.GradientTape() as tape:
            state, outputs, _ = self._run(state, held, stepped, training=True)
            losses = [loss.value(outputs, targets) for loss in self._summed]
            weights = [measure.weight for measure in self.measures]
            total = tf.add_n(
                [w * loss for w, loss in zip(weights, losses, strict=True)]
            )
        sources = [backend_variable(v) for v in self.trainable]
        looked_at = [values for values in outputs if values is not None]
        gradients, sensitivities = tape.gradient(
            total, (sources, looked_at), tf.cast(scale, total.dtype)
        )
        # Of these only whether they exist is of interest, not their (large) values.
        exist = [None if value is None else tf.zeros(()) for value in sensitivities]
        watched = [measure.value(outputs, targets) for measure in self.watched]
        sizes = [row_sizes(gradient) for gradient in gradients]
        return BackPropagation(
            tf.stack(losses), state, watched, total, gradients, sizes, exist
        )

    def _compute_values(
        self,
        state: State,
        held: tf.Tensor,
        stepped: tf.Tensor,
        targets: list[tf.Tensor],
        training: bool,
        n_items: int | None,
    ) -> tuple[list[Any], State, tf.Tensor | None]:
        state, outputs, finite = self._run(state, held, stepped, training, check=True)
        if n_items is not None:
            outputs = [None if one is None else one[:n_items] for one in outputs]
            targets = [target[:n_items] for target in targets]
        values = [measure.value(outputs, targets) for measure in self.measures]
        return values, state, finite

    def _run(
        self,
        state: State,
        held: tf.Tensor,
        stepped: tf.Tensor,
        training: bool,
        check: bool = False,
    ) -> tuple[State, list[tf.Tensor], tf.Tensor | None]:
        return run_sequence(
            self.program,
            [tf.convert_to_tensor(v) for v in self.variables],
            state,
            self.split,
            held,
            stepped,
            training,
            self.keep,
            check,
        )


def _tensors(batch: Batch) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
    targets = [tf.constant(target) for target in batch.targets]
    return batch.held, tf.constant(batch.stepped), targets


def _first_line(error: tf.errors.OpError) -> str:
    return str(error.message).partition("\n")[0][:200]


def _refused(measures: Sequence[Measure], error: tf.errors.OpError) -> SimulationError:
    names = ", ".join(measure.name for measure in measures)
    return SimulationError(
        f"The network and the objectives of {names}: expected what XLA can compile, "
        f"since jit_compile=True; XLA says: {_first_line(error)}. Use "
        'jit_compile="auto", which trains such networks without XLA'
    )
