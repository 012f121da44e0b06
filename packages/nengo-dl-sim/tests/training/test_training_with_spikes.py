"""Training with spikes: the gradient of a network, and all that trains or validates."""

import functools

import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import sgd, simulator

from nengo_dl_ops import surrogates
from nengo_dl_sim import configure_settings

N_STEPS, BATCH = 12, 2
MODES = {
    "ATan": surrogates.ATan(),
    "detached": surrogates.FastSigmoid(slope=5, detach_reset=True),
    "spike-aware": "spike_aware",
}
RNG = np.random.RandomState(0)
X = RNG.uniform(0.5, 1.5, (BATCH, N_STEPS, 2))
Y = RNG.uniform(0, 1, (BATCH, N_STEPS, 1))


def network(mode, n=4, neuron_type=nengo.LIF(), **settings):  # noqa: B008
    """Two layers, the first of which is recurrent, and a synapse at the end."""
    rng = np.random.RandomState(1)
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64", training_mode=mode, **settings)
        net.a = nengo.Node([0.5, 1.0], label="a")
        kwargs = {
            "neuron_type": neuron_type,
            "gain": np.ones(n),
            "bias": np.full(n, 0.3),
        }
        net.first = nengo.Ensemble(n, 1, label="first", **kwargs)
        net.second = nengo.Ensemble(n, 1, label="second", **kwargs)
        connect = functools.partial(nengo.Connection, synapse=None)
        net.inward = connect(
            net.a, net.first.neurons, transform=rng.uniform(0, 9, (n, 2))
        )
        net.back = nengo.Connection(
            net.first.neurons,
            net.first.neurons,
            transform=rng.uniform(-0.02, 0.02, (n, n)),
            synapse=nengo.Lowpass(0.005),
        )
        net.onward = connect(
            net.first.neurons,
            net.second.neurons,
            transform=rng.uniform(0, 0.05, (n, n)),
        )
        net.out = nengo.Node(size_in=1, label="out")
        net.outward = connect(
            net.second.neurons, net.out, transform=rng.uniform(0, 0.01, (1, n))
        )
        net.p = nengo.Probe(net.out, synapse=nengo.Lowpass(0.01), label="p")
        net.spikes = nengo.Probe(net.second.neurons, label="spikes")
    return net


WEIGHTS = ("inward", "back", "onward", "outward")


def weights_of(sim, net):
    return [np.array(sim.data[getattr(net, name)].weights) for name in WEIGHTS]


def initial_state(sim, ens):
    sigs = sim.model.sig[ens.neurons]
    names = ("voltage", "refractory_time")
    return [np.tile(sigs[name].initial_value, (BATCH, 1)) for name in names]


def lif(J, voltage, refractory, spike, detach):
    """One step of LIF as Nengo has it, with the gradient of ``spike``."""
    rest = refractory - 0.001
    time = tf.clip_by_value(0.001 - rest, 0, 0.001)
    voltage = voltage - (J - voltage) * tf.math.expm1(-time / 0.02)
    s = spike(voltage)
    fires = voltage > 1
    J = tf.where(fires, J, 2.0)
    passed = tf.where(fires, (voltage - 1) / (J - 1), 0.0)
    rested = 0.002 + 0.001 + 0.02 * tf.math.log1p(-passed)
    r = tf.stop_gradient(s) if detach else s
    voltage = tf.maximum(voltage, 0.0)
    return s / 0.001, (1 - r) * voltage, r * rested + (1 - r) * rest


def spike_of(derivative):
    @tf.custom_gradient
    def spike(voltage):
        fires = tf.cast(voltage > 1, tf.float64)
        return fires, lambda dy: dy * derivative(voltage - 1)

    return spike


def reference_gradients(start, state, derivative, detach):
    """The same network, written out by hand: the gradient of its loss."""
    spike, sources = spike_of(derivative), [tf.constant(w) for w in start]
    with tf.GradientTape() as tape:
        tape.watch(sources)
        inward, back, onward, outward = sources
        first, second = [[tf.constant(v) for v in layer] for layer in state]
        slow, y, loss = tf.zeros((BATCH, 4), tf.float64), 0.0, 0.0
        a, b = np.exp(-0.001 / 0.005), np.exp(-0.001 / 0.01)
        rest = first[0] * 0
        for t in range(N_STEPS):
            J = X[:, t] @ tf.transpose(inward) + 0.3 + slow
            spikes, *first = lif(J, *first, spike, detach)
            # Synapses of connections give in the next step what they got in this one.
            slow = a * slow + (1 - a) * (spikes @ tf.transpose(back))
            J = spikes @ tf.transpose(onward) + 0.3 + rest
            spikes, *second = lif(J, *second, spike, detach)
            y_next = b * y + (1 - b) * (spikes @ tf.transpose(outward))
            loss += tf.reduce_sum((y - Y[:, t]) ** 2)
            y = y_next
    return tape.gradient(loss, sources)


@pytest.mark.parametrize("name", ["ATan", "detached"])
def test_a_step_of_gradient_descent(name):
    """What it changes are the gradients of a network written by hand."""
    surrogate = MODES[name]
    net = network(surrogate)
    with simulator(net, minibatch_size=BATCH) as sim:
        start = weights_of(sim, net)
        state = [initial_state(sim, ens) for ens in (net.first, net.second)]
        objective = {net.p: lambda y, target: tf.reduce_sum((y - target) ** 2)}
        data = {net.a: X, net.p: Y}
        sim.train(data, sgd(1e-3), objective=objective)
        change = [
            new - old for new, old in zip(weights_of(sim, net), start, strict=True)
        ]
    gradients = reference_gradients(
        start, state, surrogate.derivative, surrogate.detach_reset
    )
    for one, gradient in zip(change, gradients, strict=True):
        assert np.max(np.abs(gradient)) > 1e-6
        scale = 1e-3 * np.max(np.abs(gradient))
        np.testing.assert_allclose(one, -1e-3 * gradient, atol=1e-8 * scale, rtol=1e-7)
