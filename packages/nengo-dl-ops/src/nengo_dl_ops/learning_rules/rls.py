"""Recursive least squares."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf
from nengo.builder.learning_rules import SimRLS
from nengo.builder.operator import Operator

from nengo_dl_signals import SignalDict, SignalLayout

from ..builder import Builder
from ..config import BuildConfig
from .base import LearningRuleBuilder, outer


@Builder.register(SimRLS)
class SimRLSBuilder(LearningRuleBuilder):
    r"""
    Change weights to the least-squares solution of all activities seen so far.

    .. math::

       P[t] &= P[t-1] - \frac{P[t-1] r r^T P[t-1]}{1 + r^T P[t-1] r} \\
       \Delta \omega &= -e (P[t] r)^T

    with the presynaptic activities :math:`r` (in Hz), the error :math:`e`, and
    :math:`P`, an estimate of the inverse of the activities' correlation, which starts
    as the identity times :math:`\kappa \, dt / n` for the learning rate
    :math:`\kappa`, the time step :math:`dt` (in seconds) and :math:`n` neurons [1]_.

    Notes
    -----
    1. sets ``[]``
    2. incs ``[]``
    3. reads ``[pre_filtered, error]``
    4. updates ``[delta, inv_gamma]``

    References
    ----------
    .. [1] Sussillo, D., & Abbott, L. F. (2009). Generating coherent patterns of
       activity from chaotic neural networks. Neuron, 63(4), 544-557.
    """

    def __init__(
        self, ops: Sequence[Operator], layout: SignalLayout, config: BuildConfig
    ) -> None:
        super().__init__(ops, layout, config)
        self.pre = self.stack(layout, "pre_filtered")
        self.error = self.stack(layout, "error")
        self.delta = self.stack(layout, "delta")
        self.P = self.stack(layout, "inv_gamma")

    def build_step(self, signals: SignalDict) -> None:
        """Compute the changes for all connections at once."""
        r, P = signals.gather(self.pre), signals.gather(self.P)
        # With g = P[t-1] r, P[t] r is g / (1 + r g), for P is symmetric.
        g = tf.reduce_sum(P * r[:, None], axis=2)
        scaled = g / (1 + tf.reduce_sum(r * g, axis=1, keepdims=True))
        signals.scatter(self.P, P - outer(g, scaled))
        change = outer(signals.gather(self.error), -scaled)
        # A single error serves all rows, as it does in Nengo: those of neurons, say.
        shape = (*self.delta.shape, change.shape[-1])
        signals.scatter(self.delta, tf.broadcast_to(change, shape))
