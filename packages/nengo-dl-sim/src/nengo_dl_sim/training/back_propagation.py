"""What comes out of back-propagation, before variables are changed."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import tensorflow as tf

from nengo_dl_ops.step.state import State


class BackPropagation(NamedTuple):
    """
    What comes out of back-propagation.

    Parameters
    ----------
    losses : (n,) tf.Tensor
        The losses.
    state : State
        The state after the last time step.
    watched : list
        The values of the measures that are looked at only.
    total : () tf.Tensor
        The weighted sum of the losses.
    variables : list of tf.Tensor or None
        The gradient of each trainable variable, if it has one, times the scale.
    sizes : list of (n_rows,) tf.Tensor or None
        How large these are.
    outputs : list of tf.Tensor or None
        For each output that is kept: something, if the losses depend on it.
    """

    losses: tf.Tensor
    state: State
    watched: list[Any]
    total: tf.Tensor
    variables: list[tf.Tensor | None]
    sizes: list[tf.Tensor | None]
    outputs: list[tf.Tensor | None]


class ComputesGradients(Protocol):
    """
    What computes gradients of a minibatch: a compiled function, or several.

    Attributes
    ----------
    jit_compile : bool
        Whether XLA compiles it.
    """

    jit_compile: bool

    def __call__(self, *arguments: Any) -> Any:
        """Return a `BackPropagation`."""
