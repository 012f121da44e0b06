"""Connections that learn: every rule, where Nengo allows it, alone or with another."""

import nengo

from . import parts
from .objects import add_neurons, has_neurons


def _pes(dice):
    return nengo.PES(dice.number(1e-4, 1e-2), pre_synapse=parts.synapse(dice))


def _rls(dice):
    return nengo.RLS(dice.number(1e-4, 1e-2), pre_synapse=parts.synapse(dice))


def _bcm(dice):
    synapses = {
        name: parts.synapse(dice)
        for name in ("pre_synapse", "post_synapse", "theta_synapse")
    }
    return nengo.BCM(dice.number(1e-8, 1e-7), **synapses)


def _oja(dice):
    rate, beta = dice.number(1e-6, 1e-5), dice.number(0.1, 2)
    return nengo.Oja(rate, pre_synapse=parts.synapse(dice), beta=beta)


def _voja(dice):
    return nengo.Voja(dice.number(1e-2, 1e-1), post_synapse=parts.synapse(dice))


def add_learning(dice, made):
    """Add a connection that learns, and one that tells it an error."""
    pre, post = (_neurons(dice, made) for _ in range(2))
    make = dice.one_of([_decoded, _between_neurons, _solved_weights, _encoded])
    connection = make(dice, pre, post)
    rules = connection.learning_rule
    for rule in rules if isinstance(rules, list) else [rules]:
        if rule.size_in > 0 and dice.chance(80):
            _connect_error(dice, made, rule)
        nengo.Probe(rule, "delta")


def _neurons(dice, made):
    """Choose an ensemble that has neurons, or make one."""
    ensembles = [obj for obj, _ in made.sources if has_neurons(obj)]
    return dice.one_of([*ensembles, None]) or add_neurons(dice, made)


def _rules(dice, *kinds):
    chosen = [dice.one_of(kinds)(dice) for _ in range(dice.one_of([1, 1, 2]))]
    return chosen[0] if len(chosen) == 1 else chosen


def _decoded(dice, pre, post):
    post = dice.one_of([post, post[-1], post.neurons])
    return nengo.Connection(
        pre,
        post,
        transform=dice.numbers(post.size_in, pre.size_out),
        synapse=parts.synapse(dice, none=False),
        learning_rule_type=_rules(dice, _pes, _rls),
    )


def _between_neurons(dice, pre, post):
    pre, post = pre.neurons, post.neurons
    return nengo.Connection(
        pre,
        post,
        transform=dice.numbers(post.size_in, pre.size_out, scale=0.01),
        synapse=parts.synapse(dice, none=False),
        learning_rule_type=_rules(dice, _bcm, _oja, _pes),
    )


def _solved_weights(dice, pre, post):
    return nengo.Connection(
        pre,
        post,
        transform=dice.numbers(post.size_in, pre.size_out),
        solver=nengo.solvers.LstsqL2(weights=True),
        synapse=parts.synapse(dice, none=False),
        learning_rule_type=_rules(dice, _bcm, _oja, _pes),
    )


def _encoded(dice, pre, post):
    pre = dice.one_of([pre, pre.neurons])
    scale = 1.0 if isinstance(pre, nengo.Ensemble) else 0.01
    return nengo.Connection(
        pre,
        post,
        transform=dice.numbers(post.size_in, pre.size_out, scale=scale),
        synapse=parts.synapse(dice, none=False),
        learning_rule_type=_rules(dice, _voja),
    )


def _connect_error(dice, made, rule):
    source, _ = dice.one_of(made.sources)
    scale = 0.01 if isinstance(source, nengo.ensemble.Neurons) else 1.0
    nengo.Connection(
        source,
        rule,
        transform=dice.numbers(rule.size_in, source.size_out, scale=scale),
        synapse=parts.synapse(dice, none=False),
    )
