"""What a person who writes a TensorNode sees."""

import functools

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from nengo.exceptions import SimulationError, ValidationError

from nengo_dl_ops import SimTensorNode, TensorNode, reshaped, validate_output


def identity(t, x):
    return x


def clock(t):
    return tf.fill((1, 3), t)


def dense(units=2, **options):
    return keras.layers.Dense(units, **options)


# shapes and sizes: (arguments, shape_in, shape_out)

SHAPES = {
    "time": (lambda: TensorNode(clock), None, (3,)),
    "time, size given": (lambda: TensorNode(clock, size_out=3), None, (3,)),
    "input": (lambda: TensorNode(identity, 4), (4,), (4,)),
    "partial": (
        lambda: TensorNode(functools.partial(lambda a, t, x: x * a, 2.0), size_in=4),
        (4,),
        (4,),
    ),
    "no time": (lambda: TensorNode(lambda x: x[:, :2], 4, pass_time=False), (4,), (2,)),
    "shapes": (
        lambda: TensorNode(lambda t, x: x[:, 0], shape_in=(2, 3), shape_out=(3,)),
        (2, 3),
        (3,),
    ),
    "shape in": (lambda: TensorNode(identity, shape_in=(2, 3)), (2, 3), (2, 3)),
    "shapes in the order of NengoDL 3": (
        lambda: TensorNode(identity, (2, 3), (2, 3)),
        (2, 3),
        (2, 3),
    ),
    "sizes that agree with shapes": (
        lambda: TensorNode(identity, 6, 6, shape_in=(2, 3), shape_out=(2, 3)),
        (2, 3),
        (2, 3),
    ),
    "layer": (lambda: TensorNode(dense(5), 4), (4,), (5,)),
    "layer with axes": (
        lambda: TensorNode(keras.layers.Conv2D(3, 2), shape_in=(4, 4, 2)),
        (4, 4, 2),
        (3, 3, 3),
    ),
    "model": (
        lambda: TensorNode(keras.Sequential([dense(5), dense(3)]), 4),
        (4,),
        (3,),
    ),
}


@pytest.mark.parametrize("make, shape_in, shape_out", SHAPES.values(), ids=SHAPES)
def test_shapes(make, shape_in, shape_out):
    with nengo.Network():
        node = make()
    assert (node.shape_in, node.shape_out) == (shape_in, shape_out)
    assert node.size_in == (0 if shape_in is None else np.prod(shape_in))
    assert node.size_out == np.prod(shape_out)


MISTAKES = {
    "not callable": (lambda: TensorNode([1, 2]), "function or a Keras layer, got list"),
    "no tensor": (
        lambda: TensorNode(lambda t: np.ones((1, 2))),
        "tf.Tensor, got ndarray",
    ),
    "no axes": (lambda: TensorNode(lambda t: t), r"known shape .* got \(\)"),
    "three axes": (
        lambda: TensorNode(lambda t, x: x[..., None], 4),
        r"\(batch, size_out\), got \('batch', 4, 1\)",
    ),
    "function fails": (
        lambda: TensorNode(lambda t, x: x @ tf.ones((2, 2)), size_in=4),
        r"shape \(1, 4\)",
    ),
    "arguments": (lambda: TensorNode(clock, size_in=4), "takes 1 positional argument"),
    "neither time nor input": (lambda: TensorNode(clock, pass_time=False), "neither"),
    "size in": (lambda: TensorNode(identity, -1), "size_in.*at least 0, got -1"),
    "size type": (lambda: TensorNode(identity, 2.5), "size_in.*whole number.*got 2.5"),
    "size and shape in": (
        lambda: TensorNode(identity, 5, shape_in=(2, 3)),
        r"size_in: Expected 6 elements as in shape_in=\(2, 3\), got 5",
    ),
    "size and shape out": (
        lambda: TensorNode(identity, 6, 5, shape_out=(2, 3)),
        r"size_out: Expected 6 elements",
    ),
    "layer without input": (lambda: TensorNode(dense()), "an input .*got none"),
    "layer with time": (
        lambda: TensorNode(dense(), 3, pass_time=True),
        r"does not take an input of shape \(batch, 3\) in a list",
    ),
    "layer of other input": (
        lambda: TensorNode(keras.layers.Conv2D(3, 2, name="conv"), size_in=4),
        r"'conv' does not take an input of shape \(batch, 4\)",
    ),
}


