"""What nengo.Simulator offers beside running: data, signals, models, warnings."""

import nengo
import numpy as np
import pytest
from helpers import engine_of, program_of, reference, simulator
from nengo.builder import Model
from nengo.builder.operator import DotInc
from nengo.builder.signal import Signal
from nengo.exceptions import (
    NengoWarning,
    SimulationError,
    SimulatorClosed,
    ValidationError,
)

from nengo_dl_sim import Simulator, configure_settings

N_STEPS = 7


def everything(dtype="float64"):
    """A network with an object of every kind that is built."""
    with nengo.Network(seed=0, label="everything") as net:
        configure_settings(dtype=dtype)
        net.stimulus = nengo.Node([0.5, 0.2])
        net.function = nengo.Node(lambda t, x: x + t, size_in=2)
        passthrough = nengo.Node(size_in=2)
        net.a = nengo.Ensemble(10, 2)
        net.b = nengo.Ensemble(8, 1, neuron_type=nengo.LIFRate())
        direct = nengo.Ensemble(1, 1, neuron_type=nengo.Direct())
        nengo.Connection(net.stimulus, net.a)
        nengo.Connection(net.a, net.function)
        nengo.Connection(net.a, direct, function=lambda x: x[0] * x[1])
        nengo.Connection(net.a[0], net.b, function=np.sin)
        nengo.Connection(net.stimulus, passthrough, transform=None)
        weights = nengo.Sparse((2, 2), indices=[[0, 0], [1, 1]], init=[1.0, 2.0])
        net.sparse = nengo.Connection(net.stimulus, passthrough, transform=weights)
        nengo.Connection(
            nengo.Node(np.ones(16)),
            net.b.neurons,
            transform=nengo.Convolution(2, (4, 4, 1)),
        )
        net.learned = nengo.Connection(
            net.a,
            net.b,
            function=lambda x: x[0],
            learning_rule_type=[nengo.PES(), nengo.RLS()],
        )
        for rule in net.learned.learning_rule:
            nengo.Connection(net.b, rule)
        net.hebbian = nengo.Connection(
            net.a.neurons,
            net.b.neurons,
            transform=np.full((8, 10), 1e-3),
            learning_rule_type=nengo.BCM(),
        )
        net.voja = nengo.Connection(
            net.b, net.a[1], learning_rule_type={"voja": nengo.Voja()}
        )
        nengo.Connection(
            net.a,
            net.b,
            function=lambda x: x[0],
            solver=nengo.solvers.LstsqL2(weights=True),
        )
        with nengo.Network():
            inner = nengo.Ensemble(3, 1)
        for obj in (net.stimulus, net.a, net.a.neurons, net.a.neurons[:3], net.b):
            nengo.Probe(obj)
        for obj in (direct, inner, passthrough, net.function, net.learned):
            nengo.Probe(obj, synapse=0.01, sample_every=0.002)
        nengo.Probe(net.hebbian, "weights")
        nengo.Probe(net.a.neurons, "voltage")
        nengo.Probe(net.learned.learning_rule[0], "error")
    return net


@pytest.fixture(scope="module")
def built():
    """Run one built model in both simulators."""
    net = everything()
    model = Model(dt=0.001)
    model.build(net)
    sim, ref = (make(None, model=model, seed=1) for make in (simulator, reference))
    with sim, ref:
        sim.run_steps(N_STEPS)
        ref.run_steps(N_STEPS)
        yield net, sim, ref


def assert_close(found, expected):
    """Compare in double precision, relative to the largest value."""
    peak = np.max(np.abs(expected), initial=1e-9)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9 * peak)


def test_data_has_all_that_was_built(built):
    net, sim, ref = built
    assert list(sim.data) == list(ref.data)
    assert len(sim.data) == len(ref.data) == len(sim.data.keys())
    kinds = {type(obj).__name__ for obj in sim.data}
    expected = "Connection Ensemble LearningRule Network Node Probe"
    assert kinds == set(expected.split())
    for obj, value in sim.data.items():
        assert obj in sim.data
        # Ensembles and connections also have what can be trained of them.
        assert isinstance(value, type(ref.data[obj]))
        assert (sim.data.get(obj) is None) == (value is None)


