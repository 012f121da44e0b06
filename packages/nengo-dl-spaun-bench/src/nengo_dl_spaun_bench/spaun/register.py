"""A memory for one word at a time, that cleans up what it holds."""

from __future__ import annotations

import nengo
import numpy as np
from nengo.networks import EnsembleArray

from .units import CONTROL, compete, gated, switches

#: Synapse of what keeps a word, in seconds.
HOLD = 0.03

#: How much counts what is held, what is loaded, and what is passed on. All add up to
#: less than what switches expect: what they give out is then about 1 all the time.
HELD, LOADED, PASSED = 1.0, 1.1, 0.8


def register(n_words: int, label: str) -> nengo.Network:
    """
    Add a memory that holds one of several words.

    It is two memories in series: the second takes over what the first holds only while
    ``pass_on`` is on, so that what is read can be used to find what comes next.

    Parameters
    ----------
    n_words : int
        How many words there are.
    label : str
        What it is called.

    Returns
    -------
    net : nengo.Network
        With the nodes ``input`` (which word to take: about 1 for it; if all are 0, the
        memory holds what it has), ``next`` (the first memory), ``output`` (the second)
        and ``pass_on``.
    """
    with nengo.Network(label=label) as net:
        net.input = nengo.Node(size_in=n_words, label="input")
        first = holding(n_words, "first")
        second = holding(n_words, "second")
        load(net.input, first)
        between = gated(n_words, "between")
        nengo.Connection(first.on, between.input, synapse=CONTROL)
        load(between.on, second, CONTROL, PASSED)
        net.pass_on = between.open
        net.next, net.output = first.on, second.on
        net.first, net.second = first, second
    return net


def holding(n_words: int, label: str) -> EnsembleArray:
    """Add switches of which the one that is on stays on, alone."""
    array = switches(n_words, label=label)
    nengo.Connection(array.on, array.input, transform=HELD, synapse=HOLD)
    compete(array)
    return array


def load(
    pre: nengo.Node,
    array: EnsembleArray,
    synapse: float | None = None,
    strength: float = LOADED,
) -> None:
    """Let an input turn one switch on, and the others off."""
    n = array.n_ensembles
    matrix = strength * (2 * np.eye(n) - np.ones((n, n)))
    nengo.Connection(pre, array.input, transform=matrix, synapse=synapse)