@pytest.mark.parametrize("make, message", MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_explained_and_change_nothing(make, message):
    with nengo.Network() as net, pytest.raises(ValidationError, match=message):
        make()
    assert net.nodes == []


def test_a_built_layer_of_other_input():
    layer = dense(name="mine")
    layer.build((None, 3))
    with nengo.Network(), pytest.raises(ValidationError, match="input of type"):
        TensorNode(layer, size_in=4)


def test_trying_a_function_leaves_no_trace():
    seen = []

    def func(t, x):
        seen.append((t, x))
        return x

    with nengo.Network():
        TensorNode(func, size_in=2, size_out=2)
        assert seen == []  # with size_out there is nothing to find out
        TensorNode(func, size_in=2)
    ((t, x),) = seen
    assert t.shape == ()
    assert x.shape == (1, 2)
    assert not tf.executing_eagerly() or not hasattr(x, "numpy")


# in Nengo


def test_another_simulator_refuses():
    with nengo.Network() as net:
        node = TensorNode(clock, label="clock")
    with pytest.raises(SimulationError, match=r"nengo_dl\.Simulator"):
        node.output(0.0)
    with pytest.raises(SimulationError, match=r"nengo_dl\.Simulator"):
        TensorNode(identity, 2, add_to_container=False).output(0.0, np.zeros(2))
    with nengo.Simulator(net, progress_bar=False) as sim:
        with pytest.raises(SimulationError, match=r"'clock'.*nengo_dl\.Simulator"):
            sim.step()


def test_in_a_built_model():
    with nengo.Network() as net:
        node = TensorNode(identity, 2, label="node")
        nengo.Connection(node, node, synapse=0.1)
        nengo.Probe(node)
    model = nengo.builder.Model()
    model.build(net)
    (op,) = [op for op in model.operators if isinstance(op, SimTensorNode)]
    assert op.sets == [model.sig[node]["out"]] == [op.output]
    assert op.reads == [model.time, model.sig[node]["in"]] == [op.time, op.input]
    assert op.incs == op.updates == []
    assert model.params[node] is None
    assert "node" in str(op)


def test_networks_with_tensor_nodes_can_be_copied():
    with nengo.Network() as net:
        node = TensorNode(identity, shape_in=(2, 3), label="node")
    (copy,) = net.copy().nodes
    assert copy is not node
    for name in ("label", "size_in", "size_out", "shape_in", "shape_out", "pass_time"):
        assert getattr(copy, name) == getattr(node, name)
    assert copy.tensor_func is node.tensor_func


# helpers


def test_reshaped():
    @reshaped((2, 3))
    def transpose(t, x):
        """Swap axes."""
        return tf.transpose(x, (0, 2, 1)) + t

    x = np.arange(12.0).reshape(2, 6)
    expected = np.swapaxes(x.reshape(2, 2, 3), 1, 2).reshape(2, 6) + 1
    np.testing.assert_array_equal(transpose(1.0, tf.constant(x)), expected)
    assert transpose.__doc__ == "Swap axes."


def test_validate_output():
    output = tf.zeros((3, 4))
    validate_output(output)
    validate_output(output, minibatch_size=3, output_d=4, dtype="float32")
    validate_output(tf.zeros((3, 4, 2)), 3, (4, 2), tf.float32)
    for arguments, message in [
        ((3.0,), "tf.Tensor, got float"),
        ((tf.zeros(3),), r"shape \(any, any\).*got \(3\)"),
        ((output, 2), r"shape \(2, any\).*got \(3, 4\)"),
        ((output, None, 5), r"shape \(any, 5\).*got \(3, 4\)"),
        ((output, None, (2, 2)), r"shape \(any, 2, 2\).*got \(3, 4\)"),
        ((output, None, None, "float64"), "float64, got float32"),
    ]:
        with pytest.raises(ValidationError, match=message):
            validate_output(*arguments)
