"""Everything that Nengo offers, in every mode, equals nengo.Simulator."""

import functools
import os
from itertools import combinations, product
from typing import NamedTuple

import nengo
import numpy as np
import pytest
from battery.bench import N_ITEMS, N_STEPS, Bench, stimuli
from battery.families import FAMILIES
from helpers import program_of

from nengo_dl_sim import Simulator, configure_settings

SEED = 3


class Way(NamedTuple):
    """One way to run a network."""

    mode: str
    dtype: str
    minibatch_size: int | None
    unroll: int


#: Every pair of settings is in one of these.
WAYS = [
    Way("graph", "float64", None, 2),
    Way("graph", "float32", 1, 1),
    Way("graph", "float64", 5, 1),
    Way("XLA", "float32", None, 1),
    Way("XLA", "float64", 1, 2),
    Way("XLA", "float32", 5, 1),
    Way("hybrid", "float64", None, 1),
    Way("hybrid", "float64", 1, 1),
    Way("hybrid", "float32", 5, 2),
]
MODES, TYPES = ["graph", "XLA", "hybrid"], ["float32", "float64"]
ALL_WAYS = [Way(*way) for way in product(MODES, TYPES, [None, 1, 5], [1, 2])]

#: All of them take ten minutes.
WHOLE = bool(os.environ.get("NENGO_DL_WHOLE_BATTERY"))

#: For each family the class that all members inherit from, how to find the classes in
#: a network, and what the tables leave out: what spikes at random is tested by its
#: statistics, and what others inherit from is nothing by itself.
MEMBERS = {
    "neurons": (
        nengo.neurons.NeuronType,
        lambda net: [ens.neuron_type for ens in net.all_ensembles],
        {"StochasticSpiking", "PoissonSpiking", "RatesToSpikesNeuronType"},
    ),
    "synapses": (
        nengo.synapses.Synapse,
        lambda net: [connection.synapse for connection in net.all_connections],
        set(),
    ),
    "transforms": (
        nengo.transforms.Transform,
        lambda net: [connection.transform for connection in net.all_connections],
        {"_ConvolutionBase"},
    ),
    "rules": (
        nengo.learning_rules.LearningRuleType,
        lambda net: [r.learning_rule_type for r in _rules(net)],
        set(),
    ),
    "processes": (
        nengo.Process,
        lambda net: [node.output for node in net.all_nodes],
        {"Synapse"},
    ),
}


def build(family, python=False, item=0):
    """Make a network that holds all members of a family."""
    table, add = FAMILIES[family]
    with nengo.Network(seed=0) as net:
        net.bench = Bench(python, item)
        for number, row in enumerate(table):
            with nengo.Network():
                add(net.bench, number, row)
        net.bench.finish()
    return net


@functools.cache
def references(family):
    """Run Nengo's simulator for every batch item."""
    return [reference(family, item) for item in range(N_ITEMS)]


def reference(family, item):
    net = build(family, item=item)
    with nengo.Simulator(net, seed=SEED, optimize=False, progress_bar=False) as sim:
        sim.run_steps(N_STEPS)
    return {r.name: sim.data[r.probe][:, r.part] for r in net.bench.records}


def simulate(family, way):
    """Run our simulator, and return the (items, steps, ...) values of all records."""
    net = build(family, python=way.mode == "hybrid")
    with net:
        configure_settings(dtype=way.dtype)
    data = {net.bench.stimulus: stimuli()[: way.minibatch_size or 1]}
    with Simulator(
        net,
        seed=SEED,
        minibatch_size=way.minibatch_size,
        unroll_simulation=way.unroll,
        jit_compile=way.mode != "graph",
        progress_bar=False,
    ) as sim:
        sim.run_steps(N_STEPS, data=data)
        assert program_of(sim).runs_python == (way.mode == "hybrid")
    for record in net.bench.records:
        values = sim.data[record.probe]
        values = values[None] if way.minibatch_size is None else values
        yield record, values[:, :, record.part]


def compare(record, found, expected, dtype):
    assert found.shape == expected.shape
    if record.spikes and dtype == "float32":
        heights = np.max(np.abs(expected), initial=1)
        found, expected = (np.sum(x, axis=0) / heights for x in (found, expected))
        atol = 1.01
    else:
        tolerance = {"float64": 1e-9, "float32": 1e-4}[dtype]
        atol = tolerance * np.max(np.abs(expected), initial=1e-6)
    np.testing.assert_allclose(found, expected, rtol=0, atol=atol, err_msg=record.name)


def check(family, way):
    for record, found in simulate(family, way):
        for item, values in enumerate(found):
            if item == 0 or not record.own:
                expected = references(family)[item][record.name]
                compare(record, values, expected, way.dtype)
            else:
                assert np.any(values != found[0]), record.name


def cases():
    """
    All families in all ways, or in some.

    Steps that are written out one after another take long to compile, and are the same
    whatever they hold: two families have them.
    """
    for family, way in product(FAMILIES, ALL_WAYS if WHOLE else WAYS):
        long = way.unroll > 1 and way.mode != "graph"
        if WHOLE or not long or family in ("processes", "synapses"):
            slow = [pytest.mark.slow] if way.unroll > 1 else []
            name = "-".join(map(str, (family, *way)))
            yield pytest.param(family, way, marks=slow, id=name)


@pytest.mark.parametrize("family, way", cases())
def test_equals_nengo(family, way):
    check(family, way)


def test_the_ways_hold_every_pair_of_settings():
    def pairs(ways):
        return {pair for way in ways for pair in combinations(enumerate(way), 2)}

    assert pairs(WAYS) == pairs(ALL_WAYS)


@pytest.mark.parametrize("family", FAMILIES)
def test_all_that_is_recorded_changes(family):
    """Weights that do not learn, or neurons that are silent, would show nothing."""
    expected = references(family)[0]
    assert len(expected) == len(build(family).bench.records)
    for name, values in expected.items():
        assert np.max(np.ptp(values, axis=0)) > 1e-3 * np.max(np.abs(values)), name


def _rules(net):
    for connection in net.all_connections:
        rules = connection.learning_rule
        rules = list(rules.values()) if isinstance(rules, dict) else rules
        yield from rules if isinstance(rules, list) else [rules] if rules else []


def _subclasses(kind):
    for subclass in kind.__subclasses__():
        module = subclass.__module__
        if module.startswith("nengo.") and not module.startswith("nengo.tests"):
            yield subclass
            yield from _subclasses(subclass)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_tables_are_complete(family):
    kind, find, left_out = MEMBERS[family]
    known = {type(member).__name__ for member in find(build(family))}
    assert {subclass.__name__ for subclass in _subclasses(kind)} - known == left_out
