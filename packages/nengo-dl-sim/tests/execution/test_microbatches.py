"""A minibatch may be simulated one portion after the other: nobody can tell."""

import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import program_of, run_functions_of

from nengo_dl_ops import Delay, TensorNode
from nengo_dl_sim import Simulator
from nengo_dl_sim.execution import microbatches as portions
from nengo_dl_sim.execution.microbatches import Microbatches, microbatch_size

N_STEPS = 30


def recurrent(net):
    net.ens = nengo.Ensemble(12, 2, neuron_type=nengo.LIF())
    nengo.Connection(net.stimulus, net.ens)
    nengo.Connection(net.ens, net.ens, synapse=0.02)
    return net.ens


def learning(net):
    output = nengo.Node(size_in=2)
    conn = nengo.Connection(recurrent(net), output, learning_rule_type=nengo.PES(1e-2))
    nengo.Connection(output, conn.learning_rule)
    nengo.Connection(net.stimulus, conn.learning_rule, transform=-1)
    net.learned = conn
    return output


def watched(net):
    """A probe of weights: these are not held with the batch axis first, then."""
    output = learning(net)
    nengo.Probe(net.learned, "weights", sample_every=0.004)
    return output


def with_time(net):
    """All items share the clock, and what follows from it alone."""
    wave = nengo.Node(lambda t: [np.sin(40 * t), t])
    ens = nengo.Ensemble(8, 2, neuron_type=nengo.RectifiedLinear())
    nengo.Connection(wave, ens, synapse=0.01)
    output = recurrent(net)
    nengo.Connection(ens, output)
    return output


def delayed(net):
    """All items share the place in the ring."""
    output = nengo.Node(size_in=2)
    nengo.Connection(recurrent(net), output, synapse=Delay([0.1, 0.003]))
    return output


def make_net(make):
    with nengo.Network(seed=0) as net:
        net.stimulus = nengo.Node(np.zeros(2))
        net.probe = nengo.Probe(make(net), synapse=0.01)
    return net


def in_portions(monkeypatch, n_items):
    """Have every network fill the cache, with so many items at once."""
    monkeypatch.setattr(portions, "MAX_BYTES", 0)
    monkeypatch.setattr(portions, "MIN_STEPS", 8)
    monkeypatch.setattr(portions, "_n_bytes", lambda program: program.minibatch_size)
    monkeypatch.setattr(portions, "MICROBATCH_BYTES", n_items)
    monkeypatch.setattr(portions, "_MIN_ITEMS", 2)


def sizes(sim):
    """How many items each compiled function simulates at once."""
    return [
        function.size if isinstance(function, Microbatches) else None
        for function in run_functions_of(sim)
    ]


def simulated(net, batch, runs=(N_STEPS,), **kwargs):
    data = np.random.RandomState(1).uniform(-1, 1, (batch, sum(runs), 2))
    with Simulator(
        net, minibatch_size=batch, seed=0, progress_bar=False, jit_compile=True
    ) as sim:
        done = 0
        for n_steps in runs:
            given = {net.stimulus: data[:, done : done + n_steps]}
            sim.run_steps(n_steps, given, **kwargs)
            done += n_steps
        return [np.array(sim.data[p]) for p in net.all_probes], sizes(sim), data


@pytest.mark.parametrize("batch, n_items", [(4, 2), (5, 2), (7, 3)])
@pytest.mark.parametrize("make", [recurrent, learning, watched, with_time, delayed])
def test_computes_the_same(make, batch, n_items, monkeypatch):
    net = make_net(make)
    whole, found, _ = simulated(net, batch)
    assert found == [None]
    in_portions(monkeypatch, n_items)
    parts, found, _ = simulated(net, batch)
    assert found == [n_items]
    for one, other in zip(parts, whole, strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=2e-4, atol=2e-5)


