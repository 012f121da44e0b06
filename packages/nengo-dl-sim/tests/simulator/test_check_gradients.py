"""Checking gradients: right ones pass, wrong ones are named, nothing changes."""

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import simulator, state_of
from nengo.exceptions import SimulationError, ValidationError

from nengo_dl_ops import TensorNode, tensor_layer
from nengo_dl_sim import configure_settings
from nengo_dl_sim.training.finite_differences import derivative


@tf.custom_gradient
def twice(x):
    """Return the double, and say that the gradient is 2.1."""
    return 2 * x, lambda upstream: 2.1 * upstream


@tf.custom_gradient
def undefined(x):
    return 2 * x, lambda upstream: upstream * np.nan


def network(function=None, dtype="float32"):
    with nengo.Network(seed=0) as net:
        configure_settings(dtype=dtype)
        net.a, net.b = nengo.Node([0.5, 0.5], label="a"), nengo.Node([1.0], label="b")
        net.ens = nengo.Ensemble(5, 2, neuron_type=nengo.LIF(), label="ens")
        nengo.Connection(net.a, net.ens, synapse=None)
        nengo.Connection(net.ens, net.ens, synapse=0.01)
        net.c = nengo.Node(size_in=1)
        net.conn = nengo.Connection(
            net.b, net.c, transform=3.0, synapse=None, label="w"
        )
        net.p = nengo.Probe(net.ens, label="p")
        net.q = nengo.Probe(net.c, label="q")
        if function is not None:
            node = TensorNode(lambda t, x: function(x), size_in=1, size_out=1)
            nengo.Connection(net.c, node, synapse=None)
            net.r = nengo.Probe(node, label="r")
    return net


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("unroll", [1, 3])
def test_right_gradients(dtype, unroll):
    net = network(dtype=dtype)
    n_steps = 2 * unroll
    options = {"minibatch_size": 2, "unroll_simulation": unroll}
    with simulator(net, **options) as sim:
        sim.run_steps(3)
        before = [np.array(v) for v in tf.nest.flatten(state_of(sim))]
        params = [(net.ens, "bias"), (net.ens, "encoders"), (net.conn, "weights")]
        values = sim.data.get_params(*params)
        found = sim.check_gradients()
        for old, new in zip(before, tf.nest.flatten(state_of(sim)), strict=True):
            np.testing.assert_array_equal(old, new)
        for old, new in zip(values, sim.data.get_params(*params), strict=True):
            np.testing.assert_array_equal(old, new)
        assert (sim.n_steps, int(sim.training_step)) == (3, 0)
    assert list(found) == [net.p, net.q]
    for probe, size in ((net.p, 2), (net.q, 1)):
        analytic, numeric = found[probe]["analytic"], found[probe]["numeric"]
        shapes = [(n_steps * size, n_steps * n) for n in (2, 1)]
        assert [x.shape for x in analytic[:2]] == shapes
        assert [x.shape for x in numeric] == [x.shape for x in analytic]
        # Encoders, biases, decoders of the recurrence, the weight.
        assert len(analytic) == 2 + 4
        for x, y in zip(analytic, numeric, strict=True):
            peak = np.max(np.abs(x), initial=1)
            np.testing.assert_allclose(x, y, atol=2e-3 * peak)
    # By hand: what goes in in a step comes out three times as large, in both items.
    np.testing.assert_allclose(found[net.q]["analytic"][1], 6 * np.eye(n_steps))
    np.testing.assert_array_equal(found[net.q]["analytic"][0], 0)
    assert np.max(np.abs(found[net.p]["analytic"][0])) > 0.1


@pytest.mark.parametrize("form", ["list", "dict", "part"])
def test_around_given_inputs(form):
    net = network(function=tf.square, dtype="float64")
    x = np.random.RandomState(0).uniform(0.5, 1, (2, 5, 2))
    inputs = {net.a: x, net.b: x[..., :1]}
    if form == "list":
        inputs = list(inputs.values())
    elif form == "part":
        del inputs[net.a]
    with simulator(net, minibatch_size=2) as sim:
        (found,) = sim.check_gradients([net.r], inputs=inputs).values()
    expected = np.diag(2 * 9 * x[..., 0].sum(axis=0))
    np.testing.assert_allclose(found["analytic"][1], expected, rtol=1e-9)


