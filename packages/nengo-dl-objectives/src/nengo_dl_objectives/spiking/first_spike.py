"""The time to the first spike: that of the right class is to come first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from ..arguments import integer, number
from .class_targets import class_targets
from .crossentropy import item_crossentropy
from .items import ItemObjective, n_steps_of

_INVERSES = ("negate", "reciprocal")


@dataclass(frozen=True)
class TemporalCrossentropy(ItemObjective):
    r"""
    Cross-entropy between the order of first spikes and the class of an item.

    Computes :math:`-\sum_i p_i \log \mathrm{softmax}(-f)_i` for the step
    :math:`f_i` of the first spike of neuron :math:`i`, counted from 1, and the
    probability :math:`p_i` of its class: the right neuron is to spike first [1]_. With
    ``inverse="reciprocal"``, :math:`1 / f` takes the place of :math:`-f`.

    A neuron that does not spike has the last step in place of :math:`f`. Steps have
    no gradient with respect to spikes; in its place is
    :math:`\partial f_i / \partial (r_{t,i} \, dt) = -1` in step :math:`t = f_i` (more
    drive, earlier spike), and 0 in all others [1]_. So it takes a training mode in
    which neurons spike; what is above 0 is a spike.

    Outputs are spikes :math:`r`, in Hz (Nengo's have the height ``1 / dt``); there is
    one neuron for each class. Targets are as in `RateCrossentropy`; what they are in
    different steps is averaged.

    Parameters
    ----------
    inverse : {"negate", "reciprocal"}, optional
        How early becomes large.
    dt : float, optional
        The length of a time step of the simulation, in seconds.

    Raises
    ------
    ValueError
        If ``inverse`` is another word, or ``dt`` not a finite number above 0.

    References
    ----------
    .. [1] Eshraghian, J. K., et al. (2023). Training spiking neural networks using
       lessons from deep learning. Proceedings of the IEEE, 111(9), 1016-1054. This is
       ``ce_temporal_loss`` of the library snnTorch.
    """

    inverse: str = "negate"
    dt: float = 0.001

    def __post_init__(self) -> None:
        """Check the arguments."""
        if not isinstance(self.inverse, str) or self.inverse not in _INVERSES:
            raise ValueError(
                f'inverse: expected "negate" or "reciprocal", received {self.inverse!r}'
            )
        number("dt", self.dt, above=0)

    def _of_items(self, outputs: tf.Tensor, targets: Any) -> tf.Tensor:
        steps = first_spike_steps(outputs, self.dt) + 1
        logits = -steps if self.inverse == "negate" else 1 / steps
        return item_crossentropy(logits, targets, outputs)


@dataclass(frozen=True)
class TemporalMeanSquaredError(ItemObjective):
    r"""
    Mean squared error between first spikes and the steps that a class asks for.

    Computes :math:`\frac{1}{n} \sum_i (f_i - \hat f_i)^2` for the step :math:`f_i` of
    the first spike of each of :math:`n` neurons, counted from 0. The neuron of the
    right class is to spike in one step, the others in another one:
    :math:`\hat f_i = p_i f_+ + (1 - p_i) f_-` with the probability :math:`p_i` of the
    class, which is 1 or 0 where there are labels [1]_.

    A neuron that does not spike has the last step in place of :math:`f`. The gradient
    of :math:`f`, outputs and targets are as in `TemporalCrossentropy`.

    Parameters
    ----------
    on_target : int, optional
        The step :math:`f_+` of the right neuron. Negative steps count from the end:
        -1 is the last one.
    off_target : int, optional
        The step :math:`f_-` of the others.
    tolerance : int, optional
        How many steps a spike may come too early or too late without an error.
    dt : float, optional
        The length of a time step of the simulation, in seconds.

    Raises
    ------
    ValueError
        If a step is not an integer, ``tolerance`` not one of at least 0, or ``dt`` not
        a finite number above 0. In a call, if there are too few steps.

    References
    ----------
    .. [1] Eshraghian, J. K., et al. (2023). Training spiking neural networks using
       lessons from deep learning. Proceedings of the IEEE, 111(9), 1016-1054. This is
       ``mse_temporal_loss`` of the library snnTorch.
    """

    on_target: int = 0
    off_target: int = -1
    tolerance: int = 0
    dt: float = 0.001

    def __post_init__(self) -> None:
        """Check the arguments."""
        integer("on_target", self.on_target)
        integer("off_target", self.off_target)
        integer("tolerance", self.tolerance, at_least=0)
        number("dt", self.dt, above=0)

    def _of_items(self, outputs: tf.Tensor, targets: Any) -> tf.Tensor:
        p, known = class_targets(targets, outputs).of_items()
        on = _step_of("on_target", self.on_target, outputs)
        off = _step_of("off_target", self.off_target, outputs)
        error = first_spike_steps(outputs, self.dt) - (p * on + (1 - p) * off)
        close = tf.abs(error) <= self.tolerance
        error = tf.where(close, tf.zeros_like(error), error)
        return known * tf.reduce_mean(tf.square(error), axis=1)


def first_spike_steps(outputs: tf.Tensor, dt: float) -> tf.Tensor:
    """Return the step (batch, size) of the first spike, with a gradient of -1."""
    last = n_steps_of(outputs) - 1
    spikes = tf.cast(outputs > 0, tf.int32)
    first = tf.argmax(spikes, axis=1, output_type=tf.int32)
    step = tf.where(tf.reduce_any(spikes > 0, axis=1), first, last)
    here = tf.one_hot(step, last + 1, axis=1, dtype=outputs.dtype)
    drive = tf.reduce_sum(here * outputs, axis=1) * dt
    # Zero, with the gradient that is to be the step's.
    return tf.cast(step, outputs.dtype) - (drive - tf.stop_gradient(drive))


def _step_of(name: str, step: int, outputs: tf.Tensor) -> tf.Tensor:
    """Count a negative step from the end."""
    n_steps = outputs.shape[1]
    if n_steps is not None and not -n_steps <= step < n_steps:
        raise ValueError(f"{name}: expected one of {n_steps} steps, received {step}")
    counted = n_steps_of(outputs) + step if step < 0 else step
    return tf.cast(counted, outputs.dtype)
