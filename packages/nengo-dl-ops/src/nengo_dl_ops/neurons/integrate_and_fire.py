"""Integrate-and-fire neurons without refractory period, as graphs of NIR have them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from nengo.dists import Choice
from nengo.neurons import LIF, LIFRate, NeuronType, RectifiedLinear
from nengo.params import EnumParam

from ..builder import Builder
from ..operators.transformed_parameters import POSITIVE, UNBOUNDED, Bounds
from .base import NeuronBuilder, NeuronState, NeuronStep, SpikingNeuronBuilder
from .finite import FiniteParam
from .lif import LIFBuilder, LIFRateBuilder
from .rectified_linear import RectifiedLinearBuilder
from .spike_function import SpikeFunction

_RESETS = ("zero", "subtract")


class _OfAnyGain(NeuronType):
    """Neurons with any gain and bias, those that never fire included."""

    def max_rates_intercepts(
        self, gain: np.ndarray, bias: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """
        Compute the rates for an input of 1, and the inputs at the threshold.

        Parameters
        ----------
        gain, bias : (n_neurons,) array_like
            The gain and bias current of each neuron.

        Returns
        -------
        max_rates : (n_neurons,) array
            In Hz; 0 for neurons that do not fire.
        intercepts : (n_neurons,) array
            0 for neurons of which the gain is 0.
        """
        gain, bias = (np.atleast_1d(np.asarray(x, float)) for x in (gain, bias))
        intercepts = np.zeros_like(gain)
        np.divide(self._threshold - bias, gain, out=intercepts, where=gain != 0)
        return self.rates(np.ones(1), gain, bias)[0], intercepts

    _threshold: float = 1.0


class ExponentialLIF(_OfAnyGain, LIF):
    r"""
    The leaky integrate-and-fire equation, exact between spikes.

    .. math::

       v &\leftarrow J + (v - J) \, e^{-dt / \tau_{rc}} \\
       v > 1 &\Rightarrow v \leftarrow 0, \text{ and a spike}

    with the voltage :math:`v` and the current :math:`J` in units of the threshold. It
    is ``nengo.LIF(tau_ref=0, min_voltage=-inf)`` that starts from 0, and may have any
    gains and biases, those of neurons that never fire, too. (Without refractory period,
    Nengo resets at the end of the step; what was left of the step after the spike is
    lost.)

    Parameters
    ----------
    tau_rc : float
        The membrane time constant, in seconds.
    amplitude : float
        The height of a spike, times ``1 / dt``.
    initial_state : dict, optional
        Of ``voltage`` (in units of the threshold, by default 0) and
        ``refractory_time``; see ``nengo.neurons.NeuronType``.
    """

    state = {"voltage": Choice([0]), "refractory_time": Choice([0])}

    def __init__(
        self,
        tau_rc: float = 0.02,
        amplitude: float = 1,
        initial_state: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(tau_rc, 0, -np.inf, amplitude, initial_state)


class ExactLIF(_OfAnyGain, LIFRate):
    r"""
    The leaky integrate-and-fire equation, solved exactly for currents that are steps.

    .. math:: \tau_{rc} \dot v = J - v, \qquad v = 1 \Rightarrow v \leftarrow 0

    The current :math:`J` is constant in a step; the voltage :math:`v` (both in units of
    the threshold) is reset at the time of the spike, and follows the equation for the
    rest of the step: from :math:`v > 1` at its end to
    :math:`J (v - 1) / (J - 1)`. There is at most one spike in a step.

    Parameters
    ----------
    tau_rc : float
        The membrane time constant, in seconds.
    amplitude : float
        The height of a spike, times ``1 / dt``.
    initial_state : dict, optional
        Of ``voltage`` (in units of the threshold, by default 0); see
        ``nengo.neurons.NeuronType``.
    """

    state = {"voltage": Choice([0])}
    spiking = True

    def __init__(
        self,
        tau_rc: float = 0.02,
        amplitude: float = 1,
        initial_state: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(tau_rc, 0, amplitude, initial_state)

    def step(
        self, dt: float, J: np.ndarray, output: np.ndarray, voltage: np.ndarray
    ) -> None:
        """
        Compute the spikes of one time step.

        Parameters
        ----------
        dt : float
            The length of a time step, in seconds.
        J : (n_neurons,) array
            The input currents, in units of the threshold.
        output : (n_neurons,) array
            Is set to the spikes, of height ``amplitude / dt``.
        voltage : (n_neurons,) array
            Is set to the voltage after the step.
        """
        voltage -= (J - voltage) * np.expm1(-dt / self.tau_rc)
        spiked = voltage > 1
        output[...] = spiked * (self.amplitude / dt)
        passed = np.ones_like(voltage)
        np.divide(voltage - 1, J - 1, out=passed, where=spiked & (J > 1))
        # More than 1 it is only if the step began above the threshold.
        voltage[spiked] = (J * np.minimum(passed, 1))[spiked]


class EulerLIF(_OfAnyGain, LIFRate):
    r"""
    The leaky integrate-and-fire equation, in steps by Euler's method.

    .. math::

       v &\leftarrow v + \frac{dt}{\tau_{rc}} (J - v) \\
       v > 1 &\Rightarrow v \leftarrow 0 \text{ or } v - 1, \text{ and a spike}

    with the voltage :math:`v` and the current :math:`J` in units of the threshold. Many
    libraries for spiking networks compute this. Some take off the threshold one step
    later, when the voltage has decayed: with the spikes :math:`z` of the step before,

    .. math:: v \leftarrow v + \frac{dt}{\tau_{rc}} (J - v) - z

    In training by rates the output is that of ``nengo.LIFRate`` without refractory
    period.

    Parameters
    ----------
    tau_rc : float
        The membrane time constant, in seconds.
    amplitude : float
        The height of a spike, times ``1 / dt``.
    reset : {"zero", "subtract", "subtract_delayed"}
        What a spike does to the voltage: set it to 0, or take off the threshold, at
        once or in the next step.
    initial_state : dict, optional
        Of ``voltage`` (in units of the threshold, by default 0); see
        ``nengo.neurons.NeuronType``.
    """

    state = {"voltage": Choice([0])}
    spiking = True

    reset: Any = EnumParam("reset", values=(*_RESETS, "subtract_delayed"))

    def __init__(
        self,
        tau_rc: float = 0.02,
        amplitude: float = 1,
        reset: str = "zero",
        initial_state: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(tau_rc, 0, amplitude, initial_state)
        self.reset = reset

    @property
    def kept(self) -> float:
        """Which part of what is above the threshold stays after a spike."""
        return float(self.reset == "subtract")

    @property
    def delayed(self) -> float:
        """Whether (1 or 0) the threshold is taken off in the next step."""
        return float(self.reset == "subtract_delayed")

    def step(
        self, dt: float, J: np.ndarray, output: np.ndarray, voltage: np.ndarray
    ) -> None:
        """
        Compute the spikes of one time step.

        Parameters
        ----------
        dt : float
            The length of a time step, in seconds.
        J : (n_neurons,) array
            The input currents, in units of the threshold.
        output : (n_neurons,) array
            Is set to the spikes, of height ``amplitude / dt``.
        voltage : (n_neurons,) array
            Is set to the voltage after the step.
        """
        before = self.delayed * (voltage > 1)
        voltage += (dt / self.tau_rc) * (J - voltage)
        voltage -= before
        spiked = voltage > 1
        output[...] = spiked * (self.amplitude / dt)
        if not self.delayed:
            voltage[spiked] = self.kept * (voltage[spiked] - 1)


class IntegrateAndFire(_OfAnyGain, RectifiedLinear):
    r"""
    A neuron that integrates its current, in both directions, and fires at 1.

    .. math::

       v &\leftarrow v + J \, dt \\
       v > 1 &\Rightarrow v \leftarrow 0 \text{ or } v - 1, \text{ and a spike}

    with the voltage :math:`v` in units of the threshold and the current :math:`J` in
    units of the threshold per second. ``nengo.SpikingRectifiedLinear`` is another type:
    it leaves out negative currents, and may spike several times in a step.

    Parameters
    ----------
    amplitude : float
        The height of a spike, times ``1 / dt``.
    reset : {"zero", "subtract"}
        What a spike does to the voltage: set it to 0, or take off the threshold. The
        latter is the exact solution for a current that is constant in a step.
    initial_state : dict, optional
        Of ``voltage`` (in units of the threshold, by default 0); see
        ``nengo.neurons.NeuronType``.
    """

    state = {"voltage": Choice([0])}
    spiking = True
    _threshold = 0.0

    reset: Any = EnumParam("reset", values=_RESETS)

    def __init__(
        self,
        amplitude: float = 1,
        reset: str = "zero",
        initial_state: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(amplitude, initial_state)
        self.reset = reset

    @property
    def kept(self) -> float:
        """Which part of what is above the threshold stays after a spike."""
        return float(self.reset == "subtract")

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
        RectifiedLinear.step(self, 1.0, J, rates)
        return rates

    def step(
        self, dt: float, J: np.ndarray, output: np.ndarray, voltage: np.ndarray
    ) -> None:
        """
        Compute the spikes of one time step.

        Parameters
        ----------
        dt : float
            The length of a time step, in seconds.
        J : (n_neurons,) array
            The input currents, in units of the threshold per second.
        output : (n_neurons,) array
            Is set to the spikes, of height ``amplitude / dt``.
        voltage : (n_neurons,) array
            Is set to the voltage after the step.
        """
        voltage += J * dt
        spiked = voltage > 1
        output[...] = spiked * (self.amplitude / dt)
        voltage[spiked] = self.kept * (voltage[spiked] - 1)


class Heaviside(_OfAnyGain):
    r"""
    A step function of the current: ``amplitude`` above zero, else 0.

    It has no state, and no gradient.

    Parameters
    ----------
    amplitude : float
        The output for positive currents.
    initial_state : dict, optional
        See ``nengo.neurons.NeuronType``; this type has no state.
    """

    _threshold = 0.0

    amplitude: Any = FiniteParam("amplitude")

    def __init__(
        self, amplitude: float = 1, initial_state: dict[str, Any] | None = None
    ) -> None:
        super().__init__(initial_state)
        self.amplitude = amplitude

    def step(self, dt: float, J: np.ndarray, output: np.ndarray) -> None:
        """
        Compute the output of one time step.

        Parameters
        ----------
        dt : float
            The length of a time step, in seconds (nothing depends on it).
        J : (n_neurons,) array
            The input currents.
        output : (n_neurons,) array
            Is set to ``amplitude`` or 0.
        """
        del dt
        output[...] = self.amplitude * (J > 0)


@Builder.register(ExponentialLIF)
class ExponentialLIFBuilder(LIFBuilder):
    """Compute `ExponentialLIF`, which is ``nengo.LIF`` with other parameters."""

    @classmethod
    def trainable_parameters(cls, dt: float) -> Mapping[str, Bounds]:
        """Train what the type has arguments for."""
        return {"tau_rc": Bounds(low=dt), "amplitude": POSITIVE}


class _LIFStepBuilder(SpikingNeuronBuilder, LIFRateBuilder):
    """In training by rates, these are ``nengo.LIFRate`` without refractory period."""

    @classmethod
    def trainable_parameters(cls, dt: float) -> Mapping[str, Bounds]:
        """Train what the types have arguments for."""
        return {"tau_rc": Bounds(low=dt), "amplitude": POSITIVE}

    @classmethod
    def trainable_starts(cls, neuron_type: NeuronType) -> Mapping[str, Bounds]:
        """Train the voltage, below the threshold."""
        del neuron_type
        return {"voltage": Bounds(high=1.0)}

    def training_step(
        self, J: tf.Tensor, state: NeuronState
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Compute the rates."""
        del state
        return self._rate(J), {}

    def rate_step(self) -> NeuronStep:
        """Rates follow from the current alone."""
        return NeuronStep(self.training_step, memoryless=True)


