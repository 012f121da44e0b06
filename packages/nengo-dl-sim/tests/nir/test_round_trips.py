"""From Nengo to NIR and back: the same spikes, bit for bit."""

import nengo
import nir
import numpy as np
import pytest
from helpers import sgd, simulator
from nengo.dists import Choice
from nengo.processes import PresentInput
from nengo.transforms import Convolution, Sparse

from nengo_dl_ops import (
    Delay,
    EulerLIF,
    ExactLIF,
    ExponentialLIF,
    Heaviside,
    IntegrateAndFire,
)
from nengo_dl_sim.nir import export, load

N_STEPS = 30


def plain_lif(tau_rc=0.02, amplitude=1):
    """Nengo's own, so that NIR has it."""
    return nengo.LIF(
        tau_rc, 0, -np.inf, amplitude, initial_state={"voltage": Choice([0])}
    )


class Dice:
    """Draws exact parts."""

    def __init__(self, seed):
        self.rng = np.random.RandomState(seed)

    def one_of(self, *choices):
        return choices[self.rng.randint(len(choices))]

    def number(self, low, high):
        return float(self.rng.uniform(low, high))

    def neurons(self):
        tau, amplitude = self.number(0.004, 0.03), self.one_of(1, 1, 0.5, 0.37)
        reset = self.one_of("zero", "subtract", "subtract_delayed")
        return self.one_of(
            plain_lif(tau, amplitude),
            plain_lif(tau),
            ExponentialLIF(tau),
            ExactLIF(tau, amplitude),
            EulerLIF(tau, amplitude, reset),
            IntegrateAndFire(amplitude, self.one_of("zero", "subtract")),
            Heaviside(self.number(20, 90)),
        )

    def synapse(self):
        tau = self.number(0.001, 0.02)
        return self.one_of(
            None,
            nengo.Lowpass(tau),
            nengo.Alpha(tau),
            Delay(0.001 * self.rng.randint(1, 4)),
            nengo.synapses.LinearFilter(
                [1], [tau, 1], method=self.one_of("zoh", "euler")
            ),
        )

    def transform(self, size_in, size_out, height):
        """Make weights for values of some height."""
        weights = self.rng.randn(size_out, size_in) * (3 / height)
        options = [weights, weights]
        if size_in == size_out:
            options += [nengo.transforms.NoTransform(size_in)] * (height < 2)
            options += [self.number(0.5, 3) / height]
            options += [self.rng.uniform(0.5, 3, size_in) / height]
        places = self.rng.randint((size_out, size_in), size=(2 * size_out, 2))
        places = np.unique(places, axis=0)
        values = self.rng.randn(len(places)) * (5 / height)
        options.append(Sparse((size_out, size_in), indices=places, init=values))
        return self.one_of(*options)


def random_network(seed):
    """Two layers of neurons, decoded and not, recurrent, some in a subnetwork."""
    dice, n = Dice(seed), 5
    with nengo.Network(seed=seed) as net:
        net.source = nengo.Node(np.zeros(n), label="source")
        with nengo.Network(label="part"):
            bias = dice.one_of(np.zeros(n), dice.rng.uniform(0.5, 2, n))
            gain = dice.one_of(
                np.full(n, 1.0 + (bias[0] == 0)), dice.rng.uniform(1.5, 3, n)
            )
            first = nengo.Ensemble(
                n, 1, gain=gain, bias=bias, neuron_type=dice.neurons(), label="first"
            )
            passed = nengo.Node(size_in=n, label="passed")
            nengo.Connection(
                passed,
                first.neurons,
                transform=dice.transform(n, n, 1),
                synapse=dice.synapse(),
            )
        nengo.Connection(net.source, passed, synapse=dice.synapse())
        second = nengo.Ensemble(
            6,
            2,
            neuron_type=plain_lif(dice.number(0.01, 0.03)),
            max_rates=nengo.dists.Uniform(50, 200),
            label="second",
        )
        nengo.Connection(
            first.neurons,
            second,
            transform=dice.transform(n, 2, 500),
            synapse=dice.synapse(),
        )
        if dice.one_of(True, False):
            nengo.Connection(
                second,
                second,
                function=lambda x: [x[1], -x[0]],
                synapse=nengo.Lowpass(0.05),
            )
        third = nengo.Ensemble(
            4, 1, gain=np.full(4, 1.5), bias=np.zeros(4), neuron_type=dice.neurons()
        )
        nengo.Connection(
            second.neurons,
            third.neurons,
            transform=dice.transform(6, 4, 200),
            synapse=dice.one_of(None, nengo.Lowpass(0.01)),
        )
        net.recorded = [
            nengo.Probe(first.neurons, label="a"),
            nengo.Probe(second.neurons, label="b"),
            nengo.Probe(third.neurons, label="c"),
            nengo.Probe(second, synapse=dice.synapse(), label="d"),
        ]
    return net


