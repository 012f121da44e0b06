"""Each node of NIR, step by step, as NumPy computes its equations."""

import nengo
import nir
import numpy as np
import pytest
from helpers import sgd, simulator
from nengo.exceptions import ValidationError
from nengo.processes import PresentInput

from nengo_dl_sim.nir import load

DT, N_STEPS = 0.001, 40
#: Per-neuron parameters, all of which differ.
TAU = np.array([0.004, 0.01, 0.004, 0.02])
TAU_SYN = np.array([0.003, 0.003, 0.008, 0.005])
R = np.array([1.0, 2, 1, 3])
LEAK = np.array([0.1, -0.2, 0, 0.4])
THRESHOLD = np.array([1.0, 0.8, 1.5, 2])
RESET = np.array([0.0, -0.5, 0.3, 0])
W_IN = np.array([1.0, 0.5, 2, 1])


def line(*nodes, n=4, n_out=4, shape=None, metadata=None):
    shape = [n] if shape is None else shape
    named = {"input": nir.Input({"input": np.array(shape)})}
    named |= {f"n{i}": node for i, node in enumerate(nodes)}
    named["output"] = nir.Output({"output": np.array([n_out])})
    names = list(named)
    edges = list(zip(names[:-1], names[1:], strict=True))
    return nir.NIRGraph(named, edges, metadata or {}, type_check=False)


def run(graph, x, dt=DT, **kwargs):
    net = load(graph, dt=dt, **kwargs)
    for name, source in net.inputs.items():
        source.output = PresentInput(x[name] if isinstance(x, dict) else x, dt)
    with net:
        probe = nengo.Probe(*net.outputs.values())
    with nengo.Simulator(net, dt=dt, progress_bar=False) as sim:
        sim.run_steps(N_STEPS)
    return sim.data[probe]


def inputs(n=4, scale=4.0):
    return np.random.RandomState(0).uniform(-0.4 * scale, scale, (N_STEPS, n))


class Neurons:
    """The equations of NIR, with parameters of each neuron."""

    def __init__(self, integration, reset="zero", cuba=False):
        self.integration, self.reset, self.cuba = integration, reset, cuba
        self.v = self.current = self.late = np.zeros(4)

    def towards(self, value, target, tau):
        if self.integration == "euler":
            return value + DT / tau * (target - value)
        return target + (value - target) * np.exp(-DT / tau)

    def step(self, x):
        if self.cuba:
            self.current = self.towards(self.current, W_IN * x, TAU_SYN)
            x = self.current
        target = LEAK + R * x
        self.v = self.towards(self.v, target, TAU) - self.late
        spikes = self.v > THRESHOLD
        after = RESET
        if self.reset == "subtract_delayed":
            after = self.v
            self.late = spikes * (THRESHOLD - RESET)
        if self.reset == "subtract":
            after = self.v - THRESHOLD + RESET
        if self.integration == "exact":
            # How long ago the threshold was passed, and where v is since the reset.
            with np.errstate(all="ignore"):
                since = TAU * np.log((target - THRESHOLD) / (target - self.v))
            after = target + (RESET - target) * np.exp(-since / TAU)
        self.v = np.where(spikes, after, self.v)
        return spikes.astype(float)


@pytest.mark.parametrize("cuba", [False, True], ids=["LIF", "CubaLIF"])
@pytest.mark.parametrize(
    "integration, reset",
    [
        ("euler", "zero"),
        ("euler", "subtract"),
        ("euler", "subtract_delayed"),
        ("exponential", "zero"),
        ("exact", "zero"),
    ],
)
def test_neurons_with_parameters_of_their_own(cuba, integration, reset):
    if cuba:
        node = nir.CubaLIF(TAU_SYN, TAU, R, LEAK, THRESHOLD, RESET, W_IN)
    else:
        node = nir.LIF(TAU, R, LEAK, THRESHOLD, RESET)
    given = inputs()
    found = run(line(node), given, integration=integration, reset=reset)
    reference = Neurons(integration, reset, cuba)
    expected = np.array([reference.step(x) for x in given])
    np.testing.assert_array_equal(found, expected)
    assert np.all(np.any(expected, axis=0))


@pytest.mark.parametrize("reset", ["zero", "subtract"])
def test_integrate_and_fire(reset):
    node = nir.IF(R, THRESHOLD, RESET)
    found = run(line(node), inputs(scale=900), reset=reset)
    v, expected = np.zeros(4), []
    for x in inputs(scale=900):
        v = v + R * x * DT
        spikes = v > THRESHOLD
        v = np.where(spikes, v - THRESHOLD + RESET if reset == "subtract" else RESET, v)
        expected.append(spikes)
    np.testing.assert_array_equal(found, np.array(expected, float))
    assert np.all(np.any(expected, axis=0))


