"""What all modules need to know to be built."""

from __future__ import annotations

from dataclasses import dataclass

import nengo
from nengo.networks import CircularConvolution, EnsembleArray

from .memory import spread
from .units import closed_unless, silence
from .vocabulary import Words

#: Neurons of each of the products that a binding is made of.
N_PRODUCT = 100

#: Neurons for each dimension of a channel.
N_CHANNEL = 50

#: Length of the longest vectors that channels pass on.
LONGEST = 1.5


@dataclass(frozen=True)
class Plan:
    """
    What all modules need to know to be built.

    Parameters
    ----------
    words : Words
        The vocabulary.
    """

    words: Words

    @property
    def dimensions(self) -> int:
        """Size of the vectors."""
        return self.words.dimensions


def channel(dimensions: int, label: str) -> nengo.Network:
    """
    Add what passes a vector on while it is open.

    Parameters
    ----------
    dimensions : int
        Size of the vector.
    label : str
        What it is called.

    Returns
    -------
    net : nengo.Network
        With the nodes ``input``, ``output`` and ``open`` (0 or about 1).
    """
    with nengo.Network(label=label) as net:
        array = EnsembleArray(
            N_CHANNEL, dimensions, radius=spread(dimensions, LONGEST), label="channel"
        )
        gate = closed_unless("closed")
        silence([gate.on], [array])
        net.input, net.output, net.open = array.input, array.output, gate.opener
    return net


def binding(dimensions: int, length_a: float, length_b: float) -> nengo.Network:
    """
    Add what binds two vectors: circular convolution.

    Parameters
    ----------
    dimensions : int
        Size of the vectors.
    length_a, length_b : float
        Length of the longest vectors that come.

    Returns
    -------
    net : nengo.Network
        With the nodes ``a``, ``b`` and ``output``.
    """
    with nengo.Network(label="binding") as net:
        product = CircularConvolution(N_PRODUCT, dimensions)
        net.a, net.b, net.output = (nengo.Node(size_in=dimensions) for _ in range(3))
        nengo.Connection(net.a, product.input_a, transform=1 / length_a, synapse=None)
        nengo.Connection(net.b, product.input_b, transform=1 / length_b, synapse=None)
        nengo.Connection(
            product.output, net.output, transform=length_a * length_b, synapse=None
        )
    return net
