"""Leaky integrate-and-fire neurons, in rates and in spikes."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from functools import cached_property

import numpy as np
import tensorflow as tf
from nengo.dists import Uniform
from nengo.neurons import LIF, LIFRate, NeuronType

from ..builder import Builder
from ..operators.transformed_parameters import POSITIVE, Bounds
from .base import NeuronBuilder, NeuronState, NeuronStep, SpikingNeuronBuilder
from .series import expm1_small, log1p_small
from .soft_lif import soft_lif_rate
from .spike_function import SpikeFunction


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
        dt, tau_rc = self.config.dt, self.parameter("tau_rc")
        rest = state["refractory_time"] - dt
        delta_t = tf.clip_by_value(dt - rest, 0, dt)
        voltage = state["voltage"]
        bound = self._largest_step
        voltage = voltage - (J - voltage) * expm1_small(delta_t * (-1 / tau_rc), bound)
        fires = voltage > 1
        spikes = function.spikes(fires, voltage - 1)
        zero, one = tf.zeros_like(voltage), tf.ones_like(voltage)

        output = spikes.count * (self.parameter("amplitude") / dt)
        # What `tf.where` leaves out must be finite, or its gradient is not.
        passed = tf.where(fires, (voltage - 1) / tf.where(fires, J - 1, one), zero)
        # From below the threshold, no step passes it by more than the part `bound`.
        late = log1p_small(-passed, bound if self._starts_below_threshold else np.inf)
        rested = self.parameter("tau_ref") + (dt + tau_rc * late)
        voltage = tf.maximum(voltage, self.parameter("min_voltage"))
        return output, {
            "voltage": function.reset(spikes, zero, voltage),
            "refractory_time": function.reset(spikes, rested, rest),
        }

    @property
    def _largest_step(self) -> float:
        """How much of a membrane time constant a step may be."""
        tau_rc = self.parameter("tau_rc")
        return 1.0 if tf.is_tensor(tau_rc) else self.config.dt / float(np.min(tau_rc))

    @cached_property
    def _starts_below_threshold(self) -> bool:
        starts = [
            {**neurons.state, **(neurons.initial_state or {})}["voltage"]
            for neurons in self.types
        ]
        return all(isinstance(start, Uniform) and start.high <= 1 for start in starts)

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
