"""Constants that neurons without input give, such as the biases of converted models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import nengo
import numpy as np
from nengo.builder import Model

from .builder import GraphBuilder
from .export_connections import Link, per_channel
from .flat_graph import Name
from .package import nir_package

#: Types of which the output follows from the current alone.
_RATES = nengo.RectifiedLinear, nengo.LIFRate, nengo.Sigmoid, nengo.Tanh


class Constants:
    """
    What has the same value in every step, and what it adds to other objects.

    Parameters
    ----------
    model : nengo.builder.Model
        What Nengo built.
    data : mapping
        Current values by object.
    links : list of Link
        All connections and probes.

    Attributes
    ----------
    values : dict from Neurons or Node to array
        The values of objects that are constant; NIR has none of them.
    added : dict from Neurons, Ensemble or Node to array
        What they add to what other objects get.
    """

    def __init__(self, model: Model, data: Mapping, links: Sequence[Link]) -> None:
        self.values = _of_neurons(model, data, links)
        found = bool(self.values)
        while found:
            new = _of_nodes(model, links, self.values)
            self.values.update(new)
            found = bool(new)
        self.added: dict[Any, np.ndarray] = {}
        for link in links:
            if link.pre in self.values and not self.has(link.post):
                value = _through(link, self.values[link.pre])
                if value is not None:
                    self.added[link.post] = self.added.get(link.post, 0) + value

    def has(self, obj: Any) -> bool:
        """Tell whether an object is constant."""
        neurons = obj.neurons if isinstance(obj, nengo.Ensemble) else obj
        return neurons in self.values

    def replaces(self, link: Link) -> bool:
        """Tell whether a connection is one of a constant."""
        return link.pre in self.values


def _of_neurons(
    model: Model, data: Mapping, links: Sequence[Link]
) -> dict[Any, np.ndarray]:
    """Return what neurons without input give."""
    driven = {link.post for link in links}
    found: dict[Any, np.ndarray] = {}
    for ens in (obj for obj in model.params if isinstance(obj, nengo.Ensemble)):
        reads = [link for link in links if link.pre in (ens, ens.neurons)]
        is_alone = ens not in driven and ens.neurons not in driven and not ens.noise
        if type(ens.neuron_type) not in _RATES or not is_alone:
            continue
        output = np.zeros(ens.n_neurons)
        ens.neuron_type.step(model.dt, np.array(data[ens].bias, float), output)
        are_direct = all(link.pre != ens for link in reads)
        if are_direct and all(_hands_on(link, output) for link in reads):
            found[ens.neurons] = output
    return found


def _of_nodes(
    model: Model, links: Sequence[Link], values: Mapping[Any, np.ndarray]
) -> dict[Any, np.ndarray]:
    """Return the values of nodes that only get constants."""
    found: dict[Any, np.ndarray] = {}
    for node in (obj for obj in model.params if isinstance(obj, nengo.Node)):
        into = [link for link in links if link.post is node]
        passes = node.output is None and node.size_in and node not in values
        if not passes or not into or any(link.pre not in values for link in into):
            continue
        parts = [_through(link, values[link.pre]) for link in into]
        known = [part for part in parts if part is not None]
        if len(known) < len(parts):
            continue
        value = np.sum(known, axis=0)
        out = [link for link in links if link.pre is node]
        if all(_hands_on(link, value) for link in out):
            found[node] = value
    return found


def _hands_on(link: Link, value: np.ndarray) -> bool:
    """Tell whether a connection makes another constant of a constant."""
    return link.post is not None and _through(link, value) is not None


def _through(link: Link, value: np.ndarray) -> np.ndarray | None:
    """Return what a connection makes of a constant; None if that is not one."""
    nir = nir_package()
    for node in link.nodes:
        if isinstance(node, nir.Linear):
            value = node.weight @ value
        elif isinstance(node, nir.Scale):
            value = node.scale * value
        else:
            return None
    return value


def add_constant(builder: GraphBuilder, name: Name, value: np.ndarray) -> None:
    """
    Add a constant to what a node gets that passes values on.

    It becomes a bias of the weights before it or the rest of the neurons behind it, or
    else a matrix.
    """
    nir = nir_package()
    before = [pre for pre, post in builder.edges if post == name]
    after = [post for pre, post in builder.edges if pre == name]
    if len(before) == 1 and _takes_bias(builder, before[0], value):
        return
    behind = [builder.nodes[post] for post in after]
    if behind and all(isinstance(node, nir.LIF) for node in behind):
        for node in behind:
            node.v_leak = node.v_leak + value
        return
    affine = nir.Affine(np.eye(len(value)), np.array(value, float))
    if isinstance(builder.nodes[name], nir.Output):
        first = builder.reserve(name[:-1], f"{name[-1]}_bias")
        builder.nodes[first] = affine
        builder.edges[:] = [
            (pre, first if post == name else post) for pre, post in builder.edges
        ]
        builder.connect(first, name)
    else:
        builder.nodes[name] = affine


def _takes_bias(builder: GraphBuilder, name: Name, value: np.ndarray) -> bool:
    """Add a constant to the bias of weights, if these go nowhere else."""
    nir, node = nir_package(), builder.nodes[name]
    if sum(pre == name for pre, _ in builder.edges) != 1:
        return False
    if isinstance(node, nir.Linear):
        builder.nodes[name] = nir.Affine(node.weight, np.array(value, float))
    elif isinstance(node, nir.Affine):
        node.bias = node.bias + value
    elif isinstance(node, (nir.Conv1d, nir.Conv2d)):
        channels = per_channel(node, value)
        if channels is None:
            return False
        node.bias = node.bias + channels
    else:
        return False
    return True
