"""Optimizers of Keras and of TensorFlow 1."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from nengo.exceptions import ValidationError

from ..checks import described
from ..execution.plain_variables import check_plain
from .keras_update import KerasUpdate, optimizer_parts
from .partwise_update import PartwiseUpdate, mixes_parameters
from .tf1_update import TF1Update
from .trainable_parameters import TrainableParameter
from .update import Update


def check_optimizer(optimizer: Any) -> None:
    """
    Check that an object is an optimizer.

    Raises a ``ValidationError`` if it is not; or if its learning rate, weight decay or
    epsilon is no number to use.
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
            f"expected a Keras optimizer, got {described(optimizer, '0.001')}"
            + _instead_of_a_name(optimizer),
            attr="optimizer",
        )
    if isinstance(optimizer, keras.optimizers.Optimizer):
        check_plain(type(optimizer).__name__, [optimizer.iterations], "optimizer")
        for part in optimizer_parts(optimizer):
            _check_number(part, "learning_rate", part.learning_rate)
            _check_number(part, "weight_decay", getattr(part, "weight_decay", None))
            for name in ("epsilon", "epsilon_1"):
                _check_divisor(part, name, getattr(part, name, 1.0))


def _instead_of_a_name(optimizer: Any) -> str:
    if not isinstance(optimizer, str):
        return ""
    return f": write keras.optimizers.get({optimizer!r}), or make one"


def _check_number(optimizer: Any, name: str, value: Any) -> None:
    if value is None or value is False:
        return
    number = float(tf.convert_to_tensor(value))
    if not (math.isfinite(number) and number >= 0):
        raise ValidationError(
            f"expected {name} of {type(optimizer).__name__} to be a finite number that "
            f"is not negative, got {number:.6g}",
            attr="optimizer",
        )


def _check_divisor(optimizer: Any, name: str, value: Any) -> None:
    """Refuse what would make NaN of parameters, where gradients are zero."""
    if isinstance(value, (int, float, np.number)):
        number = np.float32(value)  # as most optimizers compute
        if not (np.isfinite(number) and number > 0):
            raise ValidationError(
                f"expected {name} of {type(optimizer).__name__} to be a finite number "
                f"above 0 in float32, got {value:.6g}: a gradient of zero would be "
                "divided by zero. Use a small number, such as 1e-7",
                attr="optimizer",
            )


def make_update(
    optimizer: Any,
    variables: Sequence[keras.Variable | tf.Variable],
    counter: tf.Variable,
    parameters: Sequence[TrainableParameter] = (),
) -> Update:
    """Make the update of an optimizer."""
    if isinstance(optimizer, tf.compat.v1.train.Optimizer):
        return TF1Update(optimizer, variables, counter)
    if mixes_parameters(optimizer, parameters):
        return PartwiseUpdate(optimizer, variables, counter, parameters)
    return KerasUpdate(optimizer, variables, counter)