def test_data_of_probes_is_as_in_nengo(built):
    net, sim, ref = built
    for probe in net.all_probes:
        assert not sim.data[probe].flags.writeable
        assert_close(sim.data[probe], ref.data[probe])


def test_parameters_are_as_in_nengo(built):
    """But for what online rules have changed, of which Nengo shows the beginning."""
    net, sim, ref = built
    learned = [(net.learned, "weights"), (net.hebbian, "weights")]
    learned += [(net.a, name) for name in ("encoders", "scaled_encoders", "gain")]
    learned += [(net.a, name) for name in ("max_rates", "intercepts")]
    changed = []
    for obj in (*net.all_ensembles, *net.all_connections):
        for name, expected in ref.data[obj]._asdict().items():
            found = getattr(sim.data[obj], name)
            assert isinstance(found, type(expected))
            if not isinstance(expected, np.ndarray):
                continue
            assert found.shape == expected.shape
            assert found.dtype == expected.dtype
            if (obj, name) not in learned:
                np.testing.assert_array_equal(found, expected)
            elif not np.array_equal(found, expected):
                changed.append((obj, name))
    assert {obj for obj, _ in changed} == {net.a, net.learned, net.hebbian}
    weights = ref.signals[sim.model.sig[net.learned]["weights"]]
    assert_close(sim.data[net.learned].weights, weights)


@pytest.mark.parametrize("key", ["network", "name", "neurons"])
def test_unknown_objects(built, key):
    net, sim, _ = built
    with nengo.Network() as other:
        ens = nengo.Ensemble(1, 1)
    unknown = {"network": other, "name": "stimulus", "neurons": ens.neurons}[key]
    assert unknown not in sim.data
    assert sim.data.get(unknown, 5) == 5
    for error in (ValidationError, KeyError):
        with pytest.raises(error) as caught:
            sim.data[unknown]
        text = f"expected an object of the simulated network, got {unknown!r}"
        assert str(caught.value) == f"SimulationData.data: {text}"


def test_signals_are_as_in_nengo(built):
    """But for those that a step sets before it reads them: they are not kept."""
    net, sim, ref = built
    assert set(ref.signals) <= set(sim.signals)
    assert len(sim.signals) == len(list(sim.signals))
    kept = set()
    for sig, expected in ref.signals.items():
        try:
            found = sim.signals[sig]
        except SimulationError:
            continue
        if sig.sparse:
            np.testing.assert_array_equal(found.toarray(), expected.toarray())
            continue
        assert found.shape == expected.shape
        assert found.dtype == expected.dtype
        assert not found.flags.writeable
        if not np.array_equal(found, sig.initial_value):
            assert_close(found, expected)
            kept.add(sig)
    model = sim.model
    changing = [model.step, model.time, model.sig[net.a.neurons]["voltage"]]
    changing += [model.sig[conn]["weights"] for conn in (net.learned, net.hebbian)]
    assert kept.issuperset(changing)
    assert sim.signals[model.step] == N_STEPS
    assert str(sim.signals).count("\n") >= len(sim.signals)
    with pytest.raises(KeyError):
        sim.signals[Signal(shape=(1,))]


def test_signals_that_are_views():
    """They show their part of a base signal, constant or state."""
    base, total = Signal(np.arange(6.0).reshape(3, 2)), Signal(np.ones(4))
    one = Signal([1.0])
    column = base[:, 1]
    model = Model(dt=0.001)
    model.add_op(DotInc(column.reshape((3, 1)), one, total[1:]))
    with pytest.warns(NengoWarning, match="no top-level network"):
        sim = simulator(None, model=model, minibatch_size=2)
    with sim:
        sim.run_steps(2)
        np.testing.assert_array_equal(sim.signals[base], base.initial_value)
        (view,) = (sig for sig in sim.signals if sig.is_view and sig.base is base)
        np.testing.assert_array_equal(sim.signals[view], [[1], [3], [5]])
        # What is state has a batch axis first.
        np.testing.assert_array_equal(sim.signals[total], [[1, 3, 7, 11]] * 2)
        (view,) = (sig for sig in sim.signals if sig.is_view and sig.base is total)
        np.testing.assert_array_equal(sim.signals[view], [[3, 7, 11]] * 2)