def test_is_what_nengo_computes(monkeypatch):
    in_portions(monkeypatch, 2)
    net = make_net(learning)
    net.ens.neuron_type = nengo.RectifiedLinear()
    probed, _, data = simulated(net, 3)
    for item in range(3):
        net.stimulus.output = lambda t, item=item: data[item, round(t * 1000) - 1]
        with nengo.Simulator(net, progress_bar=False, seed=0) as sim:
            sim.run_steps(N_STEPS)
        expected = sim.data[net.probe]
        np.testing.assert_allclose(probed[-1][item], expected, rtol=2e-4, atol=2e-4)


def test_short_runs_go_on_where_long_ones_ended(monkeypatch):
    net = make_net(learning)
    whole, _, _ = simulated(net, 4, (20, 3, 20))
    in_portions(monkeypatch, 2)
    parts, found, _ = simulated(net, 4, (20, 3, 20))
    assert found == [2, None]
    for one, other in zip(parts, whole, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-4, atol=2e-5)


def random_numbers(net):
    return nengo.Ensemble(
        9, 2, neuron_type=nengo.PoissonSpiking(nengo.RectifiedLinear())
    )


def python(net):
    node = nengo.Node(lambda t, x: -x, size_in=2)
    nengo.Connection(recurrent(net), node)
    return node


def layer(net):
    node = TensorNode(lambda t, x: tf.cumsum(x), shape_in=(2,), shape_out=(2,))
    nengo.Connection(recurrent(net), node, synapse=None)
    return node


@pytest.mark.parametrize("make", [random_numbers, python, layer])
def test_stays_whole(make, monkeypatch):
    """Where items draw from the same random numbers, or other code sees them all."""
    in_portions(monkeypatch, 2)
    _, found, _ = simulated(make_net(make), 4, (10,))
    assert set(found) == {None}


@pytest.mark.parametrize(
    "n_items, n_mib, of_matrices, n_steps, size",
    [
        (1, 900, 0.9, 1000, 1),
        (64, 20, 0.9, 1000, 64),
        (64, 54, 0.9, 1000, 16),
        (64, 54, 0.9, 31, 64),
        (61, 54, 0.9, 1000, 16),
        (6, 900, 0.9, 1000, 2),
        (7, 40, 0.9, 1000, 2),
        (256, 37, 0, 1000, 88),
        (256, 900, 0.1, 1000, 64),
        (63, 900, 0.1, 1000, 63),
    ],
)
def test_portion_size(n_items, n_mib, of_matrices, n_steps, size, monkeypatch):
    class Program:
        is_self_contained = True
        groups = ()
        minibatch_size = n_items

    n_bytes = n_mib * 2**20
    n_of_matrices = of_matrices * n_bytes
    monkeypatch.setattr(portions, "_n_bytes", lambda program: n_bytes)
    monkeypatch.setattr(portions, "_n_bytes_of_matrices", lambda program: n_of_matrices)
    assert microbatch_size(Program, n_steps) == size
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: [kind])
    assert microbatch_size(Program, n_steps) == n_items


def test_bytes_are_those_of_all_items():
    """Twelve neurons: two of state, one current, one rate; and what is decoded."""
    with Simulator(make_net(recurrent), minibatch_size=3, progress_bar=False) as sim:
        program = program_of(sim)
        counted = portions._n_bytes(program)
        assert 3 * 4 * 30 < counted < 3 * 4 * 80
        assert portions._n_bytes(program.of_size(6)) == pytest.approx(
            2 * counted, abs=8
        )


def test_of_a_ring_only_a_row_counts():
    counted = []
    for make in (recurrent, delayed):
        with Simulator(make_net(make), minibatch_size=3, progress_bar=False) as sim:
            counted.append(portions._n_bytes(program_of(sim)))
    assert counted[1] - counted[0] < 3 * 4 * 10  # the ring has 2 x 100 elements


@pytest.mark.parametrize(
    "make, n_elements", [(learning, 2 * 12 + 2 + 12), (watched, 0), (recurrent, 0)]
)
def test_bytes_of_weights_that_each_item_learns(make, n_elements):
    with Simulator(make_net(make), minibatch_size=3, progress_bar=False) as sim:
        counted = portions._n_bytes_of_matrices(program_of(sim))
        assert counted == 3 * 4 * n_elements
