"""Gradient descent: from a minibatch to a change of parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from nengo.exceptions import SimulationError, ValidationError

from .compile import InputSplit, Program, State
from .compile.sequence import run_sequence
from .optimizers import Gradients, Update, backend_variable, make_update


class Objective(NamedTuple):
    """
    Something to minimise.

    Parameters
    ----------
    name : str
        What it is called in messages.
    outputs : tuple of int
        The probes whose values it is computed from, by number.
    targets : tuple of int
        The targets it is computed from, by number; empty if it needs none.
    function : callable
        Takes a list of outputs and a list of targets, each
        ``(batch, n_steps, *shape) tf.Tensor``, and returns a value to sum up.
    source : callable or None
        What the user gave; objectives made from the same one are the same.
    """

    name: str
    outputs: tuple[int, ...]
    targets: tuple[int, ...]
    function: Callable[[list[tf.Tensor], list[tf.Tensor]], tf.Tensor]
    source: Callable | None

    @property
    def identity(self) -> tuple:
        """What makes two objectives the same, so that one compilation serves both."""
        return self.outputs, self.targets, _identity(self.source)


def _identity(function: Callable | None) -> Any:
    """Return the same for functions that one line of code made of the same values."""
    if not isinstance(function, FunctionType):
        return function
    cells = function.__closure__ or ()
    enclosed = tuple(id(cell.cell_contents) for cell in cells)
    return function.__code__, enclosed, function.__defaults__


class Batch(NamedTuple):
    """
    One minibatch.

    Parameters
    ----------
    held : (n_held, 1) tf.Tensor
        Values of nodes that do not change.
    stepped : (n_steps, n_stepped, batch) array
        Values of nodes that do.
    targets : list of (batch, n_steps, ...) array
        What the outputs are compared with.
    """

    held: tf.Tensor
    stepped: np.ndarray
    targets: list[np.ndarray]


class Trainer:
    """
    Computes losses and gradients of a program, and applies them.

    It knows nothing of nodes, probes and forms of arguments. Parameters and state
    are passed to the program as values; the only thing that changes is the variables,
    by the optimizer, after all losses were found to be finite.

    Parameters
    ----------
    program : Program
        What to compute in each step.
    variables : list of keras.Variable or tf.Variable
        The values of its parameters.
    objectives : list of Objective
        What is summed up and minimised.
    split : InputSplit
        Which input nodes change from step to step.
    jit_compile : bool
        Whether XLA compiles the computation.
    """

    def __init__(
        self,
        program: Program,
        variables: Sequence[keras.Variable | tf.Variable],
        objectives: Sequence[Objective],
        split: InputSplit,
        jit_compile: bool,
    ) -> None:
        self.program = program
        self.variables = variables
        self.trainable = [v for v in variables if v.trainable]
        self.objectives = objectives
        self.split = split
        self._updates: dict[int, Update] = {}
        options: dict[str, Any] = {"jit_compile": jit_compile, "autograph": False}
        self._gradients = tf.function(self._compute_gradients, **options)
        self._losses = tf.function(self._compute_losses, **options)

    def train_batch(
        self, state: State, batch: Batch, optimizer: Any
    ) -> tuple[State, np.ndarray]:
        """
        Take one step of gradient descent.

        Parameters
        ----------
        state : State
            The state to start from.
        batch : Batch
            The data.
        optimizer : keras.optimizers.Optimizer or tf.compat.v1.train.Optimizer
            What turns gradients into changes.

        Returns
        -------
        state : State
            The state after the last time step.
        losses : (n_objectives,) array
            The losses before the change.

        Raises
        ------
        nengo.exceptions.SimulationError
            If a loss is not finite. Nothing is changed then.
        nengo.exceptions.ValidationError
            If no objective depends on anything that is trained.
        """
        losses, gradients, state = self._gradients(state, *_tensors(batch))
        losses = self._check_finite(losses.numpy())
        self._check_any(gradients)
        self._update(optimizer).apply(gradients)
        return state, losses

    def batch_losses(self, state: State, batch: Batch, training: bool) -> np.ndarray:
        """
        Compute the losses of a minibatch.

        Parameters
        ----------
        state : State
            The state to start from.
        batch : Batch
            The data.
        training : bool
            Whether to compute the differentiable approximation.

        Returns
        -------
        losses : (n_objectives,) array
            The value of each objective.
        """
        losses, _ = self._losses(state, *_tensors(batch), training)
        return np.asarray(losses)

    def _compute_losses(
        self,
        state: State,
        held: tf.Tensor,
        stepped: tf.Tensor,
        targets: list[tf.Tensor],
        training: bool,
    ) -> tuple[tf.Tensor, State]:
        state, outputs = run_sequence(
            self.program,
            [tf.convert_to_tensor(v) for v in self.variables],
            state,
            self.split,
            held,
            stepped,
            training,
        )
        losses = [
            _evaluate(objective, outputs, targets) for objective in self.objectives
        ]
        return tf.stack(losses), state

    def _compute_gradients(
        self,
        state: State,
        held: tf.Tensor,
        stepped: tf.Tensor,
        targets: list[tf.Tensor],
    ) -> tuple[tf.Tensor, list[tf.Tensor | None], State]:
        with tf.GradientTape() as tape:
            losses, state = self._compute_losses(
                state, held, stepped, targets, training=True
            )
            total = tf.reduce_sum(losses)
        sources = [backend_variable(v) for v in self.trainable]
        return losses, tape.gradient(total, sources), state

    def _update(self, optimizer: Any) -> Update:
        key = id(optimizer)
        if key not in self._updates:
            self._updates[key] = make_update(optimizer, self.trainable)
        return self._updates[key]

    def _check_finite(self, losses: np.ndarray) -> np.ndarray:
        for objective, value in zip(self.objectives, losses, strict=True):
            if not np.isfinite(value):
                raise SimulationError(
                    f"Objective of {objective.name}: expected a finite number, got "
                    f"{value}. Training stopped; the parameters are those of the "
                    "minibatch before. Likely causes: NaN in targets with an "
                    "objective that does not ignore it, or too large a learning rate."
                )
        return losses

    def _check_any(self, gradients: Gradients) -> None:
        if all(gradient is None for gradient in gradients):
            names = "; ".join(objective.name for objective in self.objectives)
            raise ValidationError(
                f"expected the objective of {names} to depend on trainable "
                "parameters, got one that depends on none of them",
                attr="objective",
            )


def _tensors(batch: Batch) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
    targets = [tf.constant(target) for target in batch.targets]
    return batch.held, tf.constant(batch.stepped), targets


def _evaluate(
    objective: Objective, outputs: list[tf.Tensor], targets: list[tf.Tensor]
) -> tf.Tensor:
    """Compute one objective, and check what it returns."""
    mine = [outputs[i] for i in objective.outputs]
    value = objective.function(mine, [targets[i] for i in objective.targets])
    batch = int(mine[0].shape[0])
    value = _as_numbers(objective, value, mine[0].dtype)
    if value.shape.rank is None or tuple(value.shape) not in ((), (batch,)):
        raise ValidationError(
            f"expected the objective of {objective.name} to return a scalar or one "
            f"value for each of {batch} items, got shape {tuple(value.shape)}",
            attr="objective",
        )
    return tf.reduce_sum(value)


def _as_numbers(objective: Objective, value: Any, dtype: tf.DType) -> tf.Tensor:
    """Turn what an objective returned into a tensor of a type."""
    try:
        tensor = tf.convert_to_tensor(value)
    except (TypeError, ValueError) as error:
        raise _not_numbers(objective, value) from error
    if not (tensor.dtype.is_floating or tensor.dtype.is_integer):
        raise _not_numbers(objective, value)
    return tf.cast(tensor, dtype)


def _not_numbers(objective: Objective, value: Any) -> ValidationError:
    return ValidationError(
        f"expected the objective of {objective.name} to return a tensor of numbers, "
        f"got {value!r}",
        attr="objective",
    )
