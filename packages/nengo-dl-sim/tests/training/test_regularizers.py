"""Regularizers and constraints of parameters, as settings of a network."""

from contextlib import nullcontext

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import linear, sgd, simulator, total, weight
from nengo.exceptions import ValidationError

from nengo_dl_sim import configure_settings


def half(x):
    """A penalty whose gradient is the parameter."""
    return 0.5 * tf.reduce_sum(x**2)


def penalized(**settings):
    """Make a network of one weight, with settings of the weight."""
    net = linear()
    net.conn.transform = [[1.0]]
    for name, value in settings.items():
        setattr(net.config[net.conn], name, value)
    return net


def one_step(net):
    """Return what `train` takes for one change of the parameters."""
    return {"data": 1, "objective": {net.p: total}}


OPTIMIZERS = {
    "Keras": sgd,
    "Keras, of parts": lambda: keras.optimizers.SGD(0.125, clipnorm=100.0),
    "TensorFlow 1": lambda: tf.compat.v1.train.GradientDescentOptimizer(0.125),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_train_minimises_penalties_and_applies_constraints(optimizer):
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64")
        a = nengo.Node([0.5, 0.5, 0.5])
        b = nengo.Node(size_in=3)
        conns = [
            nengo.Connection(a[i], b[i], transform=value, synapse=None)
            for i, value in enumerate((1.0, 2.0, 4.0))
        ]
        net.p = nengo.Probe(b)
    net.config[conns[0]].regularizer = half
    net.config[conns[2]].constraint = lambda x: tf.minimum(x, 3)
    with simulator(net) as sim:
        sim.train(optimizer=optimizer(), **one_step(net))
        found = [float(np.squeeze(sim.data[c].weights)) for c in conns]
    # The gradient of the objective is 0.5 everywhere.
    expected = [1 - 0.125 * (0.5 + 1), 2 - 0.125 * 0.5, 3]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_what_is_logged_counts_penalties_in():
    net = penalized(regularizer=keras.regularizers.L1(0.25))
    data = {"n_steps": 1, "y": np.zeros((1, 1, 1)), "verbose": 0}
    with simulator(net) as sim:
        sim.compile(sgd(), loss=lambda y_true, y: y)
        found = sim.evaluate(**data)
        logged = sim.fit(**data).history
        assert weight(sim, net) == 1 - 0.125 * (0.5 + 0.25)
    assert found == {"loss": 0.75, "p_loss": 0.5}
    assert logged == {"loss": [0.75], "p_loss": [0.5]}


def test_loss_is_of_objectives_only():
    net = penalized(regularizer="l2")
    with simulator(net) as sim:
        assert sim.loss(1, {net.p: total}) == 0.5


@pytest.mark.parametrize("learned", [False, True])
def test_penalties_are_of_what_is_trained(learned):
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64", regularizer=half)
        pre = nengo.Ensemble(3, 1, seed=1)
        post = nengo.Node(size_in=1)
        nengo.Connection(nengo.Node([1]), pre)
        conn = nengo.Connection(pre, post, function=lambda x: 0.5)
        net.p = nengo.Probe(post)
        if learned:
            conn.learning_rule_type = nengo.PES()
            nengo.Connection(nengo.Node([0]), conn.learning_rule)
            net.config[conn].trainable = True
        net.config[pre.neurons].trainable = False
    with pytest.warns(UserWarning) if learned else nullcontext(), simulator(net) as sim:
        sim.compile(sgd(), loss=lambda y_true, y: 0 * y)
        encoders, decoders = sim.data[pre].scaled_encoders, sim.data[conn].weights
        found = sim.evaluate(n_steps=2, y=np.zeros((1, 2, 1)), verbose=0)["loss"]
    expected = 0.5 * (np.sum(encoders**2) + np.sum(decoders**2))
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_the_nearest_setting_counts():
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64", regularizer=half)
        a, b = nengo.Node([0.5]), nengo.Node(size_in=1)
        with nengo.Network():
            configure_settings(regularizer=lambda x: 3 * half(x))
            nengo.Connection(a, b, transform=2.0, synapse=None)
        conns = [nengo.Connection(a, b, transform=1.0, synapse=None) for _ in range(2)]
        net.config[conns[0]].regularizer = lambda x: 0.0
        net.p = nengo.Probe(b)
    with simulator(net) as sim:
        sim.compile(sgd(), loss=lambda y_true, y: 0 * y)
        found = sim.evaluate(n_steps=1, y=np.zeros((1, 1, 1)), verbose=0)["loss"]
    assert found == 3 * 2 + 0.5


def test_a_penalty_alone_changes_a_parameter():
    net = penalized(regularizer=half)
    with net:
        other = nengo.Connection(net.a, nengo.Node(size_in=1), transform=2.0)
        net.q = nengo.Probe(other.post)
    net.config[other].regularizer = half
    with simulator(net) as sim:  # without a warning that no gradient reaches it
        sim.train(optimizer=sgd(), **one_step(net))
        np.testing.assert_allclose(sim.data[other].weights, 2 - 0.125 * 2)


BAD = {
    "a penalty for each element": ("regularizer", lambda x: x**2, "returns a number"),
    "a penalty of NumPy": ("regularizer", lambda x: np.sum(x), "TensorFlow"),
    "a constraint of another shape": ("constraint", total, "keeps the shape"),
    "a constraint of NumPy": ("constraint", lambda x: np.maximum(x, 0), "TensorFlow"),
}


@pytest.mark.parametrize("name, function, message", BAD.values(), ids=BAD)
def test_functions_that_do_not_fit(name, function, message):
    net = penalized(**{name: function})
    optimizer = sgd()
    with simulator(linear()) as sim:
        sim.train(optimizer=optimizer, **one_step(sim.model.toplevel))
    with simulator(net) as sim:
        with pytest.raises(ValidationError, match=f"{name}: expected .*{message}"):
            sim.train(optimizer=sgd(), **one_step(net))
        sim.compile(sgd(), loss="mse")
        with pytest.raises(ValidationError, match=f"{name}: expected .*{message}"):
            sim.fit(n_steps=1, y=np.zeros((1, 1, 1)), verbose=0)
        assert weight(sim, net) == 1


def test_a_penalty_that_is_not_finite():
    net = penalized(regularizer=lambda x: tf.math.log(-x[0, 0]))
    with simulator(net) as sim:
        with pytest.raises(nengo.exceptions.SimulationError, match="the regularizers"):
            sim.train(optimizer=sgd(), **one_step(net))
        assert weight(sim, net) == 1
