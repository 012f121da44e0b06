"""Numbers that are not finite in the type of the simulation: refused, by name."""

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from nengo.exceptions import BuildError, SimulationError

from nengo_dl_ops import Layer, TensorNode
from nengo_dl_sim import Simulator, configure_settings

BIG = 1e39  # finite in double precision only


class Grows(nengo.Process):
    def make_state(self, shape_in, shape_out, dt, dtype=None):
        return {}

    def make_step(self, shape_in, shape_out, dt, rng, state):
        return lambda t, *x: np.full(shape_out, BIG)


def to_sink(source, **arguments):
    nengo.Connection(source, nengo.Node(size_in=1), synapse=None, **arguments)


def learned(rule):
    ens = nengo.Ensemble(2, 1, seed=0)
    target = ens if rule.modifies == "decoders" else ens.neurons
    weights = {} if target is ens else {"transform": np.zeros((2, 2))}
    connection = nengo.Connection(target, target, learning_rule_type=rule, **weights)
    if rule.modifies == "decoders":
        nengo.Connection(ens, connection.learning_rule)


#: What gives a large number, and the words of the error.
AT_THE_BUILD = {
    "constant node": (lambda: to_sink(nengo.Node([BIG], label="one")), "one"),
    "transform": (lambda: to_sink(nengo.Node([1.0]), transform=BIG), "Connection"),
    "matrix": (lambda: to_sink(nengo.Node([1.0, 2]), transform=[[1, BIG]]), "weights"),
    "sparse": (
        lambda: to_sink(
            nengo.Node([1.0]),
            transform=nengo.Sparse((1, 1), indices=[[0, 0]], init=[BIG]),
        ),
        "Connection",
    ),
    "bias": (lambda: nengo.Ensemble(1, 1, gain=[1], bias=[BIG], label="e"), "e"),
    "gain": (lambda: nengo.Ensemble(1, 1, gain=[BIG], bias=[0], label="e"), "e"),
    "synapse": (
        lambda: nengo.Connection(
            nengo.Node([1.0]),
            nengo.Node(size_in=1),
            synapse=nengo.LinearFilter([1e4 * BIG], [0.1, 1]),
        ),
        "LinearFilter",
    ),
    "PES": (lambda: learned(nengo.PES(1e4 * BIG)), "PES"),
    "BCM": (lambda: learned(nengo.BCM(1e4 * BIG)), "BCM"),
    "Oja": (lambda: learned(nengo.Oja(1e4 * BIG)), "Oja"),
}
IN_A_RUN = {
    "function": (lambda: nengo.Node(lambda t: BIG, label="f"), "f"),
    "later": (lambda: nengo.Node(lambda t: BIG if t > 2e-3 else 0, label="f"), "f"),
    "process": (lambda: nengo.Node(Grows(), size_out=1, label="p"), "p"),
    "in the loop": (
        lambda: to_and_from(nengo.Node(lambda t, x: x * BIG, size_in=1)),
        "lambda|overflow",
    ),
    "not a number": (
        lambda: TensorNode(lambda t: tf.fill((1, 1), t / 0), label="tensor"),
        "tensor.*finite",
    ),
    "large tensor": (
        lambda: TensorNode(lambda t: tf.constant([[BIG]]), label="tensor"),
        "tensor.*finite",
    ),
    "one of two": (lambda: same_name(tf.zeros_like, lambda x: x / 0), "tensor.*finite"),
    "the other": (lambda: same_name(lambda x: x / 0, tf.zeros_like), "tensor.*finite"),
    "root": (
        lambda: to_and_from(
            TensorNode(lambda t, x: tf.sqrt(0.0025 - x * t), size_in=1, label="tensor")
        ),
        "tensor.*finite.*t=0.003",
    ),
}


def same_name(*functions):
    return [
        TensorNode(lambda t, f=f: f(tf.reshape(t, (1, 1))), label="tensor")
        for f in functions
    ][0]


def to_and_from(node):
    nengo.Connection(nengo.Node([1.0]), node, synapse=None)
    return node


@pytest.mark.filterwarnings("ignore:This learning rate is very high")
@pytest.mark.parametrize("name", AT_THE_BUILD)
def test_numbers_that_are_too_large_for_the_type(name):
    make, words = AT_THE_BUILD[name]
    with nengo.Network() as net:
        make()
    with pytest.raises(BuildError, match=f"{words}.*float32, up to 3.4e\\+38, got"):
        Simulator(net, progress_bar=False)


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("name", IN_A_RUN)
@pytest.mark.filterwarnings("ignore:overflow")
def test_what_gives_them_in_a_run(name, jit_compile):
    """The error names it, and the simulation stands where it stood."""
    make, words = IN_A_RUN[name]
    with nengo.Network() as net:
        nengo.Probe(make())
    with Simulator(net, jit_compile=jit_compile, progress_bar=False) as sim:
        with pytest.raises(SimulationError, match=words):
            sim.run_steps(5)
        assert sim.n_steps == 0


