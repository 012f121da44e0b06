"""Control: basal ganglia and thalamus choose what to do next, by rules."""

from __future__ import annotations

from collections.abc import Mapping

import nengo
from nengo.base import NengoObject

from .register import register
from .rules import DEFAULT, MODES, RULES, STATES, TASKS, Rule
from .units import CONTROL, FAST, constant, switches

#: Neurons of each of the ensembles of an action, in the basal ganglia.
N_ACTION = 100

#: How high the output of the thalamus must be for an action to be taken.
TAKEN = 0.4


def control(
    signals: Mapping[str, NengoObject], selection: float = 1.0
) -> nengo.Network:
    """
    Add the module that selects actions.

    Parameters
    ----------
    signals : dict
        By the names that conditions of `rules.RULES` have, signals that are about 1
        while they hold; those of task, state and mode are made here.
    selection : float
        Factor of what the basal ganglia give out.

    Returns
    -------
    net : nengo.Network
        With the registers ``task``, ``state`` and ``mode``, the node ``utilities``
        (one for each rule, and may be added to) and ``action`` (a function from the
        name of an effect to a list of slices of the actions that have it).
    """
    with nengo.Network(label="control") as net:
        net.task = register(len(TASKS), "task")
        net.state = register(len(STATES), "state")
        net.mode = register(len(MODES), "mode")
        known = dict(signals)
        for kind, memory, names in (
            ("task", net.task, TASKS),
            ("state", net.state, STATES),
            ("mode", net.mode, MODES),
        ):
            for k, name in enumerate(names):
                known[f"{kind} {name}"] = memory.output[k]
        net.signals = known
        net.utilities = nengo.Node(size_in=len(RULES) + 1, label="utilities")
        for k, rule in enumerate(RULES):
            _rate(rule, known, net.utilities[k])
        constant(DEFAULT, net.utilities[len(RULES)])
        net.actions = _select(net.utilities, selection)
        for kind, memory, names in (
            ("task", net.task, TASKS),
            ("state", net.state, STATES),
            ("mode", net.mode, MODES),
        ):
            for k, name in enumerate(names):
                for action in taking(net, f"{kind} {name}"):
                    nengo.Connection(action, memory.input[k], synapse=CONTROL)
    return net


def taking(net: nengo.Network, effect: str) -> list[NengoObject]:
    """Return the signals of the actions that have an effect."""
    return [net.actions.on[k] for k, rule in enumerate(RULES) if effect in rule.effects]


def _rate(rule: Rule, signals: Mapping[str, NengoObject], utility: NengoObject) -> None:
    """Connect what a rule depends on to its utility."""
    for condition in rule.conditions:
        for name in condition.split(" or "):
            nengo.Connection(
                signals[name], utility, transform=rule.weight, synapse=CONTROL
            )
    constant(rule.weight * (1 - len(rule.conditions)), utility)


def _select(utilities: nengo.Node, selection: float) -> nengo.networks.EnsembleArray:
    """Add basal ganglia and thalamus; return switches of which one is on."""
    n = utilities.size_in
    ganglia = nengo.networks.BasalGanglia(n, N_ACTION)
    thalamus = nengo.networks.Thalamus(n)
    nengo.Connection(utilities, ganglia.input, synapse=None)
    nengo.Connection(ganglia.output, thalamus.input, transform=selection, synapse=FAST)
    actions = switches(n, TAKEN, "actions")
    nengo.Connection(thalamus.output, actions.input, synapse=FAST)
    return actions
