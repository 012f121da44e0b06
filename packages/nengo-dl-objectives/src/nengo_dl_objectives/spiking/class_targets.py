"""Targets that say which class an item has: labels, or a probability for each class."""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from ..arguments import float_tensor


class ClassTargets(NamedTuple):
    """
    The class of each item, step by step.

    Parameters
    ----------
    probabilities : (batch, 1 or n_steps, n_classes) tf.Tensor
        The probability of each class; 0 for all where there is no target.
    known : (batch, 1 or n_steps) tf.Tensor
        1 where there is a target, else 0.
    """

    probabilities: tf.Tensor
    known: tf.Tensor

    def of_items(self) -> ClassTargets:
        """Join the steps of each item: (batch, n_classes) and (batch,)."""
        n_known = tf.reduce_sum(self.known, axis=1)
        total = tf.reduce_sum(self.probabilities, axis=1)
        return ClassTargets(
            total / tf.maximum(n_known, 1)[:, None], tf.minimum(n_known, 1)
        )


def class_targets(targets: Any, outputs: tf.Tensor) -> ClassTargets:
    """
    Read targets for outputs (batch, n_steps, n_classes).

    What is neither a class nor NaN makes the loss infinite: values are not known yet
    where graphs are made, so there is nothing to raise an error for.
    """
    targets = float_tensor("targets", targets, dtype=outputs.dtype)
    _check_shapes(targets, outputs)
    missing = tf.reduce_any(tf.math.is_nan(targets), axis=2)
    # NaN goes before anything is computed of it: masked later, it would come back in
    # gradients as 0 * NaN.
    given = tf.where(missing[..., None], tf.zeros_like(targets), targets)
    if targets.shape[2] == 1:
        given = _one_hot(given[..., 0], outputs.shape[2])
    known = tf.cast(~missing, outputs.dtype)
    probabilities = tf.where(missing[..., None], tf.zeros_like(given), given)
    return ClassTargets(probabilities, known)


def _one_hot(labels: tf.Tensor, n_classes: int) -> tf.Tensor:
    infinity = tf.constant(float("inf"), labels.dtype)
    is_class = (labels >= 0) & (labels < n_classes) & (labels == tf.floor(labels))
    index = tf.cast(tf.where(is_class, labels, tf.zeros_like(labels)), tf.int32)
    one_hot = tf.one_hot(index, n_classes, dtype=labels.dtype)
    return tf.where(is_class[..., None], one_hot, infinity)


def _check_shapes(targets: tf.Tensor, outputs: tf.Tensor) -> None:
    n_classes = outputs.shape[2]
    if n_classes is None or n_classes < 2:
        raise ValueError(
            "outputs: expected two classes or more (the last axis), received "
            f"{outputs.shape}"
        )
    shape = targets.shape
    one_step = shape.rank == 3 and shape[1] == 1
    steps = 1 if one_step else outputs.shape[1]
    if not any(
        shape.is_compatible_with((outputs.shape[0], steps, n)) for n in (1, n_classes)
    ):
        raise ValueError(
            f"targets: expected labels (batch, 1 or n_steps, 1) or probabilities "
            f"(batch, 1 or n_steps, {n_classes}) for outputs of shape {outputs.shape}, "
            f"received {shape}"
        )
