"""Shifts biases so that spikes give, in the mean, what the Keras model computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import nengo
import numpy as np

from nengo_dl_ops import TensorNode

from ..progress import ProgressBarLike
from .compared import compared
from .items import Items
from .rates import expected_means, mean_outputs
from .scales import unscaled_amplitude
from .stepwise import Stepwise


class Bias(NamedTuple):
    """
    The bias of an object.

    Parameters
    ----------
    connection : nengo.Connection
        Whose transform it is.
    rows : array of int
        Which element of it is added to which element of the object.
    """

    connection: nengo.Connection
    rows: np.ndarray

    @property
    def values(self) -> np.ndarray:
        """The elements."""
        return np.asarray(self.connection.transform.init).ravel()

    def shift(self, by: np.ndarray) -> np.ndarray:
        """Add the mean of what each of its elements should change by; return that."""
        size = self.values.size
        sums = np.bincount(self.rows, weights=by, minlength=size)
        shifts = sums / np.maximum(np.bincount(self.rows, minlength=size), 1)
        self.connection.transform = (self.values + shifts).reshape(-1, 1)
        return shifts


def own_bias(converter: Any, entry: Any) -> Bias | None:
    """
    Find the bias that is added to an object itself.

    Parameters
    ----------
    converter : Converter
        The conversion.
    entry : nengo.Node or nengo.ensemble.Neurons
        What connections to the object go to.

    Returns
    -------
    bias : Bias or None
        None if there is none.
    """
    nodes = [
        x for net in converter.net.networks if net.label == "biases" for x in net.nodes
    ]
    connections = converter.net.all_connections
    for conn in connections:
        if conn.post_obj is entry and conn.pre_obj in nodes:
            (weights,) = (c for c in connections if c.post_obj is conn.pre_obj)
            return Bias(weights, np.arange(conn.pre_obj.size_out)[conn.pre_slice])
    return None


def bias_of(converter: Any, obj: Any) -> Bias | None:
    """
    Find the bias that is added to what an object gets.

    Parameters
    ----------
    converter : Converter
        The conversion.
    obj : nengo.Node or nengo.ensemble.Neurons
        What holds the output of a layer.

    Returns
    -------
    bias : Bias or None
        Its own, or that of a node whose output goes to this object only, as it is.
    """
    entry = converter.builder.entry(obj)
    connections = converter.net.all_connections
    while True:
        bias = own_bias(converter, entry)
        incoming = [conn for conn in connections if conn.post_obj is entry]
        before = [conn.pre_obj for conn in incoming if _passes_on(conn)]
        outgoing = [c for c in connections if before and c.pre_obj is before[0]]
        only = len(incoming) == 1 and bool(before) and len(outgoing) == 1
        if bias is not None or not only:
            return bias
        entry = before[0]


def _passes_on(conn: Any) -> bool:
    """Whether a connection changes nothing of what a node gives."""
    whole = conn.pre_slice == slice(None) and conn.post_slice == slice(None)
    is_node = isinstance(conn.pre_obj, nengo.Node) and conn.pre_obj.output is None
    return (
        whole
        and is_node
        and conn.transform == nengo.transforms.NoTransform(conn.pre_obj.size_out)
    )


def shift_biases(
    converter: Any,
    in_rates: Callable[[Any], Any],
    items: Items,
    progress_bar: ProgressBarLike,
) -> None:
    """
    Shift the bias of each layer by its mean error, from the first to the last.

    Parameters
    ----------
    converter : Converter
        The conversion, whose network is changed.
    in_rates : callable
        Converts the model again, into a network in rates with another synapse.
    items : Items
        What is shown, and for how many steps.
    progress_bar : bool or nengo.utils.progress.ProgressBar or None
        As in `Simulator`.
    """
    found = _layers(converter)
    tensors = [tensor for _, tensor, _ in found]
    expected = expected_means(converter, in_rates, items, tensors, progress_bar)
    for (layer, tensor, bias), wanted in zip(found, expected, strict=True):
        obj = converter.object_of(tensor)
        title = f"Calibrating {layer.name}"
        steps = Stepwise(converter, items, title, progress_bar)
        (mean,) = mean_outputs(steps, [obj])
        shifts = bias.shift((wanted - mean) / _slope(converter, layer, obj))
        text = f"bias shifted by up to {np.abs(shifts).max():.2g} to make up for spikes"
        converter.remark(layer, text)


def _layers(converter: Any) -> list[tuple[Any, Any, Bias]]:
    """Return layers and tensors whose bias can be shifted; say where there is none."""
    found = []
    for layer, tensor in compared(converter):
        obj = converter.object_of(tensor)
        if isinstance(obj, TensorNode):
            continue
        bias = bias_of(converter, obj)
        if bias is None:
            converter.remark(layer, "it has no bias of its own that could be shifted")
        else:
            found.append((layer, tensor, bias))
    return found


def _slope(converter: Any, layer: Any, obj: Any) -> float:
    """Return by how much the output grows with the bias, where it does."""
    if converter.builder.neurons(obj) is None:
        return 1.0
    return unscaled_amplitude(converter, layer)
