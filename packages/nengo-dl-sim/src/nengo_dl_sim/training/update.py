"""What turns gradients into changes of variables."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from nengo.exceptions import ValidationError

from ..engine.parameter_store import to_numpy
from .back_propagation import ComputesGradients
from .finite import Descent

#: A gradient for each variable; None for a variable that the loss does not depend on.
Gradients = Sequence["tf.Tensor | None"]


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

    #: Whether the optimizer sees copies of the variables.
    has_copies: bool = False

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
    def step(self, compute: ComputesGradients, *arguments: Any) -> Descent:
        """
        Compute gradients, and change the variables if all numbers are finite.

        ``*arguments``: what it takes; and last, what the gradients are multiplied by.
        """

    @abstractmethod
    def finish(self) -> None:
        """Give the variables their last values, when training has come to its end."""

    def arrays(self) -> dict[str, np.ndarray]:
        """
        Return what the optimizer goes on from.

        Returns slots, counts and learning rates, by names that tell the kind of
        optimizer, too; and their number, by the kind.
        """
        named = {f"{self._kind}/{k}": to_numpy(v) for k, v in self._slots().items()}
        return {self._kind: np.array(len(named), np.int64), **named}

    def check(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Check that the optimizer can go on from where another one was."""
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
        """Let the optimizer go on from where another one was."""
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
        pairs = zip(gradients, self._targets(), strict=True)
        known = [(g, v) for g, v in pairs if g is not None]
        if known:  # else an optimizer has nothing to do
            self._apply(known)
        self.counter.assign_add(1)

    def _targets(self) -> list[Any]:
        """Return the variables that the optimizer sees."""
        return list(self.variables)

    @abstractmethod
    def _apply(self, pairs: list[tuple[tf.Tensor, Any]]) -> None:
        """Hand gradients and variables to the optimizer."""


def constrain(variables: Iterable[Any]) -> None:
    """
    Apply the constraints of variables, as optimizers of Keras do by themselves.

    Parameters
    ----------
    variables : iterable of keras.Variable or tf.Variable
        Variables that have changed. (TensorFlow's own are not for Keras.)
    """
    for variable in variables:
        if isinstance(variable, keras.Variable) and variable.constraint is not None:
            variable.assign(variable.constraint(variable))


def _shape(value: Any) -> str:
    return "missing" if value is None else f"of shape {tuple(value.shape)}"


def backend_variable(variable: keras.Variable | tf.Variable) -> tf.Variable:
    """Return the TensorFlow variable behind a variable."""
    return variable.value if isinstance(variable, keras.Variable) else variable
