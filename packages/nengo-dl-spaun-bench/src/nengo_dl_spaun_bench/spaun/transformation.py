"""Transformation: relations of lists, their average, and lists made from them."""

from __future__ import annotations

import nengo

from .memory import BETWEEN, memory_block
from .plan import LONGEST, Plan, binding, channel
from .units import FAST
from .vocabulary import involution

#: How much of the average remains when another relation comes, and how much that
#: counts.
REMAINS, ADDED = 0.95, 0.5

#: Synapse of what is read from memory, in seconds.
READ = 0.02

#: Length of the longest average.
AVERAGE_LENGTH = 1.5


def transformation(plan: Plan, lists: list[nengo.Network]) -> nengo.Network:
    """
    Add the module that relates lists.

    Parameters
    ----------
    plan : Plan
        The vocabulary.
    lists : list of nengo.Network
        Three memories of lists.

    Returns
    -------
    net : nengo.Network
        With ``output`` (the two vectors selected, bound), the nodes ``first`` and
        ``second`` (lists of nodes: select one of three lists; the inverse of one of
        the first two lists, or the average) and the memory ``average``, which takes
        the output while its node ``open`` is on.
    """
    d = plan.dimensions
    with nengo.Network(label="transformation") as net:
        bound = binding(d, LONGEST, LONGEST)
        net.output = bound.output
        net.average = memory_block(d, AVERAGE_LENGTH, "average")
        nengo.Connection(net.output, net.average.input, transform=ADDED, synapse=READ)
        nengo.Connection(
            net.average.output, net.average.input, transform=REMAINS, synapse=BETWEEN
        )
        net.first = [_select(memory.output, bound.a, 1.0) for memory in lists]
        net.second = [
            _select(memory.output, bound.b, involution(d)) for memory in lists[:2]
        ]
        net.second.append(_select(net.average.output, bound.b, 1.0))
    return net


def _select(pre: nengo.Node, post: nengo.Node, transform: object) -> nengo.Node:
    """Connect nodes by a channel; return the node that opens it."""
    gated = channel(pre.size_out, "selector")
    nengo.Connection(pre, gated.input, synapse=READ)
    nengo.Connection(gated.output, post, transform=transform, synapse=FAST)
    return gated.open
