"""Training parameters of types whose rates other types make into spikes."""

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import reference, sgd, simulator
from nengo.exceptions import BuildError

from nengo_dl_ops import surrogates
from nengo_dl_sim import configure_settings

N_STEPS = 12
GAIN, BIAS = np.array([2.0, 4.0, 3.0]), np.array([1.2, 0.5, 2.0])
WEIGHTS = np.random.RandomState(2).randn(N_STEPS, 3)

#: What is trained of a base type, and the values at first.
BUILT = {"tau_rc": 0.02, "tau_ref": 0.002, "amplitude": 1.5}
LOWEST = {"tau_rc": 0.001, "tau_ref": 0.0, "amplitude": 0.0}


def network(kind=nengo.RegularSpiking, mode=None, each=False, trained=True, **values):
    with nengo.Network(seed=0) as net:
        configure_settings(
            dtype="float64",
            trainable=False,
            training_mode=mode,
            trainable_neurons=None,
        )
        net.x = nengo.Node(lambda t: [0.9 + t, 0.7 - t, 0.2])
        net.ens = nengo.Ensemble(
            3,
            1,
            neuron_type=kind(nengo.LIFRate(**{**BUILT, **values}), amplitude=0.7),
            gain=GAIN,
            bias=BIAS,
            label="neurons",
        )
        nengo.Connection(net.x, net.ens.neurons, synapse=None)
        net.p = nengo.Probe(net.ens.neurons)
    if trained:
        form = "elementwise" if each else True
        net.config[net.ens].trainable_neurons = {
            f"base_type.{name}": form for name in BUILT
        }
    return net


def inputs():
    return np.random.RandomState(1).uniform(0.2, 1.5, (1, N_STEPS, 3))


def weighted(outputs):
    """An objective: everything, weighted by numbers that differ."""
    return tf.reduce_sum(outputs * tf.constant(WEIGHTS, outputs.dtype)) / 1000


def current(sim, net):
    values = sim.data[net.ens].neuron_parameters
    return {name: values[f"base_type.{name}"] for name in BUILT}


def gradients(net, rate=1e-4):
    with simulator(net) as sim:
        before = current(sim, net)
        sim.train({net.x: inputs()}, sgd(rate), objective={net.p: weighted})
        after = current(sim, net)
    above = {
        name: (before[name] - low, after[name] - low) for name, low in LOWEST.items()
    }
    return {name: -np.log(b / a) / rate / a for name, (a, b) in above.items()}


def loss(kind, **values):
    net = network(kind, trained=False, **values)
    with simulator(net) as sim:
        return sim.loss({net.x: inputs()}, objective={net.p: weighted}, training=True)


KINDS = nengo.RegularSpiking, nengo.PoissonSpiking, nengo.StochasticSpiking


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_in_rate_mode_are_those_of_the_loss(kind):
    found = gradients(network(kind))
    for name, value in BUILT.items():
        d = 1e-4 * value
        change = loss(kind, **{name: value + d}) - loss(kind, **{name: value - d})
        assert found[name] == pytest.approx(change / (2 * d), rel=1e-6), name


def rate(x, tau_rc, tau_ref, amplitude):
    return amplitude / (tau_ref + tau_rc * np.log1p(1 / (BIAS + GAIN * x - 1)))


def test_gradients_of_spikes_are_those_of_back_propagation_through_time():
    net = network(mode=surrogates.ATan())
    found = gradients(net, rate=1e-5)
    with reference(net) as sim:
        start = sim.signals[sim.model.sig[net.ens.neurons]["voltage"]].copy()
    for name, value in BUILT.items():
        d = 1e-5 * value
        ends = [
            rate(inputs()[0], **{**BUILT, name: value + sign * d}) for sign in (1, -1)
        ]
        slopes = (ends[0] - ends[1]) / (2 * d)
        v, dv, expected = start, np.zeros(3), 0.0
        for t, r in enumerate(rate(inputs()[0], **BUILT)):
            v, dv = v + 0.001 * r, dv + 0.001 * slopes[t]
            distance = tf.constant(v - np.round(v))
            d_count = surrogates.ATan().derivative(distance).numpy() * dv
            expected += np.sum(WEIGHTS[t] / 1000 * 0.7 * d_count / 0.001)
            v, dv = v - np.floor(v), dv - d_count
        assert found[name] == pytest.approx(expected, rel=1e-7), name


