"""Decoding: which digit is at a position of a list, or at which position one is."""

from __future__ import annotations

import nengo
import numpy as np

from .plan import LONGEST, Plan, binding, channel
from .register import register
from .units import CONTROL, FAST, both, choose, constant, gated, silence, switches
from .vocabulary import N_DIGITS, N_POSITIONS, involution

#: How similar what is recalled must be to a word, after it is amplified.
RECALL, AMPLIFIED = 0.3, 2.0

#: How much more similar it must be where lists are made, not remembered: what is made
#: is like many words, a little.
DOUBT = 0.55

#: Synapse of what is read from memory, in seconds.
READ = 0.02

#: Synapse of what words are compared to, in seconds.
COMPARED = 0.02


def decoding(plan: Plan, sources: list[nengo.Node]) -> nengo.Network:
    """
    Add the module that recalls.

    Parameters
    ----------
    plan : Plan
        The vocabulary.
    sources : list of nengo.Node
        Vectors of which one at a time is decoded.

    Returns
    -------
    net : nengo.Network
        With the nodes ``open`` (a list: which source is decoded), ``value`` (a number),
        ``by_position`` and ``by_kind`` (the number says which position, or which
        digit, is looked for), ``start`` and ``step`` (a list of two each: forward, in
        reverse; the position goes to the first or last, and to the next), ``pass_on``,
        ``length`` (the position after the last), ``forget`` (nothing is chosen),
        ``digit`` (what is at the position), ``place`` (the position, as a number, of
        what is looked for), ``ended`` and ``doubt`` (the list was made, not
        remembered).
    """
    words = plan.words
    invert = involution(plan.dimensions)
    with nengo.Network(label="decoding") as net:
        bound = binding(plan.dimensions, LONGEST, 1)
        net.open = [_select(source, bound.a) for source in sources]
        net.value = nengo.Node(size_in=N_DIGITS, label="value")
        net.length = nengo.Node(size_in=N_POSITIONS, label="length")
        position = _position(net)
        number = _position_of_number()
        net.by_position = _cue(net.value, bound.b, invert @ words.positions.T @ number)
        net.by_kind = _cue(net.value, bound.b, invert @ words.digits.T)
        in_turn = _cue(position.output, bound.b, invert @ words.positions.T)
        constant(1.0, in_turn)
        for other in (net.by_position, net.by_kind):
            nengo.Connection(other, in_turn, transform=-1.5, synapse=None)
        net.recalled = bound.output
        digit = _clean_up(bound.output, words.digits, "digit")
        net.doubt = nengo.Node(size_in=1, label="doubt")
        nengo.Connection(
            net.doubt,
            digit.input,
            transform=np.full((N_DIGITS, 1), -DOUBT),
            synapse=CONTROL,
        )
        net.digit = digit.on
        place = _clean_up(bound.output, words.positions, "place")
        net.place = nengo.Node(size_in=N_DIGITS, label="place")
        nengo.Connection(place.on, net.place, transform=number.T, synapse=None)
        # What was chosen before would keep off what comes, where the two are about as
        # much like what is recalled.
        net.forget = nengo.Node(size_in=1, label="forget")
        silence([net.forget], [digit, place])
    return net


def _position(net: nengo.Network) -> nengo.Network:
    """Add the register of the position, with all that moves it."""
    position = register(N_POSITIONS, "position")
    net.pass_on, net.position = position.pass_on, position.output
    one = np.eye(N_POSITIONS)
    first = nengo.Node(size_in=1, label="first")
    nengo.Connection(first, position.input, transform=one[:, :1], synapse=None)
    net.start = [first, _move(net.length, position, -1)]
    net.step = [_move(position.output, position, shift) for shift in (1, -1)]
    # In reverse, the position before the first follows: it is the last of all.
    last = both(position.next[-1], label="last")
    same = switches(N_POSITIONS, label="same")
    for signal in (position.next, net.length):
        nengo.Connection(signal, same.input, synapse=CONTROL)
    constant(-1.0, same.input)
    ended = both(same.on, label="ended")
    nengo.Connection(last.on, ended.input, synapse=CONTROL)
    net.ended = ended.on
    return position


def _move(pre: nengo.Node, position: nengo.Network, shift: int) -> nengo.Node:
    """Add what takes a position, shifted, while it is open."""
    moved = gated(N_POSITIONS, "moved")
    matrix = np.roll(np.eye(N_POSITIONS), shift, axis=0)
    nengo.Connection(pre, moved.input, transform=matrix, synapse=CONTROL)
    nengo.Connection(moved.on, position.input, synapse=CONTROL)
    return moved.open


def _select(pre: nengo.Node, post: nengo.Node) -> nengo.Node:
    """Connect nodes by a channel; return the node that opens it."""
    gate = channel(pre.size_out, "source")
    nengo.Connection(pre, gate.input, synapse=READ)
    nengo.Connection(gate.output, post, synapse=FAST)
    return gate.open


def _cue(pre: nengo.Node, post: nengo.Node, transform: np.ndarray) -> nengo.Node:
    """Add what looks for words while it is open; return the node that opens it."""
    cue = gated(pre.size_out, "cue")
    nengo.Connection(pre, cue.input, synapse=CONTROL)
    nengo.Connection(cue.on, post, transform=transform, synapse=CONTROL)
    return cue.open


def _clean_up(
    pre: nengo.Node, words: np.ndarray, label: str
) -> nengo.networks.EnsembleArray:
    """Add what says which word a vector is most like, if like any."""
    found = switches(len(words), RECALL, label)
    nengo.Connection(pre, found.input, transform=AMPLIFIED * words, synapse=COMPARED)
    choose(found)
    return found


def _position_of_number() -> np.ndarray:
    """Return the matrix from digits to the positions that they number."""
    matrix = np.zeros((N_POSITIONS, N_DIGITS))
    for k in range(N_POSITIONS):
        matrix[k, k + 1] = 1
    return matrix
