"""Squared error of the numbers of spikes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from ..arguments import number
from .class_targets import class_targets
from .items import ItemObjective, n_steps_of


@dataclass(frozen=True)
class CountMeanSquaredError(ItemObjective):
    r"""
    Mean squared error between numbers of spikes and those that a class asks for.

    Computes :math:`\frac{1}{n} \sum_i (c_i - \hat c_i)^2` for the number of spikes
    :math:`c_i = \sum_t r_{t,i} \, dt` of each of :math:`n` neurons. The neuron of the
    right class is to spike with one rate, the others with another one, for
    :math:`T` steps: :math:`\hat c_i = T dt \, (p_i r_+ + (1 - p_i) r_-)` with the
    probability :math:`p_i` of the class, which is 1 or 0 where there are labels
    [1]_, [2]_.

    Outputs are spikes (Nengo's have the height ``1 / dt``) or rates :math:`r`, in Hz;
    there is one neuron for each class. Targets are as in `RateCrossentropy`; what
    they are in different steps is averaged.

    Parameters
    ----------
    correct_rate : float, optional
        The rate :math:`r_+` of the right neuron, in Hz. None: a spike in every step,
        ``1 / dt``.
    incorrect_rate : float, optional
        The rate :math:`r_-` of the others, in Hz.
    dt : float, optional
        The length of a time step of the simulation, in seconds.

    Raises
    ------
    ValueError
        If a rate is not a finite number of at least 0, or ``dt`` not one above 0.

    References
    ----------
    .. [1] Shrestha, S. B., & Orchard, G. (2018). SLAYER: spike layer error
       reassignment in time. Advances in Neural Information Processing Systems, 31.
    .. [2] Eshraghian, J. K., et al. (2023). Training spiking neural networks using
       lessons from deep learning. Proceedings of the IEEE, 111(9), 1016-1054. This is
       ``mse_count_loss`` of the library snnTorch, which has the rates as spikes a step.
    """

    correct_rate: float | None = None
    incorrect_rate: float = 0.0
    dt: float = 0.001

    def __post_init__(self) -> None:
        """Check the arguments."""
        if self.correct_rate is not None:
            number("correct_rate", self.correct_rate, at_least=0)
        number("incorrect_rate", self.incorrect_rate, at_least=0)
        number("dt", self.dt, above=0)

    def _of_items(self, outputs: tf.Tensor, targets: Any) -> tf.Tensor:
        p, known = class_targets(targets, outputs).of_items()
        correct = 1 / self.dt if self.correct_rate is None else self.correct_rate
        rates = p * correct + (1 - p) * self.incorrect_rate
        duration = tf.cast(n_steps_of(outputs), outputs.dtype) * self.dt
        counts = tf.reduce_sum(outputs, axis=1) * self.dt
        return known * tf.reduce_mean(tf.square(counts - duration * rates), axis=1)
