"""Counting: a number that goes up, and how often it did."""

from __future__ import annotations

import nengo
import numpy as np

from .register import register
from .units import CONTROL, both, constant, gated, switches
from .vocabulary import N_DIGITS


def counting() -> nengo.Network:
    """
    Add the module that counts.

    Returns
    -------
    net : nengo.Network
        With the nodes ``digit`` (what is recalled), ``take`` (make it the number, and
        the count 0), ``step`` (the next number, and one more), ``pass_on``, ``value``
        (the number), ``choice`` (the number may be set by it, too) and ``counted`` (the
        count is what is recalled).
    """
    with nengo.Network(label="counting") as net:
        names = ("take", "step", "pass_on")
        net.take, net.step, net.pass_on = (
            nengo.Node(size_in=1, label=name) for name in names
        )
        net.digit = nengo.Node(size_in=N_DIGITS, label="digit")
        value, count = register(N_DIGITS, "value"), register(N_DIGITS, "count")
        for memory in (value, count):
            nengo.Connection(net.pass_on, memory.pass_on, synapse=None)
            _load(memory.output, memory, np.roll(np.eye(N_DIGITS), 1, axis=0), net.step)
        _load(net.digit, value, np.eye(N_DIGITS), net.take)
        zero = np.eye(N_DIGITS)[:, :1]
        nengo.Connection(net.take, count.input, transform=zero, synapse=None)
        net.choice, net.value, net.count = value.input, value.output, count.next
        same = switches(N_DIGITS, label="same")
        for signal in (count.next, net.digit):
            nengo.Connection(signal, same.input, synapse=CONTROL)
        constant(-1.0, same.input)
        net.counted = both(same.on, label="counted").on
    return net


def _load(
    pre: nengo.Node, memory: nengo.Network, matrix: np.ndarray, opened: nengo.Node
) -> None:
    """Let a register take a word, by a matrix, while a signal is on."""
    loaded = gated(N_DIGITS, "loaded")
    nengo.Connection(pre, loaded.input, transform=matrix, synapse=CONTROL)
    nengo.Connection(opened, loaded.open, synapse=None)
    nengo.Connection(loaded.on, memory.input, synapse=CONTROL)
