"""Keras layers that have losses of their own, in TensorNodes."""

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import simulator

from nengo_dl_ops import Layer


class Adding(keras.layers.Layer):
    def call(self, x):
        self.add_loss(tf.reduce_sum(x))
        return x


def dense(**kwargs):
    return keras.layers.Dense(2, name="mine", **kwargs)


def network(layer):
    with nengo.Network(seed=0) as net:
        net.node = nengo.Node([0.5, 0.2])
        net.p = nengo.Probe(Layer(keras.layers.Dense(2))(Layer(layer)(net.node)))
    return net


@pytest.mark.parametrize(
    "layer",
    [
        lambda: Adding(name="mine"),
        lambda: Adding(name="mine", activity_regularizer="l2"),
        lambda: keras.Sequential([Adding()], name="mine"),
        lambda: keras.Sequential([dense(activity_regularizer="l2")], name="mine"),
    ],
)
def test_training_warns_of_losses_that_layers_add(layer):
    net = network(layer())
    targets = {net.p: np.zeros((1, 3, 2))}
    with simulator(net) as sim:
        sim.loss(targets)  # nothing is trained, nothing is left out
        with pytest.warns(UserWarning, match="own: mine of <TensorNode.*minimises"):
            sim.train(targets, keras.optimizers.SGD(0.1))
        sim.compile(keras.optimizers.SGD(0.1), loss="mse")
        with pytest.warns(UserWarning, match="own: mine of <TensorNode.*minimises"):
            sim.fit(n_steps=3, y=targets, verbose=0)


def test_other_layers_have_none():
    frozen = dense(kernel_regularizer="l2", activity_regularizer="l2")
    frozen.trainable = False
    net = network(frozen)
    with simulator(net) as sim:
        sim.train({net.p: np.zeros((1, 3, 2))}, keras.optimizers.SGD(0.1))


def nothing(y, t):
    return 0 * tf.reduce_sum(y)


@pytest.mark.parametrize("nested", [False, True])
def test_regularizers_of_weights_count(nested):
    layer = dense(kernel_regularizer=keras.regularizers.L2(0.5))
    net = network(keras.Sequential([layer]) if nested else layer)
    with simulator(net) as sim:
        kernel = layer.get_weights()[0]  # drawn from the seed when it was built
        data = {net.p: np.zeros((1, 3, 2))}
        sim.train(data, keras.optimizers.SGD(0.1), objective={net.p: nothing})
    # The gradient of 0.5 * sum(kernel**2) is the kernel.
    np.testing.assert_allclose(layer.get_weights()[0], 0.9 * kernel, rtol=1e-6)


class Rows(keras.regularizers.Regularizer):
    """A penalty to which the shape of an output matters."""

    def __call__(self, x):
        return tf.reduce_sum(tf.exp(x[:, 1] * x[:, 0]))


@pytest.mark.parametrize("n_steps", [1, 6])
def test_activity_regularizers_count(n_steps):
    layer = keras.layers.Dense(2, activity_regularizer=Rows())
    with nengo.Network(seed=0) as net:
        x = np.linspace(0.1, 0.6, 6)
        node = Layer(layer)(nengo.Node(x), shape_in=(3, 2), shape_out=(3, 2))
        net.p = nengo.Probe(node)
    with simulator(net) as sim:
        kernel = layer.get_weights()[0]
        data = {net.p: np.zeros((1, n_steps, 6))}
        sim.train(data, keras.optimizers.SGD(0.1), objective={net.p: nothing})
    kernel, x = tf.Variable(kernel), tf.constant(x.reshape(1, 3, 2), tf.float32)
    with tf.GradientTape() as tape:
        penalty = Rows()(x @ kernel)
    expected = kernel - 0.1 * tape.gradient(penalty, kernel)
    np.testing.assert_allclose(layer.get_weights()[0], expected, rtol=1e-5)
