"""Whose activities are regularized, and how."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import keras
import nengo
from nengo.builder import Model
from nengo.builder.signal import Signal

from nengo_dl_ops import TensorNode

from .config import nearest_setting, setting_of_type

_NAME = "activity_regularizer"


class Activity(NamedTuple):
    """
    The output of an object, and a regularizer of it.

    Parameters
    ----------
    obj : nengo.Node or nengo.ensemble.Neurons
        The object.
    signal : nengo.builder.Signal
        Its output.
    regularizer : callable
        Takes the outputs of a step, ``(batch, size) tf.Tensor``, and returns a number.
    """

    obj: Any
    signal: Signal
    regularizer: Callable


class InShape:
    """
    Regularizes outputs in the shape that a layer gives them.

    Parameters
    ----------
    regularizer : callable
        The regularizer of the layer.
    shape : tuple of int
        The shape of an item.
    """

    def __init__(self, regularizer: Callable, shape: tuple[int, ...]) -> None:
        self.regularizer = regularizer
        self._shape = shape

    def __call__(self, outputs: Any) -> Any:
        """Return the penalty."""
        return self.regularizer(keras.ops.reshape(outputs, (-1, *self._shape)))


def regularized_activities(model: Model, network: nengo.Network) -> list[Activity]:
    """
    Find whose activities are regularized.

    Parameters
    ----------
    model : nengo.builder.Model
        The built model.
    network : nengo.Network
        The top-level network.

    Returns
    -------
    activities : list of Activity
        By what `.configure_settings` said, and by Keras layers in TensorNodes.
    """
    return [
        Activity(obj, model.sig[obj]["out"], regularizer)
        for obj, regularizer in _regularizers(network)
        if model.sig.get(obj, {}).get("out") is not None
    ]


def _regularizers(
    network: nengo.Network, outer: tuple[nengo.Network, ...] = ()
) -> Iterator[tuple[Any, Callable]]:
    networks = (*outer, network)
    for ens in network.ensembles:
        found = nearest_setting(networks, ens.neurons, _NAME)
        if found is not None:
            yield ens.neurons, found
    for node in network.nodes:
        for found in (setting_of_type(networks, node, _NAME), _of_layer(node)):
            if found is not None:
                yield node, found
    for subnetwork in network.networks:
        yield from _regularizers(subnetwork, networks)


def _of_layer(node: nengo.Node) -> Callable | None:
    """Return the regularizer of the layer in a TensorNode."""
    layer = node.tensor_func if isinstance(node, TensorNode) else None
    found = getattr(layer, _NAME, None) if isinstance(layer, keras.Layer) else None
    return None if found is None else InShape(found, node.shape_out)
