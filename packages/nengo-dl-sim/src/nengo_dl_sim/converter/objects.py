"""Makes the Nengo objects of a converted network."""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import keras
import nengo
import numpy as np
from nengo.ensemble import Neurons
from nengo.exceptions import ValidationError
from nengo.neurons import NeuronType

from nengo_dl_ops import TensorNode

from .activations import is_homogeneous, scaled
from .channels import channels
from .gains import Gains
from .neurons import with_voltage
from .weights import Weight


class Made(NamedTuple):
    """
    A connection with weights that was made for a layer.

    Parameters
    ----------
    layer : keras.Layer
        The layer.
    connection : nengo.Connection
        The connection.
    transform : nengo.transforms.Transform
        The transform that it was made with.
    weight : Weight or None
        What its weights stand for. None: they are constants to Keras.
    """

    layer: Any
    connection: nengo.Connection
    transform: Any
    weight: Weight | None


class Objects:
    """
    Makes populations, their biases, and connections.

    A population of neurons always gets its input by way of a node, which multiplies it
    by the scale of firing rates: so weights and biases mean the same whatever the
    scale is, and networks of different scales have the same parameters. With a scale
    for each channel another node, behind the neurons, divides by it.

    Biases come from a neuron that always gives 1, in a subnetwork: a node without input
    would count among the inputs of the network.

    Parameters
    ----------
    converter : Converter
        What they are made for.

    Attributes
    ----------
    made : list of Made
        The connections with weights.
    """

    def __init__(self, converter: Any) -> None:
        self.converter = converter
        self._entries: dict[Any, Any] = {}
        self._held: dict[Any, Any] = {}
        self._biases: Any = None
        self._one: Any = None
        self.made: list[Made] = []

    def entry(self, obj: Any) -> Any:
        """Return the object that connections to another one go to."""
        return self._entries.get(obj, obj)

    def neurons(self, obj: Any) -> Any:
        """Return the neurons whose output an object holds, or None."""
        return obj if isinstance(obj, Neurons) else self._held.get(obj)

    def population(self, layer: Any, shape: tuple[int, ...], activation: Any) -> Any:
        """Make a node, neurons behind a node, or a TensorNode behind a node."""
        size, name = prod(shape), layer.name
        if activation is None:
            return nengo.Node(size_in=size, label=name)
        if isinstance(activation, NeuronType):
            obj, scale = self._neurons(layer, shape, activation)
        else:
            obj, scale = _function(activation, shape, name), None
        entry = _scaling(size, scale, f"{name}.input")
        nengo.Connection(entry, obj, synapse=None, label=f"{name}.input")
        if isinstance(scale, np.ndarray):
            obj = self._divided(obj, scale, f"{name}.output")
        self._entries[obj] = entry
        return obj

    def _divided(self, neurons: Any, scale: np.ndarray, label: str) -> Any:
        """Make a node for the output of neurons, which divides it by the scale."""
        node = _scaling(len(scale), 1 / scale, label)
        self._held[node] = neurons
        return node

    def finish(self) -> None:
        """Connect neurons with the nodes that divide their output."""
        if self._held:
            # After all others: names of parameters hold the number of a connection.
            with nengo.Network(label="scales"):
                for node, neurons in self._held.items():
                    nengo.Connection(neurons, node, synapse=None, label=node.label)

    def _neurons(self, layer: Any, shape: tuple[int, ...], kind: NeuronType) -> Any:
        """Make neurons; return these, and by what to multiply what they get."""
        scale = self.converter.scale_of(layer)
        if scale is not None:
            divided = scaled(kind, 1 if isinstance(scale, np.ndarray) else scale)
            if divided is None:
                text = f"{type(kind).__name__} has no amplitude: not scaled"
                self.converter.remark(layer, text, warn=True)
                scale = None
            else:
                self._remark_scaling(layer, kind)
                kind = divided
        ensemble = nengo.Ensemble(
            prod(shape),
            1,
            neuron_type=with_voltage(kind, self.converter.initial_voltage),
            gain=nengo.dists.Choice([1]),
            bias=nengo.dists.Choice([0]),
            label=layer.name,
        )
        self.converter.note_neurons(layer, ensemble, scale)
        if isinstance(scale, np.ndarray):
            scale = self._of_elements(layer, scale, shape)
        return ensemble.neurons, scale

    def _of_elements(
        self, layer: Any, scale: np.ndarray, shape: tuple[int, ...]
    ) -> np.ndarray:
        """Give each element the scale of its channel."""
        call = self.converter.calls[layer][0]
        numbers = channels(self.converter.graph, call, shape)
        n_channels = numbers.max() + 1
        if len(scale) != n_channels:
            raise ValidationError(
                f"expected a number, or one for each of {n_channels} channels of "
                f"{layer.name!r}, got {len(scale)}",
                attr="scale_firing_rates",
            )
        return scale[numbers]

    def _remark_scaling(self, layer: Any, neuron_type: NeuronType) -> None:
        if not is_homogeneous(neuron_type):
            kind = type(neuron_type).__name__
            text = f"the rates of {kind} are not proportional to its input: the scale "
            self.converter.remark(layer, f"{text}changes what the layer computes")

    def bias(
        self,
        layer: Any,
        obj: Any,
        biases: np.ndarray | Weight,
        shape: tuple[int, ...],
        label: str = "bias",
        trainable: bool = False,
    ) -> None:
        """Add biases to what an object gets; each element of them is one parameter."""
        weight = biases if isinstance(biases, Weight) else None
        values = np.asarray(biases.initial if isinstance(biases, Weight) else biases)
        label = f"{layer.name}.{label}"
        with self._bias_network():
            node = nengo.Node(size_in=values.size, label=label)
            conn = nengo.Connection(
                self._one,
                node,
                transform=values.reshape(-1, 1),
                synapse=None,
                label=label,
            )
        self._declare(layer, conn, trainable, weight)
        numbered = np.arange(values.size).reshape(values.shape)
        rows = np.broadcast_to(numbered, shape).ravel()
        with self._bias_network():
            same = np.array_equal(rows, np.arange(values.size))
            pre = node if same else node[rows.tolist()]
            nengo.Connection(pre, self.entry(obj), synapse=None)

    def _bias_network(self) -> nengo.Network:
        if self._biases is None:
            self._biases = nengo.Network(label="biases")
            with self._biases:
                ensemble = nengo.Ensemble(
                    1,
                    1,
                    neuron_type=nengo.RectifiedLinear(),
                    gain=[1.0],
                    bias=[1.0],
                    label="one",
                )
            self._one = ensemble.neurons
            self.converter.net.config[ensemble].trainable = False
        return self._biases

    def connect(
        self,
        layer: Any,
        pre: Any,
        obj: Any,
        trainable: bool = False,
        weight: Weight | None = None,
        **kwargs: Any,
    ) -> nengo.Connection:
        """Connect objects, with the synapse of the conversion after neurons."""
        source = getattr(pre, "obj", pre)
        if "synapse" not in kwargs:
            is_neurons = self.neurons(source) is not None
            kwargs["synapse"] = self.converter.synapse if is_neurons else None
        kwargs.setdefault("label", layer.name)
        conn = nengo.Connection(pre, self.entry(obj), **kwargs)
        if "transform" in kwargs:
            self._declare(layer, conn, trainable, weight)
        return conn

    def _declare(
        self, layer: Any, conn: nengo.Connection, trainable: bool, weight: Weight | None
    ) -> None:
        """Say how a connection is trained: if it stands for a variable, as that is."""
        self.made.append(Made(layer, conn, conn.transform, weight))
        settings = self.converter.net.config[conn]
        if weight is None:
            settings.trainable = trainable and getattr(layer, "trainable", True)
            return
        trained = getattr(layer, "trainable_weights", ())
        settings.trainable = any(v is weight.variable for v in trained)
        settings.regularizer = weight.regularizer(len(self.converter.calls[layer]))
        settings.constraint = weight.constraint()


def _function(function: Any, shape: tuple[int, ...], name: str) -> TensorNode:
    # The variables of a layer are found in the layer, and trained.
    is_layer = isinstance(function, keras.Layer)
    return TensorNode(
        function if is_layer else lambda x: function(x),
        shape_in=shape,
        shape_out=shape,
        pass_time=False,
        label=name,
    )


def _scaling(size: int, scale: Any, label: str) -> nengo.Node:
    """Make a node that multiplies by constants which are no parameters."""
    if scale is None:
        return nengo.Node(size_in=size, label=label)
    if isinstance(scale, np.ndarray):
        return nengo.Node(Gains(scale), size_in=size, size_out=size, label=label)
    gain = nengo.LinearFilter([scale], [1.0], analog=False)
    return nengo.Node(gain, size_in=size, size_out=size, label=label)
