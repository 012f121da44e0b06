"""Izhikevich's neurons: two equations for many patterns of spikes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import tensorflow as tf
from nengo.exceptions import BuildError
from nengo.neurons import Izhikevich, NeuronType

from ..builder import Builder
from ..operators.transformed_parameters import POSITIVE, UNBOUNDED, Bounds
from .base import NeuronState, NeuronStep, SpikingNeuronBuilder
from .spike_function import SpikeFunction

#: Where the rates are known from which those of other currents follow: from the
#: smallest current that the neuron distinguishes to one at which it spikes in every
#: step of a millisecond.
_CURRENTS = np.arange(-30.0, 1000.0, 4.0)

_PARAMETERS = "tau_recovery", "coupling", "reset_voltage", "reset_recovery"


@Builder.register(Izhikevich)
class IzhikevichBuilder(SpikingNeuronBuilder):
    r"""
    Compute ``nengo.Izhikevich``.

    .. math::

       \dot v &= 1000 (0.04 v^2 + 5 v + 140 - u + J) \\
       \dot u &= 1000 a (b v - u) \\
       v \ge 30: \quad & v \to c, \quad u \to u + d

    with the voltage :math:`v` in mV, the recovery :math:`u`, the current :math:`J`
    (at least -30), and the type's parameters ``tau_recovery`` (:math:`a`),
    ``coupling`` (:math:`b`), ``reset_voltage`` (:math:`c`) and ``reset_recovery``
    (:math:`d`) [1]_. A spike has the height ``1 / dt``. Equations, and their order,
    are those of ``nengo.Izhikevich.step``.

    There is no formula for the rate. In training the output is interpolated between
    rates that Nengo's simulation gives for constant currents.

    References
    ----------
    .. [1] Izhikevich, E. M. (2003). Simple model of spiking neurons. IEEE
       Transactions on Neural Networks, 14(6), 1569-1572.
    """

    @classmethod
    def trainable_parameters(cls, dt: float) -> Mapping[str, Bounds]:
        """Train all four, with surrogate gradients: rates have no formula."""
        del dt
        bounds = POSITIVE, POSITIVE, UNBOUNDED, UNBOUNDED
        return dict(zip(_PARAMETERS, bounds, strict=True))

    @classmethod
    def trainable_starts(cls, neuron_type: NeuronType) -> Mapping[str, Bounds]:
        """Train the voltage, below the threshold."""
        del neuron_type
        return {"voltage": Bounds(high=30.0)}

    def spiking_step(
        self, J: tf.Tensor, state: NeuronState, function: SpikeFunction
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Compute the spikes."""
        dt, v, u = self.config.dt, state["voltage"], state["recovery"]
        # Nengo's bound: with less, Euler's method is not stable.
        J = tf.maximum(J, -30)
        v = v + (0.04 * tf.square(v) + 5 * v + 140 - u + J) * 1000 * dt
        spikes = function.spikes(v >= 30, v / 30 - 1)
        reset_voltage = tf.convert_to_tensor(self.parameter("reset_voltage"), J.dtype)
        v = function.reset(spikes, reset_voltage, v)
        # Nengo's order: the recovery follows the voltage as it is after the reset.
        rise = self.parameter("tau_recovery") * (self.parameter("coupling") * v - u)
        u = u + rise * 1000 * dt
        u = function.reset(spikes, u + self.parameter("reset_recovery"), u)
        return spikes.count / dt, {"voltage": v, "recovery": u}

    def training_step(
        self, J: tf.Tensor, state: NeuronState
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Interpolate the rates."""
        del state
        first, last = _CURRENTS[0], _CURRENTS[-1]
        place = (tf.clip_by_value(J, first, last) - first) / (_CURRENTS[1] - first)
        # The last current belongs to the interval before it: there is none after it.
        below = tf.minimum(tf.floor(place), len(_CURRENTS) - 2)
        index = tf.cast(below, tf.int32) + self._curve_of_neuron() * len(_CURRENTS)
        curves = tf.constant(np.concatenate(self._curves()), J.dtype)
        low, high = tf.gather(curves, index), tf.gather(curves, index + 1)
        return low + (high - low) * (place - below), {}

    def rate_step(self) -> NeuronStep:
        """Rates follow from the current alone."""
        if self._given:
            raise BuildError(
                "trainable_neurons of Izhikevich: expected a surrogate gradient as "
                f"training_mode to train {', '.join(self._given)}, got rates, which "
                "are tables without a gradient: set training_mode = "
                "nengo_dl.surrogates.ATan(), or another surrogate"
            )
        return NeuronStep(self.training_step, memoryless=True)

    def _curves(self) -> list[np.ndarray]:
        return [
            _rate_curve(*(getattr(neuron_type, name) for name in _PARAMETERS))
            for neuron_type in self.types
        ]

    def _curve_of_neuron(self) -> np.ndarray:
        return np.repeat(np.arange(len(self.types)), self.sizes)[:, None]


@lru_cache(maxsize=64)  # simulating them takes a tenth of a second
def _rate_curve(*parameters: float) -> np.ndarray:
    """Return the rate (in Hz) that every current of `_CURRENTS` settles to."""
    rates = Izhikevich(*parameters).rates(_CURRENTS, np.ones(1), np.zeros(1))
    return np.ravel(rates)
