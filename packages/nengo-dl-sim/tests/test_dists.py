import pickle

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError

from nengo_dl_sim.dists import (
    FluctuationDriven,
    Glorot,
    He,
    TruncatedNormal,
    VarianceScaling,
)

DISTS = [
    TruncatedNormal(),
    TruncatedNormal(mean=-3, stddev=2, limit=0.5),
    VarianceScaling(),
    VarianceScaling(scale=2, mode="fan_in", distribution="normal"),
    Glorot(distribution="normal"),
    He(scale=0.5),
    FluctuationDriven(),
    FluctuationDriven(rate=5, tau_rc=0.01, tau_syn=0, xi=2.5),
]


@pytest.mark.parametrize("dist", DISTS, ids=repr)
def test_shapes_and_reproducibility(dist):
    for n, d, shape in [
        (7, None, (7,)),
        (7, 3, (7, 3)),
        (0, 3, (0, 3)),
        (1, 1, (1, 1)),
    ]:
        samples = dist.sample(n, d, rng=np.random.RandomState(3))
        assert samples.shape == shape
        assert np.array_equal(
            samples, dist.sample(n, d=d, rng=np.random.RandomState(3))
        )
    assert len(np.unique(dist.sample(50, 2, rng=np.random.RandomState(0)))) == 100


@pytest.mark.parametrize("dist", DISTS, ids=repr)
def test_without_rng_uses_the_global_one(dist):
    np.random.seed(5)
    first = dist.sample(4)
    second = dist.sample(4)
    np.random.seed(5)
    assert np.array_equal(first, dist.sample(4))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("dist", DISTS, ids=repr)
def test_is_a_value(dist):
    clone = pickle.loads(pickle.dumps(dist))
    assert clone == dist == eval(repr(dist))
    assert hash(clone) == hash(dist)
    rngs = np.random.RandomState(0), np.random.RandomState(0)
    assert np.array_equal(clone.sample(5, rng=rngs[0]), dist.sample(5, rng=rngs[1]))


@pytest.mark.parametrize("limit", [None, 6, 1.5, 1, 0.5, 0.01])
def test_truncated_normal_has_the_density_of_the_bell(limit):
    """Both ways to draw, against the distribution function by numeric integration."""
    mean, stddev = 1.0, 1.5
    samples = TruncatedNormal(mean, stddev, limit).sample(
        20_000, rng=np.random.RandomState(0)
    )
    limit = 2 * stddev if limit is None else limit
    assert np.max(np.abs(samples - mean)) <= limit
    assert np.max(np.abs(samples - mean)) > 0.9 * limit

    grid = np.linspace(-limit, limit, 20_001)
    exact = np.cumsum(np.exp(-0.5 * (grid / stddev) ** 2))
    empirical = np.searchsorted(np.sort(samples - mean), grid) / len(samples)
    # Kolmogorov-Smirnov: 1.63 / sqrt(n) is exceeded by 1 % of the seeds
    assert np.max(np.abs(empirical - exact / exact[-1])) < 1.63 / np.sqrt(len(samples))


# distribution, n, d, the variance of the weights
VARIANCES = [
    (VarianceScaling(), 30, 200, 1 / 115),
    (VarianceScaling(scale=3, mode="fan_in"), 30, 200, 3 / 200),
    (VarianceScaling(scale=3, mode="fan_out"), 30, 200, 3 / 30),
    (VarianceScaling(mode="fan_in"), 5000, None, 1),
    (VarianceScaling(mode="fan_out"), 5000, None, 1 / 5000),
    (VarianceScaling(mode="fan_avg"), 4999, None, 1 / 2500),
    (Glorot(), 100, 60, 1 / 80),
    (Glorot(scale=0.5), 100, 60, 0.5 / 80),
    (He(distribution="uniform"), 100, 60, 1 / 60),
    (He(scale=3, distribution="uniform"), 100, 60, 9 / 60),
]


@pytest.mark.parametrize("dist, n, d, variance", VARIANCES)
def test_uniform_variance(dist, n, d, variance):
    samples = dist.sample(n, d, rng=np.random.RandomState(0))
    limit = np.sqrt(3 * variance)
    assert 0.99 * limit < np.max(np.abs(samples)) < limit
    assert np.isclose(np.var(samples), variance, rtol=0.05)


@pytest.mark.parametrize("dist, n, d, variance", VARIANCES)
def test_normal_is_truncated_at_twice_the_standard_deviation(dist, n, d, variance):
    normal = VarianceScaling(
        scale=dist.scale**2 if isinstance(dist, He) else dist.scale,
        mode=dist.mode,
        distribution="normal",
    )
    samples = normal.sample(n, d, rng=np.random.RandomState(0))
    bell = TruncatedNormal(stddev=np.sqrt(variance))
    assert np.array_equal(samples, bell.sample(n, d, rng=np.random.RandomState(0)))
    # not corrected for the truncation: 0.774 of the nominal variance is left
    assert np.isclose(np.var(samples), 0.774 * variance, rtol=0.06)


def test_named_schemes_are_variance_scaling():
    def draw(dist):
        return dist.sample(4, 6, rng=np.random.RandomState(1))

    for distribution in ("uniform", "normal"):
        glorot = VarianceScaling(0.5, "fan_avg", distribution)
        assert np.array_equal(draw(Glorot(0.5, distribution)), draw(glorot))
        he = VarianceScaling(0.25, "fan_in", distribution)
        assert np.array_equal(draw(He(0.5, distribution)), draw(he))
    assert Glorot().distribution == "uniform"
    assert He().distribution == "normal"


