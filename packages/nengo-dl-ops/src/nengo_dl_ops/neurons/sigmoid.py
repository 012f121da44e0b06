"""Neurons with a logistic response curve."""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf
from nengo.neurons import Sigmoid

from ..builder import Builder
from ..operators.transformed_parameters import POSITIVE, Bounds
from .base import NeuronBuilder, NeuronState


@Builder.register(Sigmoid)
class SigmoidBuilder(NeuronBuilder):
    """
    Compute ``nengo.Sigmoid``: ``rate = 1 / tau_ref / (1 + exp(-J))``.

    Here ``J`` is the input current (without unit), ``rate`` the output in Hz and
    ``tau_ref`` the refractory period in seconds: the largest rate is its inverse.
    """

    @classmethod
    def trainable_parameters(cls, dt: float) -> Mapping[str, Bounds]:
        """Train the refractory period, and so the largest rate."""
        del dt
        return {"tau_ref": POSITIVE}

    def step(
        self, J: tf.Tensor, state: NeuronState
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Compute the rates; there is no state."""
        del state
        return (1.0 / self.parameter("tau_ref")) * tf.nn.sigmoid(J), {}
