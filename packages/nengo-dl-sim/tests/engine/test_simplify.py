"""Simplifications: fewer operators, the same results."""

import nengo
import numpy as np
import pytest
from helpers import program_of
from nengo.builder.learning_rules import SimPES
from nengo.builder.operator import Copy, DotInc, ElementwiseInc, Reset
from nengo.builder.signal import Signal

from nengo_dl_ops.planning.learned_weights import factor_changes
from nengo_dl_ops.planning.simplify import (
    DEFAULT_SIMPLIFICATIONS,
    remove_identity_muls,
    remove_unmodified_resets,
    remove_zero_incs,
    simplify,
)
from nengo_dl_sim import Simulator, configure_settings


def sig(value, name=None):
    return Signal(np.array(value, dtype=float), name=name)


X, Y = sig([1.0, 2.0], "x"), sig([0.0, 0.0], "y")
ZERO, ONE, TWO = sig(0), sig(1), sig(2)
ZEROS, EYE, FULL = sig(np.zeros((2, 2))), sig(np.eye(2)), sig(np.ones((2, 2)))
ZERO_VECTOR = sig([0.0, 0.0])
FIXED = frozenset([ZERO, ONE, TWO, ZEROS, EYE, FULL, ZERO_VECTOR])


@pytest.mark.parametrize(
    "op, removed",
    [
        (DotInc(ZEROS, X, Y), True),
        (DotInc(FULL, ZERO_VECTOR, Y), True),
        (ElementwiseInc(ZERO, X, Y), True),
        (Copy(ZERO_VECTOR, Y, inc=True), True),
        (Copy(ZERO_VECTOR, Y), False),  # it sets: without it, Y keeps its value
        (DotInc(FULL, X, Y), False),
        (ElementwiseInc(TWO, X, Y), False),
        (Reset(Y), False),
    ],
    ids=str,
)
def test_zero_incs(op, removed):
    assert remove_zero_incs([op], FIXED) == ([] if removed else [op])
    assert remove_zero_incs([op], frozenset()) == [op]


@pytest.mark.parametrize(
    "op, replaced",
    [
        (DotInc(EYE, X, Y), True),
        (ElementwiseInc(ONE, X, Y), True),
        (ElementwiseInc(sig([1.0, 1.0]), X, Y), True),
        (ElementwiseInc(ONE, X[:1], Y), False),  # broadcasts
        (DotInc(FULL, X, Y), False),
        (ElementwiseInc(TWO, X, Y), False),
    ],
    ids=str,
)
def test_identity_muls(op, replaced):
    fixed = FIXED | {op.A}
    (found,) = remove_identity_muls([op], fixed)
    if replaced:
        assert type(found) is Copy
        assert (found.src, found.dst, found.inc) == (op.X, op.Y, True)
    else:
        assert found is op
    assert remove_identity_muls([op], fixed - {op.A}) == [op]


def test_unmodified_resets():
    zero, changed, nonzero = sig([0.0, 0.0]), sig([0.0, 0.0]), sig([0.0, 0.0])
    resets = [Reset(zero), Reset(changed), Reset(nonzero, value=1), Reset(Y)]
    kept = [
        Copy(X, changed, inc=True),
        DotInc(FULL, changed, Y),
        DotInc(FULL, nonzero, Y),
        Copy(zero, sig([3.0, 3.0])),
    ]
    removed = [
        Copy(zero, Y, inc=True),
        DotInc(FULL, zero, Y),
        ElementwiseInc(zero[:1], X, Y),
    ]
    ops = [*resets, *removed, *kept]
    assert remove_unmodified_resets(ops, FIXED) == [*resets, *kept]


def test_simplify_repeats_until_nothing_changes():
    """A product with zero goes; then nothing adds to what the next one reads."""
    chain = [sig([0.0, 0.0]) for _ in range(3)]
    resets = [Reset(signal) for signal in chain]
    ops = [
        *resets,
        DotInc(ZEROS, X, chain[0]),
        DotInc(FULL, chain[0], chain[1]),
        DotInc(FULL, chain[1], chain[2]),
    ]
    before = list(ops)
    assert simplify(ops, FIXED, DEFAULT_SIMPLIFICATIONS) == resets
    assert ops == before
    assert simplify(ops, FIXED, ()) == ops


def network():
    """A network with products by zero and one, of all kinds that must stay or go."""
    with nengo.Network(seed=0) as net:
        net.zero = nengo.Node([0.0, 0.0])
        net.stimulus = nengo.Node(lambda t: [np.sin(9 * t), 0.5])
        passing, unused = nengo.Node(size_in=2), nengo.Node(size_in=2)
        ens = nengo.Ensemble(10, 2, neuron_type=nengo.RectifiedLinear())
        # A bias, encoders and weights of zero that training may change.
        net.silent = nengo.Ensemble(
            3,
            2,
            neuron_type=nengo.RectifiedLinear(),
            gain=np.ones(3),
            bias=np.zeros(3),
            encoders=nengo.dists.Choice([[1, 0]]),
        )
        nengo.Connection(net.zero, passing, synapse=None)
        nengo.Connection(net.stimulus, passing, transform=np.eye(2), synapse=None)
        nengo.Connection(unused, ens, synapse=None)
        nengo.Connection(passing, ens, synapse=0.01)
        nengo.Connection(ens, ens, transform=np.zeros((2, 2)))
        net.weights = nengo.Connection(
            passing, net.silent.neurons, transform=np.zeros((3, 2)), synapse=None
        )
        net.identity = nengo.Connection(
            ens.neurons[:3], net.silent.neurons, transform=np.eye(3), synapse=None
        )
        for obj in (passing, ens, net.silent, net.silent.neurons, unused, net.zero):
            nengo.Probe(obj)
    return net


