"""Constraints of parameters, several of which may share a variable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf
from nengo.exceptions import ValidationError

#: Takes values of a parameter, and returns others of the same shape.
Constraint = Callable[[Any], Any]


class ConstrainedPart(NamedTuple):
    """
    A part of a variable, with its constraint.

    Parameters
    ----------
    name : str
        What it is called in messages.
    rows : slice
        Where in the variable it is.
    shape : tuple of int
        Its shape.
    constraint : callable
        Its constraint.
    """

    name: str
    rows: slice
    shape: tuple[int, ...]
    constraint: Constraint

    def apply(self, rows: tf.Tensor) -> tf.Tensor:
        """Return the rows that it shall have."""
        kept = tf.convert_to_tensor(self.constraint(tf.reshape(rows, self.shape)))
        if tuple(kept.shape) != self.shape:
            raise ValidationError(
                f"expected a function that keeps the shape {self.shape} of {self.name},"
                f" got {self.constraint!r}, which returned {tuple(kept.shape)}",
                attr="constraint",
            )
        return tf.reshape(tf.cast(kept, rows.dtype), rows.shape)


class PartConstraints:
    """
    Applies the constraints of a variable; optimizers of Keras call it.

    Parameters
    ----------
    parts : list of ConstrainedPart
        Parts of the variable, in the order of their rows.
    """

    def __init__(self, parts: Sequence[ConstrainedPart]) -> None:
        self.parts = parts

    def __call__(self, variable: Any) -> tf.Tensor:
        """Return the values that the whole variable shall have."""
        value = tf.convert_to_tensor(variable)
        pieces, end = [], 0
        for part in self.parts:
            pieces += [value[end : part.rows.start], part.apply(value[part.rows])]
            end = part.rows.stop
        return tf.concat([*pieces, value[end:]], axis=0)