# tau_rc, tau_syn, xi, rate
FLUCTUATIONS = [(0.02, 0.005, 1, 20), (0.01, 0.02, 2, 50), (0.05, 0, 0.5, 10)]


@pytest.mark.parametrize("tau_rc, tau_syn, xi, rate", FLUCTUATIONS)
def test_membranes_fluctuate_as_far_as_they_should(tau_rc, tau_syn, xi, rate):
    """A Poisson process drives membranes that have no threshold."""
    n, d, dt = 150, 100, 0.001
    dist = FluctuationDriven(rate, tau_rc, tau_syn, xi)
    weights = dist.sample(n, d, rng=np.random.RandomState(0))
    variance = 2 * (tau_rc + tau_syn) / (d * rate * xi**2)
    assert np.isclose(np.std(weights), np.sqrt(variance), rtol=0.03)
    assert abs(np.mean(weights)) < 4 * np.sqrt(variance / weights.size)
    spikes = np.random.RandomState(1).poisson(rate * dt, (2000, d)) / dt
    current = spikes @ weights.T
    for tau in (tau_syn, tau_rc):
        if tau > 0:
            current = nengo.Lowpass(tau).filt(current, dt=dt, y0=0)
    deviation = np.std(current[500:], axis=0)
    assert np.isclose(np.sqrt(np.mean(deviation**2)), 1 / xi, rtol=0.06)


def rates_of_layers(dist, min_voltage, n=100):
    with nengo.Network(seed=0) as net:
        spikes = np.random.RandomState(1).rand(1000, n) < 20 * 0.001
        process = nengo.processes.PresentInput(spikes / 0.001, presentation_time=0.001)
        pre, probes = nengo.Node(process), []
        for _ in range(5):
            lif = nengo.LIF(min_voltage=min_voltage)
            ens = nengo.Ensemble(
                n, 1, neuron_type=lif, gain=np.ones(n), bias=np.zeros(n)
            )
            nengo.Connection(pre, ens.neurons, transform=dist, synapse=0.005)
            probes.append(nengo.Probe(ens.neurons))
            pre = ens.neurons
    with nengo.Simulator(net, progress_bar=False) as sim:
        sim.run(1)
    return [np.mean(sim.data[probe]) for probe in probes]


@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")  # bias=0, in Nengo
@pytest.mark.parametrize("min_voltage", [0, -100])
def test_spikes_pass_through_many_layers(min_voltage):
    assert all(5 < r < 40 for r in rates_of_layers(FluctuationDriven(), min_voltage))
    far = rates_of_layers(FluctuationDriven(xi=3), min_voltage)  # so the test can fail
    assert far[-1] < 0.1
    assert rates_of_layers(He(), min_voltage)[-1] > 100


def test_in_a_network():
    with nengo.Network(seed=0) as net:
        pre = nengo.Ensemble(20, 1, gain=TruncatedNormal(2, 0.1), bias=Glorot())
        post = nengo.Ensemble(10, 1)
        conn = nengo.Connection(pre.neurons, post.neurons, transform=He())
    with nengo.Simulator(net, progress_bar=False) as sim:
        assert np.all(np.abs(sim.data[pre].gain - 2) <= 0.2)
        assert sim.data[conn].weights.shape == (10, 20)
        assert 0 < np.max(np.abs(sim.data[conn].weights)) <= 2 / np.sqrt(20)


BAD_ARGUMENTS = [
    (TruncatedNormal, {"mean": "a"}, "TruncatedNormal.mean: .*'a'"),
    (TruncatedNormal, {"mean": np.nan}, "TruncatedNormal.mean: .*nan"),
    (TruncatedNormal, {"stddev": 0}, r"TruncatedNormal.stddev: .*\(got 0\)"),
    (TruncatedNormal, {"stddev": np.nan}, "TruncatedNormal.stddev: .*nan"),
    (TruncatedNormal, {"stddev": np.inf}, "TruncatedNormal.stddev: .*inf"),
    (TruncatedNormal, {"limit": -1}, r"TruncatedNormal.limit: .*\(got -1\)"),
    (TruncatedNormal, {"limit": np.nan}, "TruncatedNormal.limit: .*nan"),
    (VarianceScaling, {"scale": 0}, r"VarianceScaling.scale: .*\(got 0\)"),
    (VarianceScaling, {"scale": np.inf}, "VarianceScaling.scale: .*inf"),
    (VarianceScaling, {"mode": "fan"}, "VarianceScaling.mode: .*'fan'"),
    (
        VarianceScaling,
        {"distribution": 1},
        "VarianceScaling.distribution: .*'str'.*'int'",
    ),
    (Glorot, {"scale": None}, "Glorot.scale: .*None"),
    (He, {"scale": -2}, r"He.scale: .*\(got -2\)"),
    (He, {"scale": "2"}, "He.scale: .*'2'"),
    (FluctuationDriven, {"rate": 0}, r"FluctuationDriven.rate: .*\(got 0\)"),
    (FluctuationDriven, {"tau_rc": -1}, r"FluctuationDriven.tau_rc: .*\(got -1\)"),
    (FluctuationDriven, {"tau_syn": -1}, r"FluctuationDriven.tau_syn: .*\(got -1\)"),
    (FluctuationDriven, {"xi": np.nan}, "FluctuationDriven.xi: .*nan"),
]


@pytest.mark.parametrize("dist, arguments, message", BAD_ARGUMENTS)
def test_bad_arguments(dist, arguments, message):
    with pytest.raises(ValidationError, match=message):
        dist(**arguments)
