"""Training the voltages from which neurons start."""

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import reference, sgd, simulator
from lif_slopes import lif_slope
from nengo.exceptions import BuildError

from nengo_dl_ops import SpikingLeakyReLU, surrogates
from nengo_dl_sim import configure_settings

N_STEPS = 12
GAIN, BIAS = np.array([2.0, 4.0, 3.0]), np.array([1.2, 0.5, 2.0])
WEIGHTS = np.random.RandomState(2).randn(N_STEPS, 3)

#: Types with a voltage, and what a value may be.
TYPES = {
    nengo.LIF: (0, 1),
    nengo.AdaptiveLIF: (0, 1),
    nengo.SpikingRectifiedLinear: (0, 1),
    SpikingLeakyReLU: (0, 1),
    nengo.RegularSpiking: (0, 1),
    nengo.Izhikevich: (-np.inf, 30),
}


def of_type(kind, **kwargs):
    if kind is nengo.RegularSpiking:
        kwargs = {"base_type": nengo.LIFRate(), **kwargs}
    return kind(**kwargs)


def network(kind=nengo.LIF, mode=None, scale=1.0, trained=True, **kwargs):
    with nengo.Network(seed=0) as net:
        configure_settings(
            dtype="float64",
            trainable=False,
            training_mode=surrogates.ATan() if mode is None else mode,
            trainable_neurons=None,
        )
        net.x = nengo.Node(lambda t: [0.9 + t, 0.7 - t, 0.2])
        net.ens = nengo.Ensemble(
            3,
            1,
            neuron_type=of_type(kind, **kwargs),
            gain=scale * GAIN,
            bias=scale * BIAS,
            label="neurons",
        )
        nengo.Connection(net.x, net.ens.neurons, synapse=None)
        net.p = nengo.Probe(net.ens.neurons)
        if "voltage" in net.ens.neurons.probeable:
            net.v = nengo.Probe(net.ens.neurons, "voltage")
    if trained:
        net.config[net.ens].trainable_neurons = ["initial_voltage"]
    return net


def voltages(sim, net):
    return sim.data[net.ens].neuron_parameters["initial_voltage"]


def weighted(outputs):
    """An objective: everything, weighted by numbers that differ."""
    return tf.reduce_sum(outputs * tf.constant(WEIGHTS, outputs.dtype)) / 1000


def inputs(n_items=1):
    return np.random.RandomState(1).uniform(0.2, 1.5, (n_items, N_STEPS, 3))


def gradients(net, rate=1e-5):
    """The voltages, and the gradient of each, from a step of gradient descent."""
    with simulator(net) as sim:
        before = voltages(sim, net)
        sim.train({net.x: inputs()}, sgd(rate), objective={net.p: weighted})
        after = voltages(sim, net)
    # A step of the number without bounds, and how the voltage follows from that.
    logit = [np.log(v) - np.log(1 - v) for v in (before, after)]
    return before, -(logit[1] - logit[0]) / rate / (before * (1 - before))


def test_gradients_are_those_of_back_propagation_through_time():
    found = gradients(network())
    for i, one in enumerate(np.eye(3)):
        expected = lif_slope(
            WEIGHTS / 1000,
            surrogates.ATan(),
            BIAS + GAIN * inputs()[0],
            voltage=found[0],
            d_voltage=one,
        )
        assert abs(expected) > 0.01
        assert found[1][i] == pytest.approx(expected, rel=1e-7)


def test_gradients_of_neurons_that_subtract_spikes():
    v, found = gradients(network(nengo.SpikingRectifiedLinear, scale=150))
    dv, expected = np.ones(3), np.zeros(3)
    for t, x in enumerate(inputs()[0]):
        v = v + np.maximum(150 * (BIAS + GAIN * x), 0) * 0.001
        distance = v - np.maximum(np.round(v), 1)
        d_count = surrogates.ATan().derivative(tf.constant(distance)).numpy() * dv
        expected += WEIGHTS[t] / 1000 * d_count / 0.001
        v, dv = v - np.floor(v), dv - d_count
    np.testing.assert_allclose(found, expected, rtol=1e-7)


