"""Simplifications that let operators read equal values elsewhere."""

import nengo
import numpy as np
import pytest
from helpers import engine_of, program_of
from nengo.builder.operator import Copy, DotInc, ElementwiseInc, Reset
from nengo.builder.probe import SimProbe
from nengo.builder.processes import SimProcess
from nengo.builder.signal import Signal
from nengo.exceptions import BuildError

from nengo_dl_ops.planning.fold_copies import fold_copies, remove_constant_copies
from nengo_dl_ops.planning.greedy_planner import greedy_planner
from nengo_dl_ops.planning.narrow_results import narrow_results
from nengo_dl_ops.planning.share_results import share_results
from nengo_dl_sim import Simulator, configure_settings


def sig(value, name=None):
    return Signal(np.array(value, dtype=float), name=name)


def vector(n, name=None):
    return sig(np.zeros(n), name)


X, Y, TIME = vector(4, "x"), vector(2, "y"), sig(0.0, "time")
WEIGHTS = sig(np.arange(8.0).reshape(2, 4), "weights")


def place(signal):
    """Which elements of which base a signal consists of."""
    start, strides = signal.elemoffset, signal.elemstrides
    steps = np.arange(signal.size) * (strides[0] if strides else 0)
    return signal.base, list(start + steps)


def read(ops):
    """What the last operator reads last."""
    return place(ops[-1].reads[-1])


def reader(signal):
    return DotInc(sig(np.ones((2, signal.size))), signal, Y)


def summed(source, target):
    return [Reset(target), Copy(source, target, inc=True)]


def test_a_chain_of_copies_is_folded():
    a, b, c = (vector(4, name) for name in "abc")
    ops = [Copy(X, a), *summed(a, b), *summed(b, c), Reset(Y), reader(c)]
    before = [(op, list(op.reads)) for op in ops]
    found = fold_copies(ops, ())
    assert [type(op) for op in found] == [Reset, DotInc]
    assert read(found) == (X, [0, 1, 2, 3])
    assert [(op, op.reads) for op in ops] == before


# Names of what is read, by the part of an array that is put together from two signals.
PARTS = [
    (slice(0, 2), "a", [0, 1]),
    (slice(1, 2), "a", [1]),
    (slice(3, 5), "b", [1, 2]),
    (slice(2, 5), "b", [0, 1, 2]),
    (slice(1, 3), None, None),  # from both
    (slice(0, 4, 2), None, None),
    (slice(None, None, -1), None, None),
]


@pytest.mark.parametrize("inc", [False, True])
@pytest.mark.parametrize("part, name, elements", PARTS)
def test_parts_of_arrays_are_found(part, name, elements, inc):
    sources = {"a": vector(2), "b": vector(3)}
    array = vector(5)
    ops = [
        *([Reset(array)] if inc else []),
        Copy(sources["a"], array[:2], inc=inc),
        Copy(sources["b"], array[2:], inc=inc),
        reader(array[part]),
    ]
    found = fold_copies(ops, ())
    if name is None:
        assert found is ops
    else:
        assert read(found) == (sources[name], elements)
        assert found[:-1] == []


def test_parts_of_views_are_where_they_should_be():
    base, array = vector(8), vector(5)
    found = fold_copies([Copy(base[2:7], array), reader(array[1:4])], ())
    assert read(found) == (base, [3, 4, 5])
    found = fold_copies([Copy(base[6:1:-1], array), reader(array[1:4])], ())
    assert read(found) == (base, [5, 4, 3])


def cases_that_stay():
    a, b, c = (vector(4, name) for name in "abc")
    yield "two sources", [*summed(a, c), Copy(b, c, inc=True), reader(c)]
    yield "not zero before", [Reset(c, value=1), Copy(a, c, inc=True), reader(c)]
    yield "no reset", [Copy(a, c, inc=True), reader(c)]
    yield "a product, too", [*summed(a, c), ElementwiseInc(sig(2), b, c), reader(c)]
    yield "a list", [Copy(a, c, src_slice=[1, 0, 2, 3]), reader(c)]
    yield "broadcast", [Copy(a[:1], c), reader(c)]
    yield "probed", [*summed(a, c), SimProbe(c)]
    integers = Signal(np.zeros(4, dtype=int))
    yield "another type", [Copy(integers, c), reader(c)]
    process = nengo.processes.FilteredNoise()
    sets_and_updates = SimProcess(process, None, b, TIME, "set", {"X": a})
    yield "updated by what sets", [sets_and_updates, Copy(a, c), reader(c)]


@pytest.mark.parametrize("ops", [pytest.param(o, id=n) for n, o in cases_that_stay()])
def test_what_is_more_than_a_copy_stays(ops):
    assert fold_copies(ops, ()) is ops


