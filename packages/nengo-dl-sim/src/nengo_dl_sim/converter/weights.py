"""Which variables of Keras the weights of a network stand for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np


def numbers(variable: Any) -> np.ndarray:
    """Return the values of a variable of Keras."""
    # Not of the variable itself, which NumPy 2 warns of.
    return np.asarray(keras.ops.convert_to_tensor(variable))


def _as_it_is(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Weight:
    """
    What weights of a connection, or biases, stand for: a variable of a Keras layer.

    They are trained if the layer trains the variable, with its regularizer and its
    constraint, and `.Converter.to_keras` puts them back into it.

    Parameters
    ----------
    variable : keras.Variable
        The variable.
    to_nengo : callable, optional
        Makes the weights of the value of the variable, with functions of
        ``keras.ops``. Default: they are the same.
    to_keras : callable, optional
        Makes the value of the weights; its shape may be any other of that size.
    has_zeros : bool
        Whether there are zeros among the weights that stand for nothing, and stay.

    Examples
    --------
    >>> import keras
    >>> layer = keras.layers.Dense(2)
    >>> layer.build((None, 3))
    >>> weight = Weight(layer.kernel, keras.ops.transpose, keras.ops.transpose)
    >>> weight.initial.shape
    (2, 3)
    """

    variable: Any
    to_nengo: Callable[[Any], Any] | None = None
    to_keras: Callable[[Any], Any] | None = None
    has_zeros: bool = False

    @property
    def _there(self) -> Callable[[Any], Any]:
        return self.to_nengo or _as_it_is

    @property
    def _back(self) -> Callable[[Any], Any]:
        return self.to_keras or _as_it_is

    @property
    def initial(self) -> np.ndarray:
        """The weights that stand for the present value of the variable."""
        return np.asarray(self._there(numbers(self.variable)))

    def value(self, weights: np.ndarray) -> np.ndarray:
        """
        Return the value that weights stand for.

        Parameters
        ----------
        weights : array
            The weights.

        Returns
        -------
        value : array
            In the shape of the variable.
        """
        return np.reshape(np.asarray(self._back(weights)), self.variable.shape)

    def regularizer(self, n_copies: int = 1) -> WeightRegularizer | None:
        """
        Return the regularizer of the variable, as one of the weights.

        Parameters
        ----------
        n_copies : int
            How many weights stand for it, which count as one together.
        """
        found = getattr(self.variable, "regularizer", None)
        if found is None:
            return None
        shape = tuple(self.variable.shape)
        return WeightRegularizer(found, shape, self._back, 1 / n_copies)

    def constraint(self) -> WeightConstraint | None:
        """Return the constraint of the variable, as one of the weights."""
        found = getattr(self.variable, "constraint", None)
        if found is None and not self.has_zeros:
            return None
        shape = tuple(self.variable.shape)
        return WeightConstraint(found, shape, self._back, self._there)


class WeightRegularizer:
    """
    Computes the penalty of a variable from weights that stand for it.

    Parameters
    ----------
    regularizer : keras.regularizers.Regularizer
        That of the variable.
    shape : tuple of int
        The shape of the variable.
    to_keras : callable
        Makes its value of the weights.
    part : float
        What the penalty is multiplied by.
    """

    def __init__(
        self,
        regularizer: Any,
        shape: Sequence[int],
        to_keras: Callable[[Any], Any],
        part: float,
    ) -> None:
        self.regularizer = regularizer
        self._shape = shape
        self._to_keras = to_keras
        self._part = part

    def __call__(self, weights: Any) -> Any:
        """Return the penalty."""
        value = keras.ops.reshape(self._to_keras(weights), self._shape)
        return self._part * self.regularizer(value)


class WeightConstraint:
    """
    Applies the constraint of a variable to weights that stand for it.

    Parameters
    ----------
    constraint : keras.constraints.Constraint or None
        That of the variable. None: it has none, but there are zeros that stay.
    shape : tuple of int
        The shape of the variable.
    to_keras, to_nengo : callable
        Make its value of the weights, and the other way round.
    """

    def __init__(
        self,
        constraint: Any,
        shape: Sequence[int],
        to_keras: Callable[[Any], Any],
        to_nengo: Callable[[Any], Any],
    ) -> None:
        self.constraint = constraint
        self._shape = shape
        self._to_keras = to_keras
        self._to_nengo = to_nengo

    def __call__(self, weights: Any) -> Any:
        """Return weights that keep to it."""
        value = keras.ops.reshape(self._to_keras(weights), self._shape)
        kept = value if self.constraint is None else self.constraint(value)
        return keras.ops.reshape(self._to_nengo(kept), weights.shape)
