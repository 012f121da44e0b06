"""Cross-entropy of spikes: the neuron of the right class is to fire most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from ..arguments import number
from .class_targets import class_targets
from .items import ItemObjective


@dataclass(frozen=True)
class RateCrossentropy(ItemObjective):
    r"""
    Mean over all steps of the cross-entropy between spikes and the class of an item.

    Computes :math:`-\frac{1}{T} \sum_t \sum_i p_i \log \mathrm{softmax}(s_t)_i` for
    the spikes :math:`s_{t,i} = r_{t,i} \, dt` of neuron :math:`i` in step :math:`t` of
    :math:`T`, and the probability :math:`p_i` of its class. The right neuron is to
    fire in every step, the others in none [1]_.

    Outputs are spikes (Nengo's have the height ``1 / dt``) or rates :math:`r`, in Hz;
    there is one neuron for each class. Targets are class labels, of shape
    ``(batch, 1 or n_steps, 1)``, or probabilities, ``(batch, 1 or n_steps,
    n_classes)``. Where they are NaN there is no error.

    Parameters
    ----------
    dt : float, optional
        The length of a time step of the simulation, in seconds.

    Raises
    ------
    ValueError
        If ``dt`` is not a finite number above 0.

    References
    ----------
    .. [1] Eshraghian, J. K., et al. (2023). Training spiking neural networks using
       lessons from deep learning. Proceedings of the IEEE, 111(9), 1016-1054. This is
       ``ce_rate_loss`` of the library snnTorch.
    """

    dt: float = 0.001

    def __post_init__(self) -> None:
        """Check the argument."""
        number("dt", self.dt, above=0)

    def _of_items(self, outputs: tf.Tensor, targets: Any) -> tf.Tensor:
        classes = class_targets(targets, outputs)
        log_softmax = tf.nn.log_softmax(outputs * self.dt)
        return -tf.reduce_mean(_expectation(classes.probabilities, log_softmax), axis=1)


@dataclass(frozen=True)
class CountCrossentropy(ItemObjective):
    r"""
    Cross-entropy between the numbers of spikes and the class of an item.

    Computes :math:`-\sum_i p_i \log \mathrm{softmax}(c)_i` for the number of spikes
    :math:`c_i = \sum_t r_{t,i} \, dt` of neuron :math:`i` in all steps, and the
    probability :math:`p_i` of its class [1]_. What spikes when does not matter.

    Outputs are spikes (Nengo's have the height ``1 / dt``) or rates :math:`r`, in Hz;
    there is one neuron for each class. Targets are as in `RateCrossentropy`; what
    they are in different steps is averaged.

    Parameters
    ----------
    dt : float, optional
        The length of a time step of the simulation, in seconds.

    Raises
    ------
    ValueError
        If ``dt`` is not a finite number above 0.

    References
    ----------
    .. [1] Eshraghian, J. K., et al. (2023). Training spiking neural networks using
       lessons from deep learning. Proceedings of the IEEE, 111(9), 1016-1054. This is
       ``ce_count_loss`` of the library snnTorch.
    """

    dt: float = 0.001

    def __post_init__(self) -> None:
        """Check the argument."""
        number("dt", self.dt, above=0)

    def _of_items(self, outputs: tf.Tensor, targets: Any) -> tf.Tensor:
        counts = tf.reduce_sum(outputs, axis=1) * self.dt
        return item_crossentropy(counts, targets, outputs)


@dataclass(frozen=True)
class MaxMembraneCrossentropy(ItemObjective):
    r"""
    Cross-entropy between the highest membrane potentials and the class of an item.

    Computes :math:`-\sum_i p_i \log \mathrm{softmax}(\max_t v_t)_i` for the potential
    :math:`v_{t,i}` of neuron :math:`i` in step :math:`t`, and the probability
    :math:`p_i` of its class [1]_. The gradient goes to the step of the maximum.

    Outputs are potentials, without unit: those of a probe of ``"voltage"``, or of
    whatever integrates without spikes; there is one for each class. Targets are as in
    `RateCrossentropy`; what they are in different steps is averaged.

    References
    ----------
    .. [1] Eshraghian, J. K., et al. (2023). Training spiking neural networks using
       lessons from deep learning. Proceedings of the IEEE, 111(9), 1016-1054. This is
       ``ce_max_membrane_loss`` of the library snnTorch.
    """

    def _of_items(self, outputs: tf.Tensor, targets: Any) -> tf.Tensor:
        return item_crossentropy(tf.reduce_max(outputs, axis=1), targets, outputs)


def item_crossentropy(logits: tf.Tensor, targets: Any, outputs: tf.Tensor) -> tf.Tensor:
    """Compare logits (batch, n_classes) with targets for the outputs they are of."""
    classes = class_targets(targets, outputs).of_items()
    return -_expectation(classes.probabilities, tf.nn.log_softmax(logits))


def _expectation(probabilities: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(probabilities * values, axis=-1)
