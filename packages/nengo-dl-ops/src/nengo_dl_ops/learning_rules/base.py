"""What the builders of learning rules share."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import numpy as np
import tensorflow as tf
from nengo.builder.operator import Operator
from nengo.exceptions import BuildError

from nengo_dl_signals import SignalLayout, TensorSignal

from ..op_builder import OpBuilder
from ..ranges import check_range


class LearningRuleBuilder(OpBuilder):
    """
    Computes a rule for all connections of a group, with weights of the same shape.

    To be implemented by subclasses: `OpBuilder.build_step`. Every batch item
    has weights of its own, for it learns from its own activities.
    """

    @classmethod
    def merge_key(cls, op: Operator) -> Hashable:
        """Rules merge if their signals have the same shapes."""
        return tuple(sig.shape for sig in (*op.reads, *op.updates))

    def stack(self, layout: SignalLayout, name: str) -> TensorSignal:
        """
        Join one signal of all operators.

        Parameters
        ----------
        layout : SignalLayout
            Where the signals are.
        name : str
            The attribute of the operators that holds the signal.

        Returns
        -------
        signal : TensorSignal
            Shape ``(n_ops, *shape)``.
        """
        return layout.stack([getattr(op, name) for op in self.ops])

    def per_operator(
        self, number: Callable[[Operator], float], n_axes: int
    ) -> float | np.ndarray:
        """
        Arrange a number of each operator as a factor of the group's values.

        Parameters
        ----------
        number : callable
            Returns the number of an operator.
        n_axes : int
            The number of axes of the values of one operator.

        Returns
        -------
        factor : float or (n_ops, 1, ..., 1) array
            One number if all operators agree.
        """
        numbers = [float(number(op)) for op in self.ops]
        for op, value in zip(self.ops, numbers, strict=True):
            check_range(f"{op}", value, self.config.dtype)
        if all(one == numbers[0] for one in numbers):
            return numbers[0]
        shape = (len(numbers), *(1,) * (n_axes + 1))
        return np.reshape(np.asarray(numbers, self.config.dtype), shape)


def check_outer(op: Operator, name: str) -> None:
    """Check that a change of weights is that of all neurons at both ends."""
    expected = (op.post_filtered.size, op.pre_filtered.size)
    if op.delta.shape != expected:
        raise BuildError(
            f"{name} learns the weights between all neurons of two ensembles: expected "
            f"weights of shape {expected}, got {op.delta.shape}. On a connection from "
            f"or to a slice of neurons Nengo does not support {name}: connect all "
            "neurons, or use PES"
        )


def outer(rows: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:
    """
    Compute an outer product for every operator and every batch item.

    Shapes: ``rows`` (n_ops, n_rows, batch); ``columns`` (n_ops, n_columns, batch);
    returns (n_ops, n_rows, n_columns, batch).
    """
    return rows[:, :, None] * columns[:, None]
