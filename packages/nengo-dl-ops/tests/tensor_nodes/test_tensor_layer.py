import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from nengo.exceptions import ValidationError

from nengo_dl_ops import TensorNode, tensor_layer


@pytest.fixture
def source():
    with nengo.Network():
        yield nengo.Node(np.zeros(4))


def double(x):
    return 2 * x


LAYERS = {
    "function": (lambda a: tensor_layer(a, double), 4, 4),
    "function with arguments": (
        lambda a: tensor_layer(a, tf.reduce_sum, axis=1, keepdims=True),
        4,
        1,
    ),
    "shaped": (
        lambda a: tensor_layer(a, lambda x: x[:, :, 0], shape_in=(2, 2)),
        4,
        2,
    ),
    "layer": (lambda a: tensor_layer(a, keras.layers.Dense(3)), 4, 3),
    "class of layers": (lambda a: tensor_layer(a, keras.layers.Dense, units=3), 4, 3),
    "shaped layer": (
        lambda a: tensor_layer(a, keras.layers.Flatten(), shape_in=(2, 2)),
        4,
        4,
    ),
    "neurons": (lambda a: tensor_layer(a, nengo.LIF()), 4, 4),
    "rows of the transform": (
        lambda a: tensor_layer(a, double, transform=np.ones((3, 4))),
        3,
        3,
    ),
    "nested lists": (
        lambda a: tensor_layer(a, nengo.LIF(), transform=[[1, 1, 1, 1]]),
        1,
        1,
    ),
    "transform object": (
        lambda a: tensor_layer(
            a, double, transform=nengo.Dense((5, 4), np.ones((5, 4)))
        ),
        5,
        5,
    ),
    "part of an object": (lambda a: tensor_layer(a[:2], double), 2, 2),
}


@pytest.mark.parametrize("make, size_in, size_out", LAYERS.values(), ids=LAYERS)
def test_sizes(make, size_in, size_out, source):
    layer = make(source)
    assert (layer.size_in, layer.size_out) == (size_in, size_out)


def test_the_connection(source):
    layer, conn = tensor_layer(
        source, double, synapse=0.1, transform=2, return_conn=True
    )
    assert conn.pre is source
    assert conn.post is layer
    assert conn.synapse == nengo.Lowpass(0.1)
    np.testing.assert_array_equal(conn.transform.init, 2)
    _, conn = tensor_layer(source, double, return_conn=True)
    assert conn.synapse is None


def test_layers_of_functions_take_no_time(source):
    layer = tensor_layer(source, double)
    assert isinstance(layer, TensorNode)
    assert layer.tensor_func is double
    assert not layer.pass_time


def test_layers_of_neurons(source):
    gain = np.arange(1.0, 5)
    layer = tensor_layer(source, nengo.LIF(tau_ref=0.003), gain=gain, bias=gain)
    assert isinstance(layer, nengo.ensemble.Neurons)
    assert layer.ensemble.neuron_type == nengo.LIF(tau_ref=0.003)
    np.testing.assert_array_equal(layer.ensemble.gain, gain)


def test_a_keras_layer_takes_no_arguments(source):
    with pytest.raises(ValidationError, match=r"layer_args.*\['units'\]"):
        tensor_layer(source, keras.layers.Dense(3), units=2)


def test_shapes_that_do_not_fit(source):
    with pytest.raises(ValidationError):
        tensor_layer(source, double, shape_in=(3, 3))
