import nengo
import numpy as np
import pytest
from helpers import simulator
from nengo.exceptions import BuildError, SimulationError

from nengo_dl_sim.inputs.nodes import NodeInputs, is_input


class Counter(nengo.Process):
    """Counts its steps in its state, starting from a random number."""

    def make_state(self, shape_in, shape_out, dt, dtype=None):
        return {"n": np.zeros(1)}

    def make_step(self, shape_in, shape_out, dt, rng, state):
        first = rng.randint(1000)

        def step(t):
            state["n"] += 1
            return state["n"] + first + t

        return step


class Log:
    """Remembers what it is called with."""

    def __init__(self, value=None):
        self.times = []
        self.value = value

    def __call__(self, t):
        self.times.append(t)
        return self.value


def build(net, minibatch_size=None, seed=0, dt=0.001):
    model = nengo.builder.Model(dt=dt)
    model.build(net)
    return model, NodeInputs(model, net, minibatch_size, seed)


def test_finds_inputs_in_order():
    with nengo.Network() as net:
        with nengo.Network():
            inner = nengo.Node(np.sin)
        constant = nengo.Node([1, 2])
        nengo.Node(lambda t, x: x, size_in=1)
        nengo.Node(size_in=2)
        process = nengo.Node(nengo.processes.WhiteNoise(), size_out=3)
        nengo.Node(nengo.Lowpass(0.1), size_in=2, size_out=2)
        silent = nengo.Node(lambda t: None)
        empty = nengo.Node()
    model, inputs = build(net)

    assert inputs.nodes == [constant, process, silent, empty, inner]
    assert [inputs.is_constant(node) for node in inputs.nodes] == [1, 0, 0, 1, 0]
    for node in (constant, process, inner):
        assert inputs.signal(node) is model.sig[node]["out"]
    assert inputs.signal(silent) is inputs.signal(empty) is None
    assert {op.output for op in inputs.operators} == {
        model.sig[process]["out"],
        model.sig[inner]["out"],
        None,
    }
    assert len(inputs.operators) == 3


def test_functions():
    with nengo.Network() as net:
        cos = nengo.Node(lambda t: [np.cos(t), t])
        nengo.Node([1.0])
    _, inputs = build(net, minibatch_size=4, dt=0.5)

    outputs = inputs.generate(2, 3)
    times = [1.5, 2.0, 2.5]
    assert list(outputs) == [cos]
    assert outputs[cos].dtype == np.float64
    np.testing.assert_array_equal(
        outputs[cos], np.stack([np.cos(times), times], axis=1)[:, :, None]
    )
    assert inputs.generate(0, 0)[cos].shape == (0, 2, 1)
    assert inputs.generate(0, 2, skip=[cos]) == {}


def test_a_function_is_called_once_per_step_and_node():
    log, silent = Log(3.0), Log()
    with nengo.Network() as net:
        narrow = nengo.Node(log, size_out=1)
        wide = nengo.Node(log, size_out=2)
        nengo.Node(silent, size_out=0)
    _, inputs = build(net, minibatch_size=3, dt=0.25)

    outputs = inputs.generate(0, 2)
    assert log.times == [0.25, 0.25, 0.5, 0.5]
    assert silent.times == [0.25, 0.5]
    assert list(outputs) == [narrow, wide]
    np.testing.assert_array_equal(outputs[narrow], np.full((2, 1, 1), 3))
    np.testing.assert_array_equal(outputs[wide], np.full((2, 2, 1), 3))

    inputs.generate(2, 1, skip={narrow, wide})
    assert log.times == [0.25, 0.25, 0.5, 0.5]
    assert silent.times[-1] == 0.75


def test_a_returned_array_is_copied():
    array = np.zeros(2)

    def function(t):
        array[...] += t
        return array

    with nengo.Network() as net:
        node = nengo.Node(function, size_out=2)
    _, inputs = build(net, dt=1)
    np.testing.assert_array_equal(inputs.generate(0, 3)[node][:, 0, 0], [1, 3, 6])


