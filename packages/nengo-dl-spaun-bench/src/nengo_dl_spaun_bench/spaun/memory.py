"""A memory for any vector, that is written to only while its gate is open."""

from __future__ import annotations

import nengo
import numpy as np
from nengo.networks import EnsembleArray

from .units import FAST, closed_unless, silence

#: Synapse of what is held, in seconds.
HOLD = 0.1

#: How fast the memory follows its input: `HOLD` divided by it, in seconds.
GAIN = 5.0

#: Synapse between memories, in seconds: what passes does not change meanwhile, and
#: the longer it is, the less do spikes of the moment count.
BETWEEN = 0.03

#: Neurons for each dimension of what is held for seconds, and of all else.
N_LASTING, N_PASSING = 200, 100

#: Largest difference to the input that counts, relative to what is held. What is small
#: is more exact, and a memory that follows its input ends as far off as this errs.
CHANGE = 0.15

#: Largest element of a random vector, in standard deviations.
LARGEST_ELEMENT = 2.8


#: Labels of the arrays that hold vectors, and pass them on.
HOLDING_VECTORS = ("held", "change", "channel")


def spread(dimensions: int, length: float) -> float:
    """Return how large an element of a vector of that length gets."""
    return LARGEST_ELEMENT * length / np.sqrt(dimensions)


def widen_first(net: nengo.Network) -> None:
    """
    Let the first elements of vectors be as large as whole vectors are long.

    So it is in the identity of binding, all other elements of which are 0.

    Parameters
    ----------
    net : nengo.Network
        What holds vectors, or passes them on, in arrays of one population for each
        element.
    """
    for part in net.all_networks:
        if isinstance(part, EnsembleArray) and part.label in HOLDING_VECTORS:
            first, size = part.ea_ensembles[0], part.n_ensembles
            first.radius *= np.sqrt(size) / LARGEST_ELEMENT


def gated_memory(
    dimensions: int,
    length: float,
    n_neurons: int,
    label: str,
    recurrence: float = 1.0,
) -> nengo.Network:
    """
    Add an integrator that follows its input while its gate is open.

    Parameters
    ----------
    dimensions : int
        Size of the vector.
    length : float
        Length of the longest vectors that are to be held as they are.
    n_neurons : int
        Neurons for each dimension of the integrator.
    label : str
        What it is called.
    recurrence : float
        Factor of what keeps the vector as it is; 0 makes the memory forget.

    Returns
    -------
    net : nengo.Network
        With the nodes ``input``, ``output``, ``open`` and ``clear`` (each 0 or
        about 1).
    """
    radius = spread(dimensions, length)
    with nengo.Network(label=label) as net:
        held = EnsembleArray(n_neurons, dimensions, radius=radius, label="held")
        change = EnsembleArray(
            N_PASSING, dimensions, radius=CHANGE * radius, label="change"
        )
        net.input, net.output = change.input, held.output
        nengo.Connection(held.output, change.input, transform=-1, synapse=FAST)
        nengo.Connection(held.output, held.input, transform=recurrence, synapse=HOLD)
        nengo.Connection(change.output, held.input, transform=GAIN, synapse=HOLD)
        gate = closed_unless("closed")
        net.open = gate.opener
        net.clear = nengo.Node(size_in=1, label="clear")
        silence([net.clear], [held])
        silence([gate.on, net.clear], [change])
        net.held = held
    return net


def memory_block(
    dimensions: int, length: float, label: str, recurrence: float = 1.0
) -> nengo.Network:
    """
    Add two gated memories; the second takes over what the first holds when it may.

    That makes sums: what comes next is found from ``output``, which stays the same
    while the first memory is written to.

    Parameters
    ----------
    dimensions : int
        Size of the vector.
    length : float
        Length of the longest vectors that are to be held as they are.
    label : str
        What it is called.
    recurrence : float
        Factor of what keeps the vector as it is; 0 makes the memory forget.

    Returns
    -------
    net : nengo.Network
        With the nodes ``input``, ``output``, ``open``, ``pass_on`` and ``clear``.
    """
    with nengo.Network(label=label) as net:
        first = gated_memory(dimensions, length, N_LASTING, "first", recurrence)
        second = gated_memory(dimensions, length, N_PASSING, "second", recurrence)
        nengo.Connection(first.output, second.input, synapse=BETWEEN)
        net.clear = nengo.Node(size_in=1, label="clear")
        for part in (first, second):
            nengo.Connection(net.clear, part.clear, synapse=None)
        net.input, net.output = first.input, second.output
        net.open, net.pass_on = first.open, second.open
        net.first, net.second = first, second
    return net
