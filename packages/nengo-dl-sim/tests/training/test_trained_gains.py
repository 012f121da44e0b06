"""Training gains apart from encoders: thresholds, together with biases."""

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import reference, sgd, simulator
from lif_slopes import lif_slope
from nengo.exceptions import BuildError

from nengo_dl_ops import surrogates
from nengo_dl_sim import configure_settings

N_STEPS = 12
GAIN, BIAS = np.array([2.0, 4.0, 3.0]), np.array([1.2, 0.5, 2.0])
ENCODERS = np.array([[1.0, 0.5], [-0.3, 1.2], [0.8, -0.1]])
DIRECT = np.array([[0.4, 0.1], [0.0, 0.6]])
WEIGHTS = np.random.RandomState(2).randn(N_STEPS, 3)


def network(kind=nengo.LIFRate, mode=None, gain=GAIN, trained=("gain",), **kwargs):
    """Inputs that drive neurons by encoders, and two of these directly."""
    with nengo.Network(seed=0) as net:
        configure_settings(
            dtype="float64",
            trainable=False,
            training_mode=mode,
            trainable_neurons=None,
        )
        net.x = nengo.Node(lambda t: [0.9 + 10 * t, 0.7 - 20 * t])
        net.ens = nengo.Ensemble(
            3,
            2,
            neuron_type=kind(**kwargs),
            gain=gain,
            bias=BIAS,
            encoders=ENCODERS,
            normalize_encoders=False,
            radius=2.0,
            label="neurons",
        )
        net.conn = nengo.Connection(net.x, net.ens, synapse=None)
        net.direct = nengo.Connection(
            net.x, net.ens.neurons[[2, 0]], transform=DIRECT, synapse=None
        )
        nengo.Connection(net.x[0], net.ens.neurons[1:2], synapse=None)
        net.p = nengo.Probe(net.ens.neurons)
    if trained:
        net.config[net.ens].trainable_neurons = list(trained)
    return net


def inputs(n_items=1):
    return np.random.RandomState(1).uniform(0.2, 1.5, (n_items, N_STEPS, 2))


def unscaled_currents(x):
    """What gains multiply."""
    currents = x @ (ENCODERS / 2.0).T
    currents[:, [2, 0]] += x @ DIRECT.T
    currents[:, 1] += x[:, 0]
    return currents


def weighted(outputs):
    """An objective: everything, weighted by numbers that differ."""
    return tf.reduce_sum(outputs * tf.constant(WEIGHTS, outputs.dtype)) / 1000


def gradients(net, rate=1e-5):
    with simulator(net) as sim:
        before = sim.data[net.ens].gain
        sim.train({net.x: inputs()}, sgd(rate), objective={net.p: weighted})
        after = sim.data[net.ens].gain
    return -(np.log(after) - np.log(before)) / rate / before


def loss(gain):
    net = network(gain=gain, trained=())
    with simulator(net) as sim:
        return sim.loss({net.x: inputs()}, objective={net.p: weighted}, training=True)


def test_gradients_in_rate_mode_are_those_of_the_loss():
    found = gradients(network(), rate=1e-3)
    for i, step in enumerate(1e-4 * np.eye(3)):
        expected = (loss(GAIN + step) - loss(GAIN - step)) / 2e-4
        assert abs(expected) > 0.01
        assert found[i] == pytest.approx(expected, rel=1e-6)


def test_gradients_of_spikes_are_those_of_back_propagation_through_time():
    start = np.array([0.3, 0.5, 0.1])
    voltage = {"voltage": nengo.dists.Samples(start)}
    net = network(nengo.LIF, mode=surrogates.ATan(), initial_state=voltage)
    found = gradients(net)
    currents = unscaled_currents(inputs()[0])
    for i, one in enumerate(np.eye(3)):
        expected = lif_slope(
            WEIGHTS / 1000,
            surrogates.ATan(),
            BIAS + GAIN * currents,
            currents * one,
            voltage=start,
        )
        assert abs(expected) > 0.01
        assert found[i] == pytest.approx(expected, rel=1e-7)


def train(sim, net, rate=0.1):
    data = {net.x: inputs(2), net.p: np.full((2, N_STEPS, 3), 20.0)}
    sim.train(data, keras.optimizers.Adam(rate), n_epochs=2)


def run(sim, net):
    sim.run_steps(30)
    return sim.data[net.p]


@pytest.mark.parametrize("jit_compile", [False, True], ids=["graph", "XLA"])
@pytest.mark.parametrize(
    "kind, mode, trainable",
    [
        (nengo.LIFRate, None, False),
        (nengo.LIF, surrogates.ATan(), False),
        (nengo.LIF, None, True),
    ],
    ids=["rates", "spikes", "with encoders and biases"],
)
def test_frozen_networks_spike_alike_in_nengo(kind, mode, trainable, jit_compile):
    net = network(kind, mode=mode)
    net.config[net.ens].trainable = trainable
    with reference(net) as sim:
        expected = run(sim, net)
    with simulator(net, minibatch_size=2, jit_compile=jit_compile) as sim:
        for item in run(sim, net):
            np.testing.assert_allclose(item, expected, rtol=1e-9, atol=1e-9)
        built = sim.data[net.ens]
        train(sim, net)
        data = sim.data[net.ens]
        sim.reset(include_trainable=False)
        trained = run(sim, net)[0]
        sim.freeze_params(net)
    np.testing.assert_array_equal(built.gain, GAIN)
    np.testing.assert_array_equal(built.encoders, ENCODERS)
    assert np.all((data.gain > 0) & (data.gain != GAIN))
    scaled = data.encoders * data.gain[:, None] / 2.0
    np.testing.assert_allclose(data.scaled_encoders, scaled, rtol=1e-12)
    assert np.allclose(data.encoders, ENCODERS, rtol=1e-12) != trainable
    assert np.all(data.bias == BIAS) != trainable
    np.testing.assert_array_equal(net.ens.gain, data.gain)
    np.testing.assert_allclose(net.ens.encoders, data.encoders, rtol=1e-12)
    rates = kind().max_rates_intercepts(data.gain, data.bias)
    np.testing.assert_allclose((data.max_rates, data.intercepts), rates, rtol=1e-12)
    with reference(net) as sim:
        np.testing.assert_allclose(run(sim, net), trained, rtol=1e-9, atol=1e-9)