@Builder.register(EulerLIF)
class EulerLIFBuilder(_LIFStepBuilder):
    """Compute `EulerLIF` (the equation is there)."""

    def spiking_step(
        self, J: tf.Tensor, state: NeuronState, function: SpikeFunction
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Compute the spikes."""
        dt, last = self.config.dt, state["voltage"]
        delayed = self.parameter("delayed")
        voltage = last + (dt / self.parameter("tau_rc")) * (J - last)
        if not np.any(delayed):
            return _fire(self, voltage, function)
        before = function.taken_off(function.spikes(last > 1, last - 1).count)
        voltage = voltage - delayed * before
        output, after = _fire(self, voltage, function)
        kept = delayed * voltage + (1 - delayed) * after["voltage"]
        return output, {"voltage": kept}


@Builder.register(ExactLIF)
class ExactLIFBuilder(_LIFStepBuilder):
    """Compute `ExactLIF` (the equation is there)."""

    def spiking_step(
        self, J: tf.Tensor, state: NeuronState, function: SpikeFunction
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Compute the spikes."""
        dt, voltage = self.config.dt, state["voltage"]
        exponent = -dt / self.parameter("tau_rc")
        # A number stays one: TensorFlow would make it single.
        is_number = isinstance(exponent, float)
        decay = math.expm1(exponent) if is_number else tf.math.expm1(exponent)
        voltage = voltage - (J - voltage) * decay
        fires = voltage > 1
        spikes = function.spikes(fires, voltage - 1)
        one, within = tf.ones_like(J), fires & (J > 1)
        passed = (voltage - 1) / tf.where(within, J - 1, one)
        after = J * tf.minimum(tf.where(within, passed, one), one)
        output = spikes.count * (self.parameter("amplitude") / dt)
        return output, {"voltage": function.reset(spikes, after, voltage)}


@Builder.register(IntegrateAndFire)
class IntegrateAndFireBuilder(SpikingNeuronBuilder, RectifiedLinearBuilder):
    """Compute `IntegrateAndFire`; in training by rates it is rectified linear."""

    @classmethod
    def trainable_starts(cls, neuron_type: NeuronType) -> Mapping[str, Bounds]:
        """Train the voltage, below the threshold."""
        del neuron_type
        return {"voltage": Bounds(high=1.0)}

    def spiking_step(
        self, J: tf.Tensor, state: NeuronState, function: SpikeFunction
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Compute the spikes."""
        return _fire(self, state["voltage"] + J * self.config.dt, function)

    def training_step(
        self, J: tf.Tensor, state: NeuronState
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Compute the rates."""
        del state
        return self._rate(J), {}

    def rate_step(self) -> NeuronStep:
        """Rates follow from the current alone."""
        return NeuronStep(self.training_step, memoryless=True)


@Builder.register(Heaviside)
class HeavisideBuilder(NeuronBuilder):
    """Compute `Heaviside` (the equation is there)."""

    @classmethod
    def trainable_parameters(cls, dt: float) -> Mapping[str, Bounds]:
        """Train the amplitude."""
        del dt
        return {"amplitude": UNBOUNDED}

    def step(
        self, J: tf.Tensor, state: NeuronState
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Compute the output; there is no state."""
        del state
        return self.parameter("amplitude") * tf.nn.relu(tf.sign(J)), {}


def _fire(
    builder: NeuronBuilder, voltage: tf.Tensor, function: SpikeFunction
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """Let neurons above the threshold spike, and reset them."""
    above = voltage - 1
    spikes = function.spikes(voltage > 1, above)
    output = spikes.count * (builder.parameter("amplitude") / builder.config.dt)
    after = builder.parameter("kept") * above
    return output, {"voltage": function.reset(spikes, after, voltage)}