@pytest.mark.parametrize(
    "function, match",
    [
        (twice, "expected .* got .*; this is the worst"),
        (undefined, "got nan"),
        (tf.stop_gradient, r"expected .*, got 0\b"),
    ],
    ids=["wrong", "NaN", "none"],
)
def test_wrong_gradients_are_named(function, match):
    net = network(function)
    with simulator(net) as sim:
        with pytest.raises(SimulationError, match=f"Probe .r..* respect to .*{match}"):
            sim.check_gradients([net.q, net.r])
        if function is twice:
            sim.check_gradients([net.r], rtol=0.1)


def test_the_worst_parameter_is_named():
    """A weight whose gradient is wrong, behind inputs whose gradients are right."""

    class Scale(tf.Module):
        def __init__(self):
            super().__init__()
            self.good = tf.Variable([[2.0]], name="good")
            self.bad = tf.Variable([[3.0]], name="bad")

        def __call__(self, t, x):
            return x * self.good + twice(self.bad)

    with nengo.Network() as net:
        node = TensorNode(Scale(), size_in=1, size_out=1)
        nengo.Connection(nengo.Node([1.0]), node, synapse=None)
        p = nengo.Probe(node)
    with simulator(net) as sim:
        with pytest.raises(SimulationError, match="respect to bad.* of .*TensorNode"):
            sim.check_gradients([p])


def test_layers():
    keras.utils.set_random_seed(0)
    with nengo.Network() as net:
        dense = keras.layers.Dense(4, activation="tanh")
        nengo.Probe(tensor_layer(nengo.Node(np.ones(3)), dense))
    with simulator(net, minibatch_size=2) as sim:
        (found,) = sim.check_gradients(inputs=[np.ones((2, 3, 3))]).values()
    # The weight of the connection to the layer, its kernel, its bias.
    shapes = [x.shape for x in found["analytic"]]
    assert shapes == [(12, 9), (12, 1), (12, 1), (12, 1)]


def test_python_in_between():
    """Python functions have no gradient: where one is needed, that is an error."""
    with nengo.Network(seed=0) as net:
        a = nengo.Node([0.5])
        python = nengo.Node(lambda t, x: x**2, size_in=1)
        nengo.Connection(a, python, synapse=None)
        nengo.Probe(python, label="p")
        q = nengo.Probe(a)
    with simulator(net) as sim:
        sim.check_gradients([q])
        with pytest.raises(SimulationError, match="Probe .p..*Python functions"):
            sim.check_gradients(inputs=[np.ones((1, 2, 1))])


@pytest.mark.parametrize(
    "arguments, match",
    [
        ({"outputs": 3}, "outputs.*list of probes.*got 3"),
        ({"outputs": ["p"]}, "outputs.*list of probes.*got .'p'"),
        ({"inputs": [np.zeros((1, 2, 2))]}, "inputs.*list of 2 arrays"),
        ({"inputs": 3}, "inputs.*list of 2 arrays.*got 3"),
        ({"inputs": [np.zeros((1, 2, 2)), np.zeros((1, 3, 1))]}, "2 steps.*got 3"),
    ],
)
def test_wrong_arguments(arguments, match):
    with simulator(network()) as sim:
        with pytest.raises(ValidationError, match=match):
            sim.check_gradients(**arguments)


FUNCTIONS = {
    "smooth": (lambda x: np.sin(x + 0.3), np.cos(0.3)),
    "steep": (lambda x: np.tanh(300 * (x + 0.001)), 300 / np.cosh(0.3) ** 2),
    "kink nearby": (lambda x: 2 * max(x + 0.003, 0) + 0.1 * x, 2.1),
    "large offset": (lambda x: 1e3 + x, 1.0),
    "constant": (lambda x: 7.0, 0.0),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_differences(name, dtype):
    function, expected = FUNCTIONS[name]
    epsilon = float(np.finfo(dtype).eps)
    found = derivative(lambda x: np.array([function(x)], dtype), epsilon)
    error = abs(found.value[0] - expected)
    assert error <= found.error[0] + 1e-12
    assert found.error[0] <= (2e-3 if dtype is np.float64 else 0.02) * max(expected, 1)
