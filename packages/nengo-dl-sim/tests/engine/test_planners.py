"""The order and the merging of operators."""

import itertools
from collections import Counter
from functools import partial

import nengo
import numpy as np
import pytest
from helpers import program_of
from hypothesis import given, settings
from hypothesis import strategies as st
from nengo.builder.operator import Copy, Operator
from nengo.builder.signal import Signal
from nengo.exceptions import BuildError, ValidationError

from nengo_dl_ops.planning.dependencies import Dependencies
from nengo_dl_ops.planning.greedy_planner import greedy_planner, noop_planner
from nengo_dl_ops.planning.schedule import Schedule
from nengo_dl_ops.planning.sorters import noop_order_signals, order_signals
from nengo_dl_ops.planning.transitive_planner import transitive_planner
from nengo_dl_ops.planning.tree_planner import tree_planner
from nengo_dl_sim import Simulator

PHASES = ("sets", "incs", "reads", "updates")

MERGING = [
    greedy_planner,
    tree_planner,
    partial(tree_planner, max_depth=2),
    transitive_planner,
]
PLANNERS = [noop_planner, *MERGING]


class Op(Operator):
    """Does nothing, but says what it needs."""

    def __init__(self, sets=(), incs=(), reads=(), updates=(), tag=None):
        super().__init__(tag=tag)
        self.sets, self.incs = list(sets), list(incs)
        self.reads, self.updates = list(reads), list(updates)


def signals(n, size=4, name="signal"):
    return [Signal(np.zeros(size), name=f"{name}{i}") for i in range(n)]


# Parts of a signal of eight elements, some of which overlap.
SLICES = [
    slice(None),
    slice(0, 4),
    slice(4, 8),
    slice(2, 6),
    slice(3, 4),
    slice(None, None, 2),
    slice(1, None, 2),
    slice(None, None, -1),
    slice(6, 2, -1),
    slice(0, 1),
]


@st.composite
def operators(draw, acyclic):
    """Draw operators on views; those that cannot wait in a cycle, if asked for."""
    bases = signals(5, size=8)
    state = signals(2, size=8, name="state")

    def views(of, max_size=2):
        view = st.builds(lambda base, s: base[s], st.sampled_from(of), parts)
        return draw(st.lists(view, max_size=max_size)) if of else []

    parts = st.sampled_from(SLICES)
    ops = []
    for _ in range(draw(st.integers(1, 8))):
        if not acyclic:
            ops.append(Op(*(views(bases, 1) for _ in PHASES)))
        elif draw(st.booleans()):
            ops.append(Op(reads=views(bases), updates=views(state)))
        else:
            i = draw(st.integers(0, len(bases) - 1))
            name = draw(st.sampled_from(["sets", "incs"]))
            reads = views([*bases[:i], *state])
            ops.append(Op(reads=reads, **{name: views(bases[i : i + 1])}))
    return draw(st.permutations(ops))


def elements(sig):
    """The elements of the base that a view covers."""
    return set(sig.elemoffset + np.arange(sig.size) * sig.elemstrides[0])


def stretch(sig):
    """All elements of the base from the first to the last of a view."""
    return set(range(min(elements(sig)), max(elements(sig)) + 1))


def first_pairs(ops, cover=elements):
    """Which operators must run before which others, by comparing all of them."""
    uses = [
        [(phase, sig) for phase, name in enumerate(PHASES) for sig in getattr(op, name)]
        for op in ops
    ]
    return {
        (i, j)
        for (i, first), (j, then) in itertools.product(enumerate(uses), repeat=2)
        for p, a in first
        for q, b in then
        if p < q and a.base is b.base and cover(a) & cover(b)
    }


def is_cyclic(n, pairs):
    waiting = set(range(n))
    while waiting:
        free = {i for i in waiting if not any(j == i for k, j in pairs if k in waiting)}
        if not free:
            return True
        waiting -= free
    return False


def check_order(ops, plan, pairs):
    assert Counter(op for group in plan for op in group) == Counter(ops)
    place = {op: number for number, group in enumerate(plan) for op in group}
    assert all(place[ops[i]] < place[ops[j]] for i, j in pairs)


def kind(op):
    return tuple(len(getattr(op, name)) for name in PHASES)


@pytest.mark.parametrize("planner", PLANNERS)
@settings(deadline=None, max_examples=100)
@given(ops=operators(acyclic=True))
def test_operators_run_in_order(planner, ops):
    plan = planner(ops, kind)
    check_order(ops, plan, first_pairs(ops))
    for group in plan:
        assert len({kind(op) for op in group}) == 1


