"""Rectified linear neurons, in rates and in spikes."""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf
from nengo.neurons import NeuronType, RectifiedLinear, SpikingRectifiedLinear

from ..builder import Builder
from ..operators.transformed_parameters import POSITIVE, UNIT, Bounds
from .base import NeuronBuilder, NeuronState, NeuronStep, SpikingNeuronBuilder
from .spike_function import SpikeFunction


@Builder.register(RectifiedLinear)
class RectifiedLinearBuilder(NeuronBuilder):
    """
    Compute ``nengo.RectifiedLinear``: ``rate = amplitude * max(J, 0)``.

    Here ``J`` is the input current (without unit), ``rate`` the output in Hz and
    ``amplitude`` the rate that one unit of current gives, in Hz.
    """

    @classmethod
    def trainable_parameters(cls, dt: float) -> Mapping[str, Bounds]:
        """Train the amplitude."""
        del dt
        return {"amplitude": POSITIVE}

    def step(
        self, J: tf.Tensor, state: NeuronState
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Compute the rates; there is no state."""
        del state
        return self._rate(J), {}

    def _rate(self, J: tf.Tensor) -> tf.Tensor:
        return self.parameter("amplitude") * tf.nn.relu(J)


@Builder.register(SpikingRectifiedLinear)
class SpikingRectifiedLinearBuilder(SpikingNeuronBuilder, RectifiedLinearBuilder):
    """
    Compute ``nengo.SpikingRectifiedLinear``: integrate the current, spike, subtract.

    ``voltage`` (without unit) grows by ``max(J, 0) * dt``, where ``J`` is the input
    current (in spikes per second) and ``dt`` the time step (in seconds); each whole
    unit that it reaches is a spike of height ``amplitude / dt`` and is taken off. In
    training it is replaced by `.RectifiedLinearBuilder`'s rate, the mean of the
    spikes of a constant current.
    """

    @classmethod
    def trainable_starts(cls, neuron_type: NeuronType) -> Mapping[str, Bounds]:
        """Train the voltage, from zero to the threshold."""
        del neuron_type
        return {"voltage": UNIT}

    def spiking_step(
        self, J: tf.Tensor, state: NeuronState, function: SpikeFunction
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Compute the spikes (several in a step if the current asks for it)."""
        dt = self.config.dt
        voltage = state["voltage"] + tf.nn.relu(J) * dt
        n_spikes = function.whole(voltage, lowest=1)
        output = (self.parameter("amplitude") / dt) * n_spikes
        # A reset by subtraction: what is above the threshold counts for the next spike,
        # so that the mean of the spikes is the rate, at any current.
        return output, {"voltage": voltage - function.taken_off(n_spikes)}

    def training_step(
        self, J: tf.Tensor, state: NeuronState
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Compute the rates."""
        del state
        return self._rate(J), {}

    def rate_step(self) -> NeuronStep:
        """Rates follow from the current alone."""
        return NeuronStep(self.training_step, memoryless=True)