@pytest.mark.parametrize("integration", ["euler", "exact"])
def test_filters(integration):
    x = inputs()

    def filtered(values, tau, gain, leak=0):
        reference, y, found = Neurons(integration), np.zeros(4), []
        for value in values:
            y = reference.towards(y, leak + gain * value, tau)
            found.append(y)
        return np.array(found)

    cases = {
        "LI": (nir.LI(TAU, R, LEAK), filtered(x, TAU, R, LEAK)),
        "CubaLI": (
            nir.CubaLI(TAU_SYN, TAU, R, LEAK, W_IN),
            filtered(filtered(x, TAU_SYN, W_IN), TAU, R, LEAK),
        ),
        "I": (nir.I(R), np.cumsum(R * x * DT, axis=0)),
        "LI of one": (
            nir.LI(np.full(4, 0.01), np.ones(4), np.zeros(4)),
            filtered(x, 0.01, 1),
        ),
    }
    for name, (node, expected) in cases.items():
        found = run(line(node), x, integration=integration)
        np.testing.assert_allclose(found, expected, atol=1e-12, err_msg=name)


def padded_windows(x, kernel, stride, padding):
    x = np.pad(x, [(0, 0), *((p, p) for p in padding)])
    axes = tuple(range(1, x.ndim))
    views = np.lib.stride_tricks.sliding_window_view(x, kernel, axis=axes)
    return views[(slice(None), *(slice(None, None, s) for s in stride))]


def test_pooling():
    x = inputs(2 * 5 * 6)
    window = [np.array(values) for values in ([2, 3], [2, 1], [1, 0])]
    views = np.array([padded_windows(row.reshape(2, 5, 6), *window) for row in x])
    n_out = int(np.prod(views.shape[1:4]))
    for kind, reduce in ((nir.SumPool2d, np.sum), (nir.AvgPool2d, np.mean)):
        found = run(line(kind(*window), shape=[2, 5, 6], n_out=n_out), x)
        expected = reduce(views, axis=(-1, -2)).reshape(N_STEPS, n_out)
        np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("groups, dilation, padding", [(1, 1, 1), (2, 2, 0), (2, 1, 2)])
