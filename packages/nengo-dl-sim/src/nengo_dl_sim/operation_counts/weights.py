"""The weights of a network as they are now: how many products each input enters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import nengo
import numpy as np
from nengo.builder import Model
from nengo.builder.signal import Signal

from ..inspection.live_values import LiveValue, live_value
from .fan_out import FanOut, fan_out
from .full_weights import full_fan_out
from .products import Product, is_full

#: Returns the current encoders of an ensemble, with gains.
Encoders = Callable[[nengo.Ensemble], np.ndarray]


class Weights(NamedTuple):
    """
    What elements of the input of a product cost.

    Parameters
    ----------
    product : Product
        The product.
    own : FanOut or None
        With its own weights. None: it has none.
    full : FanOut or None
        With the encoders of the ensemble behind it. None: as `own`.
    """

    product: Product
    own: FanOut | None
    full: FanOut | None


def current_weights(
    model: Model, products: Sequence[Product], live: LiveValue, encoders: Encoders
) -> list[Weights]:
    """
    Look at the weights of products.

    ``live``: returns the current value of a base signal, or None.
    """
    return [_weights(model, product, live, encoders) for product in products]


def _weights(
    model: Model, product: Product, live: LiveValue, encoders: Encoders
) -> Weights:
    obj, op = product.obj, product.op
    values = None if op is None else _values(product.weights, live)
    own = None if op is None else fan_out(op, values)
    post = getattr(obj, "post_obj", None)
    if not isinstance(post, nengo.Ensemble) or is_full(obj) or post not in model.params:
        return Weights(product, own, None)
    if isinstance(post.neuron_type, nengo.Direct):
        return Weights(product, own, None)
    behind = encoders(post)[:, obj.post_slice]
    known = None if product.is_learned else values
    size = product.inputs.size
    return Weights(product, own, full_fan_out(behind, op, known, size))


def _values(sig: Signal, live: LiveValue) -> Any:
    value = live_value(sig, live)
    if value is None:
        return sig.initial_value
    # Of weights that every item learns for itself, those of the first.
    return value[0] if getattr(value, "ndim", 0) > sig.ndim else value
