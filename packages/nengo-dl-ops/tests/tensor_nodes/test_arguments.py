"""Arguments of TensorNodes and layers: forms that are understood, and wrong ones."""

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from nengo.exceptions import ValidationError

from nengo_dl_ops import Layer, TensorNode, reshaped, tensor_layer


def made(make):
    with nengo.Network():
        return make(nengo.Node([0.0, 0.0], label="source"))


def node(**kwargs):
    return lambda source: TensorNode(lambda x: x, **{"pass_time": False, **kwargs})


def layer(func, **kwargs):
    return lambda source: Layer(func)(source, **kwargs)


def layer2(func, **kwargs):
    return lambda source: tensor_layer(source, func, **kwargs)


WRONG = {
    "shape_in: None in it": (node(shape_in=(None, 1)), "shape_in.*without the batch"),
    "shape_in: text": (node(shape_in="ab"), "shape_in.*whole numbers.*got 'ab'"),
    "shape_in: number": (node(shape_in=2), r"shape_in.*tuple.*\(2,\), got 2"),
    "shape_in: True": (node(shape_in=True), "shape_in.*tuple.*got True"),
    "shape_in: NaN": (node(shape_in=np.nan), "shape_in.*tuple.*got nan"),
    "shape_in: fraction": (node(shape_in=(1.5,)), r"shape_in.*got \(1.5,\)"),
    "shape_in: zero": (node(shape_in=(0,)), r"shape_in.*at least 1, got \(0,\)"),
    "shape_in: negative": (node(shape_in=(-1,)), r"shape_in.*at least 1, got \(-1,\)"),
    "shape_in: boolean in it": (node(shape_in=(True,)), r"shape_in.*got \(True,\)"),
    "shape_out: None in it": (
        node(size_in=2, shape_out=(None, 1)),
        "shape_out.*without the batch",
    ),
    "shape_out: text": (node(size_in=2, shape_out="ab"), "shape_out.*got 'ab'"),
    "shape_out: number": (node(size_in=2, shape_out=2), r"shape_out.*\(2,\), got 2"),
    "size_in: text": (node(size_in="a"), "size_in.*whole.*got 'a'"),
    "size_in: fraction": (node(size_in=1.5), "size_in.*whole.*got 1.5"),
    "size_in: negative": (node(size_in=-1), "size_in.*whole.*got -1"),
    "size_in: True": (node(size_in=True), "size_in.*whole.*got True"),
    "size_out: True": (node(size_in=2, size_out=True), "size_out.*whole.*got True"),
    "size_out: NaN": (node(size_in=2, size_out=np.nan), "size_out.*whole.*got nan"),
    "class of a layer": (
        lambda source: TensorNode(keras.layers.Dense, size_in=2),
        r"tensor_func.*got its class: make an object of it, Dense\(...\)",
    ),
    "Layer: shape_in": (layer(tf.exp, shape_in=2), r"shape_in.*\(2,\), got 2"),
    "Layer: shape_in with None": (
        layer(tf.exp, shape_in=(None, 2)),
        "shape_in.*without the batch",
    ),
    "Layer: return_conn": (layer(tf.exp, return_conn="no"), "return_conn.*got 'no'"),
    "Layer: transform": (layer(tf.exp, transform="a"), "transform.*got 'a'"),
    "Layer: arguments of a function": (
        layer(tf.exp, units=3),
        "layer_args.*got 'units'.*are given to tensor_layer",
    ),
    "Layer: arguments of neurons": (
        layer(nengo.LIF(), foo=1),
        "layer_args.*encoders.*got 'foo'",
    ),
    "Layer: input": (
        lambda source: Layer(tf.exp)(np.zeros((2, 2))),
        "input.*object of a network.*got array",
    ),
    "tensor_layer: shape_in": (layer2(tf.exp, shape_in="ab"), "shape_in.*got 'ab'"),
    "tensor_layer: text": (layer2("relu"), "layer_func.*got 'relu'"),
    "tensor_layer: class of neurons": (
        layer2(nengo.LIF),
        "layer_func.*an object, not its class.*LIF",
    ),
    "tensor_layer: class without arguments": (
        layer2(keras.layers.Dense),
        "layer_args.*Dense, got {}.*units",
    ),
    "tensor_layer: wrong arguments": (
        layer2(keras.layers.Dense, units="a"),
        "layer_args.*Dense, got {'units': 'a'}",
    ),
    "tensor_layer: return_conn": (layer2(tf.exp, return_conn=3), "return_conn.*got 3"),
    "tensor_layer: input": (
        lambda source: tensor_layer("source", tf.exp),
        "input.*object of a network.*got 'source'",
    ),
    "reshaped: number": (lambda source: reshaped(2), r"shape_in.*\(2,\), got 2"),
    "reshaped: None": (lambda source: reshaped(None), "shape_in.*got None"),
    "reshaped: text": (lambda source: reshaped("ab"), "shape_in.*got 'ab'"),
}


@pytest.mark.parametrize("row", WRONG)
def test_wrong_argument_is_named(row):
    make, text = WRONG[row]
    with pytest.raises(ValidationError, match=text):
        made(make)


DEFAULT = nengo.Default
FORMS = {
    "list": (node(shape_in=[2]), (2,), (2,)),
    "array": (node(shape_in=np.array([1, 2])), (1, 2), (1, 2)),
    "NumPy integer": (node(size_in=np.int64(2)), (2,), (2,)),
    "Default for shape_out": (node(shape_in=(2,), shape_out=DEFAULT), (2,), (2,)),
    "Default for sizes": (
        node(shape_in=(2,), size_in=DEFAULT, size_out=DEFAULT, label=DEFAULT),
        (2,),
        (2,),
    ),
    "Default for shape_in": (node(size_in=2, shape_in=DEFAULT), (2,), (2,)),
    "Default for pass_time": (
        lambda source: TensorNode(lambda t, x: x, size_in=2, pass_time=DEFAULT),
        (2,),
        (2,),
    ),
    "Layer": (
        layer(tf.exp, shape_in=DEFAULT, transform=DEFAULT, synapse=DEFAULT),
        (2,),
        (2,),
    ),
    "Layer, further on": (
        layer(tf.exp, shape_out=DEFAULT, pass_time=False, label=DEFAULT),
        (2,),
        (2,),
    ),
    "tensor_layer": (
        layer2(tf.exp, shape_in=DEFAULT, transform=DEFAULT, synapse=DEFAULT),
        (2,),
        (2,),
    ),
}


@pytest.mark.parametrize("row", FORMS)
def test_forms_that_are_understood(row):
    make, shape_in, shape_out = FORMS[row]
    found = made(make)
    assert (found.shape_in, found.shape_out) == (shape_in, shape_out)


def test_default_synapse_is_that_of_the_configuration():
    with nengo.Network() as net:
        net.config[nengo.Connection].synapse = 0.123
        source = nengo.Node([0.0, 0.0])
        _, conn = Layer(tf.exp)(source, synapse=nengo.Default, return_conn=True)
        _, other = Layer(tf.exp)(source, return_conn=True)
    assert conn.synapse == nengo.Lowpass(0.123)
    assert other.synapse is None
