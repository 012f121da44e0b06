"""Training the coefficients of linear filters."""

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import reference, sgd, simulator
from lif_slopes import lif_slope
from nengo.exceptions import BuildError, ValidationError

from nengo_dl_ops import surrogates
from nengo_dl_sim import configure_settings

DT = 0.001
N_STEPS = 12
WEIGHTS = np.random.RandomState(2).randn(N_STEPS, 3)
GAIN, BIAS = np.array([2.0, 4.0, 3.0]), np.array([1.2, 0.5, 2.0])

#: Each with what is trained of it; those with bounds are time constants.
FILTERS = {
    "one pole": {"tau_0": 0.004, "num_0": 1.5},
    "two poles": {"tau_0": 0.006, "decay_0": 0.004, "num_0": 1.2, "num_1": 0.3},
    "resonator": {"tau_0": 0.003, "decay_0": 0.02, "num_0": 1.1},
    "three poles": {"tau_0": 0.003, "decay_0": 0.006, "tau_1": 0.008, "num_0": 0.9},
    "passthrough": {"tau_0": 0.005, "num_0": 0.8, "num_1": 1.4},
}


def filter_of(values):
    """The filter with these values, after the equation of the sections."""
    sections = [
        [tau**2, 2 * tau**2 / values[f"decay_{name[4:]}"], 1]
        if f"decay_{name[4:]}" in values
        else [tau, 1]
        for name, tau in values.items()
        if name.startswith("tau")
    ]
    den = np.ones(1)
    for section in sections:
        den = np.polymul(den, section)
    unit = den[0] ** (1 / (len(den) - 1))
    num = [values[name] for name in sorted(values) if name.startswith("num")]
    return nengo.LinearFilter([n * unit**j for j, n in enumerate(num)][::-1], den)


def network(synapse, mode=None, trained=True):
    """Inputs, filtered, that drive neurons."""
    with nengo.Network(seed=0) as net:
        configure_settings(
            dtype="float64",
            trainable=False,
            training_mode=mode,
            trainable_synapse=None,
        )
        net.x = nengo.Node(np.zeros(3))
        net.ens = nengo.Ensemble(
            3,
            1,
            neuron_type=nengo.LIF(initial_state={"voltage": nengo.dists.Choice([0])}),
            gain=GAIN,
            bias=BIAS,
        )
        net.conn = nengo.Connection(net.x, net.ens.neurons, synapse=synapse)
        net.p = nengo.Probe(net.ens.neurons)
    if trained:
        net.config[net.conn].trainable_synapse = trained
    return net


def inputs():
    return np.random.RandomState(1).uniform(0.2, 1.5, (1, N_STEPS, 3))


def weighted(outputs):
    """An objective: everything, weighted by numbers that differ."""
    return tf.reduce_sum(outputs * tf.constant(WEIGHTS, outputs.dtype)) / 1000


def saved(sim, path):
    """What is trained of the filter, by name: numbers without bounds."""
    sim.save_params(path)
    with np.load(f"{path}.npz") as file:
        prefix = "connections/0/synapse/"
        return {k[len(prefix) :]: file[k] for k in file if k.startswith(prefix)}


def gradients(net, path, rate=1e-3):
    """The gradients of what is trained, as it is shown, of the sum of all elements."""
    with simulator(net) as sim:
        before = saved(sim, path)
        sim.train({net.x: inputs()}, sgd(rate), objective={net.p: weighted})
        after = saved(sim, path)
    found = {}
    for name, start in before.items():
        slope = np.sum(start - after[name]) / rate
        bounded = name.startswith("unconstrained_")
        found[name.removeprefix("unconstrained_")] = (
            slope / np.exp(start.ravel()[0]) if bounded else slope
        )
    return found


def differences(values, name, of, d=1e-6):
    """The change of a function of a filter with one of its values."""
    ends = [
        of(filter_of({**values, name: values[name] * (1 + sign * d)}))
        for sign in (1, -1)
    ]
    return (ends[0] - ends[1]) / (2 * d * values[name])


def loss(synapse):
    net = network(synapse, trained=False)
    with simulator(net) as sim:
        return sim.loss({net.x: inputs()}, objective={net.p: weighted}, training=True)


@pytest.mark.parametrize("name", FILTERS)
def test_gradients_in_rate_mode_are_those_of_the_loss(name, tmp_path):
    values = FILTERS[name]
    found = gradients(network(filter_of(values)), tmp_path / "params")
    assert set(found) == set(values)
    for part, slope in found.items():
        expected = differences(values, part, loss, d=1e-4)
        assert slope == pytest.approx(expected, rel=1e-5), part


def test_gradients_of_each_element_add_up_to_that_of_one(tmp_path):
    synapse = filter_of(FILTERS["two poles"])
    one = gradients(network(synapse), tmp_path / "one")
    each = gradients(network(synapse, trained="elementwise"), tmp_path / "each")
    assert each == pytest.approx(one, rel=1e-9)


def current(synapse):
    """The currents of the neurons: they see what is filtered one step later."""
    filtered = synapse.filt(inputs()[0], dt=DT, y0=0)
    return BIAS + GAIN * np.concatenate([np.zeros((1, 3)), filtered[:-1]])


