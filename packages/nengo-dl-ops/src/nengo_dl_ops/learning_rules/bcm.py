"""The rule of Bienenstock, Cooper and Munro."""

from __future__ import annotations

from collections.abc import Sequence

from nengo.builder.learning_rules import SimBCM
from nengo.builder.operator import Operator

from nengo_dl_signals import SignalDict, SignalLayout

from ..builder import Builder
from ..config import BuildConfig
from .base import LearningRuleBuilder, check_outer, outer


@Builder.register(SimBCM)
class SimBCMBuilder(LearningRuleBuilder):
    r"""
    Strengthen the inputs of neurons that are more active than usual.

    .. math:: \Delta \omega_{ij} = \kappa \, dt \, a_i (a_i - \theta_i) a_j

    with the learning rate :math:`\kappa`, the time step :math:`dt` (in seconds), the
    activities of a presynaptic neuron, :math:`a_j`, and of a postsynaptic one,
    :math:`a_i`, and a slowly moving average of the latter, :math:`\theta_i` (all in
    Hz) [1]_.

    Notes
    -----
    1. sets ``[]``
    2. incs ``[]``
    3. reads ``[pre_filtered, post_filtered, theta]``
    4. updates ``[delta]``

    References
    ----------
    .. [1] Bienenstock, E. L., Cooper, L. N., & Munro, P. W. (1982). Theory for the
       development of neuron selectivity. Journal of Neuroscience, 2(1), 32-48.
    """

    def __init__(
        self, ops: Sequence[Operator], layout: SignalLayout, config: BuildConfig
    ) -> None:
        super().__init__(ops, layout, config)
        self.pre = self.stack(layout, "pre_filtered")
        self.post = self.stack(layout, "post_filtered")
        self.theta = self.stack(layout, "theta")
        self.delta = self.stack(layout, "delta")
        self.alpha = self.per_operator(lambda op: op.learning_rate * config.dt, 1)

    @classmethod
    def check(cls, op: Operator) -> None:
        """Check that the rule is not one for a slice of neurons."""
        check_outer(op, "BCM")

    def build_step(self, signals: SignalDict) -> None:
        """Compute the changes for all connections at once."""
        post, theta = signals.gather(self.post), signals.gather(self.theta)
        change = self.alpha * post * (post - theta)
        signals.scatter(self.delta, outer(change, signals.gather(self.pre)))
