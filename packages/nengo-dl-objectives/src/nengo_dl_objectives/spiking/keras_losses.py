"""The objectives of spikes in the form that Keras asks of a loss: targets first."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import keras
import tensorflow as tf

from . import counts, crossentropy, first_spike, rate_bounds, van_rossum
from .items import ItemObjective

_register = keras.saving.register_keras_serializable(package="nengo_dl")


class _ItemLoss(keras.losses.Loss):
    """A loss that is an objective, with the same arguments."""

    def __init__(self, objective: ItemObjective, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._objective = objective

    def call(self, y_true: Any, y_pred: Any) -> tf.Tensor:
        """
        Compute the loss of each item.

        Parameters
        ----------
        y_true : ``(batch, n_steps, size)`` tf.Tensor
            Values wanted of the network.
        y_pred : ``(batch, n_steps, size)`` tf.Tensor of float
            Values computed by the network, usually the output of a probe.

        Returns
        -------
        loss : ``(batch,)`` tf.Tensor
            The losses.
        """
        return self._objective.of_items(y_pred, y_true)

    def get_config(self) -> dict[str, Any]:
        """Return what it takes to make another one like this."""
        # The objectives are dataclasses, of what is given to them.
        return {**super().get_config(), **asdict(self._objective)}  # type: ignore[call-overload]


@_register
class RateCrossentropy(_ItemLoss):
    """
    Mean over all steps of the cross-entropy between spikes and the class of an item.

    As :class:`nengo_dl_objectives.RateCrossentropy`, where the equation is.

    Parameters
    ----------
    dt : float, optional
        The length of a time step of the simulation, in seconds.
    **kwargs
        Passed on to ``keras.losses.Loss``, for example ``dtype``.

    Raises
    ------
    ValueError
        If an argument is not as described.

    Examples
    --------
    >>> import numpy as np
    >>> spikes = 1000.0 * np.array([[[1, 0], [1, 0]]])  # the first neuron, twice
    >>> float(RateCrossentropy()(np.array([[[0]]]), spikes))  # the right one
    0.313...
    >>> float(RateCrossentropy()(np.array([[[1]]]), spikes))
    1.313...
    """

    def __init__(self, dt: float = 0.001, **kwargs: Any) -> None:
        super().__init__(crossentropy.RateCrossentropy(dt), **kwargs)


@_register
class CountCrossentropy(_ItemLoss):
    """
    Cross-entropy between the numbers of spikes and the class of an item.

    As :class:`nengo_dl_objectives.CountCrossentropy`, where the equation is.

    Parameters
    ----------
    dt : float, optional
        The length of a time step of the simulation, in seconds.
    **kwargs
        Passed on to ``keras.losses.Loss``, for example ``dtype``.

    Raises
    ------
    ValueError
        If an argument is not as described.

    Examples
    --------
    >>> import numpy as np
    >>> spikes = 1000.0 * np.array([[[1, 0], [1, 0]]])  # the first neuron, twice
    >>> float(CountCrossentropy()(np.array([[[0]]]), spikes))  # the right one
    0.126...
    """

    def __init__(self, dt: float = 0.001, **kwargs: Any) -> None:
        super().__init__(crossentropy.CountCrossentropy(dt), **kwargs)


@_register
class MaxMembraneCrossentropy(_ItemLoss):
    """
    Cross-entropy between the highest membrane potentials and the class of an item.

    As :class:`nengo_dl_objectives.MaxMembraneCrossentropy`, where the equation is.

    Parameters
    ----------
    **kwargs
        Passed on to ``keras.losses.Loss``, for example ``dtype``.

    Examples
    --------
    >>> import numpy as np
    >>> potentials = np.array([[[0.5, 0.25], [1.0, 0.0]]])
    >>> float(MaxMembraneCrossentropy()(np.array([[[0]]]), potentials))
    0.386...
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(crossentropy.MaxMembraneCrossentropy(), **kwargs)


@_register
class CountMeanSquaredError(_ItemLoss):
    """
    Mean squared error between numbers of spikes and those that a class asks for.

    As :class:`nengo_dl_objectives.CountMeanSquaredError`, where the equation is.

    Parameters
    ----------
    correct_rate : float, optional
        The rate of the right neuron, in Hz. None: a spike in every step, ``1 / dt``.
    incorrect_rate : float, optional
        The rate of the others, in Hz.
    dt : float, optional
        The length of a time step of the simulation, in seconds.
    **kwargs
        Passed on to ``keras.losses.Loss``, for example ``dtype``.

    Raises
    ------
    ValueError
        If an argument is not as described.

    Examples
    --------
    >>> import numpy as np
    >>> spikes = 1000.0 * np.array([[[1, 0], [0, 0]]])  # one of the first neuron
    >>> float(CountMeanSquaredError()(np.array([[[0]]]), spikes))  # not two
    0.5
    """

    def __init__(
        self,
        correct_rate: float | None = None,
        incorrect_rate: float = 0.0,
        dt: float = 0.001,
        **kwargs: Any,
    ) -> None:
        objective = counts.CountMeanSquaredError(correct_rate, incorrect_rate, dt)
        super().__init__(objective, **kwargs)


