"""Training with spikes: the gradient of a network, and all that trains or validates."""

import functools

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import sgd, simulator
from nengo.exceptions import SimulationError

from nengo_dl_ops import surrogates
from nengo_dl_sim import configure_settings

N_STEPS, BATCH = 12, 2
MODES = {
    "ATan": surrogates.ATan(),
    "detached": surrogates.FastSigmoid(slope=5, detach_reset=True),
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


def change_by_training(sim, net, **kwargs):
    """Return what one step of gradient descent changes."""
    start = weights_of(sim, net)
    objective = {net.p: lambda y, target: tf.reduce_sum((y - target) ** 2)}
    sim.train({net.a: X, net.p: Y}, sgd(1e-3), objective=objective, **kwargs)
    return [new - old for new, old in zip(weights_of(sim, net), start, strict=True)]


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


@pytest.mark.parametrize("name", MODES)
def test_a_step_of_gradient_descent(name):
    """What it changes are the gradients of a network written by hand."""
    surrogate = MODES[name]
    net = network(surrogate)
    with simulator(net, minibatch_size=BATCH) as sim:
        start = weights_of(sim, net)
        state = [initial_state(sim, ens) for ens in (net.first, net.second)]
        change = change_by_training(sim, net)
    gradients = reference_gradients(
        start, state, surrogate.derivative, surrogate.detach_reset
    )
    for one, gradient in zip(change, gradients, strict=True):
        assert np.max(np.abs(gradient)) > 1e-6
        scale = 1e-3 * np.max(np.abs(gradient))
        np.testing.assert_allclose(one, -1e-3 * gradient, atol=1e-8 * scale, rtol=1e-7)


@pytest.mark.parametrize("truncation", [None, pytest.param(6, marks=pytest.mark.slow)])
def test_steps_that_are_computed_again_have_the_same_gradient(truncation):
    found = []
    for remat_steps in (None, 5):
        net = network(MODES["ATan"], remat_steps=remat_steps)
        with simulator(net, minibatch_size=BATCH) as sim:
            found.append(change_by_training(sim, net, truncation=truncation))
    for one, other in zip(*found, strict=True):
        assert np.any(one)
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-16)


def test_differences_of_spikes_are_refused():
    """They are no gradient, nor is the surrogate wrong: that is said by name."""
    net = network(MODES["ATan"])
    with net:
        smooth = nengo.Node(size_in=1)
        nengo.Connection(net.a[:1], smooth, transform=2.0, synapse=None)
        q = nengo.Probe(smooth, label="q")
    net.config[net.first].training_mode = "rate"
    match = "check_gradients: expected .*spikes, got .*second.*training_mode ATan"
    with simulator(net) as sim:
        with pytest.raises(SimulationError, match=match):
            sim.check_gradients()
        with pytest.raises(SimulationError, match=match):
            sim.check_gradients([q, net.p])
        assert list(sim.check_gradients([q])) == [q]


def test_neurons_that_always_do_what_they_do_in_training_spike():
    found = []
    for learning_phase in (None, True, False):
        net = network(MODES["ATan"], learning_phase=learning_phase)
        with simulator(net) as sim:
            sim.run_steps(N_STEPS)
            found.append(np.array(sim.data[net.spikes]))
    assert np.any(found[0])
    np.testing.assert_array_equal(found[1], found[0])
    np.testing.assert_array_equal(found[2], found[0])


def test_what_only_runs_takes_no_notice():
    net = network(MODES["ATan"], inference_only=True)
    with simulator(net) as sim, nengo.Simulator(net, progress_bar=False) as reference:
        for one in (sim, reference):
            one.run_steps(N_STEPS)
        np.testing.assert_allclose(sim.data[net.p], reference.data[net.p])
        with pytest.raises(SimulationError, match="inference_only"):
            change_by_training(sim, net)


#: Types of all kinds, what they do in training, and their gains.
POPULATIONS = [
    (nengo.LIF(), surrogates.ATan(), 5),
    (nengo.AdaptiveLIF(), "spike_aware", 5),
    (nengo.SpikingRectifiedLinear(), surrogates.Gaussian(), 900),
    (nengo.Izhikevich(), surrogates.Rectangle(detach_reset=True), 40),
    (nengo.StochasticSpiking(nengo.RectifiedLinear()), surrogates.Sigmoid(), 900),
    (nengo.PoissonSpiking(nengo.RectifiedLinear()), "spike_aware", 900),
]


def populations(python=False, which=slice(6)):  # noqa: B008
    with nengo.Network(seed=0) as net:
        configure_settings(training_mode=None)
        net.a = nengo.Node([1.0])
        if python:
            nengo.Connection(net.a, nengo.Node(lambda t, x: None, size_in=1))
        for neuron_type, mode, gain in POPULATIONS[which]:
            n = 3
            ens = nengo.Ensemble(
                n, 1, neuron_type=neuron_type, gain=np.full(n, gain), bias=np.zeros(n)
            )
            nengo.Connection(
                net.a, ens.neurons, transform=[[0.5 * gain], [gain], [2 * gain]]
            )
            nengo.Probe(ens.neurons, synapse=0.005)
            net.config[ens].training_mode = mode
    return net


@pytest.mark.parametrize(
    "python, jit_compile, size",
    [(False, False, None), (False, True, 3), (True, False, 2)],
    ids=["graph", "XLA", "hybrid"],
)
def test_losses_of_training_are_those_of_a_run(python, jit_compile, size):
    """Bit for bit, in every execution mode."""
    net = populations(python)
    objective = {probe: lambda y: tf.reduce_mean(y**2) for probe in net.all_probes}
    with simulator(net, minibatch_size=size, jit_compile=jit_compile) as sim:
        in_run, in_training = (
            sim.loss(20, objective, training=training) for training in (False, True)
        )
    assert in_run == in_training > 0


def test_what_is_trained_on_is_what_runs_record():
    net = populations()
    with simulator(net, minibatch_size=2) as sim:
        outputs = dict.fromkeys(net.all_probes)
        in_training = sim.run_batch(20, outputs, training=True)
        sim.run_steps(20)
        for probe in net.all_probes:
            assert np.any(in_training[probe])
            np.testing.assert_array_equal(in_training[probe][0], sim.data[probe])


def test_interrupted_training_goes_on_exactly(tmp_path):
    net = populations(which=slice(0, 5, 4))  # one draws random numbers
    objective = {probe: tf.reduce_mean for probe in net.all_probes}

    def train(sim, optimizer):
        sim.train(8, optimizer, 2, objective=objective)
        return sim.data.get_params(*[(ens, "bias") for ens in net.all_ensembles])

    with simulator(net, seed=1) as sim:
        optimizer = keras.optimizers.Adam(0.01)
        before = train(sim, optimizer)
        sim.save_checkpoint(tmp_path / "run")
        expected = train(sim, optimizer)
    with simulator(net, seed=1) as sim:
        sim.restore_checkpoint(tmp_path / "run")
        found = train(sim, keras.optimizers.Adam(0.01))
    for one, other, old in zip(found, expected, before, strict=True):
        np.testing.assert_array_equal(one, other)
        assert np.any(one != old)
