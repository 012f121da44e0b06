"""The vector form of Oja's rule, which moves encoders."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from nengo.builder.learning_rules import SimVoja
from nengo.builder.operator import Operator
from nengo.builder.signal import Signal

from nengo_dl_signals import SignalDict, SignalLayout

from ..builder import Builder
from ..config import BuildConfig
from .base import LearningRuleBuilder, outer


class SimScaledVoja(SimVoja):
    """
    Read the lengths of encoders from a signal, so that they are a parameter.

    Parameters
    ----------
    op : nengo.builder.learning_rules.SimVoja
        The operator that has them as an array.

    Attributes
    ----------
    scales : Signal
        The lengths, shape ``(n_neurons,)``.

    Notes
    -----
    1. sets ``[]``
    2. incs ``[]``
    3. reads ``[pre_decoded, post_filtered, scaled_encoders, learning_signal, scales]``
    4. updates ``[delta]``
    """

    def __init__(self, op: SimVoja) -> None:
        super().__init__(
            op.pre_decoded,
            op.post_filtered,
            op.scaled_encoders,
            op.delta,
            op.scale,
            op.learning_signal,
            op.learning_rate,
            op.tag,
        )
        scales = Signal(op.scale, name=f"{op.delta.name}:scales", readonly=True)
        self.reads: list[Signal] = [
            op.pre_decoded,
            op.post_filtered,
            op.scaled_encoders,
            op.learning_signal,
            scales,
        ]

    @property
    def scales(self) -> Signal:
        """The lengths of the encoders."""
        return self.reads[-1]


@Builder.register(SimScaledVoja)
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
        self.scales = (
            self.stack(layout, "scales") if type(ops[0]) is SimScaledVoja else None
        )
        self.scale = np.stack([op.scale for op in ops]).astype(config.dtype)[..., None]
        self.alpha = self.per_operator(lambda op: op.learning_rate * config.dt, 1)

    def build_step(self, signals: SignalDict) -> None:
        """Compute the changes for all connections at once."""
        pre, post = signals.gather(self.pre), signals.gather(self.post)
        scale = self.scale if self.scales is None else signals.gather(self.scales)
        wanted = scale[:, :, None] * outer(post, pre)
        present = post[:, :, None] * signals.gather(self.encoders)
        factor = (self.alpha * signals.gather(self.learning))[:, :, None]
        signals.scatter(self.delta, factor * (wanted - present))