def test_gradients_of_each_neuron_add_up_to_that_of_one():
    each, one = gradients(network(each=True)), gradients(network())
    for name, value in one.items():
        assert np.sum(each[name]) == pytest.approx(value, rel=1e-9), name


def run(sim, net):
    sim.run_steps(40)
    return sim.data[net.p]


@pytest.mark.parametrize("mode", [None, surrogates.ATan()], ids=["rate", "surrogate"])
def test_frozen_networks_spike_alike_in_nengo(mode, tmp_path):
    net = network(mode=mode)
    with simulator(net) as sim:
        assert current(sim, net) == BUILT
        data = {net.x: inputs(), net.p: np.full((1, N_STEPS, 3), 20.0)}
        sim.train(data, keras.optimizers.Adam(0.1), n_epochs=2)
        values, rates = current(sim, net), sim.data[net.ens].max_rates
        trained = run(sim, net)
        sim.save_params(tmp_path / "params")
        sim.save_checkpoint(tmp_path / "checkpoint")
        sim.freeze_params(net)
    assert net.ens.neuron_type.base_type == nengo.LIFRate(**values)
    assert net.ens.neuron_type.amplitude == 0.7
    assert all(values[name] not in (low, BUILT[name]) for name, low in LOWEST.items())
    expected, _ = net.ens.neuron_type.max_rates_intercepts(GAIN, BIAS)
    np.testing.assert_allclose(rates, expected, rtol=1e-12)
    with reference(net) as sim:
        np.testing.assert_allclose(run(sim, net), trained, rtol=1e-9, atol=1e-9)
    with np.load(tmp_path / "params.npz") as file:
        assert "ensembles/0 (neurons)/unconstrained_base_type.tau_rc" in file
    net = network(mode=mode)
    with simulator(net) as sim:
        sim.load_params(tmp_path / "params")
        assert current(sim, net) == values
    with simulator(net) as sim:
        sim.restore_checkpoint(tmp_path / "checkpoint")
        assert current(sim, net) == values


def test_both_types_may_be_trained():
    net = network(trained=False)
    net.config[net.ens].trainable_neurons = ["amplitude", "base_type.amplitude"]
    with simulator(net) as sim:
        data = {net.x: inputs(), net.p: np.full((1, N_STEPS, 3), 20.0)}
        sim.train(data, keras.optimizers.Adam(0.1), n_epochs=2)
        values = sim.data[net.ens].neuron_parameters
        sim.freeze_params(net)
    assert net.ens.neuron_type.amplitude == values["amplitude"] != 0.7
    assert net.ens.neuron_type.base_type.amplitude == values["base_type.amplitude"]
    assert values["base_type.amplitude"] != 1.5
    assert values["base_type.tau_rc"] == 0.02


def test_parameters_that_the_base_type_has_not():
    net = network(trained=False)
    net.config[net.ens].trainable_neurons = ["tau_rc"]
    match = r"RegularSpiking.*amplitude, base_type.amplitude, .*got 'tau_rc'"
    with pytest.raises(BuildError, match=match):
        simulator(net)


@pytest.mark.parametrize("mode", ["rate", "spike_aware"])
def test_izhikevich_has_no_gradient_in_rates(mode):
    with nengo.Network() as net:
        configure_settings(training_mode=mode, trainable_neurons=["coupling"])
        nengo.Ensemble(3, 1, neuron_type=nengo.Izhikevich())
    match = "trainable_neurons of Izhikevich: expected a surrogate gradient .*coupling"
    with pytest.raises(BuildError, match=match):
        simulator(net)
