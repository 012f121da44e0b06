"""Leaky integrate-and-fire neurons that get used to their input."""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf
from nengo.neurons import AdaptiveLIF, AdaptiveLIFRate, NeuronType

from ..builder import Builder
from ..operators.transformed_parameters import POSITIVE, Bounds
from .base import NeuronBuilder, NeuronState, NeuronStep
from .lif import LIFBuilder, LIFRateBuilder
from .spike_function import SpikeFunction


@Builder.register(AdaptiveLIFRate)
class AdaptiveLIFRateBuilder(LIFRateBuilder):
    r"""
    Compute ``nengo.AdaptiveLIFRate``: a rate that diminishes its own current.

    .. math::

       r[t] &= r_{LIF}(J[t] - n[t-1]) \\
       n[t] &= n[t-1] + \frac{dt}{\tau_n} \left( n_{inc} r[t] - n[t-1] \right)

    with the rate :math:`r` in Hz, that of `.LIFRateBuilder`, :math:`r_{LIF}`, the
    current :math:`J` and the adaptation :math:`n` in units of the threshold, the time
    constant :math:`\tau_n` and the time step :math:`dt` in seconds, and the
    adaptation :math:`n_{inc}` per spike [1]_.

    References
    ----------
    .. [1] La Camera, G., et al. (2004). Minimal models of adapted neuronal response
       to in vivo-like input currents. Neural Computation, 16(10), 2101-2124.
    """

    @classmethod
    def trainable_parameters(cls, dt: float) -> Mapping[str, Bounds]:
        """Train the adaptation, too."""
        return {**super().trainable_parameters(dt), **_adaptation(dt)}

    def step(
        self, J: tf.Tensor, state: NeuronState
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Compute the rates."""
        rate = self._rate(J - state["adaptation"])
        return rate, {"adaptation": adapt(self, state["adaptation"], rate)}


@Builder.register(AdaptiveLIF)
class AdaptiveLIFBuilder(LIFBuilder):
    """
    Compute ``nengo.AdaptiveLIF``: spikes that diminish the current.

    The neuron is that of `.LIFBuilder`, and its spikes drive the adaptation of
    `.AdaptiveLIFRateBuilder`. In training they are replaced by the rates of the
    latter (smoothed as in `.LIFBuilder`), which adapt, too.
    """

    @classmethod
    def trainable_parameters(cls, dt: float) -> Mapping[str, Bounds]:
        """Train the adaptation, too."""
        return {**super().trainable_parameters(dt), **_adaptation(dt)}

    def spiking_step(
        self, J: tf.Tensor, state: NeuronState, function: SpikeFunction
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Compute the spikes."""
        current = J - state["adaptation"]
        output, new_state = super().spiking_step(current, state, function)
        adaptation = adapt(self, state["adaptation"], output)
        return output, {**new_state, "adaptation": adaptation}

    @classmethod
    def packed_state(cls, neuron_type: NeuronType) -> str | None:
        """Pack the voltage, as that of LIF neurons."""
        as_here = cls.spiking_step is AdaptiveLIFBuilder.spiking_step
        return LIFBuilder.packed_state(neuron_type) if as_here else None

    def packed_step(self, J: tf.Tensor, state: NeuronState) -> tf.Tensor:
        """Compute the voltage, as that of LIF neurons."""
        return super().packed_step(J - state["adaptation"], state)

    def from_packed(
        self, packed: tf.Tensor, state: NeuronState
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Tell who spikes, and how they adapt to it."""
        output, new_state = super().from_packed(packed, state)
        adaptation = adapt(self, state["adaptation"], output)
        return output, {**new_state, "adaptation": adaptation}

    def training_step(
        self, J: tf.Tensor, state: NeuronState
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Compute the rates."""
        rate = self._training_rate(J - state["adaptation"])
        return rate, {"adaptation": adapt(self, state["adaptation"], rate)}

    def rate_step(self) -> NeuronStep:
        """Rates follow from the adaptation, too."""
        return NeuronStep(self.training_step)


def _adaptation(dt: float) -> dict[str, Bounds]:
    return {"tau_n": Bounds(low=dt), "inc_n": POSITIVE}


def adapt(
    neurons: NeuronBuilder, adaptation: tf.Tensor, output: tf.Tensor
) -> tf.Tensor:
    """
    Let the output of a step drive the adaptation.

    Shapes: ``adaptation`` (n_neurons, batch); returns (n_neurons, batch). ``output``
    (n_neurons, batch) in Hz.
    """
    # Euler's method, as in Nengo: the exact decay would give other spikes.
    target = neurons.parameter("inc_n") * output
    return adaptation + (neurons.config.dt / neurons.parameter("tau_n")) * (
        target - adaptation
    )
