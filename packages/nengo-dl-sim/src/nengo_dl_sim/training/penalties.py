"""Regularizers of parameters and of activities, and constraints of parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf
from nengo.exceptions import ValidationError

from ..engine.constraints import PartConstraints
from ..engine.engine import Engine
from ..execution.sequence import MAX_UNROLLED_STEPS
from ..measures.measure import Measure, tensors_explained
from ..settings.activities import Activity
from .trainable_parameters import TrainableParameter, trainable_parameters


def penalties(engine: Engine) -> list[Measure]:
    """
    Measure what regularizers make of parameters and of activities.

    Parameters
    ----------
    engine : Engine
        The engine of the simulator.

    Returns
    -------
    measures : list of Measure
        A loss for each of both, where there are regularizers: the sum for parameters,
        which depends on no output, and that for activities.
    """
    return [*_of_parameters(engine), *_of_activities(engine)]


def _of_parameters(engine: Engine) -> list[Measure]:
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
    return _number(regularizer, value, part.name, "regularizer")


def _of_activities(engine: Engine) -> list[Measure]:
    activities, dtype = engine.activities, engine.config.dtype
    if not activities:
        return []
    objects = tuple(dict.fromkeys(activity.obj for activity in activities))

    def total(outputs: list[tf.Tensor], targets: list[tf.Tensor]) -> tf.Tensor:
        del targets
        of_objects = dict(zip(objects, outputs, strict=True))
        return tf.add_n([_mean(one, of_objects[one.obj], dtype) for one in activities])

    return [
        Measure(
            name="the regularizers of activities",
            outputs=objects,
            targets=(),
            function=total,
            source=activities,
            is_loss=True,
            attr="activity_regularizer",
        )
    ]


def _mean(activity: Activity, outputs: tf.Tensor, dtype: str) -> tf.Tensor:
    """Compute the penalty of a minibatch, for each item and step."""

    def penalty(values: tf.Tensor) -> tf.Tensor:
        name, attr = str(activity.obj), "activity_regularizer"
        return tf.cast(_number(activity.regularizer, values, name, attr), dtype)

    n_items, n_steps = (int(n) for n in outputs.shape[:2])
    steps = tf.transpose(outputs, (1, 0, 2))
    if n_steps <= MAX_UNROLLED_STEPS:
        penalties = tf.stack([penalty(steps[i]) for i in range(n_steps)])
    else:
        # An error comes from here: after one inside of a map, TensorFlow goes on as if
        # it were in that, and optimizers of TensorFlow 1 fail.
        penalty(steps[0])
        penalties = tf.map_fn(penalty, steps, fn_output_signature=dtype)
    return tf.reduce_mean(penalties) / n_items


def _number(regularizer: Callable, value: tf.Tensor, name: str, attr: str) -> tf.Tensor:
    """Call a regularizer, and check that it returns a number."""
    with tensors_explained(name, attr):
        penalty = tf.convert_to_tensor(regularizer(value))
    if penalty.shape.rank != 0:
        raise ValidationError(
            f"expected a function that returns a number for {name}, got "
            f"{regularizer!r}, which returned shape {penalty.shape}",
            attr=attr,
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
