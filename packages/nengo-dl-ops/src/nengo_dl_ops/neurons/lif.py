"""Leaky integrate-and-fire neurons, in rates and in spikes."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from functools import cached_property

import numpy as np
import tensorflow as tf
from nengo.dists import Choice, Uniform
from nengo.neurons import LIF, LIFRate, NeuronType

from ..builder import Builder
from ..operators.transformed_parameters import POSITIVE, Bounds
from .base import NeuronBuilder, NeuronState, NeuronStep, SpikingNeuronBuilder
from .series import expm1_small, log1p_small
from .soft_lif import soft_lif_rate
from .spike_function import SpikeFunction

#: A second of rest, in a packed voltage: a power of two, so that nothing is rounded.
_PACKED = 2.0**91

#: What is larger than that is no voltage, but the rest of a neuron that has just spiked
#: (more than 1e-18 seconds). Float32 holds a rest of years.
_LOWEST_PACKED = 2.0**30


def lif_rate(
    J: tf.Tensor,
    tau_rc: float | np.ndarray,
    tau_ref: float | np.ndarray,
    amplitude: float | np.ndarray,
) -> tf.Tensor:
    """
    Compute the firing rate of a leaky integrate-and-fire neuron.

    Parameters
    ----------
    J : (n_neurons, batch) tf.Tensor
        The input current, in units of the threshold.
    tau_rc : float or (n_neurons, 1) array
        The membrane time constant, in seconds.
    tau_ref : float or (n_neurons, 1) array
        The refractory period, in seconds.
    amplitude : float or (n_neurons, 1) array
        The factor on the output.

    Returns
    -------
    rate : (n_neurons, batch) tf.Tensor
        The rate, in Hz. It and its gradient are zero for ``J <= 1``.
    """
    j = J - 1
    fires = j > 0
    # Where nothing fires any other current does: the branch that `tf.where` leaves
    # out must be finite too, for its gradient is multiplied by zero, not left out.
    j = tf.where(fires, j, tf.ones_like(j))
    rate = amplitude / (tau_ref + tau_rc * tf.math.log1p(1 / j))
    return tf.where(fires, rate, tf.zeros_like(j))


@Builder.register(LIFRate)
class LIFRateBuilder(NeuronBuilder):
    r"""
    Compute ``nengo.LIFRate``: the rate of a neuron under constant current.

    .. math::

       r(J) = \frac{A}{\tau_{ref} + \tau_{rc} \log\left(1 + \frac{1}{J - 1}\right)}
       \quad (J > 1), \qquad r(J) = 0 \quad (J \le 1)

    with the rate :math:`r` in Hz, the current :math:`J` in units of the threshold,
    the refractory period :math:`\tau_{ref}` and the membrane time constant
    :math:`\tau_{rc}` in seconds, and the amplitude :math:`A` without unit
    [1]_. The gradient is that of this equation for :math:`J > 1` (in float32 and
    float64 it is finite for every such current), and zero for :math:`J \le 1`.

    References
    ----------
    .. [1] Eliasmith, C., & Anderson, C. H. (2003). *Neural Engineering*, chapter 2.
       MIT Press.
    """

    @classmethod
    def trainable_parameters(cls, dt: float) -> Mapping[str, Bounds]:
        """Train both time constants, and the amplitude."""
        return {"tau_rc": Bounds(low=dt), "tau_ref": POSITIVE, "amplitude": POSITIVE}

    def step(
        self, J: tf.Tensor, state: NeuronState
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Compute the rates; there is no state."""
        del state
        return self._rate(J), {}

    def _rate(self, J: tf.Tensor) -> tf.Tensor:
        return lif_rate(
            J,
            self.parameter("tau_rc"),
            self.parameter("tau_ref"),
            self.parameter("amplitude"),
        )


