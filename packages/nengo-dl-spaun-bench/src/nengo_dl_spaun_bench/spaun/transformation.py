"""Transformation: relations of lists, their average, and lists made from them."""

from __future__ import annotations

import nengo

from .memory import BETWEEN, memory_block, widen_first
from .plan import LONGEST, Plan, binding, channel
from .units import FAST
from .vocabulary import involution

#: How much of the average remains when another relation comes, and how much that
#: counts: the same relation over and over makes an average of about unit length.
REMAINS, ADDED = 0.6, 0.75

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
        first = [_select(memory.output, bound.a, 1.0) for memory in lists]
        second = [
            _select(memory.output, bound.b, involution(d)) for memory in lists[:2]
        ]
        second.append(_select(net.average.output, bound.b, 1.0))
        net.first, net.second = ([part.open for part in s] for s in (first, second))
        # The relation of lists that are all the same is the identity.
        for part in (net.average, second[-1]):
            widen_first(part)
    return net


def _select(pre: nengo.Node, post: nengo.Node, transform: object) -> nengo.Network:
    """Connect nodes by a channel."""
    selector = channel(pre.size_out, "selector")
    nengo.Connection(pre, selector.input, synapse=READ)
    nengo.Connection(selector.output, post, transform=transform, synapse=FAST)
    return selector
