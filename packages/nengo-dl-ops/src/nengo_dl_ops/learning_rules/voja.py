"""The vector form of Oja's rule, which moves encoders."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from nengo.builder.learning_rules import SimVoja
from nengo.builder.operator import Operator

from nengo_dl_signals import SignalDict, SignalLayout

from ..builder import Builder
from ..config import BuildConfig
from .base import LearningRuleBuilder, outer


@Builder.register(SimVoja)
class SimVojaBuilder(LearningRuleBuilder):
    r"""
    Move the encoders of active neurons to the value that made them active.

    .. math:: \Delta e_{ij} = \kappa \, dt \, l \, a_i (s_i x_j - e_{ij})

    with the learning rate :math:`\kappa`, the time step :math:`dt` (in seconds), the
    learning signal :math:`l` (0 or 1), the activity :math:`a_i` of a neuron (in Hz),
    the length :math:`s_i` of its encoder :math:`e_i`, and the decoded value
    :math:`x` [1]_.

    Notes
    -----
    1. sets ``[]``
    2. incs ``[]``
    3. reads ``[pre_decoded, post_filtered, scaled_encoders, learning_signal]``
    4. updates ``[delta]``

    References
    ----------
    .. [1] Voelker, A. R., Crawford, E., & Eliasmith, C. (2014). Learning large-scale
       heteroassociative memories in spiking neurons. UCNC '14.
    """

    def __init__(
        self, ops: Sequence[Operator], layout: SignalLayout, config: BuildConfig
    ) -> None:
        super().__init__(ops, layout, config)
        self.pre = self.stack(layout, "pre_decoded")
        self.post = self.stack(layout, "post_filtered")
        self.encoders = self.stack(layout, "scaled_encoders")
        self.learning = self.stack(layout, "learning_signal")
        self.delta = self.stack(layout, "delta")
        scale = np.stack([op.scale for op in ops]).astype(config.dtype)
        self.scale = scale[:, :, None, None]
        self.alpha = self.per_operator(lambda op: op.learning_rate * config.dt, 1)

    def build_step(self, signals: SignalDict) -> None:
        """Compute the changes for all connections at once."""
        pre, post = signals.gather(self.pre), signals.gather(self.post)
        wanted = self.scale * outer(post, pre)
        present = post[:, :, None] * signals.gather(self.encoders)
        factor = (self.alpha * signals.gather(self.learning))[:, :, None]
        signals.scatter(self.delta, factor * (wanted - present))
