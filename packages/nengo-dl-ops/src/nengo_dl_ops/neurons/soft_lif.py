"""A rate neuron like LIFRate, but smooth at the threshold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from nengo.neurons import LIFRate

from ..builder import Builder
from ..operators.transformed_parameters import POSITIVE, Bounds
from .base import NeuronBuilder, NeuronState
from .finite import FiniteParam, check_finite

#: Below this many units of ``sigma`` from the threshold, ``log(1 + 1 / z)`` goes on
#: as a straight line, its limit (to 2e-9): ``z`` would round to zero further down,
#: and its square, in the gradient, much earlier.
_FAR_BELOW = -20


class SoftLIFRate(LIFRate):
    r"""
    The firing rate of a leaky integrate-and-fire neuron, smooth at the threshold.

    .. math::

       r(J) = \frac{A}{\tau_{ref} + \tau_{rc} \log\left(1 + \frac{1}{z}\right)},
       \qquad z = \sigma \log\left(1 + e^{(J - 1) / \sigma}\right)

    with the rate :math:`r` in Hz, the current :math:`J` in units of the threshold,
    the refractory period :math:`\tau_{ref}` and the membrane time constant
    :math:`\tau_{rc}` in seconds, and the smoothing :math:`\sigma` in units of the
    threshold; as :math:`\sigma` goes to zero, the rate goes to that of
    ``nengo.LIFRate`` [1]_. Its derivative is finite everywhere, which gradient descent
    needs.

    Parameters
    ----------
    sigma : float
        How far the threshold is smoothed (greater than zero).
    tau_rc : float
        The membrane time constant, in seconds.
    tau_ref : float
        The refractory period, in seconds.
    amplitude : float
        The factor on the output.
    initial_state : dict, optional
        See ``nengo.neurons.NeuronType``; this type has no state.

    Notes
    -----
    Gains and biases are found as if the threshold were sharp (by ``nengo.LIFRate``):
    at the intercepts the neurons fire a little.

    References
    ----------
    .. [1] Hunsberger, E., & Eliasmith, C. (2015). Spiking deep networks with LIF
       neurons. arXiv:1510.08829.
    """

    sigma: Any = FiniteParam("sigma", low=0, low_open=True)

    def __init__(
        self,
        sigma: float = 1.0,
        tau_rc: float = 0.02,
        tau_ref: float = 0.002,
        amplitude: float = 1,
        initial_state: dict[str, Any] | None = None,
    ) -> None:
        check_finite(self, tau_rc=tau_rc, tau_ref=tau_ref, amplitude=amplitude)
        super().__init__(tau_rc, tau_ref, amplitude, initial_state)
        self.sigma = sigma

    def rates(self, x: np.ndarray, gain: np.ndarray, bias: np.ndarray) -> np.ndarray:
        """
        Compute firing rates for represented values.

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
        self.step(1.0, J, rates)
        return rates

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
        js = (J - 1) / self.sigma
        near = np.maximum(js, _FAR_BELOW)
        z = self.sigma * np.logaddexp(0, near)
        inverse = np.log1p(1 / z) + (near - js)
        output[...] = self.amplitude / (self.tau_ref + self.tau_rc * inverse)


def soft_lif_rate(
    J: tf.Tensor,
    sigma: float | np.ndarray,
    tau_rc: float | np.ndarray,
    tau_ref: float | np.ndarray,
    amplitude: float | np.ndarray,
) -> tf.Tensor:
    """
    Compute the equation of `SoftLIFRate`.

    Shapes: ``J`` (n_neurons, batch); returns (n_neurons, batch). ``tau_rc`` in seconds.
    ``tau_ref`` in seconds.
    """
    js = (J - 1) / sigma
    near = tf.maximum(js, _FAR_BELOW)
    z = sigma * tf.math.softplus(near)
    # Far below, `log(1 + 1 / z)` grows as `js` falls: the last term, zero elsewhere.
    inverse = tf.math.log1p(1 / z) + (near - js)
    return amplitude / (tau_ref + tau_rc * inverse)


@Builder.register(SoftLIFRate)
class SoftLIFRateBuilder(NeuronBuilder):
    """Compute `SoftLIFRate` (the equation is there)."""

    @classmethod
    def trainable_parameters(cls, dt: float) -> Mapping[str, Bounds]:
        """Train all but the initial state."""
        positive = dict.fromkeys(("sigma", "tau_ref", "amplitude"), POSITIVE)
        return {"tau_rc": Bounds(low=dt), **positive}

    def step(
        self, J: tf.Tensor, state: NeuronState
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Compute the rates; there is no state."""
        del state
        rate = soft_lif_rate(
            J,
            self.parameter("sigma"),
            self.parameter("tau_rc"),
            self.parameter("tau_ref"),
            self.parameter("amplitude"),
        )
        return rate, {}
