"""Puts together the objects that stand for the nodes of a graph."""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import nengo
import numpy as np

from .conventions import Conventions, channels_first, has_channels_last, is_late
from .cycles import delayed_edges
from .filters import (
    add_alpha,
    add_delay,
    add_filter,
    alpha_filters,
    check_positive,
    is_filter,
)
from .flat_graph import FlatGraph, Name, shown
from .network import NIRNetwork
from .package import nir_package
from .populations import Population, add_population, is_population
from .shapes import Shapes
from .weights import Weights, weights_of

#: A synapse that takes one step, and changes nothing.
ONE_STEP = nengo.Lowpass(0)


class Part(NamedTuple):
    """Where values go in, where they come out, and what stands for the node."""

    entry: Any
    exit: Any
    obj: Any
    population: Population | None = None


class Assembly:
    """
    Makes the objects of a network.

    Affine nodes and the like become connections, between what is before and behind
    them; biases of neurons become those of ensembles.

    Parameters
    ----------
    graph : FlatGraph
        The graph.
    shapes : dict
        Of what each node takes and gives.
    dt : float
        The length of a time step, in seconds.
    conventions : Conventions
        What the graph leaves open.
    """

    def __init__(
        self, graph: FlatGraph, shapes: Shapes, dt: float, conventions: Conventions
    ) -> None:
        self.graph = graph
        self.dt = dt
        self.conventions = conventions
        self._shapes = shapes
        self.sizes = {name: tuple(map(prod, pair)) for name, pair in shapes.items()}
        self.weights = {
            name: weights
            for name, node in graph.nodes.items()
            if (weights := weights_of(node, *shapes[name])) is not None
        }
        self.alphas = alpha_filters(graph)
        late = {n for n, node in graph.nodes.items() if _takes_time(node, dt)}
        neurons = {n for n, node in graph.nodes.items() if is_population(node)}
        self.delayed = delayed_edges(graph, late, neurons)
        self.parts: dict[Name, Part] = {}
        self.subnets: dict[Name, nengo.Network] = {}

    def add_to(self, network: NIRNetwork) -> None:
        """Add everything."""
        self.subnets[()] = network
        for name in self.graph.nodes:
            if name not in self.weights:
                with self._subnet(name):
                    self.parts[name] = self._part(name)
        for name in self.weights:
            with self._subnet(name):
                self.parts[name] = self._weighted(name)
        for name in self.graph.nodes:
            with self._subnet(name):
                self._connect(name)
        self._name_all(network)

    def _subnet(self, name: Name) -> nengo.Network:
        path = name[:-1]
        if path not in self.subnets:
            with self._subnet(path):
                self.subnets[path] = nengo.Network(label=path[-1])
        return self.subnets[path]

    def _part(self, name: Name) -> Part:
        """Add neurons, filters, and nodes that pass values on."""
        node, size = self.graph.nodes[name], self.sizes[name][0]
        conventions, label = self.conventions.of_node(node), name[-1]
        check_positive(node, shown(name))
        if name in self.graph.inputs:
            source = nengo.Node(np.zeros(size), label=label)
            return Part(None, self._channels_first(name, source), source)
        if is_population(node):
            amplitude = self._amplitude(name, conventions)
            made = add_population(node, size, label, conventions, amplitude)
            takes_bias = made if made.ensembles else None
            return Part(made.entry, made.exit, made.obj, takes_bias)
        if name in self.alphas:
            return Part(*add_alpha(node, size, label))
        if is_filter(node) and name not in self.alphas.values():
            return Part(*add_filter(node, size, label, conventions.integration))
        if isinstance(node, nir_package().Delay):
            return Part(*add_delay(node, size, label))
        passed = nengo.Node(size_in=size, label=label)
        if name in self.graph.outputs and has_channels_last(node):
            first = nengo.Node(size_in=size, label=f"{label}.channels_first")
            nengo.Connection(first, passed[self._places(name)], synapse=None)
            return Part(first, passed, passed)
        return Part(passed, passed, passed)

    def _channels_first(self, name: Name, source: nengo.Node) -> nengo.Node:
        """Return a node that has channels first, if the source has them last."""
        if not has_channels_last(self.graph.nodes[name]):
            return source
        first = nengo.Node(
            size_in=source.size_out, label=f"{source.label}.channels_first"
        )
        nengo.Connection(source[self._places(name)], first, synapse=None)
        return first

    def _places(self, name: Name) -> list[int]:
        """Return where values with channels first are among those of Nengo."""
        places: list[int] = channels_first(self._shapes[name][0]).tolist()
        return places

    def _amplitude(self, name: Name, conventions: Conventions) -> float:
        """Return the height of spikes; a factor on all of them is part of it."""
        node, factor = self.graph.nodes[name], self._factor(name)
        amplitude = conventions.amplitude(self.dt)
        if isinstance(node, nir_package().Threshold):
            amplitude = 1.0 if conventions.spike_height == "one" else 1 / self.dt
        return amplitude if factor is None else amplitude * factor

    def _factor(self, name: Name) -> float | None:
        """Return the positive factor that is all that reads what neurons give."""
        following = self.graph.out_of(name)
        if len(following) != 1 or not is_population(self.graph.nodes[name]):
            return None
        (post,) = following
        node = self.graph.nodes[post]
        alone = self.graph.into(post) == [name] and (name, post) not in self.delayed
        if not isinstance(node, nir_package().Scale) or not alone:
            return None
        values = np.unique(node.scale)
        return float(values[0]) if len(values) == 1 and values[0] > 0 else None

    def _weighted(self, name: Name) -> Part:
        """Add what an affine node, or the like, needs beside connections."""
        before = self.graph.into(name)
        if len(before) == 1 and self._factor(before[0]) is not None:
            exit_ = self.parts[before[0]].exit  # the amplitude is this factor
            return Part(None, exit_, self.parts[before[0]].obj)
        size_in, size_out = self.sizes[name]
        entry = None
        if len(before) != 1:
            entry = nengo.Node(size_in=size_in, label=f"{name[-1]}.sum")
        exit_ = None
        if not self._goes_to_neurons(name):
            exit_ = nengo.Node(size_in=size_out, label=name[-1])
        return Part(entry, exit_, exit_)

    def _goes_to_neurons(self, name: Name) -> bool:
        """Whether all that follows is one population."""
        following = self.graph.out_of(name)
        return (
            len(following) == 1
            and following[0] in self.parts
            and self.parts[following[0]].population is not None
            and (name, following[0]) not in self.delayed
        )

    def _connect(self, name: Name) -> None:
        """Connect a node to what is before it."""
        part = self.parts[name]
        if name in self.weights:
            self._connect_weights(name, part)
            return
        for pre in self.graph.into(name):
            if self.parts[pre].exit is None:
                continue  # weights, which connect to this one themselves
            nengo.Connection(
                self.parts[pre].exit, part.entry, synapse=self._synapse(pre, name)
            )

    def _connect_weights(self, name: Name, part: Part) -> None:
        before = self.graph.into(name)
        if part.entry is None and part.exit is self.parts[before[0]].exit:
            return  # the amplitude of neurons
        if part.entry is not None:
            for pre in before:
                nengo.Connection(
                    self.parts[pre].exit, part.entry, synapse=self._synapse(pre, name)
                )
            source, synapse = part.entry, None
        else:
            source = self.parts[before[0]].exit
            synapse = self._synapse(before[0], name)
        weights = self.weights[name]
        if part.exit is None:
            behind = self.parts[self.graph.out_of(name)[0]]
            obj = self._weight(source, behind.entry, weights, synapse)
            if behind.population is not None:
                behind.population.add_bias(weights.bias)
            self.parts[name] = part._replace(obj=obj)
        else:
            self._weight(source, part.exit, weights, synapse)
            add_constant(weights.bias, part.exit)

    def _weight(self, source: Any, target: Any, weights: Weights, synapse: Any) -> Any:
        if weights.padded is not None:
            padded = nengo.Node(size_in=weights.padded.size)
            nengo.Connection(source, padded[weights.padded.indices], synapse=synapse)
            source, synapse = padded, None
        return nengo.Connection(
            source, target, transform=weights.transform, synapse=synapse
        )

    def _synapse(self, pre: Name, post: Name) -> Any:
        return ONE_STEP if (pre, post) in self.delayed else None

    def _name_all(self, network: NIRNetwork) -> None:
        for name in self.graph.nodes:
            network.by_name[shown(name)] = self.parts[name].obj
        for name, output in self.graph.aliases.items():
            network.by_name[shown(name)] = self.subnets.get(
                name, self.parts[output].obj
            )
        for name in self.graph.inputs:
            network.inputs[name[0]] = self.parts[name].obj
        for name in self.graph.outputs:
            network.outputs[name[0]] = self.parts[name].obj


def _takes_time(node: Any, dt: float) -> bool:
    """Tell whether a node gives what it was given at least a step before."""
    nir = nir_package()
    if isinstance(node, nir.Delay):
        return bool(np.all(np.rint(node.delay / dt) > 0))
    return isinstance(node, (nir.LI, nir.I, nir.CubaLI, nir.CubaLIF)) and is_late(node)


def add_constant(values: np.ndarray | None, target: Any) -> None:
    """Add a constant, if there is one."""
    if values is not None and np.any(values):
        constant = nengo.Node(np.array(values, float), label=f"{target.label}.bias")
        nengo.Connection(constant, target, synapse=None)