def test_changing_the_output_after_the_build_has_no_effect():
    before, after = Log(), Log()
    with nengo.Network() as net:
        function = nengo.Node(np.sin)
        process = nengo.Node(nengo.processes.PresentInput([[1], [2]], 0.001))
        constant = nengo.Node([1.0])
        silent = [nengo.Node(before, size_out=0) for _ in range(2)]
    model = nengo.builder.Model()
    model.build(net)
    for node in net.nodes:
        node.output = after
    inputs = NodeInputs(model, net, None, seed=0)
    for seed in (0, 1):
        outputs = inputs.generate(0, 2)
        assert set(outputs) == {function, process}
        np.testing.assert_array_equal(outputs[function].ravel(), np.sin([0.001, 0.002]))
        np.testing.assert_array_equal(outputs[process].ravel(), [1, 2])
        inputs.reset(seed)

    assert inputs.is_constant(constant)
    assert not any(inputs.is_constant(node) for node in silent)
    assert len(before.times) == 8
    assert after.times == []


def test_nodes_without_output_that_share_a_function():
    log, other = Log(), Log()
    with nengo.Network() as net:
        first = nengo.Node(log)
        nengo.Node(other)
        second = nengo.Node(log)
    log.times.clear(), other.times.clear()  # Nengo calls them to find their size
    _, inputs = build(net)
    inputs.generate(0, 1)
    assert (len(log.times), len(other.times)) == (2, 1)
    inputs.generate(1, 1, skip=[first, second])
    assert (len(log.times), len(other.times)) == (2, 2)


PROCESSES = {
    "white noise": nengo.processes.WhiteNoise(),
    "filtered noise": nengo.processes.FilteredNoise(nengo.Lowpass(0.01)),
    "brown noise": nengo.processes.BrownNoise(),
    "white signal": nengo.processes.WhiteSignal(0.1, high=50),
    "present input": nengo.processes.PresentInput([[1, 2], [3, 4]], 0.003),
    "piecewise": nengo.processes.Piecewise({0.004: [1, 2], 0.008: [3, 4]}),
    "counter": Counter(),
}


@pytest.mark.parametrize("process", PROCESSES.values(), ids=list(PROCESSES))
@pytest.mark.parametrize("minibatch_size", [None, 3])
def test_processes_equal_nengo(process, minibatch_size):
    with nengo.Network(seed=1) as net:
        # Synapses and noise take seeds from the simulator too.
        ens = nengo.Ensemble(5, 2, noise=nengo.processes.WhiteNoise())
        first = nengo.Node(process, size_out=2)
        nengo.Connection(first, ens, synapse=0.1)
        with nengo.Network():
            second = nengo.Node(process, size_out=2)
            nengo.Connection(second, ens, synapse=nengo.Alpha(0.1))
        probes = {node: nengo.Probe(node) for node in (first, second)}
    with nengo.Simulator(net, seed=7, optimize=False, progress_bar=False) as sim:
        sim.run_steps(12)
    _, inputs = build(net, minibatch_size, seed=7)
    chunks = [inputs.generate(start, n) for start, n in ((0, 5), (5, 1), (6, 6))]

    for node, probe in probes.items():
        output = np.concatenate([chunk[node] for chunk in chunks])
        assert output.shape == (12, 2, minibatch_size or 1)
        np.testing.assert_array_equal(output[:, :, 0], sim.data[probe])


@pytest.mark.parametrize("minibatch_size", [None, 3])
def test_noise_of_ensembles(minibatch_size):
    with nengo.Network(seed=0) as net:
        node = nengo.Node(nengo.processes.WhiteNoise(), size_out=1)
        ens = nengo.Ensemble(5, 1, noise=nengo.processes.FilteredNoise())
        nengo.Connection(node, nengo.Ensemble(2, 1), synapse=0.1)
        probe = nengo.Probe(ens.neurons, "input")
    with nengo.Simulator(net, seed=7, optimize=False, progress_bar=False) as sim:
        sim.run_steps(6)
        expected = sim.data[probe] - sim.data[ens].bias
    model, inputs = build(net, minibatch_size, seed=7)

    assert inputs.nodes == [node]
    (noise,) = (source for source in inputs.sources if source not in inputs.nodes)
    output = inputs.generate(0, 6)[noise]
    assert output.shape == (6, 5, minibatch_size or 1)
    np.testing.assert_allclose(output[:, :, 0], expected, rtol=0, atol=1e-12)
    assert len(np.unique(output[0, 0])) == (minibatch_size or 1)

    (copy,) = inputs.replacements
    assert copy.src is inputs.signal(noise)
    assert copy.dst is model.sig[ens.neurons]["in"]
    assert copy.inc
    assert {type(op).__name__ for op in inputs.operators} == {"SimProcess"}
    assert len(inputs.operators) == 2