def test_the_order_of_steps(built):
    net, sim, ref = built
    assert sim.dg == ref.dg
    order, known = sim.step_order, set(sim.model.operators)
    assert len(order) == len(set(order)) > 0
    position = {op: i for i, op in enumerate(order)}
    pairs = [(a, b) for a, after in sim.dg.items() for b in after]
    pairs = [pair for pair in pairs if known.issuperset(pair)]
    pairs = [(a, b) for a, b in pairs if a in position and b in position]
    assert len(pairs) > 20
    assert all(position[a] < position[b] for a, b in pairs)


@pytest.mark.parametrize("minibatch_size", [None, 2])
def test_data_stays_when_the_simulator_is_closed(minibatch_size):
    """What was recorded, what was learned, and the state."""
    net = everything(dtype="float32")
    with simulator(net, minibatch_size=minibatch_size) as sim:
        sim.run_steps(N_STEPS)
        objects = [obj for obj in sim.data if sim.data[obj] is not None]
        before = {obj: sim.data[obj] for obj in objects}
        signals = dict(sim.signals.items())
    assert not np.array_equal(
        before[net.learned].weights, sim.model.params[net.learned].weights
    )
    for obj, expected in before.items():
        parts = expected if isinstance(expected, tuple) else [expected]
        found = sim.data[obj] if isinstance(expected, tuple) else [sim.data[obj]]
        for value, wanted in zip(found, parts, strict=True):
            if isinstance(wanted, np.ndarray):
                np.testing.assert_array_equal(value, wanted)
    for sig, found in sim.signals.items():
        if not sig.sparse:
            np.testing.assert_array_equal(found, signals[sig])
    assert (sim.n_steps, sim.time) == (N_STEPS, pytest.approx(0.001 * N_STEPS))
    assert len(sim.trange()) == N_STEPS
    with pytest.raises(SimulatorClosed):
        with sim:
            pass
    sim.clear_probes()
    assert sim.data[net.all_probes[0]].size == 0


def test_a_model_serves_many_simulators():
    net = everything()
    model = Model(dt=0.001)
    model.build(net)
    operators = list(model.operators)
    start = [np.array(sig.initial_value) for op in operators for sig in op.reads]
    found = []
    for make in (simulator, simulator, reference):
        with make(None, model=model, seed=1) as sim:
            assert sim.model is model
            sim.run_steps(N_STEPS)
            found.append([sim.data[probe] for probe in net.all_probes])
        assert model.operators == operators
    after = [np.array(sig.initial_value) for op in operators for sig in op.reads]
    for a, b in zip(start, after, strict=True):
        np.testing.assert_array_equal(a, b)
    for first, second, expected in zip(*found, strict=True):
        np.testing.assert_array_equal(first, second)
        assert_close(first, expected)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_model_that_nengo_has_optimised(jit_compile):
    """Its operators are merged, and its signals parts of larger ones."""
    net = everything()
    model = Model(dt=0.001)
    model.build(net)
    before = list(model.operators)
    with nengo.Simulator(None, model=model, seed=1, progress_bar=False) as ref:
        ref.run_steps(N_STEPS)
        learned = {
            conn: np.array(ref.signals[model.sig[conn]["weights"]])
            for conn in (net.learned, net.hebbian)
        }
    assert len(model.operators) < 0.8 * len(before)
    merged = list(model.operators)
    with simulator(None, model=model, seed=1, jit_compile=jit_compile) as sim:
        sim.run_steps(N_STEPS)
        for probe in net.all_probes:
            assert_close(sim.data[probe], ref.data[probe])
        for conn, weights in learned.items():
            assert_close(sim.data[conn].weights, weights)
            assert_close(sim.signals[model.sig[conn]["weights"]], weights)
    assert model.operators == merged