def run(net, simplifications, data=None):
    with net:
        configure_settings(simplifications=simplifications, dtype="float64")
    with Simulator(net, progress_bar=False, jit_compile=False) as sim:
        sim.run_steps(30, data=data)
        n_ops = sum(len(group.ops) for group in program_of(sim).groups)
        return [sim.data[probe] for probe in net.probes], n_ops


@pytest.mark.parametrize("given", [False, True])
def test_results_do_not_change(given):
    net = network()
    data = {net.zero: np.ones((1, 30, 2))} if given else None
    plain, n_plain = run(net, (), data)
    counts = {}
    for name in DEFAULT_SIMPLIFICATIONS:
        outputs, counts[name] = run(net, (name,), data)
        for expected, output in zip(plain, outputs, strict=True):
            np.testing.assert_allclose(output, expected, rtol=0, atol=1e-13)
    outputs, n_all = run(net, DEFAULT_SIMPLIFICATIONS, data)
    for expected, output in zip(plain, outputs, strict=True):
        np.testing.assert_allclose(output, expected, rtol=0, atol=1e-13)
    assert n_all < n_plain
    assert counts[remove_unmodified_resets] < n_plain
    if given:  # a node that is zero by itself still brings in what it is given
        assert np.ptp(outputs[-1]) == 0 and outputs[-1][0, 0] == 1


@pytest.mark.parametrize("trainable", [True, False])
def test_parameters_of_zero_and_one_stay(trainable):
    net = network()
    with net:
        configure_settings(trainable=trainable)
    with Simulator(net, progress_bar=False) as sim:
        layout = program_of(sim).layout
        signals = [
            sim.model.sig[net.weights]["weights"],
            sim.model.sig[net.identity]["weights"],
        ]
        assert [signal in layout for signal in signals] == [trainable] * 2
        assert sim.model.sig[net.silent.neurons]["bias"] in layout
        np.testing.assert_array_equal(sim.data[net.weights].weights, np.zeros((3, 2)))


def pes(weights, *readers):
    """Return a rule, what applies its change, and what else reads the change."""
    delta = sig(np.zeros((2, 3)), "delta")
    rule = SimPES(sig([1.0, 2.0, 3.0]), sig([1.0, -1.0]), delta, 0.1)
    return [rule, Copy(delta, weights, inc=True), *(make(delta) for make in readers)]


def test_changes_are_kept_as_factors():
    weights = sig(np.zeros((2, 3)), "weights")
    ops = pes(weights)
    factors, change = factor_changes(ops, FIXED)
    assert factors.reads == ops[0].reads
    assert type(change) is ElementwiseInc
    assert change.incs == [weights]
    assert change.reads == factors.updates
    assert [s.shape for s in factors.updates] == [(2, 1), (1, 3)]


@pytest.mark.parametrize(
    "readers, weights",
    [
        ([lambda delta: Copy(delta, sig(np.zeros((2, 3))))], np.zeros((2, 3))),
        ([lambda delta: Copy(delta[:1], sig(np.zeros((1, 3))))], np.zeros((2, 3))),
        ([], np.zeros((4, 2, 3))),
    ],
    ids=["read", "read in part", "broadcast"],
)
def test_changes_that_others_need_stay(readers, weights):
    ops = pes(sig(weights), *readers)
    assert factor_changes(ops, FIXED) == ops


def test_change_of_weights_may_be_probed():
    with nengo.Network(seed=0) as net:
        pre, post = nengo.Ensemble(10, 1), nengo.Node(size_in=2)
        conn = nengo.Connection(pre, post, function=lambda x: [x, -x])
        conn.learning_rule_type = nengo.PES()
        nengo.Connection(nengo.Node([1.0, 0.5]), conn.learning_rule)
        probes = [
            nengo.Probe(conn, "weights"),
            nengo.Probe(conn.learning_rule, "delta"),
        ]
        configure_settings(dtype="float64")
    with nengo.Simulator(net, progress_bar=False) as reference:
        reference.run_steps(20)
    for net.probes[:] in (probes, probes[:1]):
        with Simulator(net, progress_bar=False) as sim:
            sim.run_steps(20)
            for probe in net.probes:
                expected = reference.data[probe]
                np.testing.assert_allclose(sim.data[probe], expected, atol=1e-12)
