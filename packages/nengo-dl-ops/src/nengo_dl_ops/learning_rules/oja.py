"""Oja's rule."""

from __future__ import annotations

from collections.abc import Sequence

from nengo.builder.learning_rules import SimOja
from nengo.builder.operator import Operator

from nengo_dl_signals import SignalDict, SignalLayout

from ..builder import Builder
from ..config import BuildConfig
from .base import LearningRuleBuilder, check_outer, outer


@Builder.register(SimOja)
class SimOjaBuilder(LearningRuleBuilder):
    r"""
    Strengthen what is active together, and forget, so that weights stay bounded.

    .. math:: \Delta \omega_{ij} = \kappa \, dt (a_i a_j - \beta a_i^2 \omega_{ij})

    with the learning rate :math:`\kappa`, the time step :math:`dt` (in seconds), the
    activities of a presynaptic neuron, :math:`a_j`, and of a postsynaptic one,
    :math:`a_i` (in Hz), and the forgetting rate :math:`\beta` [1]_.

    Notes
    -----
    1. sets ``[]``
    2. incs ``[]``
    3. reads ``[pre_filtered, post_filtered, weights]``
    4. updates ``[delta]``

    References
    ----------
    .. [1] Oja, E. (1982). A simplified neuron model as a principal component
       analyzer. Journal of Mathematical Biology, 15(3), 267-273.
    """

    def __init__(
        self, ops: Sequence[Operator], layout: SignalLayout, config: BuildConfig
    ) -> None:
        super().__init__(ops, layout, config)
        self.pre = self.stack(layout, "pre_filtered")
        self.post = self.stack(layout, "post_filtered")
        self.weights = self.stack(layout, "weights")
        self.delta = self.stack(layout, "delta")
        self.alpha = self.per_operator(lambda op: op.learning_rate * config.dt, 1)
        self.beta = self.per_operator(lambda op: op.beta, 2)

    @classmethod
    def check(cls, op: Operator) -> None:
        """Check that the rule is not one for a slice of neurons."""
        check_outer(op, "Oja")

    def build_step(self, signals: SignalDict) -> None:
        """Compute the changes for all connections at once."""
        pre, post = signals.gather(self.pre), signals.gather(self.post)
        squared = (self.alpha * post * post)[:, :, None]
        forgotten = -self.beta * signals.gather(self.weights) * squared
        signals.scatter(self.delta, forgotten + outer(self.alpha * post, pre))
