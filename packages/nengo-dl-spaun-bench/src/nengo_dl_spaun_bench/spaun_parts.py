"""
What the network like Spaun is made of.

Each function adds one part to the network of the current context and returns it, with
its ends as attributes.
"""

from __future__ import annotations

from collections.abc import Sequence

import nengo
import numpy as np
from nengo.base import NengoObject
from nengo.networks import AssociativeMemory, EnsembleArray

from .spaun_routes import LOOP_GAIN

#: What silences a neuron that gets it as input current, relative to its gain.
INHIBITION = -3.0

#: What comes out of memories is a fraction of a vector of unit length.
AMPLIFICATION = 6.0


def inhibit(gate: NengoObject, ensembles: Sequence[nengo.Ensemble]) -> None:
    """Let a scalar silence ensembles, by one connection to the neurons of each."""
    for ens in ensembles:
        nengo.Connection(
            gate, ens.neurons, transform=np.full((ens.n_neurons, 1), INHIBITION)
        )


def threshold(n_neurons: int, level: float) -> nengo.Ensemble:
    """Add a population that is silent below a level."""
    return nengo.Ensemble(n_neurons, 1, **rectified(level))


def rectified(level: float) -> dict[str, nengo.dists.Distribution]:
    """Return arguments of ensembles that are silent below a level."""
    return {
        "intercepts": nengo.dists.Uniform(level, 1),
        "encoders": nengo.dists.Choice([[1]]),
    }


def gated_memory(n_neurons: int, dimensions: int) -> nengo.Network:
    """
    Add an integrator that follows its input while it is not gated.

    Parameters
    ----------
    n_neurons : int
        Neurons for each dimension.
    dimensions : int
        Size of the vector.

    Returns
    -------
    net : nengo.Network
        With the nodes ``input`` and ``output`` and the populations ``gate`` and
        ``reset``, which silence the difference to the input and the memory.
    """
    radius = 3.5 / np.sqrt(max(dimensions, 16))
    with nengo.Network(label="gated memory") as net:
        memory = EnsembleArray(n_neurons, dimensions, radius=radius, label="memory")
        change = EnsembleArray(n_neurons, dimensions, radius=radius, label="change")
        net.gate, net.reset = threshold(n_neurons, 0.3), threshold(n_neurons, 0.5)
        nengo.Connection(memory.output, memory.input, transform=LOOP_GAIN, synapse=0.08)
        nengo.Connection(memory.output, change.input, transform=-1)
        nengo.Connection(change.output, memory.input, synapse=0.08)
        for silencer, array in (
            (net.gate, change),
            (net.reset, change),
            (net.reset, memory),
        ):
            inhibit(silencer, array.ea_ensembles)
        net.input, net.output = change.input, memory.output
    return net


def memory_block(n_neurons: int, dimensions: int) -> nengo.Network:
    """
    Add two gated memories of which the second takes over what the first holds.

    Parameters
    ----------
    n_neurons : int
        Neurons for each dimension.
    dimensions : int
        Size of the vector.

    Returns
    -------
    net : nengo.Network
        With the nodes ``input``, ``output``, ``gate`` and ``reset``.
    """
    with nengo.Network(label="memory block") as net:
        first = gated_memory(n_neurons, dimensions)
        second = gated_memory(n_neurons, dimensions)
        net.gate, net.reset = nengo.Node(size_in=1), nengo.Node(size_in=1)
        bias = nengo.Node(1, label="bias")
        nengo.Connection(net.gate, first.gate)
        nengo.Connection(net.gate, second.gate, transform=-1)
        nengo.Connection(bias, second.gate)
        for part in (first, second):
            nengo.Connection(net.reset, part.reset)
        nengo.Connection(first.output, second.input)
        net.input, net.output = first.input, second.output
    return net


def selector(n_neurons: int, dimensions: int, n_inputs: int) -> nengo.Network:
    """
    Add channels of which those that are not silenced add up.

    Parameters
    ----------
    n_neurons : int
        Neurons for each dimension of each channel.
    dimensions : int
        Size of the vectors.
    n_inputs : int
        Number of channels.

    Returns
    -------
    net : nengo.Network
        With the nodes ``output``, ``inputs`` (a list) and ``gates`` (one for all
        channels, of size ``n_inputs``), and the population ``off``, which silences
        all channels.
    """
    with nengo.Network(label="selector") as net:
        net.output, net.off = nengo.Node(size_in=dimensions), threshold(n_neurons, 0.5)
        net.gates = nengo.Node(size_in=n_inputs)
        net.inputs = []
        for i in range(n_inputs):
            channel = EnsembleArray(n_neurons, dimensions)
            gate = threshold(n_neurons, 0.2)
            nengo.Connection(net.gates[i], gate)
            for silencer in (gate, net.off):
                inhibit(silencer, channel.ea_ensembles)
            nengo.Connection(channel.output, net.output, synapse=None)
            net.inputs.append(channel.input)
    return net


def cleanup(
    n_neurons: int, keys: np.ndarray, values: np.ndarray, level: float = 0.3
) -> AssociativeMemory:
    """
    Add a memory that returns the value of the key that its input is most like.

    Parameters
    ----------
    n_neurons : int
        Neurons for each item.
    keys : (n_items, size_in) array
        What inputs are compared to.
    values : (n_items, size_out) array
        What comes out.
    level : float
        How much alike input and key must be.

    Returns
    -------
    memory : nengo.networks.AssociativeMemory
        The memory.
    """
    memory = AssociativeMemory(
        keys, values, n_neurons=n_neurons, threshold=level, input_scales=AMPLIFICATION
    )
    memory.add_wta_network(1.5)
    memory.add_threshold_to_outputs(n_neurons)
    return memory
