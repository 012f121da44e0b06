"""Neurons with a hyperbolic tangent as response curve."""

from __future__ import annotations

import tensorflow as tf
from nengo.neurons import Tanh

from ..builder import Builder
from .base import NeuronBuilder, NeuronState


@Builder.register(Tanh)
class TanhBuilder(NeuronBuilder):
    """
    Compute ``nengo.Tanh``: ``rate = tanh(J) / tau_ref``.

    Here ``J`` is the input current (without unit), ``rate`` the output in Hz, which
    may be negative, and ``tau_ref`` the refractory period in seconds: the largest
    rate is its inverse.
    """

    def step(
        self, J: tf.Tensor, state: NeuronState
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Compute the rates; there is no state."""
        del state
        return (1.0 / self.parameter("tau_ref")) * tf.tanh(J), {}