@_register
class TemporalCrossentropy(_ItemLoss):
    """
    Cross-entropy between the order of first spikes and the class of an item.

    As :class:`nengo_dl_objectives.TemporalCrossentropy`, where the equation is.

    Parameters
    ----------
    inverse : {"negate", "reciprocal"}, optional
        How early becomes large.
    dt : float, optional
        The length of a time step of the simulation, in seconds.
    **kwargs
        Passed on to ``keras.losses.Loss``, for example ``dtype``.

    Raises
    ------
    ValueError
        If an argument is not as described.

    Examples
    --------
    >>> import numpy as np
    >>> spikes = 1000.0 * np.array([[[1, 0], [0, 1]]])  # the first neuron is first
    >>> float(TemporalCrossentropy()(np.array([[[0]]]), spikes))
    0.313...
    """

    def __init__(
        self, inverse: str = "negate", dt: float = 0.001, **kwargs: Any
    ) -> None:
        super().__init__(first_spike.TemporalCrossentropy(inverse, dt), **kwargs)


@_register
class TemporalMeanSquaredError(_ItemLoss):
    """
    Mean squared error between first spikes and the steps that a class asks for.

    As :class:`nengo_dl_objectives.TemporalMeanSquaredError`, where the equation is.

    Parameters
    ----------
    on_target : int, optional
        The step of the right neuron. Negative steps count from the end.
    off_target : int, optional
        The step of the others.
    tolerance : int, optional
        How many steps a spike may come too early or too late without an error.
    dt : float, optional
        The length of a time step of the simulation, in seconds.
    **kwargs
        Passed on to ``keras.losses.Loss``, for example ``dtype``.

    Raises
    ------
    ValueError
        If an argument is not as described.

    Examples
    --------
    >>> import numpy as np
    >>> spikes = 1000.0 * np.array([[[0, 0], [0, 0], [1, 0]]])  # two steps late
    >>> float(TemporalMeanSquaredError()(np.array([[[0]]]), spikes))
    2.0
    """

    def __init__(
        self,
        on_target: int = 0,
        off_target: int = -1,
        tolerance: int = 0,
        dt: float = 0.001,
        **kwargs: Any,
    ) -> None:
        objective = first_spike.TemporalMeanSquaredError(
            on_target, off_target, tolerance, dt
        )
        super().__init__(objective, **kwargs)


@_register
class VanRossumDistance(_ItemLoss):
    r"""
    Squared van Rossum distance between spike trains.

    As :class:`nengo_dl_objectives.VanRossumDistance`, where the equation is.

    Parameters
    ----------
    tau : float
        The time constant :math:`\tau`, in seconds.
    dt : float, optional
        The length of a time step of the simulation, in seconds.
    **kwargs
        Passed on to ``keras.losses.Loss``, for example ``dtype``.

    Raises
    ------
    ValueError
        If an argument is not as described.

    Examples
    --------
    >>> import numpy as np
    >>> spikes = 1000.0 * np.array([[[0], [1], [0]]])
    >>> distance = VanRossumDistance(tau=0.02)(np.zeros((1, 3, 1)), spikes)
    >>> round(float(distance), 4)  # one spike too many
    0.5
    """

    def __init__(self, tau: float, dt: float = 0.001, **kwargs: Any) -> None:
        super().__init__(van_rossum.VanRossumDistance(tau, dt), **kwargs)


@_register
class FiringRateBounds(keras.losses.Loss):
    """
    Squared distance of firing rates from a range, as a loss that ignores its targets.

    As :class:`nengo_dl_objectives.FiringRateBounds`, where the equation is. Weigh it
    with ``loss_weights``.

    Parameters
    ----------
    lower : float, optional
        The lower bound, in Hz (None: there is none).
    upper : float, optional
        The upper bound, in Hz (None: there is none).
    **kwargs
        Passed on to ``keras.losses.Loss``, for example ``dtype``.

    Raises
    ------
    ValueError
        If an argument is not as described.

    Examples
    --------
    >>> import numpy as np
    >>> rates = np.array([[[3.0, 20.0], [3.0, 30.0]]])
    >>> float(FiringRateBounds(lower=5)(np.zeros_like(rates), rates))
    2.0
    """

    def __init__(
        self, lower: float | None = None, upper: float | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._objective = rate_bounds.FiringRateBounds(lower, upper)

    def call(self, y_true: Any, y_pred: Any) -> tf.Tensor:
        """
        Compute the penalty of each item.

        Parameters
        ----------
        y_true : ``[...]`` tf.Tensor
            Anything; it is not looked at.
        y_pred : ``(batch, n_steps, size)`` tf.Tensor of float
            Spikes or rates of neurons, in Hz.

        Returns
        -------
        loss : ``(batch,)`` tf.Tensor
            The penalties.
        """
        del y_true
        return self._objective.of_items(y_pred)

    def get_config(self) -> dict[str, Any]:
        """Return what it takes to make another one like this."""
        bounds = {"lower": self._objective.lower, "upper": self._objective.upper}
        return {**super().get_config(), **bounds}
