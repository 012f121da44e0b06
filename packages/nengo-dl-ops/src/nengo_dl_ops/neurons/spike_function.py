"""Where neurons spike: a step function, which has a gradient in training if it must."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf


class Spikes(NamedTuple):
    """
    Which neurons spike in a step.

    Parameters
    ----------
    fires : tf.Tensor of bool
        Which ones.
    count : tf.Tensor
        The same as numbers, 1 and 0: these carry the gradient.
    """

    fires: tf.Tensor
    count: tf.Tensor


class SpikeFunction:
    """
    The spikes of a run: a step function of the voltage, without a gradient.

    `SpikingNeuronBuilder.spiking_step` asks it for all that is a step, so that the
    same equations serve runs and training.
    """

    def spikes(self, fires: tf.Tensor, distance: tf.Tensor) -> Spikes:
        """
        Return the spikes of neurons that spike at most once in a step.

        Parameters
        ----------
        fires : (n_neurons, batch) tf.Tensor of bool
            Which neurons spike.
        distance : (n_neurons, batch) tf.Tensor
            How far above the threshold they are, in units of the threshold. It does
            not matter but for the gradient.
        """
        return Spikes(fires, tf.cast(fires, distance.dtype))

    def whole(self, voltage: tf.Tensor, lowest: float | None = None) -> tf.Tensor:
        """
        Return how many whole units there are in voltages: each is one spike.

        Parameters
        ----------
        voltage : (n_neurons, batch) tf.Tensor
            In units of the threshold.
        lowest : float, optional
            The lowest threshold that can be passed. None: any whole number can.
        """
        return tf.floor(voltage)

    def reset(self, spikes: Spikes, after: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
        """
        Return what a spike sets, and for neurons that do not spike something else.

        Parameters
        ----------
        spikes : Spikes
            The spikes.
        after, other : (n_neurons, batch) tf.Tensor
            The values after a spike, and without one.
        """
        return tf.where(spikes.fires, after, other)

    def taken_off(self, count: tf.Tensor) -> tf.Tensor:
        """Return the number of spikes as it is subtracted from the voltage."""
        return count


class SurrogateSpikeFunction(SpikeFunction):
    """
    The same spikes, with a gradient: the derivative of something smooth [1]_.

    Parameters
    ----------
    derivative : callable
        Takes the distance from the threshold, in units of the threshold.
    detach_reset : bool
        Whether no gradient reaches a spike through the reset that it causes.

    References
    ----------
    .. [1] Neftci, E. O., Mostafa, H., & Zenke, F. (2019). Surrogate gradient learning
       in spiking neural networks. IEEE Signal Processing Magazine, 36(6), 51-63.
    """

    def __init__(
        self, derivative: Callable[[tf.Tensor], tf.Tensor], detach_reset: bool
    ) -> None:
        self._derivative = derivative
        self._detach_reset = detach_reset

    def spikes(self, fires: tf.Tensor, distance: tf.Tensor) -> Spikes:
        """Return the spikes, with the derivative at their distance."""
        count = super().spikes(fires, distance).count
        return Spikes(fires, self._with_derivative(count, distance))

    def whole(self, voltage: tf.Tensor, lowest: float | None = None) -> tf.Tensor:
        """Return the whole units, with the derivative at the nearest threshold."""
        distance = distance_from_whole(voltage, lowest)
        return self._with_derivative(tf.floor(voltage), distance)

    def reset(self, spikes: Spikes, after: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
        """Return it with the gradient of ``other + count * (after - other)``."""
        if self._detach_reset:
            return super().reset(spikes, after, other)
        chosen = tf.where(spikes.fires, after, other)
        return with_slope(chosen, spikes.count, after - other)

    def taken_off(self, count: tf.Tensor) -> tf.Tensor:
        """Return the number of spikes, without their gradient if that is detached."""
        return tf.stop_gradient(count) if self._detach_reset else count

    def _with_derivative(self, count: tf.Tensor, distance: tf.Tensor) -> tf.Tensor:
        return with_slope(tf.stop_gradient(count), distance, self._derivative(distance))


def distance_from_whole(x: tf.Tensor, lowest: float | None = None) -> tf.Tensor:
    """
    Return how far numbers are above the nearest whole number.

    ``lowest``: the lowest whole number that counts. None: any does.
    """
    nearest = tf.round(x)
    if lowest is not None:
        nearest = tf.maximum(nearest, lowest)
    return x - tf.stop_gradient(nearest)


# Not a tf.custom_gradient: TensorFlow keeps the functions of these, and with them the
# graphs that they were made in, for as long as a process lives.
def with_slope(value: tf.Tensor, x: tf.Tensor, slope: tf.Tensor) -> tf.Tensor:
    """Return a value, with the gradient of ``value + slope * x`` at a fixed slope."""
    nothing = x - tf.stop_gradient(x)
    # A slope may be infinite: nothing of it adds nothing.
    return value + tf.math.multiply_no_nan(tf.stop_gradient(slope), nothing)


#: The spikes of a run.
SPIKES = SpikeFunction()
