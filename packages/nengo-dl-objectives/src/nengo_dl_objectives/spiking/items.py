"""What objectives of spikes share: a value for each item, of which the mean counts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import tensorflow as tf

from ..arguments import float_tensor


class ItemObjective(ABC):
    """An objective that has a value for each item of a minibatch."""

    def __call__(self, outputs: Any, targets: Any) -> tf.Tensor:
        """
        Compute the mean over all items.

        Parameters
        ----------
        outputs : ``(batch, n_steps, size)`` tf.Tensor or array_like of float
            Values computed by the network, usually the output of a probe.
        targets : ``(batch, n_steps, size)`` tf.Tensor or array_like
            Values wanted of the network; see the class.

        Returns
        -------
        loss : ``()`` tf.Tensor
            The mean, with the type of ``outputs``.

        Raises
        ------
        ValueError
            If an argument does not hold numbers, or does not have such a shape.
        """
        return tf.reduce_mean(self.of_items(outputs, targets))

    def of_items(self, outputs: Any, targets: Any) -> tf.Tensor:
        """
        Compute the value of each item.

        Parameters
        ----------
        outputs : ``(batch, n_steps, size)`` tf.Tensor or array_like of float
            Values computed by the network, usually the output of a probe.
        targets : ``(batch, n_steps, size)`` tf.Tensor or array_like
            Values wanted of the network; see the class.

        Returns
        -------
        losses : ``(batch,)`` tf.Tensor
            The values, with the type of ``outputs``.

        Raises
        ------
        ValueError
            If an argument does not hold numbers, or does not have such a shape.
        """
        return self._of_items(steps_of("outputs", outputs), targets)

    @abstractmethod
    def _of_items(self, outputs: tf.Tensor, targets: Any) -> tf.Tensor:
        """Compute the values (batch,) of outputs (batch, n_steps, size)."""


def steps_of(name: str, value: Any) -> tf.Tensor:
    """Convert an argument to a tensor (batch, n_steps, size) of float."""
    tensor = float_tensor(name, value)
    if tensor.shape.rank != 3:
        raise ValueError(
            f"{name}: expected a shape (batch, n_steps, size), received {tensor.shape}"
        )
    return tensor


def n_steps_of(outputs: tf.Tensor) -> tf.Tensor | int:
    """Return the number of steps, also where it is known only when a graph runs."""
    static: int | None = outputs.shape[1]
    return tf.shape(outputs)[1] if static is None else static
