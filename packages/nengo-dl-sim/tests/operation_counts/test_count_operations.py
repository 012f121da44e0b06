"""What ``count_operations`` takes, leaves alone, and gives."""

import json

import nengo
import numpy as np
import pytest
from helpers import counting_builders
from nengo.exceptions import SimulatorClosed, ValidationError

from nengo_dl_ops import TensorNode
from nengo_dl_ops.planning.tree_planner import tree_planner
from nengo_dl_sim import Simulator, configure_settings
from nengo_dl_sim.operation_counts.energy import DEVICES


def sparse_network():
    """Neurons with so many sparse weights that products follow spikes."""
    rng = np.random.RandomState(0)
    n, n_synapses = 400, 40
    indices = np.stack(
        [np.repeat(np.arange(n), n_synapses), rng.randint(n, size=n * n_synapses)]
    )
    with nengo.Network(seed=0) as net:
        source = nengo.Node(np.zeros(1), label="source")
        ens = nengo.Ensemble(n, 1, label="ens")
        nengo.Connection(source, ens, synapse=None)
        transform = nengo.Sparse((n, n), indices=indices.T, init=1e-4)
        nengo.Connection(ens.neurons, ens.neurons, transform=transform, label="sparse")
        nengo.Connection(ens, nengo.Node(size_in=1), label="out", transform=0.5)
    return net


def total(sim, data):
    return sim.count_operations(data).total


def test_counts_do_not_depend_on_how_steps_are_run():
    net, data = sparse_network(), np.random.RandomState(1).rand(3, 50, 1)
    with Simulator(net, jit_compile=True, progress_bar=False) as sim:
        expected = total(sim, data)
        assert "EventDrivenSparseDotIncBuilder" in counting_builders(sim)
    for size, jit, unroll in ((1, False, 1), (2, False, 3)):
        with Simulator(
            net,
            minibatch_size=size,
            jit_compile=jit,
            unroll_simulation=unroll,
            progress_bar=False,
        ) as sim:
            assert total(sim, data) == expected
    assert expected["Effective_ACs"] > 0


@pytest.mark.parametrize(
    "settings", [{"inference_only": True}, {"planner": tree_planner}]
)
def test_counts_do_not_depend_on_the_plan(settings):
    """Nor on what simplifications leave out, or compute once for all."""
    found = []
    for chosen in ({"simplifications": []}, settings):
        with nengo.Network(seed=0) as net:
            configure_settings(dtype="float64", **chosen)
            source = nengo.Node(np.ones(2))
            ens = nengo.Ensemble(20, 2)
            nengo.Connection(source, ens)
            for weight in (1, 1, 0):
                post = nengo.Ensemble(10, 2)
                nengo.Connection(ens, post, transform=weight * np.eye(2))
                to_all = np.ones((10, 2))
                nengo.Connection(ens, post.neurons, transform=to_all, seed=1)
        with Simulator(net, jit_compile=False, progress_bar=False) as sim:
            found.append(total(sim, np.ones((1, 30, 2))))
    assert found[0] == found[1]
    assert found[0]["Effective_ACs"] > 0


@pytest.fixture(scope="module")
def shared():
    """A simulator, and its network."""
    with nengo.Network(seed=0) as net:
        source = nengo.Node(np.ones(1), label="source")
        ens = nengo.Ensemble(10, 1, label="ens")
        out = nengo.Node(size_in=1, label="out")
        nengo.Connection(source, ens, synapse=None, label="in")
        nengo.Connection(ens, out, label="decode")
        nengo.Probe(ens.neurons)
    with Simulator(net, minibatch_size=2, jit_compile=False, progress_bar=False) as sim:
        yield sim, net


def test_many_steps_are_counted_in_chunks(sim, net):
    counts = sim.count_operations(None, n_steps=1500)
    with nengo.Simulator(net, progress_bar=False) as reference:
        reference.run_steps(1500)
    n_spikes = np.count_nonzero(reference.data[net.probes[0]])
    np.testing.assert_array_equal(counts.of_items["Spikes"], [n_spikes] * 2)
    np.testing.assert_array_equal(
        counts.of_items["Effective_ACs"], [10 * 1500 + n_spikes] * 2
    )


def test_the_simulation_is_left_alone(sim, net):
    sim.run_steps(3)
    before = sim.data[net.probes[0]].copy()
    first = total(sim, np.ones((2, 20, 1)))
    assert total(sim, np.ones((2, 20, 1))) == first
    assert sim.n_steps == 3
    np.testing.assert_array_equal(sim.data[net.probes[0]], before)


def test_current_parameters_are_counted(sim, net, tmp_path):
    decode = net.all_connections[1]
    first = sim.count_operations(None, n_steps=10)
    sim.save_params(tmp_path / "params")
    weights = sim.data[decode].weights.copy()
    weights[:, :5] = 0
    name = sim.model.sig[decode]["weights"]
    sim.signals[name] = weights
    counts = sim.count_operations(None, n_steps=10)
    assert first.connection_sparsity == 0
    assert counts.connections[decode].synapses.n_zero == 5
    assert counts.total["Effective_ACs"] < first.total["Effective_ACs"]
    sim.load_params(tmp_path / "params")
    assert sim.count_operations(None, n_steps=10).total == first.total


