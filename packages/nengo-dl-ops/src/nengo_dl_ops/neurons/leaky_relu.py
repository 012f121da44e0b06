"""Rectified linear neurons that respond a little to negative currents, too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from nengo.dists import Uniform
from nengo.neurons import NeuronType, RectifiedLinear

from ..builder import Builder
from ..operators.transformed_parameters import POSITIVE, UNBOUNDED, UNIT, Bounds
from .base import NeuronBuilder, NeuronState, NeuronStep, SpikingNeuronBuilder
from .finite import FiniteParam, check_finite
from .spike_function import SpikeFunction


class LeakyReLU(RectifiedLinear):
    r"""
    A rectified linear neuron with a slope below zero, too.

    .. math:: r(J) = A \max(J, 0) + A s \min(J, 0)

    with the rate :math:`r` in Hz, the current :math:`J` (without unit), the amplitude
    :math:`A`, which is the rate that one unit of current gives, in Hz, and the
    slope :math:`s` [1]_. Rates may be negative.

    Parameters
    ----------
    negative_slope : float
        The slope for currents below zero, relative to that above.
    amplitude : float
        The rate that one unit of current gives, in Hz.
    initial_state : dict, optional
        See ``nengo.neurons.NeuronType``; this type has no state.

    References
    ----------
    .. [1] Maas, A. L., Hannun, A. Y., & Ng, A. Y. (2013). Rectifier nonlinearities
       improve neural network acoustic models. ICML '13.
    """

    negative = True

    negative_slope: Any = FiniteParam("negative_slope")

    def __init__(
        self,
        negative_slope: float = 0.3,
        amplitude: float = 1,
        initial_state: dict[str, Any] | None = None,
    ) -> None:
        check_finite(self, amplitude=amplitude)
        super().__init__(amplitude, initial_state)
        self.negative_slope = negative_slope

    def step(self, dt: float, J: np.ndarray, output: np.ndarray) -> None:
        """
        Compute firing rates for currents.

        Parameters
        ----------
        dt : float
            The length of a time step, in seconds (rates do not depend on it).
        J : (n_neurons,) array
            The input currents.
        output : (n_neurons,) array
            Is set to the rates, in Hz.
        """
        del dt
        output[...] = self.amplitude * np.where(J < 0, self.negative_slope * J, J)


class SpikingLeakyReLU(LeakyReLU):
    """
    A neuron that spikes with the rates of `LeakyReLU`, negative spikes included.

    It integrates its rate; each whole unit that its ``voltage`` reaches, or falls
    below zero, is a spike and is taken off, as in ``nengo.RegularSpiking``.

    Parameters
    ----------
    negative_slope : float
        The slope for currents below zero, relative to that above.
    amplitude : float
        The height of a spike, times ``1 / dt``.
    initial_state : dict, optional
        Of the ``voltage`` (without unit, by default between 0 and 1); see
        ``nengo.neurons.NeuronType``.
    """

    state = {"voltage": Uniform(low=0, high=1)}
    spiking = True

    def rates(self, x: np.ndarray, gain: np.ndarray, bias: np.ndarray) -> np.ndarray:
        """
        Compute the mean firing rates for represented values.

        Parameters
        ----------
        x : (n_samples,) or (n_samples, n_neurons) array_like
            Values, projected onto the encoders.
        gain, bias : (n_neurons,) array_like
            The gain and bias current of each neuron.

        Returns
        -------
        rates : (n_samples, n_neurons) array
            The rates, in Hz.
        """
        J = self.current(x, gain, bias)
        rates = np.zeros_like(J)
        LeakyReLU.step(self, 1.0, J, rates)
        return rates

    def step(  # type: ignore[override]
        self, dt: float, J: np.ndarray, output: np.ndarray, voltage: np.ndarray
    ) -> None:
        """
        Compute the spikes of one time step.

        Parameters
        ----------
        dt : float
            The length of a time step, in seconds.
        J : (n_neurons,) array
            The input currents.
        output : (n_neurons,) array
            Is set to the spikes, of height ``amplitude / dt``.
        voltage : (n_neurons,) array
            Is set to what is left after them.
        """
        voltage += np.where(J < 0, self.negative_slope * J, J) * dt
        n_spikes = np.floor(voltage)
        output[...] = (self.amplitude / dt) * n_spikes
        voltage -= n_spikes


@Builder.register(LeakyReLU)
class LeakyReLUBuilder(NeuronBuilder):
    """Compute `LeakyReLU` (the equation is there)."""

    @classmethod
    def trainable_parameters(cls, dt: float) -> Mapping[str, Bounds]:
        """Train the amplitude and the slope."""
        del dt
        return {"amplitude": POSITIVE, "negative_slope": UNBOUNDED}

    def step(
        self, J: tf.Tensor, state: NeuronState
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Compute the rates; there is no state."""
        del state
        return self.parameter("amplitude") * self._leak(J), {}

    def _leak(self, J: tf.Tensor) -> tf.Tensor:
        return tf.where(J < 0, self.parameter("negative_slope") * J, J)


@Builder.register(SpikingLeakyReLU)
class SpikingLeakyReLUBuilder(SpikingNeuronBuilder, LeakyReLUBuilder):
    """Compute `SpikingLeakyReLU`; in training it is replaced by `LeakyReLU`."""

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
        voltage = state["voltage"] + self._leak(J) * dt
        n_spikes = function.whole(voltage)
        output = (self.parameter("amplitude") / dt) * n_spikes
        return output, {"voltage": voltage - function.taken_off(n_spikes)}

    def training_step(
        self, J: tf.Tensor, state: NeuronState
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Compute the rates."""
        return LeakyReLUBuilder.step(self, J, state)

    def rate_step(self) -> NeuronStep:
        """Rates follow from the current alone."""
        return NeuronStep(self.training_step, memoryless=True)
