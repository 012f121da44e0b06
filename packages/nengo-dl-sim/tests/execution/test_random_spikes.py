"""Neurons that spike at random: the seed of the simulator decides, and nothing else."""

import nengo
import numpy as np
import pytest

from nengo_dl_sim import Simulator

N_STEPS = 30


@pytest.fixture(params=[nengo.StochasticSpiking, nengo.PoissonSpiking])
def net(request):
    with nengo.Network(seed=0) as net:
        net.config[nengo.Ensemble].neuron_type = request.param(nengo.RectifiedLinear())
        for _ in range(2):
            ens = nengo.Ensemble(
                8, 1, gain=nengo.dists.Choice([1]), bias=nengo.dists.Choice([400])
            )
            nengo.Probe(ens.neurons)
    return net


def spikes(net, sim):
    sim.run_steps(N_STEPS)
    return np.stack([sim.data[probe] for probe in net.probes])


def simulate(net, seed=3, **settings):
    with Simulator(net, seed=seed, progress_bar=False, **settings) as sim:
        return spikes(net, sim)


@pytest.fixture
def expected(net):
    return simulate(net, minibatch_size=3, jit_compile=True)


@pytest.mark.parametrize(
    "settings",
    [{"jit_compile": True}, {"jit_compile": False}, {"unroll_simulation": 4}],
    ids=str,
)
def test_the_same_in_every_mode(net, expected, settings):
    found = simulate(net, minibatch_size=3, **settings)
    np.testing.assert_array_equal(found, expected)


def test_the_same_next_to_python(net):
    """With a callback in the loop XLA compiles what is between two callbacks."""
    with net:
        python = nengo.Node(lambda t, x: x, size_in=1)
        nengo.Connection(net.ensembles[0].neurons[:1], python)
    found = simulate(net, minibatch_size=3, jit_compile=True)
    np.testing.assert_allclose(found.mean(), 400, rtol=0.1)
    other = simulate(net, minibatch_size=3, jit_compile=False)
    np.testing.assert_array_equal(found, other)


def test_the_same_after_a_reset(net, expected):
    with Simulator(net, seed=3, minibatch_size=3, progress_bar=False) as sim:
        np.testing.assert_array_equal(spikes(net, sim), expected)
        sim.reset()
        np.testing.assert_array_equal(spikes(net, sim), expected)


def test_everything_draws_for_itself(net, expected):
    """Ensembles, batch items, neurons and steps."""
    trains = np.moveaxis(expected, 2, -1).reshape(-1, N_STEPS)
    assert len(trains) == 2 * 3 * 8
    assert len(np.unique(trains, axis=0)) == len(trains)
    assert np.any(trains[:, 1:] != trains[:, :-1])


def test_another_seed(net, expected):
    assert np.any(simulate(net, seed=4, minibatch_size=3) != expected)


def test_the_rate(net, expected):
    np.testing.assert_allclose(expected.mean(), 400, rtol=0.1)