@Builder.register(LIF)
class LIFBuilder(SpikingNeuronBuilder, LIFRateBuilder):
    r"""
    Compute ``nengo.LIF``, with the time of each spike inside its step.

    Between spikes the voltage follows :math:`\tau_{rc} \dot v = J - v` from
    :math:`v = 0`. A neuron whose voltage passes the threshold 1 emits a spike of
    height :math:`A / dt` and rests for :math:`\tau_{ref}` from the time at which it
    passed it,

    .. math::

       t_{spike} = dt + \tau_{rc} \log\left(1 - \frac{v - 1}{J - 1}\right)

    from the begin of the step; a step that begins at rest integrates only over what
    remains of it. Voltage :math:`v` and current :math:`J` are in units of the
    threshold, times in seconds. The voltage never falls below ``min_voltage``.
    Equations, and their order, are those of ``nengo.LIF.step``.

    In training by rates the output is that of `.LIFRateBuilder`; of neurons that are
    `smoothed`, that of `.SoftLIFRate`.
    """

    _sigma: float | None = None

    @classmethod
    def trainable_parameters(cls, dt: float) -> Mapping[str, Bounds]:
        """Train the lowest voltage, too; rates do not depend on it."""
        return {**super().trainable_parameters(dt), "min_voltage": Bounds(high=0.0)}

    @classmethod
    def trainable_starts(cls, neuron_type: NeuronType) -> Mapping[str, Bounds]:
        """Train the voltage, from the lowest one to the threshold."""
        lowest = neuron_type.min_voltage
        low = None if np.isinf(lowest) else lowest
        return {"voltage": Bounds(low=low, high=1.0)}

    def spiking_step(
        self, J: tf.Tensor, state: NeuronState, function: SpikeFunction
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Compute the spikes."""
        rest = state["refractory_time"] - self.config.dt
        voltage = self._integrated(J, state["voltage"], rest)
        spikes = function.spikes(voltage > 1, voltage - 1)
        one = tf.ones_like(voltage)
        # What `tf.where` leaves out must be finite, or its gradient is not.
        current = tf.where(spikes.fires, J - 1, one)
        passed = tf.where(spikes.fires, (voltage - 1) / current, tf.zeros_like(one))
        voltage = tf.maximum(voltage, self.parameter("min_voltage"))
        output = spikes.count * (self.parameter("amplitude") / self.config.dt)
        return output, {
            "voltage": function.reset(spikes, tf.zeros_like(voltage), voltage),
            "refractory_time": function.reset(spikes, self._rested(passed), rest),
        }

    @classmethod
    def packed_state(cls, neuron_type: NeuronType) -> str | None:
        """Pack the voltage: where a neuron has just spiked, when its rest will end."""
        as_here = cls.spiking_step is LIFBuilder.spiking_step
        return "voltage" if as_here and _starts_below_threshold(neuron_type) else None

    def packed_step(self, J: tf.Tensor, state: NeuronState) -> tf.Tensor:
        """Compute the voltage, or when the rest of a neuron that spikes will end."""
        rest = state["refractory_time"] - self.config.dt
        voltage = self._integrated(J, self.unpacked(state["voltage"]), rest)
        rested = self._rested((voltage - 1) / (J - 1), _PACKED)
        low = tf.maximum(voltage, self.parameter("min_voltage"))
        return tf.where(voltage > 1, tf.maximum(rested, 2 * _LOWEST_PACKED), low)

    def from_packed(
        self, packed: tf.Tensor, state: NeuronState
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Tell who spikes, and until when they rest."""
        fires = packed > _LOWEST_PACKED
        count = tf.cast(fires, packed.dtype)
        output = count * (self.parameter("amplitude") / self.config.dt)
        rest = state["refractory_time"] - self.config.dt
        refractory_time = tf.where(fires, packed * (1 / _PACKED), rest)
        return output, {
            "voltage": self.unpacked(packed),
            "refractory_time": refractory_time,
        }

    @classmethod
    def unpacked(cls, values: tf.Tensor) -> tf.Tensor:
        """Return the voltage, which is 0 after a spike."""
        return tf.where(values > _LOWEST_PACKED, tf.zeros_like(values), values)

    def _integrated(
        self, J: tf.Tensor, voltage: tf.Tensor, rest: tf.Tensor
    ) -> tf.Tensor:
        """Let the voltage follow the current, but for what is left of the rest."""
        dt = self.config.dt
        x = tf.clip_by_value(dt - rest, 0, dt) * (-1 / self.parameter("tau_rc"))
        return voltage - (J - voltage) * expm1_small(x, self._largest_step)

    def _rested(self, passed: tf.Tensor, unit: float = 1.0) -> tf.Tensor:
        """
        Return the rest of neurons that spike, from the begin of the step.

        ``passed``: by what part of ``J - 1`` the voltage is above the threshold.
        ``unit``: how many of what is returned are a second; a power of two.
        """
        # From below the threshold, no step passes it by more than this part.
        bound = self._largest_step if self._all_start_below_threshold else np.inf
        late = log1p_small(-passed, bound)
        dt, tau_rc = self.config.dt * unit, self.parameter("tau_rc") * unit
        return self.parameter("tau_ref") * unit + (dt + tau_rc * late)

    @property
    def _largest_step(self) -> float:
        """How much of a membrane time constant a step may be."""
        tau_rc = self.parameter("tau_rc")
        return 1.0 if tf.is_tensor(tau_rc) else self.config.dt / float(np.min(tau_rc))

    @cached_property
    def _all_start_below_threshold(self) -> bool:
        return all(_starts_below_threshold(neurons) for neurons in self.types)

    def training_step(
        self, J: tf.Tensor, state: NeuronState
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Compute the rates, smooth at the threshold if the neurons are `smoothed`."""
        del state
        return self._training_rate(J), {}

    def rate_step(self) -> NeuronStep:
        """Rates follow from the current alone."""
        return NeuronStep(self.training_step, memoryless=True)

    def smoothed(self, sigma: float) -> LIFBuilder:
        """
        Return the same neurons, but that their rates in training are smooth.

        Parameters
        ----------
        sigma : float
            How far the threshold is smoothed; see `.SoftLIFRate`.

        Returns
        -------
        neurons : LIFBuilder
            Steps of a run are as before.
        """
        smoothed = copy(self)
        smoothed._sigma = sigma
        return smoothed

    def _training_rate(self, J: tf.Tensor) -> tf.Tensor:
        if self._sigma is None:
            return self._rate(J)
        return soft_lif_rate(
            J,
            self._sigma,
            self.parameter("tau_rc"),
            self.parameter("tau_ref"),
            self.parameter("amplitude"),
        )


def _starts_below_threshold(neurons: NeuronType) -> bool:
    start = {**neurons.state, **(neurons.initial_state or {})}["voltage"]
    if isinstance(start, Choice):
        return bool(np.all(np.asarray(start.options) <= 1))
    return isinstance(start, Uniform) and start.high <= 1