def test_a_model_of_another_dt():
    net = everything()
    model = Model(dt=0.002)
    model.build(net)
    with pytest.warns(NengoWarning, match="dt=0.002, which is used.* dt=0.001"):
        sim = simulator(None, model=model)
    with sim:
        assert sim.dt == 0.002


class Bar(nengo.utils.progress.ProgressBar):
    """Counts what Nengo's bars are told."""

    def __init__(self):
        self.tasks, self.closed = {}, 0

    def update(self, progress):
        self.tasks[progress.name_during] = progress.n_steps, progress.finished

    def close(self):
        self.closed += 1


def test_progress_bars_of_nengo():
    bar = Bar()
    with simulator(everything(), progress_bar=bar) as sim:
        assert list(bar.tasks) == ["Building"]
        sim.run_steps(3)
        assert bar.tasks["Simulating"] == (3, True)
        other = Bar()
        sim.run(0.005, progress_bar=other)
        assert other.tasks["Simulating"] == (5, True)
        sim.step()  # shows nothing
        sim.run_steps(1, progress_bar=False)
        assert (bar.closed, other.closed) == (2, 1)
        with pytest.raises(ValidationError, match="progress_bar"):
            sim.run_steps(1, progress_bar="terminal")
        assert sim.n_steps == 10
        sim.loss(2, {sim.model.probes[0]: lambda y: y[0, 0, 0]}, progress_bar=other)
        assert other.tasks["Calculating loss"] == (1, True)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_python_code_gets_what_nengo_gives_it(dtype, jit_compile):
    """Numbers for the time, an array of its own for the input."""
    calls = []

    def function(t, x):
        calls.append((t, x))
        return x

    with nengo.Network() as net:
        configure_settings(dtype=dtype)
        clock = nengo.Node(lambda t: [t, -t])
        node = nengo.Node(function, size_in=2, size_out=2)
        nengo.Connection(clock, node, synapse=None)
        nengo.Probe(node)
    with simulator(net, jit_compile=jit_compile) as sim:
        sim.run_steps(3)
    assert [t for t, _ in calls] == [(i + 1) * 0.001 for i in range(3)]
    for t, x in calls:
        assert type(t) is float
        assert (type(x), x.dtype, x.shape) == (np.ndarray, np.dtype(dtype), (2,))
        assert x.base is None
        assert x[0] == t
    assert len({id(x) for _, x in calls}) == 3


@pytest.mark.parametrize(
    "bits, setting, expected",
    [
        (64, None, "float32"),
        (32, None, "float32"),
        (16, None, "float16"),
        (16, "float64", "float64"),
        (64, "float16", "float16"),
    ],
)
def test_precision_of_nengo(bits, setting, expected):
    """It is followed where it is not what Nengo takes if nobody asks."""
    with nengo.Network(seed=0) as net:
        configure_settings(**({} if setting is None else {"dtype": setting}))
        probe = nengo.Probe(nengo.Ensemble(5, 1))
    nengo.rc["precision"]["bits"] = str(bits)
    try:
        with simulator(net) as sim:
            sim.run_steps(2)
            assert sim.data[probe].dtype == expected
            assert sim.signals[sim.model.time].dtype == f"float{bits}"
            assert sim.signals[sim.model.step].dtype == f"int{bits}"
    finally:
        nengo.rc["precision"]["bits"] = "64"


