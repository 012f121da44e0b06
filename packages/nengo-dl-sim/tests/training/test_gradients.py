"""Gradients are those of finite differences."""

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import engine_of, simulator

from nengo_dl_ops import SoftLIFRate, TensorNode, tensor_layer
from nengo_dl_sim import Simulator, configure_settings


def recurrent():
    """Two kinds of rate neurons, decoded and direct recurrence, filters, slices."""
    inputs = nengo.Node(np.zeros(2))
    a = nengo.Ensemble(5, 2, neuron_type=nengo.LIFRate())
    b = nengo.Ensemble(
        4,
        1,
        neuron_type=nengo.RectifiedLinear(),
        radius=2,
        intercepts=nengo.dists.Uniform(-1, -0.8),
    )
    nengo.Connection(inputs, a, synapse=None)
    nengo.Connection(a, a, synapse=0.003, function=lambda x: x[::-1] * 0.9)
    nengo.Connection(a[0], b, synapse=nengo.Alpha(0.002))
    nengo.Connection(a, b, function=np.prod, synapse=None)
    nengo.Connection(b, a[1], synapse=0.005, transform=-0.5)
    nengo.Connection(b.neurons[[0, 0, 2]], b.neurons[1:], transform=0.01, synapse=0)
    nengo.Connection(
        a.neurons,
        b.neurons,
        transform=nengo.dists.Gaussian(0, 0.01),
        synapse=0.002,
    )
    return inputs, [nengo.Probe(a), nengo.Probe(b, synapse=0.004)]


def feed_forward():
    """A convolution and the other rate neurons; the same array read twice."""
    inputs = nengo.Node(np.zeros(2))
    conv = nengo.Convolution(2, (4, 1), kernel_size=(3,), strides=(1,), padding="same")
    node = nengo.Node(size_in=4)
    nengo.Connection(inputs[[0, 1, 1, 0]], node, transform=np.arange(1, 5))
    probes = []
    for neuron_type in (nengo.Sigmoid(), nengo.Tanh(), SoftLIFRate(sigma=0.5)):
        ens = nengo.Ensemble(8, 1, neuron_type=neuron_type)
        nengo.Connection(node, ens.neurons, transform=conv, synapse=0.003)
        probes.append(nengo.Probe(ens, synapse=None))
    return inputs, probes


def layers():
    """Keras layers, an object with a variable, and a function of time."""
    inputs = nengo.Node(np.zeros(2))
    layer = keras.layers.Dense(3, activation="tanh", dtype="float64")
    dense = tensor_layer(inputs, layer)
    again = tensor_layer(dense, keras.layers.Dense(3, dtype="float64"))

    class Scale(tf.Module):
        def __init__(self):
            super().__init__()
            self.factor = tf.Variable([[0.5, 2.0, -1.0]], dtype=tf.float64)

        def __call__(self, t, x):
            return x * self.factor + tf.cast(t, x.dtype)

    scaled = TensorNode(Scale(), size_in=3, size_out=3)
    ens = nengo.Ensemble(6, 1, neuron_type=nengo.Sigmoid())
    nengo.Connection(again, scaled, synapse=0.003)
    nengo.Connection(scaled[1:], ens, transform=[[1, -1]], synapse=None)
    nengo.Connection(ens, dense[0], synapse=0.01)
    return inputs, [nengo.Probe(ens), nengo.Probe(scaled)]


NETWORKS = {f.__name__: f for f in (recurrent, feed_forward, layers)}


def target_free(outputs):
    """A smooth objective of order one, different for every element."""
    weight = tf.reshape(tf.range(tf.size(outputs), dtype=outputs.dtype), outputs.shape)
    return tf.reduce_mean(tf.sin(outputs + weight) + outputs**2, axis=(1, 2))


class Problem:
    """A simulator with data and objectives, and its trainable variables."""

    def __init__(self, name, jit_compile, n_steps):
        keras.utils.set_random_seed(0)
        with nengo.Network(seed=1) as net:
            configure_settings(dtype="float64", trainable=True)
            inputs, probes = NETWORKS[name]()
        self.sim = Simulator(
            net, minibatch_size=2, jit_compile=jit_compile, progress_bar=False
        )
        rng = np.random.RandomState(0)
        self.data = {inputs: rng.uniform(-1, 1, (2, n_steps, 2))}
        self.objective = {probe: target_free for probe in probes}

    @property
    def variables(self):
        return engine_of(self.sim).parameters.trainable

    def values(self):
        return [np.array(tf.convert_to_tensor(v)) for v in self.variables]

    def loss(self):
        return self.sim.loss(self.data, self.objective, training=True)

    def gradients(self):
        """Take a step of gradient descent with a rate of one: minus the gradients."""
        before = self.values()
        optimizer = keras.optimizers.SGD(1.0)
        self.sim.train(self.data, optimizer, objective=self.objective, shuffle=False)
        return [b - a for a, b in zip(self.values(), before, strict=True)]

    def differences(self):
        """Central differences of every element of every variable."""
        found = []
        for variable, value in zip(self.variables, self.values(), strict=True):
            # Decoders are small, and what they are multiplied by is large.
            eps = 1e-5 * min(np.max(np.abs(value)) or 1, 1)
            difference = np.zeros(value.shape)
            for index in np.ndindex(*value.shape):
                losses = []
                for sign in (1, -1):
                    moved = value.copy()
                    moved[index] += sign * eps
                    variable.assign(moved)
                    losses.append(self.loss())
                difference[index] = (losses[0] - losses[1]) / (2 * eps)
            variable.assign(value)
            found.append(difference)
        return found


# Up to four steps are written out one after another, more become a loop.
@pytest.mark.parametrize(
    "name, n_steps, jit_compile",
    [
        ("recurrent", 6, False),
        ("recurrent", 6, True),
        ("recurrent", 3, False),
        ("feed_forward", 6, False),
        ("layers", 6, False),
    ],
)
def test_gradients(name, n_steps, jit_compile):
    problem = Problem(name, jit_compile, n_steps)
    with problem.sim:
        expected = problem.differences()
        assert len(expected) >= 4
        gradients = problem.gradients()
    for gradient, difference in zip(gradients, expected, strict=True):
        peak = np.max(np.abs(difference))  # one error for a whole array
        assert peak > 1e-6
        np.testing.assert_allclose(gradient, difference, rtol=0, atol=1e-5 * peak)


@pytest.mark.row("S086")
def test_gradients_of_lif_rates_at_the_threshold():
    """They are finite wherever the current is above it, and zero elsewhere."""
    above = np.nextafter(np.float32(1), np.float32(2))
    currents = np.array([0.0, 1.0, float(above), 1.001, 10.0])
    with nengo.Network() as net:
        inp = nengo.Node(currents / 2)  # Nengo multiplies by the gain
        ens = nengo.Ensemble(
            5, 1, neuron_type=nengo.LIFRate(), gain=[2] * 5, bias=[0] * 5
        )
        conn = nengo.Connection(inp, ens.neurons, transform=1.0, synapse=None)
        probe = nengo.Probe(ens.neurons)
    with simulator(net, minibatch_size=1) as sim:
        sim.train(
            1,
            tf.keras.optimizers.SGD(1e-9),
            objective={probe: lambda rates: tf.reduce_sum(rates)},
        )
        assert np.isfinite(sim.data[conn].weights)
        assert np.isfinite(sim.data[ens].bias).all()
        moved = sim.data[ens].bias != 0
    assert moved.tolist() == [False, False, True, True, True]
