"""What is compiled once serves all simulators that compute the same."""

import subprocess
import sys

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf

from nengo_dl_ops import TensorNode
from nengo_dl_sim import Simulator, configure_settings
from nengo_dl_sim.execution.compiled_call import CompiledCall
from nengo_dl_sim.execution.function_cache import shared_function

ROWS = np.arange(4.0)


def traced(function, *arguments):
    arguments = arguments or (tf.TensorSpec([4], tf.float64),)
    return tf.function(function, autograph=False).get_concrete_function(*arguments)


def scaled(by):
    return lambda x: tf.while_loop(
        lambda i, _: i < 3, lambda i, y: (i + 1, y * by), (0, x)
    )[1]


def from_variable(value):
    variable = tf.Variable(value)
    return lambda x: x + variable


SAME = {
    "constants": lambda: scaled(2.0),
    "variables": lambda: from_variable(np.random.rand(4)),
    "gradients": lambda: lambda x: tf.gradients(tf.nn.relu(x) ** 2, x)[0],
    "other functions": lambda: tf.function(lambda x: x + 1),
}


@pytest.mark.parametrize("make", SAME.values(), ids=list(SAME))
def test_the_same_graph_is_one_function(make):
    first, second = traced(make()), traced(make())
    assert first is not second
    assert shared_function(first) is shared_function(second)


OTHERS = {
    "a constant": scaled(3.0),
    "an operation": lambda x: tf.while_loop(
        lambda i, _: i < 3, lambda i, y: (i + 1, y + 2.0), (0, x)
    )[1],
    "the number of times": lambda x: tf.while_loop(
        lambda i, _: i < 4, lambda i, y: (i + 1, y * 2.0), (0, x)
    )[1],
    "an output": lambda x: (scaled(2.0)(x), x),
}


@pytest.mark.parametrize("function", OTHERS.values(), ids=list(OTHERS))
def test_another_graph_is_another_function(function):
    known = shared_function(traced(scaled(2.0)))
    other = traced(function)
    assert shared_function(other) is other is not known


@pytest.mark.parametrize(
    "spec",
    [tf.TensorSpec([5], tf.float64), tf.TensorSpec([4], tf.float32)],
    ids=["shape", "type"],
)
def test_other_arguments_are_another_function(spec):
    known = shared_function(traced(lambda x: x + x))
    assert shared_function(traced(lambda x: x + x, spec)) is not known


@pytest.mark.parametrize(
    "function",
    [
        lambda x: tf.numpy_function(np.square, [x], tf.float64),
        lambda x: x + tf.random.uniform([4], dtype=tf.float64, seed=1),
    ],
    ids=["Python", "a random state"],
)
def test_what_belongs_to_one_simulator_is_not_shared(function):
    first, second = traced(function), traced(function)
    assert shared_function(first) is first
    assert shared_function(second) is second


def test_each_call_has_variables_of_its_own():
    calls = [
        CompiledCall(from_variable(value), (tf.constant(ROWS),), jit_compile=xla)
        for xla in (False, True)
        for value in (ROWS, 2 * ROWS)
    ]
    for call, value in zip(calls, (ROWS, 2 * ROWS) * 2, strict=True):
        np.testing.assert_array_equal(call(tf.constant(ROWS)), ROWS + value)


def network(seed, tau=0.01, size=6):
    with nengo.Network(seed=seed) as net:
        configure_settings(dtype="float64")
        net.node = nengo.Node([0.5])
        ens = nengo.Ensemble(size, 1)
        nengo.Connection(net.node, ens)
        net.p = nengo.Probe(ens, synapse=tau)
    return net


@pytest.mark.parametrize("jit_compile", [False, True])
def test_simulators_in_turn_equal_nengo(jit_compile):
    nets = [network(0), network(1), network(0, tau=0.02), network(2, size=7)]
    options = {"progress_bar": False, "jit_compile": jit_compile}
    sims = [Simulator(net, **options) for net in nets]
    for _ in range(2):
        for sim in sims:
            sim.run_steps(10)
    for sim, net in zip(sims, nets, strict=True):
        with nengo.Simulator(net, progress_bar=False) as reference:
            reference.run_steps(20)
        np.testing.assert_allclose(sim.data[net.p], reference.data[net.p], atol=1e-12)
        sim.close()


def test_training_after_a_closed_simulator_starts_anew():
    """What another one has learned, or the rate of its optimizer, is not known."""

    def trained(rate):
        net = network(0)
        values = {net.node: np.ones((2, 3, 1)), net.p: np.ones((2, 3, 1))}
        with Simulator(net, seed=0, progress_bar=False, jit_compile=True) as sim:
            sim.train(values, keras.optimizers.Adam(rate), n_epochs=3)
            return sim.data[net.ensembles[0]].bias

    first, other, again = (trained(rate) for rate in (0.01, 0.1, 0.01))
    np.testing.assert_array_equal(first, again)
    assert np.any(first != other)


def test_functions_of_tensor_nodes_are_told_apart():
    def output(factor):
        with nengo.Network(seed=0) as net:
            node = nengo.Node([2.0])
            scale = TensorNode(lambda t, x: factor * x, shape_in=(1,), shape_out=(1,))
            nengo.Connection(node, scale, synapse=None)
            p = nengo.Probe(scale)
        with Simulator(net, progress_bar=False) as sim:
            sim.run_steps(1)
            return sim.data[p].item()

    assert [output(1.0), output(3.0), output(1.0)] == [2.0, 6.0, 2.0]


LOOP = """
import gc, keras, nengo, numpy as np
from nengo_dl_sim import Simulator

def memory():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 2**20

def train(seed):
    with nengo.Network(seed=seed) as net:
        node = nengo.Node([0.5])
        ens = nengo.Ensemble(20, 1, neuron_type=nengo.LIFRate())
        nengo.Connection(node, ens)
        probe = nengo.Probe(ens)
    data = {node: np.ones((4, 5, 1)), probe: np.ones((4, 5, 1))}
    with Simulator(net, minibatch_size=2, progress_bar=False) as sim:
        sim.train(data, keras.optimizers.SGD(0.1))
        sim.run_steps(5)

for seed in range(2):
    train(seed)
before = memory()
for seed in range(50):
    train(seed)
    gc.collect()
print(memory() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_fifty_trained_simulators_take_less_than_50_mb():
    command = [sys.executable, "-W", "ignore", "-c", LOOP]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 50
