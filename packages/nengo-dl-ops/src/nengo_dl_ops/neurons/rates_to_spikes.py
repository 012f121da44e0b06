"""Neurons that turn the rates of another type into spikes."""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf
from nengo.neurons import (
    NeuronType,
    PoissonSpiking,
    RegularSpiking,
    StochasticSpiking,
)

from ..builder import Builder
from ..operators.transformed_parameters import POSITIVE, UNIT, Bounds
from ..random_numbers import uniform
from .base import NeuronBuilder, NeuronState, NeuronStep, SpikingNeuronBuilder
from .poisson import poisson
from .spike_function import SpikeFunction, distance_from_whole


class RatesToSpikesBuilder(NeuronBuilder):
    """
    What such types share: their input ``J`` is a rate (in Hz), which may be negative.

    The rates themselves come from another operator, of the base type. A spike has the
    height ``amplitude / dt`` (a negative one ``-amplitude / dt``). In training the
    output is ``amplitude * J``, the mean of the spikes.
    """

    @classmethod
    def trainable_parameters(cls, dt: float) -> Mapping[str, Bounds]:
        """Train the amplitude; the rates are another type's."""
        del dt
        return {"amplitude": POSITIVE}

    def training_step(
        self, J: tf.Tensor, state: NeuronState
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Let the rates through."""
        del state
        return self.parameter("amplitude") * J, {}

    def rate_step(self) -> NeuronStep:
        """Rates follow from the current alone."""
        return NeuronStep(self.training_step, memoryless=True)

    def _spikes(self, n_spikes: tf.Tensor) -> tf.Tensor:
        return (self.parameter("amplitude") / self.config.dt) * n_spikes


@Builder.register(RegularSpiking)
class RegularSpikingBuilder(SpikingNeuronBuilder, RatesToSpikesBuilder):
    """
    Compute ``nengo.RegularSpiking``: spikes at equal distances.

    ``voltage`` (without unit) grows by ``rate * dt``; each whole unit that it reaches
    is a spike and is taken off.
    """

    @classmethod
    def trainable_starts(cls, neuron_type: NeuronType) -> Mapping[str, Bounds]:
        """Train the voltage, from zero to the threshold."""
        del neuron_type
        return {"voltage": UNIT}

    def spiking_step(
        self, J: tf.Tensor, state: NeuronState, function: SpikeFunction
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Compute the spikes (several in a step if the rate asks for it)."""
        voltage = state["voltage"] + self.config.dt * J
        n_spikes = function.whole(voltage)
        return self._spikes(n_spikes), {
            "voltage": voltage - function.taken_off(n_spikes)
        }


@Builder.register(StochasticSpiking)
class StochasticSpikingBuilder(SpikingNeuronBuilder, RatesToSpikesBuilder):
    """
    Compute ``nengo.StochasticSpiking``: round at random, and without bias.

    The number of spikes in a step is one of the two whole numbers next to the expected
    number, the nearer one with the larger probability.
    """

    def spiking_step(
        self, J: tf.Tensor, state: NeuronState, function: SpikeFunction
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Draw the spikes: thresholds are the number drawn, that plus one, etc."""
        expected = self.config.dt * tf.abs(J)
        whole = tf.floor(expected)
        dtype, share = self.config.dtype, self.config.share
        drawn = uniform(state["rng"], tuple(J.shape), dtype, share)
        distance = distance_from_whole(expected - drawn, lowest=0)
        up = function.spikes(drawn < expected - whole, distance)
        return self._spikes((whole + up.count) * tf.sign(J)), {}


@Builder.register(PoissonSpiking)
class PoissonSpikingBuilder(RatesToSpikesBuilder):
    """
    Compute ``nengo.PoissonSpiking``.

    The number of spikes in a step follows a Poisson distribution.
    """

    def step(
        self, J: tf.Tensor, state: NeuronState
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Draw the spikes."""
        n_spikes = poisson(state["rng"], tf.abs(J) * self.config.dt, self.config.share)
        return self._spikes(n_spikes * tf.sign(J)), {}
