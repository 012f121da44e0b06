"""Products that follow spikes give what Nengo gives, however many spikes there are."""

import nengo
import numpy as np
import pytest
import scipy.sparse
from helpers import groups_of, reference, simulator

from nengo_dl_ops.operators.event_driven import COSTS, EventDrivenProduct
from nengo_dl_ops.operators.nonzero import Nonzero
from nengo_dl_sim import configure_settings

COSTS_NAME = "nengo_dl_ops.operators.event_driven.COSTS"

#: Spikes are followed in products of any size, as many as there are.
ALWAYS = COSTS._replace(entry=100.0)

#: Spikes are followed in products of any size, up to about three in a step.
FEW = COSTS._replace(find=-1e6, entry=0.1, piece=1.0, piece_entry=0.0)


@pytest.fixture
def follow_always(monkeypatch):
    monkeypatch.setattr(COSTS_NAME, ALWAYS)


def sparse(rows, columns, seed=0):
    rng = np.random.RandomState(seed)
    matrix = scipy.sparse.random(rows, columns, 0.3, "csr", random_state=rng)
    return nengo.Sparse((rows, columns), init=matrix - 0.5 * matrix.sign())


LIF = nengo.LIF()


def recurrent(n=12, neuron_type=LIF, bias=3.0):
    """Neurons that excite and inhibit each other, read out as a whole and in parts."""
    with nengo.Network(seed=1) as net:
        configure_settings(dtype="float64")
        net.input = nengo.Node([0.0])
        biases = np.linspace(0.5, 1.5, n) * bias
        net.ens = nengo.Ensemble(
            n, 1, neuron_type=neuron_type, gain=np.ones(n), bias=biases
        )
        neurons, out = net.ens.neurons, nengo.Node(size_in=n)
        nengo.Connection(net.input, neurons, transform=np.ones((n, 1)), synapse=None)
        nengo.Connection(neurons, neurons, transform=sparse(n, n), synapse=0.005)
        nengo.Connection(neurons, out, transform=sparse(n, n, 1), synapse=None)
        part = neurons[1 : n - 1 : 2]
        nengo.Connection(part, out, transform=sparse(n, part.size_out, 2), synapse=None)
        nengo.Probe(out), nengo.Probe(neurons)
    return net


def n_following(sim):
    ops = [op for group in groups_of(sim) for op in group]
    return sum(isinstance(op, EventDrivenProduct) for op in ops)


def compare(net, n_steps=40, **kwargs):
    with simulator(net, **kwargs) as sim:
        assert n_following(sim)
        sim.run_steps(n_steps)
        return compare_data(net, n_steps, sim.data)


def compare_data(net, n_steps, data):
    """Compare with what Nengo gives; return the spikes of all neurons."""
    with reference(net) as sim:
        sim.run_steps(n_steps)
    for probe in net.all_probes:
        np.testing.assert_allclose(data[probe], sim.data[probe], atol=1e-9)
    return sim.data[net.all_probes[1]]


@pytest.mark.parametrize("mode", ["xla", "graph", "hybrid"])
def test_in_all_modes(mode, follow_always):
    net = recurrent()
    if mode == "hybrid":
        with net:
            nengo.Connection(net.input, nengo.Node(lambda t, x: -x, size_in=1))
    assert np.any(compare(net, jit_compile=mode != "graph"))


@pytest.mark.parametrize("bias", [0.0, 300.0], ids=["no spikes", "all spike"])
def test_extremes(bias, follow_always):
    spikes = compare(recurrent(neuron_type=nengo.SpikingRectifiedLinear(), bias=bias))
    assert np.any(spikes) == (bias > 0)


def test_more_in_some_steps_than_are_followed(monkeypatch):
    monkeypatch.setattr(COSTS_NAME, FEW)
    n_spikes = np.sum(compare(recurrent(bias=20.0), jit_compile=True) > 0, axis=1)
    assert np.any(n_spikes == 1) and np.any(n_spikes > 5)


def test_spikes_of_unlike_height(follow_always):
    """Merged populations whose spikes differ, and may differ from each other."""
    net = recurrent(neuron_type=nengo.LIF(amplitude=0.3))
    with net:
        kinds = (nengo.RegularSpiking(nengo.LIFRate(), amplitude=2.0), nengo.LIF())
        for kind in kinds:
            ens = nengo.Ensemble(12, 1, neuron_type=kind, seed=2)
            weights = sparse(12, 12, 3)
            nengo.Connection(ens.neurons, net.ens.neurons, transform=weights)
    compare(net, jit_compile=True)


def test_items_of_a_minibatch_have_spikes_of_their_own(follow_always):
    net, given = recurrent(), np.array([-9.0, 0.0, 4.0])
    n_steps = 30
    with simulator(net, minibatch_size=3, jit_compile=True) as sim:
        steps = np.broadcast_to(given[:, None, None], (3, n_steps, 1))
        sim.run_steps(n_steps, data={net.input: steps})
        for item, value in enumerate(given):
            net.input.output = [value]
            compare_data(net, n_steps, {p: sim.data[p][item] for p in net.all_probes})


def test_with_decoders_that_are_learned(follow_always):
    net = recurrent(neuron_type=nengo.LIF())
    with net:
        error = nengo.Node(size_in=1)
        learned = nengo.Connection(
            net.ens, error, learning_rule_type=nengo.PES(1e-3), seed=0
        )
        nengo.Connection(error, learned.learning_rule)
    compare(net, jit_compile=True)


def test_a_thousand_neurons_for_five_thousand_steps():
    """Spikes are those of Nengo, bit for bit, where following them pays."""
    n = 1000
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64")
        rng = np.random.RandomState(0)
        ens = nengo.Ensemble(n, 1, gain=np.ones(n), bias=rng.uniform(0.9, 1.1, n))
        matrix = scipy.sparse.random(n, n, 0.03, "csr", random_state=rng)
        matrix.data[:] = np.where(matrix.indices < 800, 0.8, -3.6) / 1000
        weights = nengo.Sparse((n, n), init=matrix)
        nengo.Connection(ens.neurons, ens.neurons, transform=weights, synapse=0.005)
        probe = nengo.Probe(ens.neurons)
    with reference(net) as expected, simulator(net, jit_compile=True) as sim:
        expected.run_steps(5000)
        sim.run_steps(5000)
        np.testing.assert_array_equal(sim.data[probe], expected.data[probe])
    assert 1 < np.mean(expected.data[probe]) < 50


def test_large_dense_weights():
    """From neurons to neurons, and runs that are too short to transpose them."""
    n = 600
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64")
        rng = np.random.RandomState(0)
        ens = nengo.Ensemble(n, 1, gain=np.ones(n), bias=rng.uniform(0.9, 1.1, n))
        weights = rng.normal(-0.1, 1, size=(n, n)) / n
        nengo.Connection(ens.neurons, ens.neurons, transform=weights, synapse=0.005)
        probe = nengo.Probe(ens.neurons)
    with reference(net) as expected, simulator(net, jit_compile=True) as sim:
        assert n_following(sim) == 1
        for n_steps in (10, 300):
            expected.run_steps(n_steps)
            sim.run_steps(n_steps)
        np.testing.assert_array_equal(sim.data[probe], expected.data[probe])
    assert 1 < np.mean(expected.data[probe]) < 50


def test_a_fault_is_found(monkeypatch, follow_always):
    """The comparisons of this file can fail."""
    place = Nonzero.place
    monkeypatch.setattr(Nonzero, "place", lambda self, k: place(self, k) // 2 * 2)
    with pytest.raises(AssertionError):
        compare(recurrent(), jit_compile=True)
