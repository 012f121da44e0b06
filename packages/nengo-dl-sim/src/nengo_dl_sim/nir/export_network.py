"""Walks through a network, and makes a graph of its objects and connections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import nengo
import numpy as np
from nengo.base import Process
from nengo.builder import Model
from nengo.exceptions import ValidationError

from nengo_dl_ops import Heaviside, TensorNode

from .builder import GraphBuilder
from .export_connections import Link, bias_taker, links_of
from .export_constants import Constants, add_constant
from .export_neurons import check_neurons, has_leak, neuron_node, with_current
from .export_transforms import synapse_nodes
from .flat_graph import Name
from .lossy import Lossy
from .package import nir_package


class NetworkExporter:
    """
    Makes a graph of a network that Nengo has built.

    Parameters
    ----------
    model : nengo.builder.Model
        What Nengo built.
    data : mapping
        Current values by object.
    lossy : Lossy
        Is told of what NIR does not have.
    height : float
        How many times as high spikes are in Nengo as in the graph.
    """

    def __init__(
        self, model: Model, data: Mapping, lossy: Lossy, height: float = 1.0
    ) -> None:
        self.model = model
        self.data = data
        self.lossy = lossy
        self.height = height
        self.graph = GraphBuilder()
        self.exits: dict[Any, Name] = {}
        self.entries: dict[Any, Name] = {}
        self.paths: dict[Any, Name] = {}
        self.links: list[Link] = []

    def export(self, network: nengo.Network) -> GraphBuilder:
        """Return the graph."""
        self._add_paths(network, ())
        links = links_of(self.model, self.data, self.lossy)
        self.constants = Constants(self.model, self.data, links)
        self.links = [link for link in links if not self.constants.replaces(link)]
        for ens in network.all_ensembles:
            if not self.constants.has(ens):
                self._check_ensemble(ens)
        self._check_probes()
        for obj in self.paths:
            if self.constants.has(obj):
                continue
            if isinstance(obj, nengo.Node):
                self._add_node(obj)
            else:
                self._add_ensemble(obj)
        for link in self.links:
            if link.post is not None:
                self._connect(link)
        for obj, value in self.constants.added.items():
            if isinstance(obj, nengo.Node):
                add_constant(self.graph, self.entries[obj], value)
        self._add_outputs()
        nir = nir_package()
        for kind, what in (
            (nir.Input, "a node without input"),
            (nir.Output, "a probe"),
        ):
            if not any(isinstance(node, kind) for node in self.graph.nodes.values()):
                raise ValidationError(
                    f"expected a network with {what}, which becomes a nir."
                    f"{kind.__name__}, got {network} without one",
                    attr="network_or_sim",
                )
        return self.graph

    def _add_paths(self, network: nengo.Network, path: Name) -> None:
        """Choose the name of each object, and of each network."""
        for obj in [*network.objects[nengo.Node], *network.objects[nengo.Ensemble]]:
            label = obj.label or f"{type(obj).__name__.lower()}{len(self.paths)}"
            self.paths[obj] = self.graph.reserve(path, label)
        for i, inner in enumerate(network.networks):
            name = self.graph.reserve(path, inner.label or f"network{i}")
            self._add_paths(inner, name)

    def _check_probes(self) -> None:
        for probe in self.model.probes:
            if probe.attr not in ("output", "decoded_output"):
                why = f"NIR has no outputs but those of nodes, {probe.attr!r} is none"
                self.lossy.refuse(probe, "probe", why, "a graph without it")

    # Objects

    def _add_node(self, node: nengo.Node) -> None:
        nir, name, size = nir_package(), self.paths[node], node.size_in
        if isinstance(node, TensorNode):
            self.lossy.refuse(node, "TensorNode", "NIR has no functions")
        if size == 0:
            self._check_source(node)
            made: Any = nir.Input({"input": np.array([node.size_out])})
        elif node.output is None:
            ends = len(name) == 1 and not self._is_read(node)
            shape = np.array([size])
            made = nir.Output({"output": shape}) if ends else nir.Scale(np.ones(size))
        else:
            made = self._of_process(node)
        self.exits[node] = self.entries[node] = self.graph.add(name, made)

    def _is_read(self, node: nengo.Node) -> bool:
        """Whether anything but a probe of all of it reads a node."""
        return any(
            link.post is not None or link.nodes
            for link in self.links
            if link.pre is node
        )

    def _check_source(self, node: nengo.Node) -> None:
        output = node.output
        zeros = isinstance(output, np.ndarray) and not np.any(output)
        if not zeros and output is not None:
            why = "NIR has no functions, constants or processes as sources"
            self.lossy.refuse(node, "output", why, "an input, to be given from outside")

    def _of_process(self, node: nengo.Node) -> Any:
        """Return the filter that a node computes."""
        found = None
        if isinstance(node.output, Process):
            found = synapse_nodes(node.output, node.size_in, late=False)
        if found is None or len(found) != 1:
            self.lossy.refuse(node, "output", "NIR has no functions")
        return found[0]  # type: ignore[index]

    def _check_ensemble(self, ens: nengo.Ensemble) -> None:
        direct = isinstance(ens.neuron_type, nengo.Direct)
        state = {
            key: self.model.sig[ens.neurons][key].initial_value
            for key in ([] if direct else ens.neuron_type.state)
        }
        check_neurons(ens, state, self.lossy)

    def _add_ensemble(self, ens: nengo.Ensemble) -> None:
        """Add neurons, with what is before and behind them."""
        nir, name = nir_package(), self.paths[ens]
        built, bias = self.model.params[ens], self._bias(ens)
        path, label = name[:-1], name[-1]
        encoded = any(link.post is ens for link in self.links)
        to_neurons = [link for link in self.links if link.post == ens.neurons]
        node_bias = np.zeros_like(bias)
        if encoded:
            affine = nir.Affine(np.array(self.data[ens].scaled_encoders, float), bias)
        elif taker := bias_taker(to_neurons, built.gain, bias):
            taker.take_bias(bias)
        elif has_leak(ens.neuron_type):
            node_bias = bias
        node = neuron_node(ens.neuron_type, node_bias)
        first = self._with_filter(ens, node, to_neurons, encoded, built.gain, node_bias)
        self.graph.add(name, node if first is None else first)
        self._add_entries(ens, built.gain, first is None)
        if encoded:
            before = self.graph.reserve(path, f"{label}_encoders")
            self.entries[ens] = self.graph.add(before, affine)
            self.graph.connect(before, name)
        elif not has_leak(ens.neuron_type) and np.any(bias) and not taker:
            self._add_bias(ens, bias)
        self.exits[ens.neurons] = self.exits[ens] = self._scaled(ens)

    def _bias(self, ens: nengo.Ensemble) -> np.ndarray:
        """Return the bias of neurons, with the constants that they get."""
        found, added = self.data[ens], self.constants.added
        bias = np.array(found.bias, float)
        bias = bias + found.gain * added.get(ens.neurons, 0)
        if ens in added:
            bias = bias + found.scaled_encoders @ added[ens]
        return bias

    def _with_filter(
        self,
        ens: nengo.Ensemble,
        node: Any,
        links: list[Link],
        encoded: bool,
        gain: np.ndarray,
        bias: np.ndarray,
    ) -> Any:
        """Return a CubaLIF if one low-pass filter drives the neurons, else None."""
        if encoded or len(links) != 1 or not links[0].is_lowpass_to_neurons:
            return None
        if not isinstance(node, nir_package().LIF):
            return None
        if node.metadata["integration"] != "exponential":
            return None
        (last,) = links[0].synapse
        links[0].synapse = []
        return with_current(node, last.tau, np.array(gain, float))

    def _add_entries(self, ens: nengo.Ensemble, gain: np.ndarray, plain: bool) -> None:
        """Let what goes to the neurons be multiplied by their gain."""
        name = self.paths[ens]
        self.entries[ens.neurons] = name
        scaled = plain and np.any(gain != 1)
        if scaled and any(link.post == ens.neurons for link in self.links):
            before = self.graph.reserve(name[:-1], f"{name[-1]}_gain")
            scale = nir_package().Scale(np.array(gain, float))
            self.entries[ens.neurons] = self.graph.add(before, scale)
            self.graph.connect(before, name)
        self.entries[name] = name  # of full weights, which contain the gain

    def _add_bias(self, ens: nengo.Ensemble, bias: np.ndarray) -> None:
        """Add biases to neurons that have none, behind the gain."""
        name, first = self.paths[ens], self.entries[ens.neurons]
        before = self.graph.reserve(name[:-1], f"{name[-1]}_bias")
        self.graph.add(before, nir_package().Affine(np.eye(len(bias)), bias))
        if first != name:
            self.graph.edges.remove((first, name))
            self.graph.connect(first, before)
        else:
            self.entries[ens.neurons] = before
        self.graph.connect(before, name)
        self.entries[name] = before

    def _scaled(self, ens: nengo.Ensemble) -> Name:
        """Return what gives the spikes: with an amplitude, a factor on those of NIR."""
        name, amplitude = self.paths[ens], float(ens.neuron_type.amplitude)
        # An amplitude of dt makes spikes of 1, but for rounding.
        height = 1.0 if isinstance(ens.neuron_type, Heaviside) else self.height
        amplitude = 1.0 if amplitude == 1 / height else amplitude * height
        if amplitude == 1:
            return name
        scale = nir_package().Scale(np.full(ens.n_neurons, amplitude))
        return self.graph.chain(name, [scale], name[:-1], f"{name[-1]}_amplitude")

    # Connections

    def _connect(self, link: Link) -> None:
        post = self.paths[link.post] if link.full_weights else link.post
        target = self.entries[post]
        last = self._add_chain(link, target[:-1])
        self.graph.connect(last, target)

    def _add_chain(self, link: Link, path: Name) -> Name:
        return self.graph.chain(self.exits[link.pre], link.nodes, path, link.label)

    def _add_outputs(self) -> None:
        nir = nir_package()
        for link in self.links:
            if link.post is not None:
                continue
            pre = self.exits[link.pre]
            if isinstance(self.graph.nodes[pre], nir.Output):
                continue
            last = self._add_chain(link, ())
            name = self.graph.reserve((), link.label)
            shape = {"output": np.array([link.size])}
            self.graph.add(name, nir.Output(shape), [last])
        probed = {link.pre for link in self.links if link.post is None}
        for node in self.paths:
            if self.constants.has(node):
                continue
            passes = isinstance(node, nengo.Node) and node.size_in and not node.output
            if passes and not self._is_read(node) and node not in probed:
                self._add_output(node)

    def _add_output(self, node: nengo.Node) -> None:
        """Let a node that nothing reads be an output, outside of its network."""
        pre, nir = self.exits[node], nir_package()
        if not isinstance(self.graph.nodes[pre], nir.Output):
            name = self.graph.reserve((), pre[-1])
            shape = {"output": np.array([node.size_out])}
            self.graph.add(name, nir.Output(shape), [pre])