def test_a_dictionary_that_json_can_hold(sim, net):
    counts = sim.count_operations(None, n_steps=5)
    found = json.loads(json.dumps(counts.to_dict()))
    assert list(found["connections"]) == ["in", "decode"]
    assert found["SynapticOperations"]["Dense"] == 5 * (10 + 10)
    assert found["ParameterCount"] == 10 + 10 + 10
    assert found["Footprint"] == 4 * (30 + 20 + 1)
    full = counts.full_weights.to_dict()
    assert full["connections"]["in"]["SynapticOperations"]["Dense"] == 5 * 10
    assert full["ensembles"]["ens"]["SynapticOperations"]["Dense"] == 0


def test_summary_and_repr(sim):
    lines = []
    counts = sim.count_operations(None, n_steps=5)
    counts.summary(lines.append)
    counts.full_weights.summary(lines.append)
    assert any(line.startswith("ParameterCount") for line in lines)
    assert any(line.startswith("ens (encoders)") for line in lines)
    assert "2 items of 5 steps" in repr(counts)


def test_plot_has_a_bar_for_each_kind_of_weights(sim):
    pytest.importorskip("matplotlib").use("agg")
    ax = sim.count_operations(None, n_steps=5).plot()
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == ["in", "decode", "ens (encoders)"]


def test_what_is_not_counted_is_said():
    with nengo.Network() as net:
        TensorNode(lambda t, x: x, shape_in=(2,), label="layer", pass_time=True)
        node = nengo.Node(lambda t: t, label="clock")
        ens = nengo.Ensemble(3, 1, label="ens", neuron_type=Unknown())
        nengo.Connection(node, ens)
    with Simulator(net, jit_compile=False, progress_bar=False) as sim:
        counts = sim.count_operations(None, n_steps=2)
    assert [line.partition(">: ")[2] for line in counts.not_counted] == [
        "what its function computes",
        "its function",
        "operations of an update of Unknown",
    ]


class Unknown(nengo.LIF):
    """A type of a user."""


@pytest.mark.parametrize("device", DEVICES)
def test_energy_of_devices(sim, device):
    counts = sim.count_operations(None, n_steps=20)
    energy = counts.energy(device)
    prices = DEVICES[device].prices
    expected = sum(prices[k] * counts.of_items[k].astype(float) for k in prices)
    np.testing.assert_allclose(energy.of_items, expected)
    assert energy.joules == pytest.approx(sum(energy.parts.values()))
    assert energy.joules > 0 and "20" in energy.source


def test_energy_with_prices_of_the_user(sim):
    counts = sim.count_operations(None, n_steps=20)
    energy = counts.energy({"Spikes": 2, "Dense": 0.5})
    expected = 2 * counts.of_items["Spikes"] + 0.5 * counts.of_items["Dense"]
    np.testing.assert_array_equal(energy.of_items, expected)


@pytest.mark.parametrize(
    "device, match",
    [
        ("loihi3", "device: expected 'cpu', 'gpu'.*got 'loihi3'"),
        (3, "device: expected .*got 3"),
        ({"MACs": 1}, "device: expected quantities of Effective_MACs.*got 'MACs'"),
        ({"Dense": -1}, "number of joules of at least 0 for Dense, got -1"),
        ({"Dense": "1"}, "number of joules of at least 0 for Dense, got '1'"),
        ({"Dense": np.nan}, "number of joules of at least 0 for Dense, got nan"),
    ],
)
def test_unknown_devices_and_prices(sim, device, match):
    counts = sim.count_operations(None, n_steps=1)
    with pytest.raises(ValidationError, match=match):
        counts.energy(device)


def test_counts_of_other_objects(sim):
    counts = sim.count_operations(None, n_steps=1)
    with pytest.raises(ValidationError, match="obj: expected a Connection or an Ens"):
        counts.only("ens")


@pytest.mark.parametrize(
    "data, n_steps, match",
    [
        (None, None, "n_steps: expected a number of steps, since x is None"),
        (None, 0, "n_steps: expected a whole number of at least 1, got 0"),
        (np.ones((2, 3, 4)), None, "data: .*source"),
        ({"nothing": np.ones((2, 3, 1))}, None, "data: .*nothing"),
        (np.full((2, 3, 1), np.nan), None, "data: .*finite"),
    ],
)
def test_wrong_data(sim, data, n_steps, match):
    with pytest.raises(ValidationError, match=match):
        sim.count_operations(data, n_steps)


def test_a_closed_simulator(net):
    with Simulator(net, jit_compile=False, progress_bar=False) as sim:
        sim.count_operations(None, n_steps=1)
    with pytest.raises(SimulatorClosed):
        sim.count_operations(None, n_steps=1)
