"""Optimizers of Keras and of TensorFlow 1, called alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf
from nengo.exceptions import ValidationError

#: A gradient for each variable; None for a variable that the loss does not depend on.
Gradients = Sequence["tf.Tensor | None"]


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
            f"expected a Keras optimizer, got {optimizer!r}", attr="optimizer"
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
    """

    def __init__(
        self, optimizer: Any, variables: Sequence[keras.Variable | tf.Variable]
    ) -> None:
        self.optimizer = optimizer
        self.variables = variables

    @abstractmethod
    def apply(self, gradients: Gradients) -> None:
        """
        Change the variables.

        Parameters
        ----------
        gradients : list of tf.Tensor or None
            A gradient for each of them.
        """


class KerasUpdate(Update):
    """Applies a Keras optimizer, compiled: run eagerly it is ten times slower."""

    def __init__(
        self, optimizer: Any, variables: Sequence[keras.Variable | tf.Variable]
    ) -> None:
        super().__init__(optimizer, variables)
        self._built_before = optimizer.built
        if not optimizer.built:
            optimizer.build(list(variables))
        self._apply = tf.function(self._apply_gradients, autograph=False)

    def apply(self, gradients: Gradients) -> None:
        """Change the variables that have a gradient."""
        try:
            self._apply(list(gradients))
        except ValueError as error:
            if not self._built_before:
                raise
            raise ValidationError(
                "expected an optimizer that has not been used for other parameters, "
                f"got {self.optimizer!r}: {error}",
                attr="optimizer",
            ) from error

    def _apply_gradients(self, gradients: list[tf.Tensor | None]) -> None:
        pairs = zip(gradients, self.variables, strict=True)
        self.optimizer.apply_gradients([(g, v) for g, v in pairs if g is not None])


class TF1Update(Update):
    """Applies an optimizer of ``tf.compat.v1.train``."""

    def apply(self, gradients: Gradients) -> None:
        """Change the variables that have a gradient."""
        pairs = zip(gradients, self.variables, strict=True)
        self.optimizer.apply_gradients(
            [(g, backend_variable(v)) for g, v in pairs if g is not None]
        )


def make_update(
    optimizer: Any, variables: Sequence[keras.Variable | tf.Variable]
) -> Update:
    """
    Make the update of an optimizer.

    Parameters
    ----------
    optimizer : keras.optimizers.Optimizer or tf.compat.v1.train.Optimizer
        What turns gradients into changes.
    variables : list of keras.Variable or tf.Variable
        What it changes.

    Returns
    -------
    update : Update
        Applies gradients.
    """
    is_tf1 = isinstance(optimizer, tf.compat.v1.train.Optimizer)
    return (TF1Update if is_tf1 else KerasUpdate)(optimizer, variables)


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
