import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError

from nengo_dl_spaun_bench.networks import (
    NETWORKS,
    NEURON_TYPES,
    TIME_STEPS,
    random_network,
)

# name, n_neurons for 4 dimensions and 50 neurons each
SIZES = [
    ("cconv", 4 * 3 * 50),
    ("integrator", 4 * 50),
    ("pes", 4 * 50),
    ("basal_ganglia", 4 * 5 * 50),
    ("random_network", 10 * 4 * 50),
    ("feed_forward", 3 * 4 * 50),
    ("cuba", 4 * 50),
]

# Nengo's own sigmoid does so for currents below -709, before it gives the right 0.
SIGMOID_OVERFLOWS = pytest.mark.filterwarnings(
    "ignore:overflow encountered in exp:RuntimeWarning"
)


def build(name, neuron="lifrate", dimensions=4, neurons_per_d=50):
    return NETWORKS[name](dimensions, neurons_per_d, NEURON_TYPES[neuron]())


def simulate(net, seconds):
    with nengo.Simulator(net, progress_bar=False) as sim:
        sim.run(seconds)
    return sim.data[net.p]


def test_the_tables_here_and_there_are_the_same():
    # The last two have tests of their own.
    assert [*(name for name, _ in SIZES), "spaun_like", "spaun"] == list(NETWORKS)


@pytest.mark.parametrize("neuron", NEURON_TYPES)
@pytest.mark.parametrize("name, n_neurons", SIZES)
@SIGMOID_OVERFLOWS
def test_every_network_runs_with_every_neuron_type(name, n_neurons, neuron):
    net = build(name, neuron)
    assert net.label == name
    assert net.n_neurons == n_neurons
    assert {type(ens.neuron_type) for ens in net.all_ensembles} == {
        NEURON_TYPES[neuron]
    }
    output = simulate(net, 0.05)
    assert output.shape == (50, 1 if name == "cuba" else 4)
    assert np.all(np.isfinite(output))
    assert np.any(output != 0)


@pytest.mark.parametrize("name", [name for name, _ in SIZES])
def test_is_the_same_network_each_time(name):
    first, second = (simulate(build(name, neurons_per_d=10), 0.02) for _ in range(2))
    assert np.allclose(first, second, rtol=0, atol=1e-12)


@pytest.mark.parametrize("neuron", ["relu", "lifrate"])
def test_cconv_convolves(neuron):
    rng = np.random.RandomState(0)
    a, b = (v / np.linalg.norm(v) for v in rng.randn(2, 8))
    net = build("cconv", neuron, dimensions=8, neurons_per_d=200)
    net.inp_a.output = a
    net.inp_b.output = b
    exact = np.fft.ifft(np.fft.fft(a) * np.fft.fft(b)).real
    assert np.allclose(simulate(net, 0.1)[-1], exact, atol=0.1)


def test_integrator_integrates():
    net = build("integrator", "relu", neurons_per_d=200)
    speed = np.array([-1.0, -0.5, 0.5, 1.0])
    net.inp.output = speed
    assert np.allclose(simulate(net, 0.5)[-1], 0.5 * speed, atol=0.15)


def test_pes_learns():
    net = build("pes", dimensions=2)
    output = simulate(net, 0.5)
    error = np.linalg.norm(output - 1, axis=1)
    assert error[-1] < 0.1 * error[0]


@pytest.mark.parametrize("neuron", ["lif", "lifrate", "spiking_relu", "sigmoid"])
@SIGMOID_OVERFLOWS
def test_basal_ganglia_select_the_largest(neuron):
    net = build("basal_ganglia", neuron)
    net.inp.output = np.array([0.2, 0.2, 0.9, 0.2])
    mean = simulate(net, 0.2)[100:].mean(axis=0)
    assert np.argmax(mean) == 2


@pytest.mark.parametrize("neuron", NEURON_TYPES)
def test_random_network_stays_bounded(neuron):
    output = simulate(build("random_network", neuron, neurons_per_d=20), 0.3)
    assert np.max(np.abs(output)) < 10


def test_feed_forward_shows_its_image():
    net = build("feed_forward", "lif")
    first = simulate(net, 0.1)[-1]
    net.inp.output = np.ones(4 * 49)
    assert not np.allclose(simulate(net, 0.1)[-1], first, atol=1e-3)
    assert net.n_neurons == sum(ens.n_neurons for ens in net.ensembles)


def test_random_network_takes_its_options():
    net = random_network(2, 5, nengo.LIF(), n_ensembles=4, connections_per_ensemble=3)
    assert len(net.all_ensembles) == 4
    for ens in net.all_ensembles:
        posts = [c.post_obj for c in net.connections if c.pre_obj is ens]
        posts = [post for post in posts if isinstance(post, nengo.Ensemble)]
        assert len(posts) == len(set(posts)) == 3

    def targets(seed):
        net = random_network(2, 5, nengo.LIF(), seed=seed)
        index = {ens: i for i, ens in enumerate(net.all_ensembles)}
        return [index.get(c.post_obj) for c in net.connections]

    assert targets(0) == targets(0)
    assert targets(0) != targets(1)


BAD_SIZES = [
    ({"dimensions": 0}, r"dimensions: .*\(got 0\)"),
    ({"dimensions": 2.5}, r"dimensions: .*\(got 2.5\)"),
    ({"neurons_per_d": -1}, r"neurons_per_d: .*\(got -1\)"),
    ({"neurons_per_d": "5"}, r"neurons_per_d: .*\(got '5'\)"),
    ({"neuron_type": "lif"}, "neuron_type: .*'str'"),
]


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("change, message", BAD_SIZES)
def test_bad_arguments(name, change, message):
    sizes = (16, 50) if name == "spaun" else (2, 5)
    arguments = dict(zip(("dimensions", "neurons_per_d"), sizes, strict=True))
    arguments["neuron_type"] = nengo.LIF()
    with pytest.raises(ValidationError, match=message):
        NETWORKS[name](**{**arguments, **change})


@pytest.mark.parametrize("n_connections", [-1, 4])
def test_random_network_without_enough_ensembles(n_connections):
    with pytest.raises(ValidationError, match="connections_per_ensemble: .*n_ens.*=3"):
        random_network(
            2, 5, nengo.LIF(), n_ensembles=3, connections_per_ensemble=n_connections
        )


def test_cuba_fires_rarely():
    """At the rate of other simulators, with 80 synapses for each neuron."""
    net = build("cuba", "lif", dimensions=20)
    synapses = sum(len(c.transform.init.indices) for c in net.all_connections[:2])
    assert synapses == pytest.approx(80 * net.n_neurons, rel=0.02)
    assert {ens.neuron_type.tau_ref for ens in net.all_ensembles} == {0.005}
    with nengo.Simulator(net, dt=TIME_STEPS["cuba"], progress_bar=False) as sim:
        sim.run(0.4)
    assert 4 < np.mean(sim.data[net.p][1000:]) < 8
