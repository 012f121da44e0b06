"""Optimizers of Keras and of TensorFlow 1, called alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from nengo.exceptions import ValidationError

from ..checks import described
from ..compile.call import CompiledCall
from ..recent import Recent
from ..run.parameter_store import to_numpy

#: A gradient for each variable; None for a variable that the loss does not depend on.
Gradients = Sequence["tf.Tensor | None"]

#: Computes losses, the next state, what is looked at, and gradients.
Compute = Callable[..., Any]

#: How many compiled steps an optimizer keeps.
N_COMPILED = 32


def check_optimizer(optimizer: Any) -> None:
    """
    Check that an object is an optimizer.

    Parameters
    ----------
    optimizer : keras.optimizers.Optimizer or tf.compat.v1.train.Optimizer
        The object.

    Raises
    ------
    nengo.exceptions.ValidationError
        If it is not.
    """
    if isinstance(optimizer, dict):
        raise ValidationError(
            "expected a Keras optimizer, got a dictionary: inputs and targets go into "
            "one dictionary, sim.train({node: ..., probe: ...}, optimizer)",
            attr="optimizer",
        )
    kinds = (keras.optimizers.Optimizer, tf.compat.v1.train.Optimizer)
    if not isinstance(optimizer, kinds):
        raise ValidationError(
            f"expected a Keras optimizer, got {described(optimizer, '0.001')}",
            attr="optimizer",
        )


class Update(ABC):
    """
    Lets an optimizer change variables.

    Parameters
    ----------
    optimizer : keras.optimizers.Optimizer or tf.compat.v1.train.Optimizer
        What turns gradients into changes. It is kept, so that its slots live on.
    variables : list of keras.Variable or tf.Variable
        What it changes.
    counter : tf.Variable of int64
        Counts the changes.
    """

    def __init__(
        self,
        optimizer: Any,
        variables: Sequence[keras.Variable | tf.Variable],
        counter: tf.Variable,
    ) -> None:
        self.optimizer = optimizer
        self.variables = variables
        self.counter = counter

    @abstractmethod
    def step(self, compute: Compute, *arguments: Any) -> tuple[tf.Tensor, Any, Any]:
        """
        Compute gradients, and change the variables if all losses are finite.

        Parameters
        ----------
        compute : callable
            Returns the losses, the next state, what is looked at, a list with a
            gradient for each variable (or None), and more that is not needed here.
        *arguments
            What it takes.

        Returns
        -------
        losses : (n,) tf.Tensor
            The losses before the change.
        state, watched : nested structure of tf.Tensor
            The next state, and what is looked at.
        """

    def arrays(self) -> dict[str, np.ndarray]:
        """
        Return what the optimizer goes on from.

        Returns
        -------
        arrays : dict from str to array
            Slots, counts and learning rates, by names that tell the kind of
            optimizer, too; and their number, by the kind.
        """
        named = {f"{self._kind}/{k}": to_numpy(v) for k, v in self._slots().items()}
        return {self._kind: np.array(len(named), np.int64), **named}

    def check(self, arrays: Mapping[str, np.ndarray]) -> None:
        """
        Check that the optimizer can go on from where another one was.

        Parameters
        ----------
        arrays : dict from str to array
            What `arrays` returned.

        Raises
        ------
        nengo.exceptions.ValidationError
            If that was of another kind of optimizer.
        """
        kind, others = next(iter(arrays)).partition("/")[0], self._without_kind(arrays)
        if kind != self._kind:
            raise self._unlike(f"that is of {kind}")
        self._make_slots(others.keys())
        mine = self._slots()
        for name in sorted(mine.keys() | others.keys()):
            found = [_shape(slots.get(name)) for slots in (others, mine)]
            if found[0] != found[1]:
                raise self._unlike(
                    f"variable {name} is {found[0]} in the checkpoint, {found[1]} here"
                )

    def assign(self, arrays: Mapping[str, np.ndarray]) -> None:
        """
        Let the optimizer go on from where another one was.

        Parameters
        ----------
        arrays : dict from str to array
            What `check` has found to fit.
        """
        for name, array in self._without_kind(arrays).items():
            self._slots()[name].assign(array)

    @property
    def _kind(self) -> str:
        return type(self.optimizer).__name__

    def _without_kind(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {k.partition("/")[2]: v for k, v in arrays.items() if "/" in k}

    def _unlike(self, difference: str) -> ValidationError:
        return ValidationError(
            "expected an optimizer like the one of the checkpoint, got "
            f"{self._kind}: {difference}. (To start with another one, take over the "
            "parameters only, with save_params and load_params.)",
            attr="optimizer",
        )

    @abstractmethod
    def _slots(self) -> dict[str, keras.Variable | tf.Variable]:
        """
        Return the optimizer's variables.

        Their own names will not do: they depend on what else is in the process.
        """

    @abstractmethod
    def _make_slots(self, names: Set[str]) -> None:
        """Make those of the variables that the optimizer would make by and by."""

    def _change(self, gradients: Gradients) -> None:
        """Change the variables that have a gradient, and count."""
        pairs = zip(gradients, self.variables, strict=True)
        self._apply([(g, v) for g, v in pairs if g is not None])
        self.counter.assign_add(1)

    @abstractmethod
    def _apply(self, pairs: list[tuple[tf.Tensor, Any]]) -> None:
        """Hand gradients and variables to the optimizer."""


class KerasUpdate(Update):
    """Applies a Keras optimizer, in one compiled function with the gradients."""

    def __init__(
        self,
        optimizer: Any,
        variables: Sequence[keras.Variable | tf.Variable],
        counter: tf.Variable,
    ) -> None:
        super().__init__(optimizer, variables, counter)
        self._built_before = optimizer.built
        if not optimizer.built:
            optimizer.build(list(variables))
        self._compiled: Recent[CompiledCall] = Recent(N_COMPILED)

    def step(self, compute: Compute, *arguments: Any) -> tuple[tf.Tensor, Any, Any]:
        """Compute gradients and change the variables."""
        shapes = [tuple(tensor.shape) for tensor in tf.nest.flatten(arguments)]
        key = compute, *shapes
        step = self._compiled.get(key, lambda: self._compile(compute, arguments))
        return step(*arguments)

    def _compile(self, compute: Compute, arguments: tuple) -> CompiledCall:
        def step(*arguments: Any) -> tuple[tf.Tensor, Any, Any]:
            losses, state, watched, gradients, *_ = compute(*arguments)
            finite = tf.reduce_all(tf.math.is_finite(losses))
            tf.cond(finite, lambda: self._change(gradients), lambda: None)
            return losses, state, watched

        try:
            return CompiledCall(step, arguments, jit_compile=False)
        except ValueError as error:
            if not self._built_before:
                raise
            raise ValidationError(
                "expected an optimizer that has not been used for other parameters, "
                f"got {self.optimizer!r}: {error}",
                attr="optimizer",
            ) from error

    def _slots(self) -> dict[str, keras.Variable | tf.Variable]:
        return {str(i): v for i, v in enumerate(self.optimizer.variables)}

    def _make_slots(self, names: Set[str]) -> None:
        """Do nothing: the optimizer was built."""

    def _apply(self, pairs: list[tuple[tf.Tensor, Any]]) -> None:
        self.optimizer.apply_gradients(pairs)


class TF1Update(Update):
    """Applies an optimizer of ``tf.compat.v1.train``."""

    def step(self, compute: Compute, *arguments: Any) -> tuple[tf.Tensor, Any, Any]:
        """Compute gradients, then change the variables."""
        losses, state, watched, gradients, *_ = compute(*arguments)
        if np.isfinite(losses).all():
            self._change(gradients)
        return losses, state, watched

    def _slots(self) -> dict[str, keras.Variable | tf.Variable]:
        kinds, optimizer = self.optimizer.get_slot_names(), self.optimizer
        found = {
            f"{kind}/{i}": optimizer.get_slot(backend_variable(v), kind)
            for kind in kinds
            for i, v in enumerate(self.variables)
        }
        slots = {name: slot for name, slot in found.items() if slot is not None}
        # Other slots, with a name of two parts, are of parameters somewhere else.
        others = [v for v in optimizer.variables() if "/" not in v.name]
        return {**slots, **{v.name.partition(":")[0]: v for v in others}}

    def _make_slots(self, names: Set[str]) -> None:
        numbers = {int(name.rpartition("/")[2]) for name in names if "/" in name}
        missing = names - self._slots().keys()
        variables = [v for i, v in enumerate(self.variables) if i in numbers]
        if missing and variables:
            before = [to_numpy(v) for v in variables]
            self._apply([(tf.zeros_like(v), v) for v in variables])
            for variable, value in zip(variables, before, strict=True):
                variable.assign(value)

    def _apply(self, pairs: list[tuple[tf.Tensor, Any]]) -> None:
        self.optimizer.apply_gradients([(g, backend_variable(v)) for g, v in pairs])


def _shape(value: Any) -> str:
    return "missing" if value is None else f"of shape {tuple(value.shape)}"


def make_update(
    optimizer: Any,
    variables: Sequence[keras.Variable | tf.Variable],
    counter: tf.Variable,
) -> Update:
    """
    Make the update of an optimizer.

    Parameters
    ----------
    optimizer : keras.optimizers.Optimizer or tf.compat.v1.train.Optimizer
        What turns gradients into changes.
    variables : list of keras.Variable or tf.Variable
        What it changes.
    counter : tf.Variable of int64
        Counts the changes.

    Returns
    -------
    update : Update
        Applies gradients.
    """
    is_tf1 = isinstance(optimizer, tf.compat.v1.train.Optimizer)
    return (TF1Update if is_tf1 else KerasUpdate)(optimizer, variables, counter)


def backend_variable(variable: keras.Variable | tf.Variable) -> tf.Variable:
    """
    Return the TensorFlow variable behind a variable.

    Parameters
    ----------
    variable : keras.Variable or tf.Variable
        Any variable.

    Returns
    -------
    variable : tf.Variable
        What a tf.GradientTape knows it by.
    """
    return variable.value if isinstance(variable, keras.Variable) else variable