def test_optimize():
    """Nengo's argument: without it, every operator of the model is planned."""
    net = everything()
    planned = {}
    for optimize in (True, False):
        with simulator(net, optimize=optimize, seed=0) as sim:
            sim.run_steps(N_STEPS)
            planned[optimize] = sum(len(g.ops) for g in program_of(sim).groups)
            inputs = engine_of(sim).inputs.operators
            data = {probe: sim.data[probe] for probe in net.all_probes}
    assert planned[True] < planned[False] == len(sim.model.operators) - len(inputs)
    with reference(net, seed=0) as ref:
        ref.run_steps(N_STEPS)
        for probe, values in data.items():
            np.testing.assert_allclose(values, ref.data[probe], atol=1e-9)
    with pytest.raises(ValidationError, match="optimize: expected True or False"):
        simulator(net, optimize="no")


@pytest.mark.parametrize("minibatch_size", [None, 1, 3])
@pytest.mark.parametrize("keep_history", [True, False])
def test_probes_without_samples(minibatch_size, keep_history):
    """They have the axes of data that there is none of."""
    with nengo.Network() as net:
        configure_settings(keep_history=True)
        ens = nengo.Ensemble(2, 1)
        connection = nengo.Connection(ens, ens)
        rare = [
            nengo.Probe(ens.neurons, sample_every=1),
            nengo.Probe(connection, "weights", sample_every=1),
        ]
        net.config[rare[0]].keep_history = keep_history
    shapes = [(0,), (0,)]
    if minibatch_size is not None:
        shapes = [(minibatch_size, 0, 2), (minibatch_size, 0, 1, 2)]
    with simulator(net, minibatch_size=minibatch_size) as sim:
        assert [sim.data[probe].shape for probe in rare] == shapes
        sim.run_steps(3)
        assert [sim.data[probe].shape for probe in rare] == shapes


@pytest.mark.parametrize("size, batch", [(None, ""), (3, ", minibatch_size=3")])
def test_a_simulator_says_what_it_is(size, batch):
    net = everything()
    with simulator(net, minibatch_size=size) as sim:
        sim.run_steps(N_STEPS)
        assert repr(sim) == f"<Simulator of {net}{batch}, at step {N_STEPS}>"
    assert repr(sim) == f"<Simulator of {net}{batch}, closed>"
    assert "Simulator object" in repr(Simulator.__new__(Simulator))  # as in a traceback


@pytest.mark.parametrize("n_probes", [0, 2, 12])
def test_data_says_what_it_holds(n_probes):
    with nengo.Network(label="named") as net:
        node = nengo.Node([0.0, 0.0], label="node")
        probes = [nengo.Probe(node, label=f"p{i}") for i in range(n_probes)]
    with simulator(net, minibatch_size=3) as sim:
        sim.run_steps(N_STEPS)
        text = repr(sim.data)
    start = "<SimulationData of 1 Network, 1 Node"
    assert text.startswith(start + (f", {n_probes} Probe; " if n_probes else ">"))
    for probe in probes[:10]:
        assert f"{probe}: (3, {N_STEPS}, 2)" in text
    assert ("and 2 more" in text) == (n_probes == 12)


def test_without_a_seed_random_numbers_are_those_of_nengo():
    with nengo.Network() as net:
        configure_settings(dtype="float64")
        noise = nengo.Node(nengo.processes.WhiteSignal(0.1, 50), size_out=1)
        ens = nengo.Ensemble(5, 1)
        nengo.Connection(noise, ens)
        probe = nengo.Probe(ens.neurons, "voltage")
    results = []
    for make in (reference, simulator):
        np.random.seed(3)
        with make(net) as sim:
            sim.run_steps(N_STEPS)
        results.append((sim.data[probe], sim.data[ens].bias, np.random.rand()))
    for expected, found in zip(*results, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.row("S056")
def test_parameters_fetched_together():
    with nengo.Network(seed=0) as net:
        ens = nengo.Ensemble(4, 1)
        conn = nengo.Connection(ens, nengo.Node(size_in=2), function=lambda x: [x, -x])
    with simulator(net) as sim:
        wanted = [(conn, "weights"), (ens, "encoders"), (ens, "bias")]
        for found, (obj, name) in zip(
            sim.data.get_params(*wanted), wanted, strict=True
        ):
            np.testing.assert_array_equal(found, getattr(sim.data[obj], name))