def test_copies_in_a_circle_are_still_a_cycle():
    a, b = vector(4, "a"), vector(4, "b")
    ops = fold_copies([*summed(a, b), *summed(b, a), reader(b)], ())
    with pytest.raises(BuildError, match="Cycle"):
        greedy_planner(ops, type)


def test_constant_copies():
    constant, a, b = sig([1.0, 2, 3, 4]), vector(4), vector(4)
    ops = [Copy(constant, a), Copy(X, b), reader(b), reader(a)]
    found = remove_constant_copies(ops, {constant})
    assert read(found) == (constant, [0, 1, 2, 3])
    assert found[:-1] == ops[1:3]
    assert remove_constant_copies(ops, ()) is ops


def product(weights=WEIGHTS, x=X):
    y = vector(len(weights.initial_value))
    return y, [Reset(y), DotInc(weights, x, y)]


def synapse(x, tau=0.1, start=0.0):
    y = vector(x.size)
    state = {"X": sig(np.full((1, x.size), start))}
    op = SimProcess(nengo.Lowpass(tau), x, y, TIME, "update", state)
    return y, [op]


def copy_of(signal):
    return sig(signal.initial_value.copy())


@pytest.mark.parametrize("tau", [0.1, 0.2])
def test_equal_products_and_synapses_are_shared(tau):
    (a, first), (b, then) = product(WEIGHTS), product(copy_of(WEIGHTS))
    (c, filter_a), (d, filter_b) = synapse(a), synapse(b, tau)
    ops = [*first, *then, *filter_b, *filter_a, reader(c), reader(d)]
    found = share_results(ops, {WEIGHTS, then[1].A})
    if tau == 0.1:  # the first of the list stands for both
        assert [type(op) for op in found] == [Reset, DotInc, SimProcess, DotInc, DotInc]
        assert [op.X for op in found[3:]] == [d, d]
    else:
        assert [op.input for op in found[2:4]] == [a, a]
        assert [op.X for op in found[4:]] == [c, d]
    # What others rely on is not the parameter any more.
    assert found[1].A is not WEIGHTS
    np.testing.assert_array_equal(found[1].A.initial_value, WEIGHTS.initial_value)
    assert ops[1].A is WEIGHTS


def unequal_pairs():
    other = sig(WEIGHTS.initial_value + 1e-9)
    yield "other weights", product()[1], product(other)[1]
    yield "other vector", product()[1], product(x=vector(4))[1]
    yield "other part", product(x=vector(5)[1:])[1], product(x=vector(5)[:4])[1]
    y, ops = product(copy_of(WEIGHTS))
    yield "more is added", product()[1], [*ops, Copy(Y, y, inc=True)]
    y, ops = product(copy_of(WEIGHTS))
    yield "not zero before", product()[1], [Reset(y, value=1), ops[1]]
    yield "other start", synapse(X)[1], synapse(X, start=1.0)[1]
    white = [SimProcess(nengo.processes.WhiteNoise(), X, vector(4), TIME, "update")]
    yield "random", white, [*white]


@pytest.mark.parametrize(
    "first, then", [pytest.param(*ops, id=name) for name, *ops in unequal_pairs()]
)
def test_unequal_results_are_not_shared(first, then):
    ops = [*first, *then]
    ops += [reader((op.incs or op.updates or op.sets)[0]) for op in ops]
    weights = {op.A for op in (*first, *then) if type(op) is DotInc}
    assert share_results(ops, weights) == ops


def test_trained_weights_are_not_shared():
    ops = [*product(WEIGHTS)[1], *product(copy_of(WEIGHTS))[1]]
    ops += [reader(op.Y) for op in ops if type(op) is DotInc]
    assert share_results(ops, {WEIGHTS}) == ops


def silenced(weights):
    a, first = product(weights)
    b, second = synapse(a)
    gains, currents = sig([3.0, 4]), vector(2)
    return [*first, *second, ElementwiseInc(gains, b, currents)], weights


def test_vectors_of_equal_elements_become_one_element():
    ops, weights = silenced(sig(np.ones((2, 1)) * np.arange(4.0)))
    reset, dot, filtered, last = narrow_results(ops, {weights})
    np.testing.assert_array_equal(dot.A.initial_value, [np.arange(4.0)])
    assert reset.dst is dot.Y is filtered.input
    assert dot.Y.shape == filtered.output.shape == (1,)
    assert filtered.state["X"].shape == (1, 1)
    assert type(last) is DotInc and last.X is filtered.output
    assert (last.A.base, last.A.shape) == (ops[-1].A, (2, 1))
    assert last.Y is ops[-1].Y