def test_double_precision_holds_them():
    with nengo.Network() as net:
        configure_settings(dtype="float64")
        node = nengo.Node(lambda t: BIG)
        sink = nengo.Node(size_in=1)
        nengo.Connection(node, sink, transform=BIG, synapse=None)
        probe = nengo.Probe(sink)
    with Simulator(net, progress_bar=False) as sim:
        sim.run_steps(2)
    np.testing.assert_allclose(sim.data[probe], BIG * BIG)


def trained_root():
    """A TensorNode that is not a number from the third step on, after a weight."""
    with nengo.Network() as net:
        configure_settings(trainable=None)
        net.x = nengo.Node([1.0])
        hidden = nengo.Node(size_in=1)
        conn = nengo.Connection(net.x, hidden, transform=1, synapse=None)
        net.config[conn].trainable = True
        node = TensorNode(
            lambda t, x: tf.sqrt(0.0025 - x * t), size_in=1, label="tensor"
        )
        nengo.Connection(hidden, node, synapse=None)
        net.p = nengo.Probe(node)
    return net, conn


X, Y = np.ones((4, 6, 1)), np.zeros((4, 6, 1))

#: Ways to compute outputs, of two minibatches.
DOORS = {
    "predict": lambda sim, x, p: sim.predict({x: X}),
    "stateful": lambda sim, x, p: sim.predict({x: X}, stateful=True),
    "evaluate": lambda sim, x, p: sim.evaluate({x: X}, {p: Y}, verbose=0),
    "fit": lambda sim, x, p: sim.fit({x: X}, {p: Y}, verbose=0),
    "validation": lambda sim, x, p: sim.fit(
        {x: X[:, :2]}, {p: Y[:, :2]}, validation_data=({x: X}, {p: Y}), verbose=0
    ),
    "loss": lambda sim, x, p: sim.loss({x: X, p: Y}),
    "train": lambda sim, x, p: sim.train({x: X, p: Y}, keras.optimizers.SGD(0.0)),
    "truncation": lambda sim, x, p: sim.train(
        {x: X, p: Y}, keras.optimizers.SGD(0.0), truncation=2
    ),
    "run_batch": lambda sim, x, p: sim.run_batch({x: X}, {p: None}),
}


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("name", DOORS)
def test_every_door_names_the_tensor_node(name, jit_compile):
    net, conn = trained_root()
    with Simulator(
        net, minibatch_size=2, jit_compile=jit_compile, progress_bar=False
    ) as sim:
        sim.compile(keras.optimizers.SGD(0.0), loss="mse")
        stopped = "Training stopped" if name in ("fit", "train", "truncation") else ""
        message = f"tensor.*finite numbers of float32.*t=0.003.*{stopped}"
        with pytest.raises(SimulationError, match=message):
            DOORS[name](sim, net.x, net.p)
        assert sim.n_steps == 0
        assert sim.data[conn].weights == 1


def norm_network(where):
    """Three TensorNodes; the slope of one, or of the objective, is infinite at 0."""
    root = [lambda t, x: tf.abs(x) ** 0.5, lambda t, x: 2 * x]
    with nengo.Network() as net:
        configure_settings(trainable=None)
        last = net.x = nengo.Node([0.0])
        for k in range(3):
            node = TensorNode(root[k != where], size_in=1, label=f"node {k}")
            nengo.Connection(last, node, transform=1.0, synapse=None)
            last = node
        net.p = nengo.Probe(last)
    return net


@pytest.mark.parametrize(
    "where, n_steps, message",
    [
        (0, 1, "node 0.*slope.*Training stopped"),
        (1, 6, "node 1.*slope.*Training stopped"),
        (2, 1, "node 2.*slope.*Training stopped"),
        (None, 6, "Gradient of connections/"),
    ],
)
def test_a_tensor_node_without_a_finite_slope_is_named(where, n_steps, message):
    net = norm_network(where)
    with Simulator(net, jit_compile=False, progress_bar=False) as sim:
        objective = None
        if where is None:
            objective = {net.p: lambda y, t: tf.sqrt(tf.abs(y))}
        x = np.zeros((1, n_steps, 1))
        data = {net.x: x, net.p: x + 1}
        with pytest.raises(SimulationError, match=message):
            sim.train(data, keras.optimizers.SGD(0.1), objective=objective)
        assert int(sim.training_step) == 0


def test_a_layer_without_a_finite_slope_is_named():
    class Root(keras.layers.Layer):
        def build(self, shape):
            self.weight = self.add_weight(shape=(1,), initializer="zeros")

        def call(self, x):
            return x * tf.sqrt(self.weight)

    with nengo.Network() as net:
        x = nengo.Node([1.0])
        p = nengo.Probe(Layer(Root())(x))
    with Simulator(net, jit_compile=False, progress_bar=False) as sim:
        data = {x: np.ones((1, 1, 1)), p: np.ones((1, 1, 1))}
        with pytest.raises(SimulationError, match="TensorNode.*slope.*stopped"):
            sim.train(data, keras.optimizers.SGD(0.1))