@pytest.mark.parametrize("planner", PLANNERS)
@settings(deadline=None, max_examples=100)
@given(ops=operators(acyclic=False))
def test_cycles_are_found(planner, ops):
    # As in Nengo, views that interleave count as overlapping.
    pairs = first_pairs(ops, cover=stretch)
    if is_cyclic(len(ops), pairs):
        with pytest.raises(BuildError, match="Cycle"):
            planner(ops, kind)
    else:
        check_order(ops, planner(ops, kind), pairs)


@pytest.mark.parametrize("planner", PLANNERS)
def test_a_cycle_names_its_operators(planner):
    a, b, c = signals(3)
    ops = [
        Op(sets=[a], tag="free"),
        Op(sets=[b], reads=[c], tag="one"),
        Op(sets=[c], reads=[a, b], tag="two"),
    ]
    with pytest.raises(BuildError, match="2 operators wait") as caught:
        planner(ops, kind)
    assert "one" in str(caught.value) and "two" in str(caught.value)
    assert "free" not in str(caught.value)


@pytest.mark.parametrize("first, then", itertools.combinations(PHASES, 2))
def test_an_operator_that_uses_its_own_result_is_a_cycle(first, then):
    """Nengo's rule: such as a connection from a node to itself without synapse."""
    (a,) = signals(1)
    with pytest.raises(BuildError, match="1 operators wait.*myself"):
        greedy_planner([Op(**{first: [a], then: [a[1:]]}, tag="myself")], kind)


# Lists of n operators on one busy signal, or on a chain of them.
def many_to_many(n):
    (busy,) = signals(1)
    return [
        *(Op(incs=[busy]) for _ in range(n)),
        *(Op(reads=[busy]) for _ in range(n)),
        *(Op(updates=[busy]) for _ in range(n)),
    ]


def views_and_whole(n):
    (busy,) = signals(1, size=2 * n)
    views = [busy[2 * i : 2 * i + 2] for i in range(n)]
    return [
        Op(sets=[busy]),
        *(Op(incs=[view]) for view in views),
        *(Op(reads=[view]) for view in views),
        *(Op(reads=[busy]) for _ in range(n)),
        Op(updates=[busy]),
    ]


def chain(n):
    sigs = signals(n + 1)
    return [Op(sets=[b], reads=[a]) for a, b in zip(sigs[:-1], sigs[1:], strict=True)]


@pytest.mark.parametrize("make", [many_to_many, views_and_whole, chain])
def test_the_number_of_edges_is_near_linear(make):
    for n in (20, 2000):
        ops = make(n)
        edges = sum(len(successors) for successors in Dependencies(ops).successors)
        assert edges <= 5 * len(ops)


@pytest.mark.parametrize("planner", MERGING)
@pytest.mark.parametrize("make", [many_to_many, views_and_whole, chain])
def test_each_operator_is_asked_once_what_it_merges_with(make, planner):
    asked = []
    ops = make(100)
    planner(ops, lambda op: (asked.append(op), kind(op))[1])
    assert asked == ops


@pytest.mark.parametrize("make", [many_to_many, views_and_whole, chain])
def test_greedy_looks_at_few_kinds(make, monkeypatch):
    """The number of comparisons does not grow with the number of operators."""
    compared = []
    promise = Schedule.promise

    def counting(self, kind):
        compared.append(kind)
        return promise(self, kind)

    monkeypatch.setattr(Schedule, "promise", counting)
    for n in (20, 2000):
        compared.clear()
        plan = greedy_planner(make(n), kind)
        assert len(compared) <= 3 * len(plan)


@pytest.mark.parametrize("planner", PLANNERS)
def test_plans_are_always_the_same(planner):
    """The order of operators decides, not their names or where they are in memory."""

    def numbers():
        ops = layers(12, name="the same")
        place = {op: i for i, op in enumerate(ops)}
        return [[place[op] for op in group] for group in planner(ops, kind)]

    assert numbers() == numbers()


def layers(n, name=None):
    """Three kinds of operators, each on what the ones before have computed."""
    a, b, c = (
        [Signal(np.zeros(2), name=name or f"{letter}{i}") for i in range(n)]
        for letter in "abc"
    )
    ops = [
        *(Op(sets=[x]) for x in a),
        *(Op(sets=[y], reads=[x]) for x, y in zip(a, b, strict=True)),
        *(Op(updates=[z], reads=[y]) for y, z in zip(b, c, strict=True)),
    ]
    np.random.RandomState(0).shuffle(ops)
    return ops


