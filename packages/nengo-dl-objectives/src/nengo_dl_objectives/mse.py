"""Squared error between outputs and targets that may have gaps."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from .arguments import float_tensor


def squared_error(outputs: Any, targets: Any) -> tf.Tensor:
    r"""
    Squared error of each element, zero where there is no target.

    Computes :math:`(y_i - t_i)^2`, and 0 for every :math:`t_i` that is NaN, so that
    NaN can mark the elements (or timesteps) for which any output will do.

    Parameters
    ----------
    outputs : ``[...]`` tf.Tensor or array_like of float
        Values :math:`y` computed by the network, of arbitrary shape, usually
        ``(batch, n_steps, size)``.
    targets : ``[...]`` tf.Tensor or array_like
        Values :math:`t` wanted of the network, of the same shape as ``outputs``.
        They are cast to the type of ``outputs``.

    Returns
    -------
    error : ``[...]`` tf.Tensor
        Elementwise squared error, with the same shape and type as ``outputs``.

    Raises
    ------
    ValueError
        If an argument does not hold numbers, or if the shapes differ (an error is
        never broadcast: that would compare unrelated elements).

    Examples
    --------
    >>> import numpy as np
    >>> squared_error([1.0, 5.0], [3.0, np.nan]).numpy().tolist()
    [4.0, 0.0]
    """
    return tf.square(difference(outputs, targets))


def mse(outputs: Any, targets: Any) -> tf.Tensor:
    r"""
    Mean squared error over all elements.

    Computes :math:`\frac{1}{n} \sum_i (y_i - t_i)^2` over all :math:`n` elements.
    An element whose target is NaN counts as zero error, but still counts in
    :math:`n`, so that the weight of one element does not depend on the others.

    Parameters
    ----------
    outputs : ``[...]`` tf.Tensor or array_like of float
        Values :math:`y` computed by the network, of arbitrary shape, usually
        ``(batch, n_steps, size)``.
    targets : ``[...]`` tf.Tensor or array_like
        Values :math:`t` wanted of the network, of the same shape as ``outputs``.

    Returns
    -------
    loss : ``()`` tf.Tensor
        The mean, with the type of ``outputs``.

    Raises
    ------
    ValueError
        As :func:`squared_error`.

    Examples
    --------
    >>> import numpy as np
    >>> float(mse([1.0, 5.0], [3.0, np.nan]))
    2.0
    """
    return tf.reduce_mean(squared_error(outputs, targets))


def difference(outputs: Any, targets: Any) -> tf.Tensor:
    """Subtract targets from outputs; where there is no target, nothing differs."""
    outputs = float_tensor("outputs", outputs)
    targets = float_tensor("targets", targets, dtype=outputs.dtype)
    if not outputs.shape.is_compatible_with(targets.shape):
        raise ValueError(
            f"targets: expected the shape of outputs {outputs.shape}, "
            f"received {targets.shape}"
        )
    missing = tf.math.is_nan(targets)
    # The NaN goes before the subtraction as well as after it: a NaN that is only
    # masked in the result would come back in the gradient as 0 * NaN.
    error = outputs - tf.where(missing, tf.zeros_like(targets), targets)
    return tf.where(missing, tf.zeros_like(error), error)