def test_convolution_with_padding_groups_and_dilation(groups, dilation, padding):
    rng = np.random.RandomState(1)
    weight = rng.randn(4, 4 // groups, 3)
    bias, stride = rng.randn(4), 2
    x = inputs(4 * 9)
    node = nir.Conv1d(9, weight, stride, padding, dilation, groups, bias)
    size = (9 + 2 * padding - dilation * 2 - 1) // stride + 1
    found = run(line(node, shape=[4, 9], n_out=4 * size), x)
    expected = np.zeros((N_STEPS, 4, size))
    for t, row in enumerate(x):
        rows = np.pad(row.reshape(4, 9), [(0, 0), (padding, padding)])
        for o in range(4):
            first = o // (4 // groups) * (4 // groups)
            for i in range(size):
                taps = i * stride + dilation * np.arange(3)
                part = rows[first : first + 4 // groups][:, taps]
                expected[t, o, i] = np.sum(part * weight[o]) + bias[o]
    np.testing.assert_allclose(found, expected.reshape(N_STEPS, -1), atol=1e-12)


def test_weights():
    rng, x = np.random.RandomState(2), inputs()
    weight, bias, stacked = rng.randn(4, 4), rng.randn(4), rng.randn(2, 3, 2)
    cases = [
        (nir.Affine(weight, bias), x @ weight.T + bias),
        (nir.Linear(weight), x @ weight.T),
        (nir.Scale(R), x * R),
        (
            nir.Linear(stacked),
            np.concatenate([x[:, :2] @ stacked[0].T, x[:, 2:] @ stacked[1].T], 1),
        ),
    ]
    for node, expected in cases:
        found = run(line(node, n_out=expected.shape[1]), x)
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_threshold_flatten_and_delay():
    x = inputs()
    found = run(line(nir.Threshold(THRESHOLD)), x)
    np.testing.assert_array_equal(found, x > THRESHOLD)
    high = run(line(nir.Threshold(THRESHOLD)), x, spike_height="amplitude_over_dt")
    np.testing.assert_array_equal(high, 1000.0 * (x > THRESHOLD))
    flat = nir.Flatten({"input": np.array([2, 2])}, 0, -1)
    np.testing.assert_array_equal(run(line(flat, shape=[2, 2]), x), x)
    steps = np.array([0, 1, 3, 2])
    found = run(line(nir.Delay(steps * DT)), x)
    expected = np.zeros_like(x)
    for i, k in enumerate(steps):
        expected[k:, i] = x[: N_STEPS - k, i]
    np.testing.assert_array_equal(found, expected)


def recurrent(back):
    """Return neurons that hear themselves through a node."""
    nodes = {
        "input": nir.Input({"input": np.array([4])}),
        "lif": nir.LIF(TAU, R, LEAK, THRESHOLD, RESET),
        "back": back,
        "output": nir.Output({"output": np.array([4])}),
    }
    edges = [("input", "lif"), ("lif", "back"), ("back", "lif"), ("lif", "output")]
    return nir.NIRGraph(nodes, edges, type_check=False)


def test_a_cycle_takes_one_step():
    """The bias of what lies in it is there from the first step on."""
    rng = np.random.RandomState(3)
    weight, bias = rng.randn(4, 4) * 3, rng.uniform(0, 1, 4)
    found = run(recurrent(nir.Affine(weight, bias)), inputs())
    reference, spikes, expected = Neurons("euler"), np.zeros(4), []
    for x in inputs():
        spikes = reference.step(x + weight @ spikes + bias)
        expected.append(spikes)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("steps", [1, 2])
def test_a_cycle_with_a_delay_takes_no_more(steps):
    found = run(recurrent(nir.Delay(np.full(4, steps * DT))), inputs())
    reference, past, expected = Neurons("euler"), [np.zeros(4)] * steps, []
    for x in inputs():
        past.append(reference.step(x + past[-steps]))
        expected.append(past[-1])
    np.testing.assert_array_equal(found, expected)


def test_edges_into_a_node_add_up():
    nodes = {
        "a": nir.Input({"input": np.array([4])}),
        "b": nir.Input({"input": np.array([4])}),
        "scale": nir.Scale(R),
        "output": nir.Output({"output": np.array([4])}),
    }
    edges = [("a", "scale"), ("b", "scale"), ("a", "output"), ("scale", "output")]
    x = {"a": inputs(), "b": 2 * inputs()}
    found = run(nir.NIRGraph(nodes, edges, type_check=False), x)
    np.testing.assert_allclose(found, x["a"] + R * (x["a"] + x["b"]))


@pytest.mark.parametrize("height", ["one", "amplitude_over_dt"])
def test_height_of_spikes(height):
    """By the argument, or by the metadata of the graph."""
    node = nir.IF(np.ones(4), np.ones(4))
    expected = {"one": 1.0, "amplitude_over_dt": 1000.0}[height]
    for graph, kwargs in (
        (line(node), {"spike_height": height}),
        (line(node, metadata={"spike_height": height}), {}),
    ):
        assert np.max(run(graph, inputs(scale=900), **kwargs)) == expected


def test_arguments_win_over_metadata():
    tau = np.full(4, 0.004)
    node = nir.LIF(tau, R, LEAK, THRESHOLD, RESET, metadata={"integration": "exact"})
    for kwargs, kind in (({}, "ExactLIF"), ({"integration": "euler"}, "EulerLIF")):
        net = load(line(node), **kwargs)
        assert type(net.nodes["n0"].neuron_type).__name__ == kind


@pytest.mark.parametrize(
    "kwargs, match",
    [
        ({"dt": 0}, "dt: expected a positive number, got 0"),
        ({"dt": "1"}, "dt"),
        ({"spike_height": "two"}, "spike_height: expected one of 'one'"),
        ({"integration": 1}, "integration: expected one of 'euler'"),
        ({"reset": None, "integration": "midpoint"}, "integration"),
        (
            {"reset": "subtract_delayed", "integration": "exact"},
            "with integration='euler' only",
        ),
    ],
)
def test_bad_arguments(kwargs, match):
    with pytest.raises(ValidationError, match=match):
        load(line(nir.Scale(R)), **kwargs)


def test_names():
    net = load(line(nir.Linear(np.eye(4)), nir.LIF(TAU, R, LEAK, THRESHOLD, RESET)))
    assert list(net.inputs) == ["input"] and list(net.outputs) == ["output"]
    assert net.nodes.keys() == ["input", "n0", "n1", "output"]
    assert net.nodes["input"] is net.inputs["input"]
    assert isinstance(net.nodes["n0"], nengo.Connection)
    assert sum(ens.n_neurons for ens in net.nodes["n1"].ensembles) == 4
    assert len(net.nodes["n1"].ensembles) == 3  # of equal time constants
    assert net.nodes[0] is list(net.nodes)[0]  # as of any network
    with pytest.raises(ValidationError, match="'input', 'n0', .* got 'n7'"):
        net.nodes["n7"]


def test_nested_graphs_are_networks():
    inner = line(nir.Scale(R), nir.Threshold(THRESHOLD))
    graph = line(nir.Scale(R), inner)
    found = run(graph, inputs())
    np.testing.assert_array_equal(found, R * R * inputs() > THRESHOLD)
    net = load(graph)
    assert isinstance(net.nodes["n1"], nengo.Network)
    assert net.nodes["n1.n1"] in net.nodes["n1"].ensembles


def test_neurons_are_trained_by_nengo_dl():
    lif = nir.LIF(np.full(4, 0.02), np.ones(4), np.zeros(4), np.ones(4))
    net = load(
        line(nir.Affine(np.eye(4), np.ones(4)), lif), spike_height="amplitude_over_dt"
    )
    with net:
        probe = nengo.Probe(net.outputs["output"])
    x = {net.inputs["input"]: np.ones((1, 1, 4)), probe: np.zeros((1, 1, 4))}
    with simulator(net) as sim:
        before = sim.loss(x, training=True)
        sim.train(x, sgd(1e-5), n_epochs=2)
        assert sim.loss(x, training=True) < before
