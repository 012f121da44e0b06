"""What a simulator has learned, as the weights of Keras layers."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import nengo
import numpy as np
from nengo.exceptions import ValidationError

from .biases import own_bias
from .layer_converter import LayerConverter

#: By the names of attributes of a layer.
Weights = dict[str, np.ndarray]


class Learned:
    """
    The parameters of one call of a layer.

    Parameters
    ----------
    converter : Converter
        The conversion.
    sim : Simulator
        A simulator of its network.
    call : Call
        The call.
    """

    def __init__(self, converter: Any, sim: Any, call: Any) -> None:
        self._sim = sim
        self._connections = converter.net.all_connections
        self._entry = converter.builder.entry(converter.object_of(call.outputs[0]))
        self._bias = own_bias(converter, self._entry)

    def connections(self, label: str, post: Any = None) -> list[nengo.Connection]:
        """Return the connections of a label that have weights, to an object or ours."""
        post = self._entry if post is None else post
        return [
            conn
            for conn in self._connections
            if conn.post_obj is post
            and conn.label == label
            and not isinstance(conn.transform, nengo.transforms.NoTransform)
        ]

    def values(self, conn: nengo.Connection) -> np.ndarray:
        """Return the weights of a connection."""
        return np.asarray(self._sim.data[conn].weights)

    def weights(self, label: str) -> np.ndarray:
        """Return the weights of the connection of a label."""
        (conn,) = self.connections(label)
        return self.values(conn)

    def bias(self) -> np.ndarray | None:
        """Return the elements of the bias."""
        if self._bias is None:
            return None
        return self.values(self._bias.connection).ravel()

    def changed(self, label: str) -> bool:
        """Whether anything is not as it was converted."""
        found = self.connections(label)
        found += [] if self._bias is None else [self._bias.connection]
        return any(
            isinstance(conn.transform, (nengo.Dense, nengo.Convolution))
            and not np.array_equal(
                np.ravel(self.values(conn)).astype(np.float32),
                np.ravel(conn.transform.init).astype(np.float32),
            )
            for conn in found
        )


@singledispatch
def weights_of(made_by: LayerConverter, learned: Learned) -> Weights:
    """
    Return what to set in a layer of Keras; the rest stays as it is.

    Parameters
    ----------
    made_by : LayerConverter
        What converted the layer; which class it is says how.
    learned : Learned
        The parameters.

    Returns
    -------
    weights : dict from str to array
        By attribute of the layer.
    """
    layer = made_by.layer
    if learned.changed(layer.name):
        raise lost(layer, "has no parameters in Keras for it")
    return {}


def lost(layer: Any, why: str) -> ValidationError:
    """Say that what was learned has no place in a layer of Keras."""
    return ValidationError(
        f"{layer.name} ({type(layer).__name__}) was changed, and {why}: set "
        "net.config[...].trainable = False for its connections before training",
        attr="sim",
    )