@pytest.mark.parametrize("process", [nengo.processes.BrownNoise, Counter])
@pytest.mark.parametrize("seed", [None, 5])
def test_minibatch_items_have_their_own_stream_and_state(process, seed):
    with nengo.Network() as net:
        nodes = [nengo.Node(process(seed=seed), size_out=1) for _ in range(2)]
    _, inputs = build(net, minibatch_size=3)
    output = np.concatenate(list(inputs.generate(0, 4).values()), axis=2)
    different = len({tuple(column) for column in output[:, 0].T})
    assert different == (1 if seed is not None else 6)

    # The streams go on, and start again at a reset.
    later = inputs.generate(4, 4)
    inputs.reset(0)
    again = inputs.generate(0, 8)
    for i, node in enumerate(nodes):
        columns = slice(3 * i, 3 * i + 3)
        np.testing.assert_array_equal(again[node][:4], output[:, :, columns])
        np.testing.assert_array_equal(again[node][4:], later[node])
    inputs.reset(1)
    changed = inputs.generate(0, 8)[nodes[0]]
    assert np.array_equal(changed, again[nodes[0]]) == (seed is not None)


WRONG = {
    "None": (None, "got None of type NoneType"),
    "NaN": (np.nan, "finite numbers, got .nan nan"),
    "infinity": ([0, np.inf], "finite numbers, got . 0. inf"),
    "text": ("abc", "got 'abc' of type str"),
    "dict": ({"a": 1}, "got {'a': 1} of type dict"),
    "length": ([1, 2, 3], r"shape \(2,\), got \[1, 2, 3\] of type list"),
    "rank": (np.ones((2, 1, 2)), r"shape \(2,\), got array.* and shape \(2, 1, 2\)"),
}


@pytest.mark.parametrize("value, message", WRONG.values(), ids=list(WRONG))
def test_wrong_output(value, message):
    class Wrong(nengo.Process):
        def make_step(self, *_):
            return lambda t: value

    for output in (lambda t: value, Wrong()):
        with nengo.Network() as net:
            nengo.Node(output, size_out=2, label="stimulus")
        _, inputs = build(net)
        with pytest.raises(SimulationError, match=f"(?s)'stimulus'.*{message}"):
            inputs.generate(0, 2)


def test_exception_in_a_function():
    def function(t):
        if t > 0.0015:
            raise KeyError("lost")
        return t

    with nengo.Network() as net:
        nengo.Node(function, label="stimulus")
    _, inputs = build(net)
    message = "'stimulus'.* raised KeyError at t=0.002: 'lost'"
    with pytest.raises(SimulationError, match=message) as info:
        inputs.generate(0, 5)
    assert isinstance(info.value.__cause__, KeyError)


def test_node_added_after_the_build():
    with nengo.Network() as net:
        nengo.Node([1])
    model, _ = build(net)
    with net:
        nengo.Node([1], label="late")
    with pytest.raises(BuildError, match="'late'.* not in the model"):
        NodeInputs(model, net, None, 0)


def test_tensor_nodes_are_no_inputs():
    from nengo_dl_ops import TensorNode

    with nengo.Network() as net:
        TensorNode(lambda t: t, size_out=1)
        node = nengo.Node([1])
    assert [n for n in net.all_nodes if is_input(n)] == [node]


@pytest.mark.parametrize("seed", [None, 3])
@pytest.mark.row("S084")
def test_processes_of_minibatch_items(seed):
    """Without a seed every item has a stream of its own; with one all have the same."""
    with nengo.Network(seed=0) as net:
        node = nengo.Node(nengo.processes.WhiteNoise(seed=seed))
        probe = nengo.Probe(node)
    with simulator(net, minibatch_size=2) as sim:
        sim.run_steps(5)
        first, second = sim.data[probe]
    assert np.array_equal(first, second) == (seed is not None)
    assert np.all(first != 0)


@pytest.mark.row("S085")
def test_data_for_nodes_of_which_a_part_is_read():
    with nengo.Network() as net:
        inp, out = nengo.Node([0.0, 0.0, 0.0]), nengo.Node(size_in=1)
        nengo.Connection(inp[1], out, synapse=None)
        probe = nengo.Probe(out)
    values = np.arange(12.0).reshape(1, 4, 3)
    with simulator(net, minibatch_size=1) as sim:
        sim.run_steps(4, data={inp: values})
        np.testing.assert_array_equal(sim.data[probe], values[..., 1:2])
