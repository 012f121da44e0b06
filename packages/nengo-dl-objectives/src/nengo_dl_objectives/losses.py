"""The objectives in the form that Keras asks of a loss: targets first."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from .mse import mse
from .regularize import Regularize as RegularizeObjective
from .spiking.keras_losses import CountCrossentropy as CountCrossentropy
from .spiking.keras_losses import CountMeanSquaredError as CountMeanSquaredError
from .spiking.keras_losses import FiringRateBounds as FiringRateBounds
from .spiking.keras_losses import MaxMembraneCrossentropy as MaxMembraneCrossentropy
from .spiking.keras_losses import RateCrossentropy as RateCrossentropy
from .spiking.keras_losses import TemporalCrossentropy as TemporalCrossentropy
from .spiking.keras_losses import TemporalMeanSquaredError as TemporalMeanSquaredError
from .spiking.keras_losses import VanRossumDistance as VanRossumDistance


def nan_mse(y_true: Any, y_pred: Any) -> tf.Tensor:
    r"""
    Mean squared error over all elements, where NaN in the targets is no error.

    Computes :math:`\frac{1}{n} \sum_i (y_i - t_i)^2`; the same as
    :func:`nengo_dl_objectives.mse` with its arguments in the order of Keras.

    Parameters
    ----------
    y_true : ``[...]`` tf.Tensor or array_like
        Values :math:`t` wanted of the network, usually ``(batch, n_steps, size)``.
    y_pred : ``[...]`` tf.Tensor or array_like of float
        Values :math:`y` computed by the network, of the same shape.

    Returns
    -------
    loss : ``()`` tf.Tensor
        The mean, with the type of ``y_pred``.

    Raises
    ------
    ValueError
        If an argument does not hold numbers, or if the shapes differ.

    Examples
    --------
    >>> import numpy as np
    >>> float(nan_mse([3.0, np.nan], [1.0, 5.0]))
    2.0
    """
    return mse(y_pred, y_true)


@keras.saving.register_keras_serializable(package="nengo_dl")
class Regularize(keras.losses.Loss):
    r"""
    Mean norm of a signal, as a Keras loss that ignores its targets.

    Computes :math:`\mathrm{mean}_{b, t} \|x_{b, t}\|_p` for a signal :math:`x` in
    batch item :math:`b` and timestep :math:`t`, as
    :class:`nengo_dl_objectives.Regularize` does. Weigh it with ``loss_weights``.

    Parameters
    ----------
    order : float or str
        Order :math:`p` of the norm: any number above 0, ``inf`` or ``"euclidean"``.
    axis : int, optional
        Axis of one timestep's signal along which to take the norm. If None, the
        signal of one timestep is flattened.
    **kwargs
        Passed on to ``keras.losses.Loss``, for example ``dtype``.

    Raises
    ------
    ValueError
        If an argument is not as described.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[[3.0, 4.0]]])
    >>> float(Regularize()(np.zeros_like(x), x))
    5.0
    """

    def __init__(
        self, order: float | str = 2, axis: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.order = order
        self.axis = axis
        self._objective = RegularizeObjective(order, axis)

    def call(self, y_true: Any, y_pred: Any) -> tf.Tensor:
        """
        Compute the penalty.

        Parameters
        ----------
        y_true : ``[...]`` tf.Tensor
            Anything; it is not looked at.
        y_pred : ``(batch, n_steps, size, ...)`` tf.Tensor of float
            The signal, usually the output of a probe.

        Returns
        -------
        loss : ``()`` tf.Tensor
            The mean norm.
        """
        del y_true
        return self._objective(y_pred)

    def get_config(self) -> dict[str, Any]:
        """Return what it takes to make another one like this."""
        return {**super().get_config(), "order": self.order, "axis": self.axis}
