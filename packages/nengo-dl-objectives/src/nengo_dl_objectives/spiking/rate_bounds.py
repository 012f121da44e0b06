"""A penalty for neurons that fire too little or too much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from ..arguments import number
from .items import steps_of


@dataclass(frozen=True)
class FiringRateBounds:
    r"""
    Squared distance of firing rates from a range, as an objective without targets.

    Computes :math:`w \cdot \mathrm{mean}_{b, i} \left(\max(l - r_{b,i}, 0)^2 +
    \max(r_{b,i} - u, 0)^2 \right)` for the rate :math:`r_{b,i}` of neuron :math:`i` in
    item :math:`b`: the mean of its output over all steps. So silent neurons are driven
    to fire, and busy ones to fire less, one by one [1]_.

    Outputs are spikes (Nengo's have the height ``1 / dt``) or rates, in Hz.

    Parameters
    ----------
    lower : float, optional
        The lower bound :math:`l`, in Hz (None: there is none).
    upper : float, optional
        The upper bound :math:`u`, in Hz (None: there is none).
    weight : float, optional
        Factor :math:`w` that balances this objective with others (None: 1).

    Raises
    ------
    ValueError
        If there is no bound, a bound is not a finite number of at least 0, the lower
        one is above the upper one, or ``weight`` is not a finite number.

    References
    ----------
    .. [1] Zenke, F., & Vogels, T. P. (2021). The remarkable robustness of surrogate
       gradient learning for instilling complex function in spiking neural networks.
       Neural Computation, 33(4), 899-925. There the upper bound is one for the mean of
       all neurons.

    Examples
    --------
    Keep a population between 5 and 50 Hz while training its output::

        bounds = FiringRateBounds(5, 50, weight=1e-4)
        sim.train(data, optimizer, objective={p_out: mse, p_spikes: bounds})
    """

    lower: float | None = None
    upper: float | None = None
    weight: float | None = None

    def __post_init__(self) -> None:
        """Check the arguments."""
        bounds = {"lower": self.lower, "upper": self.upper}
        given = {name: value for name, value in bounds.items() if value is not None}
        if not given:
            raise ValueError("lower: expected a lower or an upper bound, received none")
        low, *high = (number(n, value, at_least=0) for n, value in given.items())
        if high and low > high[0]:
            raise ValueError(
                f"upper: expected a number of at least lower={self.lower!r}, received "
                f"{self.upper!r}"
            )
        if self.weight is not None:
            number("weight", self.weight)

    def __call__(self, outputs: Any) -> tf.Tensor:
        """
        Compute the penalty.

        Parameters
        ----------
        outputs : ``(batch, n_steps, size)`` tf.Tensor or array_like of float
            Spikes or rates of neurons, in Hz.

        Returns
        -------
        loss : ``()`` tf.Tensor
            The weighted mean, with the type of ``outputs``.

        Raises
        ------
        ValueError
            If ``outputs`` does not hold floating point numbers, or does not have such a
            shape.
        """
        mean = tf.reduce_mean(self.of_items(outputs))
        return mean if self.weight is None else mean * float(self.weight)

    def of_items(self, outputs: Any) -> tf.Tensor:
        """
        Compute the penalty of each item, not weighted.

        Parameters
        ----------
        outputs : ``(batch, n_steps, size)`` tf.Tensor or array_like of float
            Spikes or rates of neurons, in Hz.

        Returns
        -------
        losses : ``(batch,)`` tf.Tensor
            The penalties, with the type of ``outputs``.

        Raises
        ------
        ValueError
            If ``outputs`` does not hold floating point numbers, or does not have such a
            shape.
        """
        rates = tf.reduce_mean(steps_of("outputs", outputs), axis=1)
        total = tf.zeros_like(rates)
        if self.lower is not None:
            total += tf.square(tf.nn.relu(self.lower - rates))
        if self.upper is not None:
            total += tf.square(tf.nn.relu(rates - self.upper))
        return tf.reduce_mean(total, axis=1)
