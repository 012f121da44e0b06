"""Prescribed error sensitivity."""

from __future__ import annotations

from collections.abc import Sequence

from nengo.builder.learning_rules import SimPES
from nengo.builder.operator import Operator

from nengo_dl_signals import SignalDict, SignalLayout

from ..builder import Builder
from ..config import BuildConfig
from .base import LearningRuleBuilder, outer


@Builder.register(SimPES)
class SimPESBuilder(LearningRuleBuilder):
    r"""
    Change weights so that an error becomes smaller.

    .. math:: \Delta \omega_{ij} = -\frac{\kappa \, dt}{n} e_i a_j

    with the learning rate :math:`\kappa` (per second), the time step :math:`dt` (in
    seconds), the number :math:`n` of presynaptic neurons, their activities :math:`a`
    (in Hz) and the error :math:`e` (in the unit of the decoded value, or of the
    currents of the postsynaptic neurons) [1]_.

    Notes
    -----
    1. sets ``[]``
    2. incs ``[]``
    3. reads ``[pre_filtered, error]``
    4. updates ``[delta]``

    References
    ----------
    .. [1] MacNeil, D., & Eliasmith, C. (2011). Fine-tuning and the stability of
       recurrent neural networks. PLoS ONE, 6(9), e22885.
    """

    def __init__(
        self, ops: Sequence[Operator], layout: SignalLayout, config: BuildConfig
    ) -> None:
        super().__init__(ops, layout, config)
        self.pre = self.stack(layout, "pre_filtered")
        self.error = self.stack(layout, "error")
        self.delta = self.stack(layout, "delta")
        n = self.pre.shape[1]
        self.alpha = self.per_operator(lambda op: -op.learning_rate * config.dt / n, 1)

    def build_step(self, signals: SignalDict) -> None:
        """Compute the changes for all connections at once."""
        error, pre = signals.gather(self.error), signals.gather(self.pre)
        signals.scatter(self.delta, outer(self.alpha * error, pre))