@pytest.mark.parametrize("planner", MERGING)
def test_all_that_is_ready_is_merged(planner):
    n = 50
    plan = planner(layers(n), kind)
    assert [len(group) for group in plan] == [n, n, n]
    assert [kind(group[0]) for group in plan] == [
        (1, 0, 0, 0),
        (1, 0, 1, 0),
        (0, 0, 1, 1),
    ]


def test_greedy_waits_for_the_rest_of_a_kind():
    """What is complete goes first; a kind of which some must wait is not torn."""
    a, b, c, d = signals(4)
    early, late = Op(sets=[a], tag="early"), Op(sets=[b], reads=[d], tag="late")
    other = Op(sets=[d], updates=[c], tag="other")
    plan = greedy_planner([early, late, other], lambda op: op is other)
    assert plan == [(other,), (early, late)]


def links(*tags):
    """A chain of operators with these tags, each on what the one before has set."""
    sigs = signals(len(tags) + 1)
    pairs = zip(sigs[:-1], sigs[1:], strict=True)
    return [
        Op(sets=[y], reads=[x], tag=tag)
        for tag, (x, y) in zip(tags, pairs, strict=True)
    ]


def tags(planner, ops, **kwargs):
    plan = planner(ops, lambda op: op.tag, **kwargs)
    return "".join(group[0].tag for group in plan)


def test_looking_ahead_saves_groups():
    """Greedy takes the larger share first, here an `a` of which more are to come."""
    ops = [*links(*"aa"), *links(*"bbab")]
    assert tags(greedy_planner, ops) == "aabbab"
    for planner in (tree_planner, transitive_planner):
        assert len(tags(planner, ops)) == 5


@settings(deadline=None, max_examples=100)
@given(ops=operators(acyclic=True))
def test_not_looking_ahead_is_greedy(ops):
    assert tree_planner(ops, kind, max_depth=1) == greedy_planner(ops, kind)


@pytest.mark.parametrize("max_depth", [0, -1, 1.5, None, "3"])
def test_bad_depth(max_depth):
    with pytest.raises(ValidationError, match="max_depth.*at least 1, got"):
        tree_planner(chain(3), kind, max_depth=max_depth)


def test_transitive_needs_a_group_for_each_link_of_the_longest_chain():
    ops = [*links(*"aaaa"), *links(*"aa"), *links(*"a")]
    plan = transitive_planner(ops, lambda op: op.tag)
    assert [len(group) for group in plan] == [3, 2, 1, 1]


def test_noop_planner_merges_nothing():
    ops = chain(5)
    assert noop_planner(ops[::-1], kind) == [(op,) for op in ops]


def n_pieces(plan, slot):
    """Count the contiguous pieces that a plan's groups read, apart from constants."""
    places, n = {}, 0
    for group in plan:
        read = [places.get(op.reads[slot].base) for op in group if op.reads]
        read = [place for place in read if place is not None]
        n += sum(b != a + 1 for a, b in itertools.pairwise(read)) + bool(read)
        for op in group:
            for sig in (*op.sets, *op.incs):
                places[sig.base] = len(places)
    return n


def test_sorting_makes_reads_contiguous():
    n, rng = 30, np.random.RandomState(1)
    constants, a, b, c = (signals(n, name=name) for name in "kabc")
    ops = [
        *(Op(sets=[x], reads=[k]) for k, x in zip(constants, a, strict=True)),
        *(Copy(x, y) for x, y in zip(a, b, strict=True)),
        *(Op(updates=[z], reads=[y]) for y, z in zip(b, c, strict=True)),
    ]
    rng.shuffle(ops)
    plan = greedy_planner(ops, lambda op: (type(op), kind(op)))
    plan = [tuple(rng.permutation(group)) for group in plan]
    ordered = order_signals(plan, frozenset(constants))
    assert [set(group) for group in ordered] == [set(group) for group in plan]
    assert n_pieces(ordered, 0) == 2
    assert n_pieces(plan, 0) > n
    assert noop_order_signals(plan, frozenset(constants)) is plan


def test_an_integrator_needs_few_groups():
    """The number of groups does not grow with the number of ensembles."""
    sizes = []
    for n in (2, 12):
        with nengo.Network(seed=0) as net:
            array = nengo.networks.EnsembleArray(5, n)
            nengo.Connection(array.output, array.input, synapse=0.1)
            nengo.Probe(array.output)
        with Simulator(net, progress_bar=False) as sim:
            sizes.append(len(program_of(sim).groups))
    assert sizes[0] == sizes[1] <= 15
