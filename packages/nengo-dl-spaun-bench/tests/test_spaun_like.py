"""The network of the size of Spaun."""

from collections import Counter

import nengo
import numpy as np
import pytest

import nengo_dl
from nengo_dl.graph_optimizer import DEFAULT_SIMPLIFICATIONS, RUN_ONLY_SIMPLIFICATIONS
from nengo_dl_spaun_bench import NEURON_TYPES, spaun_like
from nengo_dl_spaun_bench.populations import settle_populations

# What Spaun has at 16 dimensions, with core Nengo's builder.
SPAUN = {
    "operators": 86_334,
    "ensembles": 6_156,
    "neurons": 392_500,
    "connections": 22_354,
    "nodes": 1_262,
}


def tiny(neuron="lif", seed=0):
    return spaun_like(1, 5, NEURON_TYPES[neuron](), seed=seed)


def simulate(net, n_steps=30):
    with nengo.Simulator(net, progress_bar=False, optimize=False) as sim:
        sim.run_steps(n_steps)
    return sim.data[net.p]


@pytest.mark.slow
def test_is_as_large_as_spaun():
    net = spaun_like(16)
    model = nengo.builder.Model()
    model.build(net)
    found = {
        "operators": len(model.operators),
        "ensembles": len(net.all_ensembles),
        "neurons": net.n_neurons,
        "connections": len(net.all_connections),
        "nodes": len(net.all_nodes),
    }
    for name, number in SPAUN.items():
        assert abs(found[name] - number) < 0.15 * number, name
    assert abs(found["operators"] - SPAUN["operators"]) < 0.01 * SPAUN["operators"]
    sizes = Counter(ens.n_neurons for ens in net.all_ensembles)
    assert min(sizes[50], sizes[75], sizes[100]) > 100
    rules = [type(c.learning_rule_type) for c in net.all_connections]
    assert rules.count(nengo.PES) == 2


@pytest.mark.slow
@pytest.mark.parametrize("neuron", NEURON_TYPES)
@pytest.mark.filterwarnings("ignore:overflow encountered in exp:RuntimeWarning")
def test_runs_with_every_neuron_type(neuron):
    net = tiny(neuron)
    output = simulate(net, n_steps=100)
    assert output.shape == (100, 2)
    assert np.all(np.isfinite(output))
    assert np.all(np.any(output[50:] != 0, axis=0))


def numbers(net):
    """Everything that is drawn at random."""
    for ens in net.all_ensembles:
        yield from (ens.gain, ens.bias, ens.encoders)
    for conn in net.all_connections:
        if isinstance(conn.transform, nengo.Dense):
            yield conn.transform.init
        if isinstance(conn.solver, nengo.solvers.NoSolver):
            yield conn.solver.values


def test_is_the_same_network_for_a_seed():
    first, second, other = (list(numbers(tiny(seed=seed))) for seed in (0, 0, 1))
    assert len(first) == len(second)
    assert all(map(np.array_equal, first, second))
    assert not np.array_equal(first[0], other[0])


@pytest.fixture(scope="module")
def expected():
    """What Nengo gives for rates."""
    return simulate(tiny("lifrate"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "simplifications", [DEFAULT_SIMPLIFICATIONS, RUN_ONLY_SIMPLIFICATIONS]
)
def test_equals_nengo(simplifications, expected):
    net = tiny("lifrate")
    with net:
        nengo_dl.configure_settings(
            dtype="float64", inference_only=True, simplifications=simplifications
        )
    with nengo_dl.Simulator(net, progress_bar=False, jit_compile=False) as sim:
        sim.run_steps(30)
    peak = np.max(np.abs(expected))
    np.testing.assert_allclose(sim.data[net.p], expected, rtol=0, atol=1e-9 * peak)


@pytest.mark.parametrize("dimensions", [1, 2])
def test_decoders_of_settled_populations_decode(dimensions):
    """As well as those that Nengo would have solved for, in a network of its own."""
    with nengo.Network(seed=0) as net:
        net.inp = nengo.Node(np.linspace(-0.5, 0.4, dimensions))
        ensembles = [nengo.Ensemble(80, dimensions, radius=1.2) for _ in range(3)]
        decoded = []
        for ens in ensembles:
            nengo.Connection(net.inp, ens, synapse=None)
            for function in (None, np.square):
                out = nengo.Node(size_in=dimensions)
                nengo.Connection(ens, out, function=function, synapse=None)
                decoded.append(nengo.Probe(out, synapse=0.02))
    settle_populations(net, np.random.RandomState(0))
    assert len({ens.gain.tobytes() for ens in ensembles}) == len(ensembles)
    with nengo.Simulator(net, progress_bar=False) as sim:
        sim.run(0.3)
    for i, probe in enumerate(decoded):
        exact = net.inp.output ** (1 + i % 2)
        mean = sim.data[probe][100:].mean(axis=0)
        np.testing.assert_allclose(mean, exact, rtol=0, atol=0.1)
