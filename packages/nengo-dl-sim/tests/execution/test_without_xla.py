"""TensorNodes and objectives that XLA cannot compile: every method works without it."""

import logging

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from nengo.exceptions import SimulationError, ValidationError

from nengo_dl_ops import TensorNode
from nengo_dl_sim import Simulator

N_STEPS = 3


def of_python(wrap):
    def double(x):
        return tf.ensure_shape(wrap(lambda a: 2 * a, [x], x.dtype), x.shape)

    return double


def of_text(x):
    return 2 * tf.strings.to_number(tf.strings.as_string(x, precision=1), x.dtype)


def printed(x):
    tf.print("", end="")
    return 2 * x


def printed_sometimes(x):
    return tf.cond(tf.reduce_sum(x) > -1, lambda: printed(x), lambda: 2 * x)


LOOKUP = keras.layers.StringLookup(vocabulary=["1.0"])


def looked_up(x):
    known = tf.cast(LOOKUP(tf.strings.as_string(x, precision=1)), x.dtype)
    return 2 * x + known - tf.stop_gradient(known)


#: Functions that double their input, with operations that XLA lacks.
FUNCTIONS = {
    "py_function": (of_python(tf.py_function), "EagerPyFunc"),
    "numpy_function": (of_python(tf.numpy_function), "PyFunc"),
    "strings": (of_text, "AsString"),
    "print": (printed, "Print"),
    "print inside of a condition": (printed_sometimes, "Print"),
    "lookup": (looked_up, "AsString|table"),
}


def network(func):
    with nengo.Network(seed=0) as net:
        net.x = nengo.Node([0.0])
        middle = nengo.Node(size_in=1)
        net.conn = nengo.Connection(net.x, middle, transform=3.0, synapse=None)
        node = TensorNode(lambda t, x: func(x), size_in=1, size_out=1, label="doubling")
        nengo.Connection(middle, node, synapse=None)
        y = nengo.Node(size_in=1)
        net.last = nengo.Connection(node, y, transform=1.0, synapse=None)
        net.p = nengo.Probe(y)
    return net


X, Y = np.ones((2, N_STEPS, 1)), np.zeros((2, N_STEPS, 1))


def run_long(sim, net):
    sim.run_steps(3000, data={net.x: np.ones((2, 3000, 1))})
    np.testing.assert_allclose(sim.data[net.p], 6.0)


def predict(sim, net):
    np.testing.assert_allclose(sim.predict({net.x: X})[net.p], 6.0)


def evaluate(sim, net):
    assert sim.evaluate({net.x: X}, {net.p: Y}, verbose=0)["loss"] == pytest.approx(36)


def loss(sim, net):
    assert sim.loss({net.x: X, net.p: Y}) == pytest.approx(36)
    assert sim.loss({net.x: X, net.p: Y}, training=True) == pytest.approx(36)


def run_batch(sim, net):
    found = sim.run_batch({net.x: X}, {net.p: lambda y: y})
    np.testing.assert_allclose(np.ravel(found[net.p]), 6.0)


def fit(sim, net):
    sim.fit({net.x: X}, {net.p: Y}, verbose=0)
    assert sim.data[net.last].weights == pytest.approx(1 - 0.01 * 2 * 6 * 6)


def train(sim, net):
    sim.reset()
    sim.train({net.x: X, net.p: Y}, keras.optimizers.SGD(0.01))
    assert sim.data[net.last].weights == pytest.approx(1 - 0.01 * 2 * 6 * 6)


def check_gradients(sim, net):
    sim.check_gradients()


@pytest.mark.filterwarnings("ignore:No gradient reaches")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_method_works(name, caplog):
    func, operation = FUNCTIONS[name]
    net = network(func)
    doors = [predict, evaluate, loss, run_batch, fit, train]
    if name == "print":
        doors += [run_long, check_gradients]
    with (
        caplog.at_level(logging.WARNING, "nengo_dl_sim"),
        Simulator(net, minibatch_size=2, progress_bar=False) as sim,
    ):
        sim.compile(keras.optimizers.SGD(0.01), loss={net.p: "mse"})
        for door in doors:
            sim.reset()
            door(sim, net)
    (line,) = [record.getMessage() for record in caplog.records]
    assert "TensorNode 'doubling'" in line
    assert tf.compat.as_str(line).count("\n") == 0
    assert any(text in line for text in operation.split("|"))


@pytest.mark.parametrize("door", [run_long, predict, evaluate, loss, train])
def test_an_explicit_wish_for_xla_is_refused(door):
    net = network(printed)
    with Simulator(net, minibatch_size=2, jit_compile=True, progress_bar=False) as sim:
        sim.compile("sgd", loss={net.p: "mse"})
        with pytest.raises(ValidationError, match="jit_compile.*'doubling'.*Print"):
            door(sim, net)
        assert sim.n_steps == 0


@pytest.mark.parametrize("name", ["print", "strings", "py_function"])
def test_objectives_that_xla_lacks(name, caplog):
    func, _ = FUNCTIONS[name]
    net = network(lambda x: 2 * x)
    data, objective = {net.x: X}, {net.p: lambda y: tf.reduce_mean(y + 0 * func(y))}
    with (
        caplog.at_level(logging.WARNING, "nengo_dl_sim"),
        Simulator(net, minibatch_size=2, progress_bar=False) as sim,
    ):
        for _ in range(2):
            assert sim.loss(data, objective) == pytest.approx(6)
        sim.train(data, keras.optimizers.SGD(0.01), objective=objective, n_epochs=2)
        assert sim.data[net.last].weights < 0.95
    assert len(caplog.records) == 2  # one of the loss, one of training


def test_objectives_are_refused_with_an_explicit_wish():
    net = network(lambda x: 2 * x)
    objective = {net.p: printed}
    with Simulator(net, minibatch_size=2, jit_compile=True, progress_bar=False) as sim:
        with pytest.raises(SimulationError, match="objectives of .*jit_compile=True"):
            sim.loss({net.x: X}, objective)