def run(sim, net, n_steps=30):
    sim.run_steps(n_steps)
    return np.stack([sim.data[net.p], sim.data[net.v]])


SCALES = {nengo.Izhikevich: 20.0, nengo.SpikingRectifiedLinear: 40.0}
SCALES[SpikingLeakyReLU] = 40.0


@pytest.mark.parametrize("kind", TYPES)
def test_frozen_networks_spike_alike_in_nengo(kind):
    """As they do before training; also voltages stay between their bounds."""
    net = network(kind, scale=SCALES.get(kind, 1.0))
    with reference(net) as sim:
        expected = run(sim, net)
        built = sim.signals[sim.model.sig[net.ens.neurons]["voltage"]].copy()
    assert np.any(expected[0])
    with simulator(net, minibatch_size=2) as sim:
        found = run(sim, net)
        for item in (0, 1):
            np.testing.assert_allclose(found[:, item], expected, rtol=1e-9, atol=1e-9)
        before = voltages(sim, net)
        data = {net.x: inputs(2), net.p: np.full((2, N_STEPS, 3), 200.0)}
        sim.train(data, keras.optimizers.Adam(3.0), n_epochs=2)
        after = voltages(sim, net)
        sim.reset(include_trainable=False)
        trained = run(sim, net)[:, 0]
        sim.freeze_params(net)
    assert before.shape == built.shape
    low, high = TYPES[kind]
    assert np.all((after > low) & (after < high) & (after != before))
    start = net.ens.neuron_type.initial_state["voltage"]
    np.testing.assert_array_equal(start.samples, after)
    with reference(net) as sim:
        np.testing.assert_allclose(run(sim, net), trained, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("jit_compile", [False, True], ids=["graph", "XLA"])
def test_changed_voltages_are_found_again(jit_compile):
    teacher = network(scale=0.4, trained=False)
    with simulator(teacher) as sim:
        target = sim.predict({teacher.x: inputs()})[teacher.v]
        right = np.squeeze(sim.signals[sim.model.sig[teacher.ens.neurons]["voltage"]])
    start = nengo.dists.Samples([0.7, 0.7, 0.2])
    net = network(scale=0.4, initial_state={"voltage": start})
    with simulator(net, jit_compile=jit_compile) as sim:
        data = {net.x: inputs(), net.v: target}
        sim.train(data, keras.optimizers.Adam(0.1), n_epochs=100)
        found = voltages(sim, net)
    np.testing.assert_allclose(found, right, atol=0.02)


def test_training_sees_the_spikes_of_a_run():
    net = network()
    data = {net.x: inputs(2)}
    with simulator(net, minibatch_size=2) as sim:
        sim.train(data, sgd(1e-3), objective={net.p: weighted})
        losses = [
            sim.loss(data, {net.p: weighted}, training=training)
            for training in (True, False)
        ]
    assert losses[0] == losses[1]


def test_they_count_at_the_start_only():
    net = network()
    with simulator(net) as sim:
        whole = run(sim, net)
        sim.reset(include_probes=True)
        sim.run_steps(7)
        sim.run_steps(23)
        np.testing.assert_array_equal(
            np.stack([sim.data[net.p], sim.data[net.v]]), whole
        )
        sim.run_steps(1)
        assert np.any(sim.data[net.v][-1] != whole[1, 0])


def test_each_item_has_a_start_of_its_own():
    """One that is left out of a minibatch starts later."""
    net = network()
    with simulator(net, minibatch_size=2) as sim:
        sim.train({net.x: inputs(2)}, sgd(1e-3), objective={net.p: weighted})
        first = sim.predict({net.x: inputs()})[net.v][0]
        sim.predict({net.x: inputs()}, stateful=True)
        voltage = sim.model.sig[net.ens.neurons]["voltage"]
        np.testing.assert_array_equal(sim.signals[voltage][0], first[-1])
        np.testing.assert_array_equal(sim.signals[voltage][1], voltages(sim, net))
        sim.run_steps(N_STEPS, data={net.x: inputs().repeat(2, axis=0)})
        np.testing.assert_array_equal(sim.data[net.v][1], first)
        assert np.any(sim.data[net.v][0] != first)


def test_files_have_them(tmp_path):
    net = network()
    data = {net.x: inputs(), net.p: np.full((1, N_STEPS, 3), 20.0)}
    with simulator(net) as sim:
        sim.train(data, keras.optimizers.Adam(0.1), n_epochs=2)
        values = voltages(sim, net)
        sim.save_params(tmp_path / "params")
        sim.run_steps(7)
        sim.save_checkpoint(tmp_path / "checkpoint")
        sim.run_steps(23)
        trained = sim.data[net.p]
    with np.load(tmp_path / "params.npz") as file:
        unconstrained = file["ensembles/0 (neurons)/unconstrained_initial_voltage"]
        np.testing.assert_allclose(1 / (1 + np.exp(-unconstrained)), values)
        assert "initial/ensembles/0 (neurons)/voltage" not in file
    with simulator(net) as sim:
        sim.load_params(tmp_path / "params")
        np.testing.assert_array_equal(voltages(sim, net), values)
        np.testing.assert_array_equal(run(sim, net)[0], trained)
    with simulator(net) as sim:
        sim.restore_checkpoint(tmp_path / "checkpoint")
        np.testing.assert_array_equal(voltages(sim, net), values)
        sim.run_steps(23)
        np.testing.assert_array_equal(sim.data[net.p][-23:], trained[7:])


def test_signals_show_them_and_may_be_set():
    net = network()
    with simulator(net) as sim:
        voltage = sim.model.sig[net.ens.neurons]["voltage"]
        sim.train({net.x: inputs()}, sgd(1e-3), objective={net.p: weighted})
        start = voltages(sim, net)
        np.testing.assert_array_equal(sim.signals[voltage], start)
        expected = run(sim, net)
        sim.reset(include_trainable=False, include_probes=True)
        sim.signals[voltage] = [0.1, 0.2, 0.3]
        np.testing.assert_array_equal(sim.signals[voltage], [0.1, 0.2, 0.3])
        assert np.any(run(sim, net) != expected)
        np.testing.assert_array_equal(voltages(sim, net), start)
        sim.reset(include_trainable=False, include_probes=True)
        sim.signals[voltage] = start
        np.testing.assert_array_equal(run(sim, net), expected)


@pytest.mark.parametrize("mode", ["rate", "spike_aware"])
def test_without_a_gradient_through_the_voltage_they_are_refused(mode):
    match = r"trainable_neurons of .*expected a surrogate gradient .*initial_voltage"
    with pytest.raises(BuildError, match=match):
        simulator(network(mode=mode))


@pytest.mark.parametrize(
    "kwargs, match",
    [
        (
            {"initial_state": {"voltage": nengo.dists.Choice([0])}},
            r"initial_voltage of LIF.*greater than 0 and less than 1, .*got",
        ),
        (
            {
                "kind": nengo.PoissonSpiking,
                "base_type": nengo.LIFRate(),
                "mode": "rate",
            },
            r"that can be trained of PoissonSpiking.*amplitude.*got 'initial_vol",
        ),
        (
            {"kind": nengo.LIFRate, "mode": "rate"},
            r"that can be trained of LIFRate.*tau_rc, tau_ref.*got 'initial_vol",
        ),
    ],
    ids=["at a bound", "random spikes", "rates"],
)
def test_voltages_that_cannot_be_trained(kwargs, match):
    with pytest.raises(BuildError, match=match):
        simulator(network(**kwargs))


def test_the_lowest_voltage_is_the_bound():
    start = nengo.dists.Choice([0])
    net = network(min_voltage=-0.5, initial_state={"voltage": start})
    with simulator(net) as sim:
        np.testing.assert_array_equal(voltages(sim, net), 0)
        data = {net.x: inputs(), net.p: np.full((1, N_STEPS, 3), 0.0)}
        sim.train(data, keras.optimizers.Adam(5.0), n_epochs=2)
        assert np.all(voltages(sim, net) > -0.5)
        assert np.all(voltages(sim, net) < 1)
        assert np.any(voltages(sim, net) != 0)
