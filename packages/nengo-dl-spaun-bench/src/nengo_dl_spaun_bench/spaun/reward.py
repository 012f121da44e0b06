"""Reward: what an arm brought changes what it is worth."""

from __future__ import annotations

import nengo

from .rules import N_ARMS
from .units import FAST, both, closed_unless, constant, silence

#: Learning rate of PES.
LEARNING_RATE = 4e-4

#: Neurons of what values are learned from, and of each error.
N_VALUES, N_ERROR = 100, 100

#: What is learned to be the value of an arm that always pays.
WORTH = 0.5

#: How much values vary by chance, and for how long a deviation lasts (in seconds).
VARIATION, LASTS = 0.0, 0.1


def reward(learning_rate: float = LEARNING_RATE) -> nengo.Network:
    """
    Add the module that learns from reward.

    Parameters
    ----------
    learning_rate : float
        Of PES; 0 keeps it from learning.

    Returns
    -------
    net : nengo.Network
        With the nodes ``chosen`` (about 1 for the arm that was tried), ``paid`` and
        ``unpaid`` (each 0 or about 1) and ``values`` (one for each arm).
    """
    with nengo.Network(label="reward") as net:
        net.chosen = nengo.Node(size_in=N_ARMS, label="chosen")
        net.paid, net.unpaid = (
            nengo.Node(size_in=1, label=name) for name in ("paid", "unpaid")
        )
        net.values = nengo.Node(size_in=N_ARMS, label="values")
        always = nengo.Ensemble(N_VALUES, 1, label="always")
        constant(0.5, always)
        for k in range(N_ARMS):
            _learn(net, k, always, learning_rate)
    return net


def _learn(
    net: nengo.Network, k: int, always: nengo.Ensemble, learning_rate: float
) -> None:
    """Learn the value of one arm: what it pays, on average."""
    value = nengo.Node(size_in=1, label=f"value {k}")
    learned = nengo.Connection(
        always,
        value,
        function=lambda x: WORTH / 2,
        learning_rule_type=nengo.PES(learning_rate),
    )
    nengo.Connection(value, net.values[k], synapse=None)
    error = nengo.networks.EnsembleArray(N_ERROR, 1, label=f"error {k}")
    nengo.Connection(value, error.input, synapse=FAST)
    nengo.Connection(net.paid, error.input, transform=-WORTH, synapse=FAST)
    judged = nengo.Node(size_in=1, label="judged")
    for signal in (net.paid, net.unpaid):
        nengo.Connection(signal, judged, synapse=None)
    open_ = both(judged, net.chosen[k], label="to be judged")
    closed = closed_unless("closed")
    nengo.Connection(open_.on, closed.opener, synapse=FAST)
    silence([closed.on], [error])
    nengo.Connection(error.output, learned.learning_rule, synapse=FAST)
