"""Learning rules, alone and together, on all kinds of weights."""

import nengo
import numpy as np
from nengo import BCM, PES, RLS, Oja, Voja

PRE, POST = 6, 5


def decoded(pre, post, rule):
    return nengo.Connection(pre, post, learning_rule_type=rule)


def to_a_part(pre, post, rule):
    return nengo.Connection(pre, post[1], transform=[[1, 0]], learning_rule_type=rule)


def computing(pre, post, rule):
    return nengo.Connection(pre, post, function=np.square, learning_rule_type=rule)


def from_neurons(pre, post, rule):
    weights = 0.002 * np.cos(np.arange(2 * PRE).reshape(2, PRE))
    return nengo.Connection(
        pre.neurons, post, transform=weights, learning_rule_type=rule
    )


def from_a_part(pre, post, rule):
    weights = 0.002 * np.cos(np.arange(6).reshape(2, 3))
    return nengo.Connection(
        pre.neurons[::2], post, transform=weights, learning_rule_type=rule
    )


def between_neurons(pre, post, rule):
    weights = 0.002 * np.cos(np.arange(POST * PRE).reshape(POST, PRE))
    return nengo.Connection(
        pre.neurons, post.neurons, transform=weights, learning_rule_type=rule
    )


def solved_weights(pre, post, rule):
    solver = nengo.solvers.LstsqL2(weights=True)
    return nengo.Connection(pre, post, solver=solver, learning_rule_type=rule)


def weights_to_a_part(pre, post, rule):
    """The error reaches the neurons by a part of the encoders, along their axis 1."""
    solver = nengo.solvers.LstsqL2(weights=True)
    return nengo.Connection(
        pre, post[1:], transform=[[1, 0]], solver=solver, learning_rule_type=rule
    )


RULES = [
    (PES(0.01), decoded),
    (PES(0.02, pre_synapse=None), to_a_part),
    (PES(0.01, pre_synapse=nengo.Alpha(0.01)), computing),
    (PES(0.01), from_neurons),
    (PES(0.01), from_a_part),
    (PES(0.01), between_neurons),
    (PES(0.01), solved_weights),
    (PES(0.01), weights_to_a_part),
    (RLS(0.01), decoded),
    (RLS(0.001, pre_synapse=None), from_neurons),
    (BCM(1e-8), between_neurons),
    (BCM(1e-8, post_synapse=0.01, theta_synapse=0.02), solved_weights),
    (Oja(1e-6), between_neurons),
    (Oja(1e-6, pre_synapse=0.01, beta=0.5), solved_weights),
    (Voja(0.1), decoded),
    (Voja(0.05, post_synapse=None), from_neurons),
    ([PES(0.01), Voja(0.1)], decoded),
    ([BCM(1e-8), Oja(1e-6)], between_neurons),
    ({"error": PES(0.01), "other": RLS(0.01)}, decoded),
]


def add_rule(bench, number, row):
    rule, connect = row
    name = f"{number} {rule} {connect.__name__}"
    pre = nengo.Ensemble(PRE, 2, neuron_type=nengo.LIFRate())
    post = nengo.Ensemble(POST, 2, neuron_type=nengo.LIFRate())
    nengo.Connection(bench.input[:2], pre, synapse=0.003)
    connection = connect(pre, post, rule)
    _connect_errors(bench, connection.learning_rule)
    target = post if "Voja" in name else connection
    bench.probe(name, target, "scaled_encoders" if target is post else "weights")
    # Not the rates: close to the threshold the slope of LIFRate has no bound.
    bench.record(name, connection.post_obj if target is post else _decode(post))


def _decode(post):
    node = nengo.Node(size_in=2)
    nengo.Connection(post, node, synapse=0.005)
    return node


def _connect_errors(bench, rules):
    if isinstance(rules, dict):
        rules = list(rules.values())
    for rule in rules if isinstance(rules, list) else [rules]:
        if rule.size_in > 0:
            nengo.Connection(bench.input[3 : 3 + rule.size_in], rule, synapse=0.005)