@pytest.mark.parametrize("name", ["resonator", "passthrough"])
def test_gradients_of_spikes_are_those_of_back_propagation_through_time(name, tmp_path):
    surrogate, values = surrogates.ATan(), FILTERS[name]
    net = network(filter_of(values), mode=surrogate)
    found = gradients(net, tmp_path / "params", rate=1e-5)
    J = current(filter_of(values))
    for part, slope in found.items():
        dJ = differences(values, part, current)
        expected = lif_slope(WEIGHTS / 1000, surrogate, J, dJ)
        assert abs(expected) > 0.01
        assert slope == pytest.approx(expected, rel=1e-6), part


def train(sim, net):
    data = {net.x: inputs(), net.p: np.full((1, N_STEPS, 3), 20.0)}
    sim.train(data, keras.optimizers.Adam(0.1), n_epochs=2)


def run(sim, net):
    """Spikes for inputs."""
    sim.run_steps(40)
    return sim.data[net.p]


@pytest.mark.parametrize(
    "name, mode",
    [*((name, None) for name in FILTERS), ("resonator", surrogates.ATan())],
)
def test_frozen_networks_spike_alike_in_nengo(name, mode):
    synapse = filter_of(FILTERS[name])
    net = network(synapse, mode=mode)
    net.x.output = lambda t: [np.sin(200 * t), 1.1, t < 0.01]
    with reference(net) as sim:
        expected = run(sim, net)
    with simulator(net) as sim:
        np.testing.assert_allclose(run(sim, net), expected, rtol=1e-9, atol=1e-9)
        before = sim.data[net.conn].synapse_parameters
        train(sim, net)
        after = sim.data[net.conn].synapse_parameters
        sim.reset(include_trainable=False)
        trained = run(sim, net)
        sim.freeze_params(net)
    for part in ("num", "den"):
        np.testing.assert_array_equal(before[part], getattr(synapse, part))
        np.testing.assert_array_equal(after[part], getattr(net.conn.synapse, part))
        assert np.any(after[part] != before[part])
    assert np.all(np.roots(net.conn.synapse.den).real < 0)
    with reference(net) as sim:
        np.testing.assert_allclose(run(sim, net), trained, rtol=1e-9, atol=1e-9)
    assert np.any(trained)


def test_files_have_them(tmp_path):
    net = network(filter_of(FILTERS["three poles"]), trained="elementwise")
    with simulator(net) as sim:
        train(sim, net)
        values = sim.data[net.conn].synapse_parameters
        trained = run(sim, net)
        sim.save_params(tmp_path / "params")
        sim.save_checkpoint(tmp_path / "checkpoint")
        with pytest.raises(ValidationError, match="one num for .*got 3 that differ"):
            sim.freeze_params(net)
    assert values["num"].shape == (3, 1)
    assert values["den"].shape == (3, 4)
    with simulator(net) as sim:
        sim.load_params(tmp_path / "params")
        np.testing.assert_equal(sim.data[net.conn].synapse_parameters, values)
        np.testing.assert_array_equal(run(sim, net), trained)
    with simulator(net) as sim:
        sim.restore_checkpoint(tmp_path / "checkpoint")
        np.testing.assert_equal(sim.data[net.conn].synapse_parameters, values)


@pytest.mark.parametrize("jit_compile", [False, True], ids=["graph", "XLA"])
def test_a_changed_resonator_is_found_again(jit_compile):
    right = {"tau_0": 0.004, "decay_0": 0.02, "num_0": 1.0}
    x = np.repeat(np.random.RandomState(3).uniform(-1, 1, (2, 10, 3)), 5, axis=1)
    y = np.stack([filter_of(right).filt(item, dt=DT, y0=0) for item in x])
    start = {"tau_0": 0.006, "decay_0": 0.008, "num_0": 0.7}
    net = network(filter_of(start))
    with net:
        net.y = nengo.Node(size_in=3)
        net.out = nengo.Connection(net.x, net.y, synapse=filter_of(start))
        probe = nengo.Probe(net.y)
    net.config[net.conn].trainable_synapse = False
    net.config[net.out].trainable_synapse = True
    with simulator(net, minibatch_size=2, jit_compile=jit_compile) as sim:
        data = {net.x: x[:, 1:], probe: y[:, :-1]}
        sim.train(data, keras.optimizers.Adam(0.05), n_epochs=150)
        found = sim.data[net.out].synapse_parameters
    expected = filter_of(right)
    np.testing.assert_allclose(found["num"], expected.num, rtol=0.05)
    np.testing.assert_allclose(found["den"], expected.den, rtol=0.05)


@pytest.mark.parametrize(
    "synapse, match",
    [
        (nengo.LinearFilter([1], [1, 0]), r"poles with negative real parts.*got poles"),
        (nengo.LinearFilter([1], [5e-4, 1]), r"time constants above 0.001 s.*-2000"),
        (nengo.LinearFilter([1], [0.1, 1], method="euler"), r"with method 'zoh'"),
        (nengo.LinearFilter([1], [0.1, 1], analog=False), r"analog, with method"),
    ],
)
def test_filters_that_cannot_be_trained(synapse, match):
    with pytest.raises(BuildError, match=f"trainable_synapse of <Conn.*{match}"):
        simulator(network(synapse))


def test_what_no_gradient_reaches_is_named():
    net = network(nengo.Lowpass(0.004))
    with net:
        net.y = nengo.Node(size_in=3)
        nengo.Connection(net.x, net.y, synapse=filter_of(FILTERS["one pole"]))
        nengo.Probe(net.y)
        configure_settings(trainable_synapse=True)
    with simulator(net) as sim:
        match = r"unconstrained_tau_0 \(of <Connection"
        with pytest.warns(UserWarning, match=match):
            sim.train({net.x: inputs()}, sgd(), objective={net.p: weighted})
