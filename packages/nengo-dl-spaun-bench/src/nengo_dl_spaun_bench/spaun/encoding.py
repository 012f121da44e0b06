"""Encoding: each digit that is seen gets bound to its position in the list."""

from __future__ import annotations

import nengo
import numpy as np

from .plan import Plan, binding
from .register import register
from .units import CONTROL, gated
from .vocabulary import N_DIGITS, N_POSITIONS


def encoding(plan: Plan) -> nengo.Network:
    """
    Add the module that encodes lists.

    Parameters
    ----------
    plan : Plan
        The vocabulary.

    Returns
    -------
    net : nengo.Network
        With the nodes ``digits`` (which digit is seen), ``start`` (a list begins),
        ``storing`` (the digit is one to be stored), ``pass_on`` (nothing is in sight),
        ``output`` (position bound with digit, of the words' size) and ``position``
        (the position of the next digit).
    """
    words = plan.words
    with nengo.Network(label="encoding") as net:
        net.digits = nengo.Node(size_in=N_DIGITS, label="digits")
        net.start = nengo.Node(size_in=1, label="start")
        position = register(N_POSITIONS, "position")
        first = np.eye(N_POSITIONS)[:, :1]
        nengo.Connection(net.start, position.input, transform=first, synapse=None)
        net.storing = _count(position)
        net.pass_on, net.position = position.pass_on, position.output
        bound = binding(plan.dimensions, 1, 1)
        nengo.Connection(net.digits, bound.a, transform=words.digits.T, synapse=CONTROL)
        nengo.Connection(
            position.output, bound.b, transform=words.positions.T, synapse=CONTROL
        )
        net.output = bound.output
    return net


def _count(position: nengo.Network) -> nengo.Node:
    """Let a register take the next position while the node that is returned is on."""
    following = gated(N_POSITIONS, "following")
    step = np.roll(np.eye(N_POSITIONS), 1, axis=0)
    nengo.Connection(position.output, following.input, transform=step, synapse=CONTROL)
    nengo.Connection(following.on, position.input, synapse=CONTROL)
    return following.open
