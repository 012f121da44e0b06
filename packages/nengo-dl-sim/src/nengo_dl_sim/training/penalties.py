"""Regularizers and constraints of parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from nengo.exceptions import ValidationError

from ..engine.constraints import PartConstraints
from ..engine.engine import Engine
from ..measures.measure import Measure, tensors_explained
from .trainable_parameters import TrainableParameter, trainable_parameters


def penalties(engine: Engine) -> list[Measure]:
    """
    Measure what regularizers make of parameters.

    Parameters
    ----------
    engine : Engine
        The engine of the simulator.

    Returns
    -------
    measures : list of Measure
        One loss, their sum, which depends on no output; none without regularizers.
    """
    found = [p for p in trainable_parameters(engine) if p.regularizer is not None]
    if not found:
        return []
    store, dtype = engine.parameters, engine.config.dtype

    def total(outputs: list[tf.Tensor], targets: list[tf.Tensor]) -> tf.Tensor:
        del outputs, targets
        values = [tf.convert_to_tensor(variable) for variable in store.trainable]
        return tf.add_n([tf.cast(_penalty(part, values), dtype) for part in found])

    return [
        Measure(
            name="the regularizers",
            outputs=(),
            targets=(),
            function=total,
            source=store,
            is_loss=True,
            attr="regularizer",
        )
    ]


def _penalty(part: TrainableParameter, values: Sequence[tf.Tensor]) -> tf.Tensor:
    """Compute the penalty of a parameter, from the values of all variables."""
    regularizer: Any = part.regularizer
    value = tf.reshape(values[part.variable][part.rows], part.shape)
    with tensors_explained(part.name, "regularizer"):
        penalty = tf.convert_to_tensor(regularizer(value))
    if penalty.shape.rank != 0:
        raise ValidationError(
            f"expected a function that returns a number for {part.name}, got "
            f"{regularizer!r}, which returned shape {penalty.shape}",
            attr="regularizer",
        )
    return penalty


def check_constraints(engine: Engine) -> None:
    """
    Find out whether constraints can be applied, of shapes alone.

    Parameters
    ----------
    engine : Engine
        The engine of the simulator.

    Raises
    ------
    nengo.exceptions.ValidationError
        If one does not return what a parameter can be. What it raises itself comes as
        it is.
    """
    for variable in engine.parameters.trainable:
        constraint = getattr(variable, "constraint", None)
        if isinstance(constraint, PartConstraints):
            names = ", ".join(part.name for part in constraint.parts)
            spec = tf.TensorSpec(variable.shape, variable.dtype)
            with tensors_explained(names, "constraint"):
                tf.function(constraint, autograph=False).get_concrete_function(spec)
