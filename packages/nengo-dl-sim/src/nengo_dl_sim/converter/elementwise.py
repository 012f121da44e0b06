"""Multiplies each element by a variable, which several of them may share."""

from __future__ import annotations

from functools import partial
from math import prod
from typing import Any

import keras
import nengo
import numpy as np

from .layer_converter import LayerConverter
from .weights import Weight


def multiply(
    made_by: LayerConverter,
    pre: Any,
    post: Any,
    variable: Any,
    wide: tuple[int, ...],
    shape: tuple[int, ...],
    sign: int = 1,
) -> None:
    """
    Connect two objects by a product of each element with a variable.

    Parameters
    ----------
    made_by : LayerConverter
        What converts the layer of the variable.
    pre, post : nengo.Node or nengo.ensemble.Neurons
        The objects, which both hold an item.
    variable : keras.Variable
        The factors.
    wide : tuple of int
        A shape of these that extends to that of the item.
    shape : tuple of int
        The shape of the item.
    sign : int
        What they are multiplied by themselves.
    """
    n, size = prod(variable.shape), prod(shape)
    single = n == size
    change = partial(_signed, shape=(n,) if single else (1, 1, n), sign=sign)
    weight = Weight(variable, change, change)
    if single:
        made_by.connect(pre, post, transform=weight.initial, weight=weight)
        return
    # Weights that are shared: a channel for each, of as many positions as share it.
    transform = nengo.Convolution(
        n,
        (size // n, n),
        kernel_size=(1,),
        strides=(1,),
        groups=n,
        init=weight.initial,
    )
    factor = np.broadcast_to(np.arange(n).reshape(wide), shape).ravel()
    rows = np.argsort(factor, kind="stable").reshape(n, -1).T.ravel()
    if not np.array_equal(rows, np.arange(size)):
        pre, post = pre[rows.tolist()], post[rows.tolist()]
    made_by.connect(pre, post, transform=transform, weight=weight)


def _signed(value: Any, shape: tuple[int, ...], sign: int) -> Any:
    return sign * keras.ops.reshape(value, shape)