def cases_that_stay_wide():
    ops, weights = silenced(WEIGHTS)
    yield "unequal rows", ops, {weights}
    ops, weights = silenced(sig(np.ones((2, 4))))
    yield "trained", ops, ()
    yield "probed", [*ops, SimProbe(ops[2].output)], {weights}
    yield "read otherwise", [*ops, reader(ops[2].output[:1])], {weights}
    yield "nothing reads it", ops[:2], {weights}


@pytest.mark.parametrize(
    "ops, fixed", [pytest.param(*case, id=n) for n, *case in cases_that_stay_wide()]
)
def test_other_vectors_stay(ops, fixed):
    assert narrow_results(ops, fixed) == ops


def shared(**settings):
    """Two connections with equal decoders, as Nengo solves for them."""
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64", **settings)
        net.inp = nengo.Node([0.5])
        ens = nengo.Ensemble(10, 1, neuron_type=nengo.RectifiedLinear())
        nengo.Connection(net.inp, ens)
        net.twins = [nengo.Connection(ens, nengo.Node(size_in=1)) for _ in range(2)]
        net.p = [nengo.Probe(twin.post_obj) for twin in net.twins]
    return net


@pytest.fixture
def trained(tmp_path):
    """A file of parameters in which the twins differ, and what they give."""
    net, path = shared(), tmp_path / "trained"
    with Simulator(net, progress_bar=False) as sim:
        store = engine_of(sim).parameters
        for i, twin in enumerate(net.twins):
            weights = sim.model.sig[twin]["weights"]
            store.assign({weights: (i + 2) * store.value(weights)})
        sim.save_params(path)
        sim.run_steps(8)
        outputs = [sim.data[p] for p in net.p]
    assert np.ptp(outputs[0] - outputs[1]) > 0.1
    return path, outputs


def assert_gives(sim, net, outputs):
    sim.run_steps(8)
    for probe, output in zip(net.p, outputs, strict=True):
        np.testing.assert_allclose(sim.data[probe], output, rtol=0, atol=1e-13)


def n_products(sim):
    ops = [op for group in program_of(sim).groups for op in group.ops]
    return sum(type(op) is DotInc for op in ops)


def test_shared_parameters_are_saved_and_loaded(tmp_path, trained):
    """A simulator that relied on the values it was built with still loads others."""
    path, outputs = trained
    net = shared(inference_only=True)
    with Simulator(net, progress_bar=False) as sim:
        assert n_products(sim) == 2  # the encoders, and the decoders of both
        before = sim.data[net.twins[1]].weights
        sim.save_params(tmp_path / "built")
        sim.load_params(tmp_path / "built")
        assert n_products(sim) == 2
        sim.load_params(path)
        assert n_products(sim) == 3
        np.testing.assert_allclose(sim.data[net.twins[1]].weights, 3 * before)
        assert_gives(sim, net, outputs)
        sim.load_params(tmp_path / "built")
        np.testing.assert_array_equal(sim.data[net.twins[1]].weights, before)
    with Simulator(shared(), progress_bar=False) as sim:
        sim.load_params(tmp_path / "built")


def test_running_simulators_load_them_too(trained):
    """What was computed once until then goes on as the state of both."""
    path, _ = trained
    outputs = []
    for settings in ({"inference_only": True}, {"simplifications": []}):
        net = shared(**settings)
        with Simulator(net, progress_bar=False) as sim:
            sim.run_steps(3)
            sim.load_params(path)
            sim.run_steps(2)
            assert sim.n_steps == 5
            outputs.append([sim.data[p] for p in net.p])
    np.testing.assert_allclose(*outputs, rtol=0, atol=1e-13)


@pytest.mark.parametrize("n_nodes", [1, 2, 3])
def test_synapses_in_a_circle(n_nodes):
    """What each reads is a copy of what another updates; without copies all wait."""
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64")
        nodes = [nengo.Node(size_in=2) for _ in range(n_nodes)]
        stimulus = nengo.Node([1])
        for i, node in enumerate(nodes):
            nengo.Connection(stimulus, node[0], synapse=0.005)
            nengo.Connection(node[1], nodes[i - 1][1], synapse=0.01)
        alone = nengo.Node(size_in=1)
        nengo.Connection(alone, alone, synapse=0)
        probe = nengo.Probe(nodes[-1])
    with nengo.Simulator(net, progress_bar=False) as reference:
        reference.run_steps(20)
    with Simulator(net, progress_bar=False) as sim:
        sim.run_steps(20)
    expected = reference.data[probe]
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(sim.data[probe], expected, rtol=1e-12, atol=1e-12)