def run(net, source, probes, x):
    source.output = PresentInput(x, 0.001)
    with nengo.Simulator(net, progress_bar=False) as sim:
        sim.run_steps(len(x))
    return [sim.data[probe] for probe in probes]


def assert_same_after_round_trip(net, x, path=None):
    """Compare bit for bit; return what was recorded."""
    graph = export(net, path)
    loaded = load(graph if path is None else path)
    with loaded:
        probes = [nengo.Probe(loaded.outputs[probe.label]) for probe in net.recorded]
    found = run(loaded, loaded.inputs["source"], probes, x)
    expected = run(net, net.source, net.recorded, x)
    for values, right, probe in zip(found, expected, net.recorded, strict=True):
        np.testing.assert_array_equal(values, right, err_msg=probe.label)
    return expected


@pytest.mark.parametrize("tens", range(10))
def test_random_networks_of_exact_parts(tens):
    """A hundred of them; nearly all neurons spike."""
    spiked = []
    for seed in range(10 * tens, 10 * tens + 10):
        x = np.random.RandomState(seed).uniform(-2, 3, (N_STEPS, 5))
        recorded = assert_same_after_round_trip(random_network(seed), x)
        spiked += [np.any(values) for values in recorded]
    assert np.mean(spiked) > 0.5


@pytest.mark.parametrize(
    "shape, kernel, stride, groups, padding",
    [
        ((2, 6, 7), (3, 2), (2, 1), 1, "valid"),
        ((2, 5, 5), (3, 3), (1, 1), 2, "same"),
        ((3, 8), (3,), (2,), 1, "valid"),
        ((2, 4, 5), (2, 2), (1, 1), 1, "same"),  # zeros on one side: a Linear
    ],
)
@pytest.mark.parametrize("channels_last", [False, True])
def test_convolutions(shape, kernel, stride, groups, padding, channels_last, tmp_path):
    """Where it becomes a Linear, sums are in another order."""
    rng = np.random.RandomState(0)
    shape = (*shape[1:], shape[0]) if channels_last else shape
    channels = shape[-1] if channels_last else shape[0]
    transform = Convolution(
        4,
        shape,
        kernel,
        stride,
        padding,
        channels_last,
        rng.randn(*kernel, channels // groups, 4),
        groups,
    )
    with nengo.Network(seed=0) as net:
        net.source = nengo.Node(np.zeros(transform.size_in), label="source")
        node = nengo.Node(size_in=transform.size_out, label="out")
        nengo.Connection(net.source, node, transform=transform, synapse=None)
        probe = nengo.Probe(node, label="p")
    x = rng.randn(3, transform.size_in)
    graph = export(net, tmp_path / "a.nir")
    kinds = {type(node).__name__ for node in graph.nodes.values()}
    exact = kernel != (2, 2)
    assert kinds & {"Conv1d", "Conv2d", "Linear"} == (
        {f"Conv{len(kernel)}d"} if exact else {"Linear"}
    )
    loaded = load(tmp_path / "a.nir")
    with loaded:
        found = nengo.Probe(loaded.outputs["out"])
    (values,) = run(loaded, loaded.inputs["source"], [found], x)
    (right,) = run(net, net.source, [probe], x)
    np.testing.assert_allclose(values, right, atol=1e-12)
    assert np.any(right)


def test_channels_last_beside_channels_first_and_matrices():
    """Values are permuted on the way, where no weights can take that over."""
    rng = np.random.RandomState(0)
    last = Convolution(3, (4, 4, 2), (3, 3), padding="same", init=rng.randn(3, 3, 2, 3))
    first = Convolution(
        2, (3, 4, 4), (3, 3), channels_last=False, init=rng.randn(3, 3, 3, 2)
    )
    with nengo.Network(seed=0) as net:
        net.source = nengo.Node(np.zeros(32), label="source")
        a = nengo.Node(size_in=48, label="a")
        b = nengo.Node(size_in=first.size_out, label="b")
        nengo.Connection(net.source, a, transform=last, synapse=None)
        nengo.Connection(net.source, b, transform=rng.randn(8, 32), synapse=None)
        nengo.Connection(a, a, transform=rng.randn(48, 48) / 40, synapse=0.01)
        nengo.Connection(a, b, transform=first, synapse=nengo.Alpha(0.003))
        net.recorded = [nengo.Probe(node, label=node.label + "2") for node in (a, b)]
    x = rng.randn(6, 32)
    graph = export(net)
    assert {"Conv2d", "Linear"} <= set(kinds_of(graph))
    loaded = load(graph)
    with loaded:
        probes = [nengo.Probe(loaded.outputs[name]) for name in ("a2", "b")]
    found = run(loaded, loaded.inputs["source"], probes, x)
    for values, right in zip(found, run(net, net.source, net.recorded, x), strict=True):
        np.testing.assert_allclose(values, right, atol=1e-9)
        assert np.any(right)


def test_slices_and_filters_with_factors_are_the_same_but_for_rounding():
    rng = np.random.RandomState(1)
    with nengo.Network(seed=0) as net:
        net.source = nengo.Node(np.zeros(5), label="source")
        a = nengo.Node(size_in=4, label="a")
        nengo.Connection(net.source[[4, 0]], a[1:3], synapse=0.01)
        nengo.Connection(
            net.source[1:4], a[::2], transform=rng.randn(2, 3), synapse=None
        )
        filtered = nengo.synapses.LinearFilter([0.7], [0.02, 1.3])
        nengo.Connection(net.source[2], a[3], transform=2.5, synapse=filtered)
        net.recorded = [nengo.Probe(a, label="p"), nengo.Probe(a[[3, 1]], label="q")]
    x = rng.randn(5, 5)
    loaded = load(export(net))
    with loaded:
        probes = [nengo.Probe(loaded.outputs[name]) for name in "pq"]
    found = run(loaded, loaded.inputs["source"], probes, x)
    for values, right in zip(found, run(net, net.source, net.recorded, x), strict=True):
        np.testing.assert_allclose(values, right, atol=1e-12)


def test_files_and_weight_solvers():
    with nengo.Network(seed=0) as net:
        net.config[nengo.Ensemble].neuron_type = plain_lif()
        net.source = nengo.Node(np.zeros(1), label="source")
        a, b = (nengo.Ensemble(20, 1, label=label) for label in "ab")
        nengo.Connection(net.source, a)
        nengo.Connection(a, b, solver=nengo.solvers.LstsqL2(weights=True), synapse=0.01)
        net.recorded = [nengo.Probe(b.neurons, label="p")]
    (spikes,) = assert_same_after_round_trip(net, np.full((60, 1), 0.5))
    assert np.any(spikes)


def test_files_hold_the_same(tmp_path):
    x = np.random.RandomState(0).uniform(-2, 3, (N_STEPS, 5))
    for seed in range(4):
        assert_same_after_round_trip(random_network(seed), x, tmp_path / "net.nir")
        nir.read(tmp_path / "net.nir")  # checks that shapes along edges are equal


def kinds_of(graph):
    for node in graph.nodes.values():
        inner = kinds_of(node) if isinstance(node, nir.NIRGraph) else ()
        yield from (type(node).__name__, *inner)


def test_the_random_networks_have_all_parts():
    kinds = {
        kind for seed in range(60) for kind in kinds_of(export(random_network(seed)))
    }
    neurons = {"LIF", "IF", "CubaLIF", "Threshold"}
    weights = {"Affine", "Linear", "Scale"}
    ends = {"Input", "Output", "NIRGraph"}
    assert kinds == neurons | weights | ends | {"LI", "Delay"}


def test_networks_with_one_way_in_and_out_are_nested():
    with nengo.Network(seed=0) as net:
        net.source = nengo.Node(np.zeros(3), label="source")
        with nengo.Network(label="inner") as inner:
            a, b = (nengo.Node(size_in=3, label=label) for label in "ab")
            nengo.Connection(a, b, synapse=0.01)
            with nengo.Network(label="deep"):
                c = nengo.Node(size_in=3, label="c")
                nengo.Connection(b, c, synapse=None)
        nengo.Connection(net.source, a, synapse=None)
        net.recorded = [nengo.Probe(c, label="p")]
    graph = export(net)
    assert isinstance(graph.nodes["inner"], nir.NIRGraph)
    assert {"a", "b"} < set(graph.nodes["inner"].nodes)
    assert_same_after_round_trip(net, np.random.RandomState(0).randn(9, 3))
    loaded = load(graph)
    assert loaded.nodes["inner.a"].label == "a"
    assert [subnet.label for subnet in loaded.networks] == ["inner"]
    del inner


@pytest.mark.parametrize("seed", [1, 2, 7])
def test_a_loaded_network_is_exported_as_the_same_graph_again(seed):
    graph = export(random_network(seed))
    again = export(load(graph))
    x = np.random.RandomState(0).uniform(-2, 3, (N_STEPS, 5))
    found = []
    for source in (graph, again):
        net = load(source)
        with net:
            probes = [nengo.Probe(net.outputs[name]) for name in "abcd"]
        found.append(run(net, net.inputs["source"], probes, x))
    np.testing.assert_array_equal(np.hstack(found[0]), np.hstack(found[1]))
    assert np.any(np.hstack(found[0]))


@pytest.mark.parametrize("kind", [nir.SumPool2d, nir.AvgPool2d])
@pytest.mark.parametrize("padding", [0, 1])
def test_sums_and_averages_of_windows_stay_what_they_are(kind, padding, tmp_path):
    node = kind(*(np.array(pair) for pair in ([3, 2], [2, 1], [padding, 0])))
    nodes = {
        "source": nir.Input({"input": np.array([2, 5, 6])}),
        "pool": node,
        "out": nir.Output({"output": np.array([20 + 10 * padding])}),
    }
    edges = [("source", "pool"), ("pool", "out")]
    net = load(nir.NIRGraph(nodes, edges, type_check=False))
    with net:
        net.recorded = [nengo.Probe(net.outputs["out"], label="out")]
    net.source = net.inputs["source"]
    graph = export(net, tmp_path / "a.nir")
    (again,) = (n for n in graph.nodes.values() if isinstance(n, kind))
    for name in ("kernel_size", "stride", "padding"):
        np.testing.assert_array_equal(getattr(again, name), getattr(node, name))
    nir.read(tmp_path / "a.nir")
    assert_same_after_round_trip(net, np.random.RandomState(0).randn(9, 60))


def test_values_of_a_simulator_are_current():
    with nengo.Network(seed=0) as net:
        source = nengo.Node(np.zeros(1))
        out = nengo.Node(size_in=1)
        conn = nengo.Connection(source, out, transform=[[2.0]], synapse=None)
        probe = nengo.Probe(out)
    with simulator(net) as sim:
        before = sim.data[conn].weights.item()
        sim.train(
            {source: np.ones((1, 1, 1)), probe: np.zeros((1, 1, 1))},
            sgd(),
            n_epochs=1,
        )
        graph = export(sim)
        after = sim.data[conn].weights.item()
    (linear,) = (n for n in graph.nodes.values() if isinstance(n, nir.Linear))
    assert linear.weight.item() == after != before
