"""Whether a change of parameters is made of finite numbers, and who is to blame."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from nengo.exceptions import SimulationError

from nengo_dl_ops.step.state import State

from ..measures.measure import Measure
from .trainable_parameters import TrainableParameter

#: What became of everything else.
STOPPED = (
    "Training stopped; this minibatch has changed neither parameters nor optimizer."
)


class Evidence(NamedTuple):
    """
    What tells whether a change is made of finite numbers.

    Parameters
    ----------
    total : () tf.Tensor
        The weighted sum of the losses.
    sizes : list of (n_rows,) tf.Tensor or None
        The sum of the absolute values in each row of each gradient, if there is one.
    scale : () tf.Tensor of float64
        What the gradients were multiplied by.
    rates : (n_rates,) tf.Tensor of float64
        The learning rates, as far as they are known.
    """

    total: tf.Tensor
    sizes: list[tf.Tensor | None]
    scale: tf.Tensor
    rates: tf.Tensor


class Descent(NamedTuple):
    """
    What came out of a step of gradient descent.

    Parameters
    ----------
    losses : (n,) tf.Tensor
        The losses before the change.
    state : State
        The state after the last time step.
    watched : list
        What was looked at.
    sound : () tf.Tensor of bool
        Whether the numbers were finite; else nothing has changed.
    evidence : Evidence
        From which that was seen.
    """

    losses: tf.Tensor
    state: State
    watched: list[Any]
    sound: tf.Tensor
    evidence: Evidence


def row_sizes(gradient: Any) -> tf.Tensor | None:
    """
    Measure a gradient: the result is finite only if all of its numbers are.

    Returns (n_rows,): the sum of absolute values of each row; of indexed slices in one
    number.
    """
    if gradient is None:
        return None
    if isinstance(gradient, tf.IndexedSlices):
        return tf.reduce_sum(tf.abs(gradient.values), keepdims=True)
    axes = list(range(1, gradient.shape.rank))
    return tf.reshape(tf.reduce_sum(tf.abs(gradient), axes), [-1])


def are_finite(losses: tf.Tensor, evidence: Evidence) -> tf.Tensor:
    """
    Tell whether losses and learning rates are finite.

    Shapes: ``losses`` (n,).
    """
    rates = evidence.rates
    return (
        tf.reduce_all(tf.math.is_finite(losses))
        & tf.math.is_finite(evidence.total)
        & tf.reduce_all(tf.math.is_finite(rates) & (rates >= 0))
    )


def is_bounded(evidence: Evidence, squared: bool = False) -> tf.Tensor:
    """
    Tell whether a step along some gradients is finite.

    Returns whether gradients, and these times a learning rate, are finite.
    """
    found = [size for size in evidence.sizes if size is not None]
    if not found:
        return tf.constant(True)
    factor = tf.reduce_max(tf.concat([[1.0], evidence.rates], 0)) / evidence.scale
    steps = [tf.reduce_sum(size) * tf.cast(factor, size.dtype) for size in found]
    limits = [step**2 for step in steps] if squared else steps
    return tf.reduce_all([tf.math.is_finite(limit) for limit in limits])


def check_sound(
    descent: Descent,
    measures: Sequence[Measure],
    parameters: Iterable[TrainableParameter],
) -> np.ndarray:
    """
    Check that the numbers of a step of gradient descent were finite.

    Shapes: returns (n,). Raises a ``SimulationError`` if they were not; it names the
    objective, the learning rate or the parameters.
    """
    losses = descent.losses.numpy()
    if not descent.sound:
        _blame_losses(losses, measures)
        _blame_total(losses, measures, descent.evidence)
        _blame_rates(descent.evidence)
        _blame_gradients(descent.evidence, parameters)
    return losses


def _blame_losses(losses: np.ndarray, measures: Sequence[Measure]) -> None:
    for measure, value in zip(measures, losses, strict=True):
        if not np.isfinite(value):
            raise SimulationError(
                f"Objective of {measure.name}: expected a finite number, got {value}. "
                f"{STOPPED} Likely causes: NaN in targets with an objective that does "
                "not ignore it, or too large a learning rate."
            )


def _blame_total(
    losses: np.ndarray, measures: Sequence[Measure], evidence: Evidence
) -> None:
    total = evidence.total.numpy()
    if np.isfinite(total):
        return
    with np.errstate(over="ignore"):
        weights = np.array([measure.weight for measure in measures], losses.dtype)
        weighted = weights * losses
    found = [
        f"{weight:.3g} * {loss:.3g} of {measure.name}"
        for weight, loss, measure in zip(weights, losses, measures, strict=True)
    ]
    infinite = [found[n] for n in np.flatnonzero(np.isinf(weighted))]
    raise SimulationError(
        "Weighted sum of losses: expected a finite number, got "
        f"{total} from {' + '.join(infinite or found)}. {STOPPED} Use smaller "
        "loss_weights."
    )


def _blame_rates(evidence: Evidence) -> None:
    for rate in evidence.rates.numpy():
        if not (np.isfinite(rate) and rate >= 0):
            raise SimulationError(
                "Learning rate of the optimizer: expected a finite number that is not "
                f"negative, got {rate:.3g}. {STOPPED} Check its learning_rate, or the "
                "schedule or callback that sets it."
            )


def _blame_gradients(
    evidence: Evidence, parameters: Iterable[TrainableParameter]
) -> None:
    """Name a parameter whose gradient is not finite, or else the largest gradient."""
    sizes = {parameter.name: _size(evidence, parameter) for parameter in parameters}
    for name, size in sizes.items():
        if not np.isfinite(size):
            raise SimulationError(
                f"Gradient of {name}: expected finite numbers, got {size}, though the "
                f"objective is finite. {STOPPED} Likely causes: a function without a "
                "finite slope where it was used, such as the square root or norm of "
                "zero (add a small number to its argument); numbers that are too large."
            )
    name = max(sizes, key=lambda name: sizes[name])
    rates = ", ".join(f"{rate:.3g}" for rate in evidence.rates.numpy())
    raise SimulationError(
        f"Change of {name}: expected finite numbers, got a gradient of "
        f"{sizes[name] / evidence.scale.numpy():.3g}, and a learning rate of {rates}. "
        f"{STOPPED} Use smaller ones."
    )


def _size(evidence: Evidence, parameter: TrainableParameter) -> float:
    """Return how large the gradient of a parameter is."""
    sizes = evidence.sizes[parameter.variable]
    if sizes is None:
        return 0.0
    rows = sizes.numpy()
    return float(np.sum(rows[parameter.rows] if len(rows) > 1 else rows))
