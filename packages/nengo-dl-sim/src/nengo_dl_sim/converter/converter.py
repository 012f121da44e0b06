"""The class that users see: from a Keras model to a Nengo network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from math import prod
from typing import Any

import keras
import nengo
import numpy as np
from nengo.exceptions import ValidationError
from nengo.neurons import NeuronType

from nengo_dl_ops.user_warnings import warn_user

from ..checks import check_boolean
from ..settings.config import configure_settings, own_settings
from .activations import Exchanges, label
from .activity import regularize_activities
from .finder import Finder, output_of
from .given_scales import GivenScales
from .graph import Graph
from .in_spikes import InSpikesMixin
from .layer_converter import REGISTRY, FallbackConverter, LayerConverter, find_converter
from .lookup import Lookup
from .objects import Objects
from .report import Line, Report
from .verify import verify


class Converter(InSpikesMixin):
    """
    Converts a Keras model into a Nengo network.

    Parameters
    ----------
    model : keras.Model
        A built model: functional, sequential, nested, or a subclassed one that can be
        called on symbolic inputs.
    allow_fallback : bool
        Whether layers that have no counterpart in Nengo become TensorNodes, with a
        warning, or else a TypeError names all of them.
    inference_only : bool
        Whether the network will only be run: then layers that do something in training
        only are left out, and nothing is said of what training would not do.
    max_to_avg_pool : bool
        Whether maximum pooling becomes average pooling, which computes something else.
    split_shared_weights : bool
        Whether layers that are called several times get a copy of their weights for
        each call; else they are an error.
    swap_activations : dict, optional
        Neuron types or functions to use in place of activations. Keys are functions of
        Keras or TensorFlow, their names, or neuron types (also those that activations
        become: ``{nengo.RectifiedLinear(): nengo.SpikingRectifiedLinear()}``).
    scale_firing_rates : float or dict, optional
        The input of neurons is multiplied by this and their amplitude divided, for all
        layers or by layer; there it may also be an array with one for each channel
        (the last axis of the layer's output, or the first with ``channels_first``),
        which divides the output in a node behind the neurons. Parameters mean the
        same whatever the scale is.
    synapse : float or nengo.synapses.Synapse, optional
        The synapse behind the output of neurons.
    temporal_model : bool
        Whether the first axis of an item is time: then a step of the network is a step
        of the model, and layers must compute each step by itself or from those before.

    Attributes
    ----------
    net : nengo.Network
        The network.
    model : keras.Model
        The model.
    inputs : Lookup
        The input nodes by tensor, or by input layer.
    outputs : Lookup
        The probes of the outputs by tensor, or by layer.
    layers : Lookup
        The objects that hold the output of layers, by tensor or by layer: nodes, or
        neurons, whose ensemble is ``.ensemble``; with a scale for each channel, the
        node behind them. A layer that is called several times is a KeyError: use the
        tensors.
    layer_map : dict
        The same as ``layer_map[layer][call][output]``.

    Raises
    ------
    nengo.exceptions.ValidationError
        If an argument is not what is described here.
    TypeError
        If layers are not supported, with ``allow_fallback=False``.
    """

    def __init__(
        self,
        model: Any,
        allow_fallback: bool = True,
        inference_only: bool = False,
        max_to_avg_pool: bool = False,
        split_shared_weights: bool = False,
        swap_activations: Mapping[Any, Any] | None = None,
        scale_firing_rates: float | Mapping[Any, float] | None = None,
        synapse: Any = None,
        temporal_model: bool = False,
    ) -> None:
        self.allow_fallback = check_boolean("allow_fallback", allow_fallback)
        self.inference_only = check_boolean("inference_only", inference_only)
        self.max_to_avg_pool = check_boolean("max_to_avg_pool", max_to_avg_pool)
        self.split_shared_weights = check_boolean(
            "split_shared_weights", split_shared_weights
        )
        self.temporal_model = check_boolean("temporal_model", temporal_model)
        self.exchanges = Exchanges(swap_activations)
        self.synapse = nengo.synapses.SynapseParam("synapse").coerce(None, synapse)
        self.graph = Graph(model)
        self.model = self.graph.model
        self.calls = self.graph.layers()
        self._given_scales = GivenScales(scale_firing_rates, self.calls)
        self._scales: Callable[[Any], Any] = self._given_scales.of
        self.initial_voltage: float | None = None  # as neuron types say
        self._check_inputs()
        self._check_shared()
        self._without_time = self.graph.without_time()
        self._warned: set[str] = set()
        self._convert()
        for key in self.exchanges.unused():
            warn_user(f"swap_activations: no layer has the activation {label(key)}")

    def _convert(self) -> None:
        self._converters = self._choose()
        self._lines = {layer: self._line(layer) for layer in self.calls}
        self._objects: dict[int, Any] = {}
        self.populations: dict[Any, list[Any]] = {}
        self._holders: dict[Any, Any] = {}
        self._build()
        self._finish()

    def _convert_anew(
        self, scales: Mapping[Any, Any], initial_voltage: float | None
    ) -> None:
        """Make the network anew, with what is given in place of what was."""
        before = {layer: self.scale_of(layer) for layer in self.populations}
        self._scales = {**before, **scales}.get
        if initial_voltage is not None:
            self.initial_voltage = initial_voltage
        old = self.net
        self._convert()
        self.net.seed = old.seed
        with self.net:
            configure_settings(**own_settings(old))

    def _in_rates(self, synapse: Any) -> Converter:
        """Convert the model again, into a network in rates with another synapse."""
        other = copy(self)
        other.inference_only, other.synapse = True, synapse
        other._convert()
        with other.net:
            configure_settings(learning_phase=True)
        return other

    @contextmanager
    def _kept_on_error(self) -> Iterator[None]:
        """Leave everything as it was if what is done in the context fails."""
        before = dict(vars(self))
        try:
            yield
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise

    # -- what is asked for

    def _check_inputs(self) -> None:
        for tensor in self.graph.inputs:
            if tensor.dtype == "string":
                raise ValidationError(
                    f"expected inputs that are numbers, got {tensor.name!r} of type "
                    "string: turn text into numbers before the model",
                    attr="model",
                )
            if any(n is None for n in tensor.shape[1 + self.temporal_model :]):
                raise ValidationError(
                    f"expected inputs of fixed shape, got {tensor.name!r} of shape "
                    f"{tensor.shape}: give keras.Input the whole shape",
                    attr="model",
                )

    def _check_shared(self) -> None:
        shared = [
            layer.name
            for layer, calls in self.calls.items()
            if len(calls) > 1 and getattr(layer, "weights", None)
        ]
        if shared and not self.split_shared_weights:
            raise ValidationError(
                f"{', '.join(shared)} is called several times, with the same weights; "
                "with split_shared_weights=True each call gets a copy of them",
                attr="model",
            )

    def _choose(self) -> dict[Any, LayerConverter]:
        """Choose what converts each layer; name all that nothing can."""
        chosen, wrong = {}, []
        for layer in self.calls:
            cls, why = self._class_for(layer)
            if why:
                text = f"{layer.name} ({type(layer).__name__}): {why}"
                wrong.append(text)
            chosen[layer] = cls(layer, self)
        if self.temporal_model:
            self._check_over_time(chosen)
        if wrong and not self.allow_fallback:
            raise TypeError(
                "expected layers that Nengo has a counterpart of (or "
                "allow_fallback=True, to compute them in TensorNodes), got "
                + "; ".join(wrong)
            )
        return chosen

    def _check_over_time(self, chosen: dict[Any, LayerConverter]) -> None:
        wrong = [layer.name for layer, found in chosen.items() if not found.over_time]
        if wrong:
            raise TypeError(
                "expected layers that compute each step of time by itself or from "
                f"those before (temporal_model=True), got {', '.join(wrong)}: put "
                "layers into keras.layers.TimeDistributed"
            )

    def _class_for(self, layer: Any) -> tuple[type[LayerConverter], str]:
        cls = find_converter(layer)
        if cls is None:
            return FallbackConverter, "no conversion is known for this layer"
        convertible, why = cls.convertible(layer, self)
        if convertible:
            return cls, self._why_activation(cls, layer)
        if not cls.allow_fallback:
            raise TypeError(f"{layer.name} ({type(layer).__name__}): {why}")
        return FallbackConverter, why

    def _why_activation(self, cls: type[LayerConverter], layer: Any) -> str:
        activation = cls.activation(layer, self)
        if activation is None or isinstance(activation, NeuronType):
            return ""
        if activation is keras.activations.softmax and self._is_output(layer):
            return ""
        return f"no type of neurons computes {label(activation)}"

    def _is_output(self, layer: Any) -> bool:
        ends = {id(self.graph.origin(tensor)) for tensor in self.graph.outputs}
        return all(id(t) in ends for call in self.calls[layer] for t in call.outputs)

    # -- the network

    def _build(self) -> None:
        with nengo.Network(label=self.model.name) as self.net:
            configure_settings(trainable=None, activity_regularizer=None)
            if self.model.compute_dtype == "float64":
                configure_settings(dtype="float64")
            self.net.config[nengo.Ensemble].trainable = False
            self.net.config[nengo.ensemble.Neurons].trainable = False
            self.builder = Objects(self)
            for tensor in self.graph.inputs:
                size = prod(self.shape(tensor))
                node = nengo.Node(np.zeros(size), label=self._name(tensor))
                self._objects[id(tensor)] = node
            self._convert_calls()
            if not self.inference_only:
                regularize_activities(self)
            self.builder.finish()
            self._probes = {id(t): self._probe(t) for t in self.graph.outputs}

    def _convert_calls(self) -> None:
        counts: dict[Any, int] = {}
        for call in self.graph.calls:
            node_id = counts.setdefault(call.layer, 0)
            counts[call.layer] += 1
            made = self._converters[call.layer].convert(node_id)
            objects = made if isinstance(made, (list, tuple)) else [made]
            for tensor, obj in zip(call.outputs, objects, strict=True):
                self._objects[id(tensor)] = obj

    def _probe(self, tensor: Any) -> nengo.Probe:
        obj = self.object_of(tensor)
        synapse = None if self.builder.neurons(obj) is None else self.synapse
        return nengo.Probe(obj, synapse=synapse, label=f"{self._name(tensor)}.probe")

    def _name(self, tensor: Any) -> str:
        """Return the name of the layer that a tensor comes from."""
        tensor = self.graph.origin(tensor)
        for call in self.graph.calls:
            if any(tensor is output for output in call.outputs):
                return str(call.layer.name)
        layers = (x for x in self.model.layers if output_of(x) is tensor)
        return next((str(layer.name) for layer in layers), str(tensor.name))

    def _finish(self) -> None:
        """Warn of what users should know, and offer what was made."""
        for layer, converter in self._converters.items():
            _, why = self._class_for(layer)
            if why:
                kind = "layer" if converter.kind == "TensorNode" else "activation"
                self.remark(layer, f"its {kind} is a TensorNode: {why}", warn=True)
        self._given_scales.check_used(self.populations)
        graph = self.graph
        finder = Finder(graph, self._objects, self._probes)
        self.inputs = Lookup("inputs", list(graph.inputs), finder.find_input)
        self.outputs = Lookup("outputs", list(self.model.outputs), finder.find_output)
        tensors = [t for call in graph.calls for t in call.outputs]
        self.layers = Lookup("layers", [*graph.inputs, *tensors], finder.find)
        self.layer_map = {
            layer: [[self._objects[id(t)] for t in call.outputs] for call in calls]
            for layer, calls in self.calls.items()
        }

    # -- what converters of layers ask for

    def shape(self, tensor: Any) -> tuple[int, ...]:
        """Return the shape of a Keras tensor without the batch axis."""
        shape = tuple(tensor.shape[1 + self.has_time(tensor) :])
        if any(n is None for n in shape):
            raise ValidationError(
                f"expected layers whose outputs have a fixed shape, got {tensor.shape}",
                attr="model",
            )
        return shape

    def has_time(self, tensor: Any) -> bool:
        """Whether the first axis of an item is time."""
        return self.temporal_model and id(tensor) not in self._without_time

    def stand_in(self, inner: Any, layer: Any) -> None:
        """Let a layer that another one holds be converted in its place."""
        self.calls[inner], self._lines[inner] = self.calls[layer], self._lines[layer]
        self._holders[inner] = layer

    def object_of(self, tensor: Any) -> Any:
        """Return the object that holds a tensor."""
        return self._objects[id(self.graph.origin(tensor))]

    def scale_of(self, layer: Any) -> Any:
        """Return the scale of firing rates for a layer, or for each channel of it."""
        return self._scales(self._holders.get(layer, layer))

    def note_neurons(self, layer: Any, ensemble: Any, scale: Any) -> None:
        """Remember neurons for the report."""
        owner = self._holders.get(layer, layer)
        self.populations.setdefault(owner, []).append(ensemble)
        line = self._lines[layer]
        line.neurons += ensemble.n_neurons
        line.activation, line.scale = ensemble.neuron_type, scale
        line.synapse = self.synapse

    def remark(self, layer: Any, text: str, warn: bool = False) -> None:
        """Put something that is lossy into the report, and warn of it."""
        line = self._lines[layer]
        if text not in line.remarks:
            line.remarks.append(text)
            text = f"{layer.name} ({type(layer).__name__}): {text}"
            if warn and text not in self._warned:  # when the network was made before
                self._warned.add(text)
                warn_user(text)

    # -- what users ask for

    def get_converter(self, layer: Any) -> LayerConverter:
        """
        Return what converted a layer.

        Parameters
        ----------
        layer : keras.Layer
            A layer of the model.

        Returns
        -------
        converter : LayerConverter
            The object whose ``convert`` was called.
        """
        return self._converters[layer]

    @classmethod
    def register(cls, layer_type: type) -> Callable[[type], type]:
        """
        Say how layers of a class are converted.

        Parameters
        ----------
        layer_type : type
            A class of Keras layers.

        Returns
        -------
        decorator : callable
            For a subclass of `LayerConverter`. What was registered before is replaced,
            with a warning.
        """

        def decorate(converter: type) -> type:
            if layer_type in REGISTRY:
                warn_user(f"{layer_type.__name__} was registered before: replaced")
            REGISTRY[layer_type] = converter
            return converter

        return decorate

    def verify(
        self,
        training: bool = False,
        inputs: Any = None,
        atol: float = 1e-8,
        rtol: float = 1e-5,
    ) -> bool:
        """
        Check that the network computes what the Keras model does.

        Parameters
        ----------
        training : bool
            Whether to replace spiking neurons by their rates, as in training.
        inputs : list of array or dict, optional
            ``(batch, ...)`` for each input of the model, or by its name, Keras tensor
            or node; random by default.
        atol, rtol : float
            The absolute and relative tolerance.

        Returns
        -------
        same : bool
            True.

        Raises
        ------
        ValueError
            If an output differs.
        """
        return verify(self, training, inputs, atol, rtol)

    def report(self) -> Report:
        """
        Say how each layer was converted, and what is lossy.

        Returns
        -------
        report : Report
            A table; ``print(report)`` shows it.
        """
        return Report([self._lines[layer] for layer in self.graph.layers()])

    def __str__(self) -> str:
        return str(self.report())

    def _line(self, layer: Any) -> Line:
        converter = self._converters[layer]
        count = getattr(layer, "count_params", lambda: 0)()
        activation = converter.activation(layer, self)
        kind = converter.kind
        if activation is keras.activations.softmax and kind == "native":
            kind = "special"
        line = Line(layer.name, type(layer).__name__, kind, count)
        line.activation = None if kind == "TensorNode" else activation
        return line
