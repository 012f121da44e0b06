import doctest
from contextlib import ExitStack

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from nengo.exceptions import NetworkContextError, ValidationError

from nengo_dl_ops import Layer, TensorNode
from nengo_dl_ops.tensor_nodes import layers


@pytest.fixture
def source():
    with nengo.Network():
        yield nengo.Node(np.zeros(4))


def double(x):
    return 2 * x


APPLIED = {
    "function": (double, {}, 4, 4),
    "shaped": (lambda x: x[:, :, 0], {"shape_in": (2, 2)}, 4, 2),
    "shape of the output": (tf.identity, {"shape_out": (2, 2)}, 4, 4),
    "layer": (keras.layers.Dense(3), {}, 4, 3),
    "shaped layer": (keras.layers.Flatten(), {"shape_in": (2, 2)}, 4, 4),
    "neurons": (nengo.LIF(), {}, 4, 4),
    "transform": (double, {"transform": np.ones((3, 4))}, 3, 3),
    "nested lists": (nengo.LIF(), {"transform": [[1, 1, 1, 1]]}, 1, 1),
    "transform object": (
        double,
        {"transform": nengo.Dense((5, 4), np.ones((5, 4)))},
        5,
        5,
    ),
}


@pytest.mark.parametrize("name", APPLIED)
def test_sizes(name, source):
    func, arguments, size_in, size_out = APPLIED[name]
    layer = Layer(func)(source, **arguments)
    assert (layer.size_in, layer.size_out) == (size_in, size_out)


def test_one_layer_several_times(source):
    """The same Keras layer in two nodes: they share its weights."""
    dense = Layer(keras.layers.Dense(4))
    first = dense(source)
    second = dense(first)
    assert first is not second
    assert first.tensor_func is second.tensor_func is dense.layer_func


def test_arguments_go_to_what_is_made(source):
    gain = np.arange(1.0, 5)
    neurons = Layer(nengo.LIF(tau_ref=0.003))(source, gain=gain, label="spikes")
    assert neurons.ensemble.neuron_type == nengo.LIF(tau_ref=0.003)
    assert neurons.ensemble.label == "spikes"
    np.testing.assert_array_equal(neurons.ensemble.gain, gain)

    node = Layer(double)(source, label="doubled")
    assert isinstance(node, TensorNode)
    assert (node.label, node.pass_time) == ("doubled", False)
    timed = Layer(lambda t, x: t * x)(source, pass_time=True)
    assert timed.pass_time


def test_the_connection(source):
    layer, conn = Layer(double)(source, synapse=0.1, transform=2, return_conn=True)
    assert (conn.pre, conn.post) == (source, layer)
    assert conn.synapse == nengo.Lowpass(0.1)
    np.testing.assert_array_equal(conn.transform.init, 2)
    _, conn = Layer(double)(source, return_conn=True)
    assert conn.synapse is None
    assert isinstance(conn.transform, nengo.transforms.NoTransform)


@pytest.mark.parametrize("depth", [0, 1, 2])
@pytest.mark.parametrize("configured", [False, True])
def test_the_connection_is_not_trained(depth, configured):
    """Wherever it is made; the outermost network knows, so that any may say no."""
    networks = [nengo.Network()]
    for _ in range(depth):
        with networks[-1]:
            networks.append(nengo.Network())
    if configured:
        networks[0].config[nengo.Connection].set_param(
            "trainable",
            nengo.params.BoolParam("trainable", default=None, optional=True),
        )
    with ExitStack() as stack:
        for network in (nengo.Network(), *networks):  # in the context of another one
            stack.enter_context(network)
        source = nengo.Node([0.0])
        _, conn = Layer(double)(source, return_conn=True)
        other = nengo.Connection(source, nengo.Node(size_in=1))
    assert networks[0].config[conn].trainable is False
    assert networks[0].config[other].trainable is None
    networks[0].config[conn].trainable = True


NAMES = {
    "function": (double, "Layer(double)"),
    "layer": (keras.layers.Dense(3, name="dense_of_three"), "Layer(dense_of_three)"),
    "neurons": (nengo.LIF(), "Layer(LIF)"),
}


@pytest.mark.parametrize("name", NAMES)
def test_str(name):
    func, expected = NAMES[name]
    assert str(Layer(func)) == expected


@pytest.mark.parametrize("wrong", [None, 3, keras.layers.Dense, nengo.LIF])
def test_what_is_no_layer(wrong):
    with pytest.raises(ValidationError, match="layer_func.*neuron type, got"):
        Layer(wrong)


def test_errors(source):
    with pytest.raises(ValidationError):
        Layer(double)(source, shape_in=(3, 3))
    with pytest.raises(ValidationError, match="got 'units'"):
        Layer(keras.layers.Dense(3))(source, units=2)


def test_outside_of_a_network():
    with nengo.Network():
        source = nengo.Node([0.0])
    with pytest.raises(NetworkContextError):
        Layer(double)(source)


def test_docstring_examples():
    results = doctest.testmod(layers)
    assert results.attempted > 0
    assert results.failed == 0
