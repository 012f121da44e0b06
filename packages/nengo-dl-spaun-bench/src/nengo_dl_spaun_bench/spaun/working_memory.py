"""Working memory: lists, each of which is remembered in two ways."""

from __future__ import annotations

import nengo

from .memory import BETWEEN, memory_block
from .plan import Plan
from .units import FAST

#: Rehearsal: what is held grows with each item that comes, so that the first ones of
#: a list last (primacy).
REHEARSED, REHEARSAL_INPUT = 1.2, 0.5

#: Decay: what is held shrinks, so that the last ones are most vivid (recency).
DECAYED, DECAY_INPUT = 0.6, 1.0

#: Lengths of the longest lists in both.
REHEARSAL_LENGTH, DECAY_LENGTH = 1.8, 1.5

#: What makes the memory of a single item a vector of about unit length.
OUTPUT = 1 / (REHEARSAL_INPUT + DECAY_INPUT)


def list_memory(plan: Plan, label: str, recurrence: float = 1.0) -> nengo.Network:
    """
    Add a memory of a list.

    Parameters
    ----------
    plan : Plan
        The vocabulary.
    label : str
        What it is called.
    recurrence : float
        Factor of what keeps both memories as they are; 0 makes them forget.

    Returns
    -------
    net : nengo.Network
        With the nodes ``input`` (an item bound to its position), ``output``, ``open``
        (the input is to be stored), ``pass_on`` (it has been) and ``clear``.
    """
    d = plan.dimensions
    with nengo.Network(label=label) as net:
        net.input, net.output = (nengo.Node(size_in=d) for _ in range(2))
        names = ("open", "pass_on", "clear")
        net.open, net.pass_on, net.clear = (
            nengo.Node(size_in=1, label=name) for name in names
        )
        net.rehearsal = memory_block(d, REHEARSAL_LENGTH, "rehearsal", recurrence)
        net.decay = memory_block(d, DECAY_LENGTH, "decay", recurrence)
        for part, kept, share in (
            (net.rehearsal, REHEARSED, REHEARSAL_INPUT),
            (net.decay, DECAYED, DECAY_INPUT),
        ):
            nengo.Connection(net.input, part.input, transform=share, synapse=FAST)
            nengo.Connection(part.output, part.input, transform=kept, synapse=BETWEEN)
            nengo.Connection(part.output, net.output, transform=OUTPUT, synapse=None)
            for name in names:
                nengo.Connection(getattr(net, name), getattr(part, name), synapse=None)
    return net