def test_gains_stay_positive():
    net = network()
    with simulator(net, minibatch_size=2) as sim:
        train(sim, net, rate=5.0)
        gain = sim.data.trained_gain(net.ens)
    assert np.all(gain > 0)
    assert np.any(gain < 0.1 * GAIN)


def test_files_have_them(tmp_path):
    net = network(nengo.LIF)
    with simulator(net, minibatch_size=2) as sim:
        train(sim, net)
        gain, trained = sim.data[net.ens].gain, run(sim, net)
        sim.save_params(tmp_path / "params")
        sim.save_checkpoint(tmp_path / "checkpoint")
    with np.load(tmp_path / "params.npz") as file:
        prefix = "ensembles/0 (neurons)/"
        np.testing.assert_allclose(np.exp(file[f"{prefix}unconstrained_gain"]), gain)
        np.testing.assert_allclose(file[f"{prefix}encoders"], ENCODERS / 2.0)
        assert f"{prefix}gain" not in file
    with simulator(net, minibatch_size=2) as sim:
        sim.load_params(tmp_path / "params")
        np.testing.assert_array_equal(sim.data[net.ens].gain, gain)
        np.testing.assert_array_equal(run(sim, net), trained)
    with simulator(net, minibatch_size=2) as sim:
        sim.restore_checkpoint(tmp_path / "checkpoint")
        np.testing.assert_array_equal(sim.data[net.ens].gain, gain)


def test_encoders_may_be_set():
    net = network()
    with simulator(net, minibatch_size=2) as sim:
        train(sim, net)
        encoders = sim.model.sig[net.ens]["encoders"]
        scaled = sim.data[net.ens].scaled_encoders
        np.testing.assert_array_equal(sim.signals[encoders], scaled)
        gain = sim.data[net.ens].gain
        sim.signals[encoders] = 2 * scaled
        np.testing.assert_allclose(sim.signals[encoders], 2 * scaled, rtol=1e-12)
        np.testing.assert_array_equal(sim.data[net.ens].gain, gain)


def test_changed_gains_are_found_again():
    teacher = network(trained=())
    with simulator(teacher, minibatch_size=2) as sim:
        y = sim.predict({teacher.x: inputs(2)})[teacher.p]
    net = network(gain=GAIN * [2, 0.5, 1.5])
    with simulator(net, minibatch_size=2) as sim:
        data = {net.x: inputs(2), net.p: y}
        sim.train(data, keras.optimizers.Adam(0.03), n_epochs=200)
        found = sim.data[net.ens].gain
    np.testing.assert_allclose(found, GAIN, rtol=0.05)


def test_gains_of_a_network_that_learns():
    """PES looks at the encoders; they follow from the gain."""
    net = network()
    with net:
        learned = nengo.Connection(
            net.ens.neurons,
            net.ens.neurons,
            transform=np.zeros((3, 3)),
            learning_rule_type=nengo.PES(1e-4),
        )
        nengo.Connection(net.x, learned.learning_rule, synapse=None)
    with reference(net) as sim:
        expected = run(sim, net)
    with simulator(net) as sim:
        np.testing.assert_allclose(run(sim, net), expected, rtol=1e-9, atol=1e-9)


def voja(net):
    nengo.Connection(
        nengo.Ensemble(5, 2), net.ens, learning_rule_type=nengo.Voja(), label="learned"
    )


def full(net):
    solver = nengo.solvers.LstsqL2(weights=True)
    nengo.Connection(nengo.Ensemble(5, 2), net.ens, solver=solver, label="full")


@pytest.mark.parametrize(
    "add, match",
    [
        (voja, r"neurons'>: expected encoders that no learning rule changes"),
        (full, r"neurons'>: expected no connection whose .*got <Connection full>"),
    ],
)
def test_gains_that_are_part_of_something_else_are_refused(add, match):
    net = network()
    with net:
        add(net)
    with pytest.raises(BuildError, match=match):
        simulator(net)


def test_what_has_no_gain_of_its_own_is_refused():
    match = r"expected gain of <Ensemble 'neurons'> to be greater than 0, .*got \[-1"
    with pytest.raises(BuildError, match=match):
        simulator(network(nengo.RectifiedLinear, gain=[-1.0, 1.0, 1.0]))
    match = r"got 'bias', for which there is .*\[ens.neurons\].trainable = True"
    with pytest.raises(BuildError, match=match):
        simulator(network(trained=["bias"]))
    with nengo.Network() as net:
        configure_settings(trainable_neurons=["gain"])
        nengo.Ensemble(3, 2, neuron_type=nengo.Direct())
    with pytest.raises(BuildError, match="'gain', which can be trained of none"):
        simulator(net)
