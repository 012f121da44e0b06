"""Random networks give the same answer as in nengo.Simulator, and a fault is found."""

import os
import warnings
from dataclasses import replace

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, assume
from nengo.builder import Model
from nengo.exceptions import NengoException
from random_networks.comparison import Disagreement, compare_with_nengo, settings
from random_networks.description import describe
from random_networks.networks import networks

from nengo_dl_ops.learning_rules import SimPESBuilder
from nengo_dl_ops.neurons import LIFBuilder
from nengo_dl_ops.operators import event_driven
from nengo_dl_ops.operators.copies import CopyBuilder
from nengo_dl_ops.operators.nonzero import Nonzero
from nengo_dl_ops.operators.sparse import SparseDotIncBuilder
from nengo_dl_ops.planning.simplify import DEFAULT_SIMPLIFICATIONS, simplify
from nengo_dl_ops.planning.spikes import follow_spikes
from nengo_dl_ops.synapses.linear_filter import LinearFilterBuilder
from nengo_dl_ops.synapses.triangle import TriangleBuilder

#: How many networks to try, others in every run; by default a few, always the same.
N_NETWORKS = int(os.environ.get("NENGO_DL_RANDOM_NETWORKS", 0))

search = hypothesis.settings(
    derandomize=not N_NETWORKS,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@hypothesis.given(networks(), settings)
@hypothesis.settings(search, max_examples=15)
def test_equals_nengo(net, settings):
    compare_with_nengo(net, settings)


@pytest.mark.slow
@hypothesis.given(networks(), settings)
@hypothesis.settings(search, max_examples=N_NETWORKS or 15)
def test_many_equal_nengo(net, settings):
    compare_with_nengo(net, settings)


@pytest.fixture
def follow_always(monkeypatch):
    """Follow spikes in products of any size, however many there are."""
    large = {
        "COSTS": event_driven.COSTS._replace(entry=100.0),
        "DENSE_COSTS": event_driven.DENSE_COSTS._replace(entry=100.0),
        "_MIN_ROWS": 1,
        "_TRANSPOSED_STEPS": 1,
    }
    for name, value in large.items():
        monkeypatch.setattr(f"nengo_dl_ops.operators.event_driven.{name}", value)


def compare_following(net, settings):
    """Compare a network in which some products follow spikes, compiled."""
    model = Model()
    try:
        with warnings.catch_warnings(action="ignore"):
            model.build(net)
    except NengoException:
        assume(False)
    ops = follow_spikes(simplify(model.operators, set(), DEFAULT_SIMPLIFICATIONS))
    assume(any(isinstance(op, event_driven.EventDrivenProduct) for op in ops))
    compare_with_nengo(net, replace(settings, jit_compile=True))


@pytest.mark.slow
def test_following_spikes_equals_nengo(follow_always):
    @hypothesis.given(networks(), settings)
    @hypothesis.settings(search, max_examples=N_NETWORKS or 20)
    def compare(net, settings):
        compare_following(net, settings)

    compare()


@pytest.mark.slow
def test_a_fault_in_following_spikes_is_found(monkeypatch, follow_always):
    place = Nonzero.place
    monkeypatch.setattr(Nonzero, "place", lambda self, k: place(self, k) // 2 * 2)

    @hypothesis.given(networks(), settings)
    @hypothesis.settings(
        search,
        max_examples=40,
        derandomize=True,
        phases=[Phase.generate],
        report_multiple_bugs=False,
    )
    def compare(net, settings):
        compare_following(net, settings)

    with pytest.raises(Disagreement):
        compare()


def a_step_late(builder):
    """A lowpass filter gives the output of the step before."""
    step = builder.step

    def late(self, u, state):
        y, new = step(self, u, state)
        return (state["X"][0] if state["X"].shape[0] == 1 else y), new

    return late


def sets_instead(builder):
    """What should be added replaces what is there."""

    def build_step(self, signals):
        signals.copy(self.src, self.dst)

    return build_step


def a_thousandth_more(builder):
    """The output is a little too large."""
    step = builder.step

    def scaled(self, u, state):
        y, new = step(self, u, state)
        return 1.001 * y, new

    return scaled


def a_millionth_more(builder):
    """A factor of the group is a little too large."""
    init = builder.__init__

    def scaled(self, ops, layout, config):
        init(self, ops, layout, config)
        self.alpha = self.alpha * (1 + 1e-6)

    return scaled


def the_other_way(builder):
    """Columns are read from the end."""
    init = builder.__init__

    def reversed_columns(self, ops, layout, config):
        init(self, ops, layout, config)
        self.X = self.X[::-1]

    return reversed_columns


#: A builder, a method of it, what is wrong with that, and a word that stands in the
#: description of networks which show it: others need not run.
FAULTS = [
    (LinearFilterBuilder, "step", a_step_late, ""),
    *(
        pytest.param(*fault, marks=pytest.mark.slow)
        for fault in (
            (CopyBuilder, "build_step", sets_instead, ""),
            (LIFBuilder, "step", a_thousandth_more, "LIF("),
            (TriangleBuilder, "step", a_thousandth_more, "Triangle"),
            (SimPESBuilder, "__init__", a_millionth_more, "PES"),
            (SparseDotIncBuilder, "__init__", the_other_way, "Sparse"),
        )
    ),
]


@pytest.mark.parametrize("builder, method, fault, word", FAULTS)
def test_a_fault_is_found(builder, method, fault, word, monkeypatch):
    monkeypatch.setattr(builder, method, fault(builder))

    @hypothesis.given(networks(), settings)
    @hypothesis.settings(
        search,
        max_examples=200,
        derandomize=True,
        phases=[Phase.generate],
        report_multiple_bugs=False,
    )
    def compare(net, settings):
        if word in describe(net):
            compare_with_nengo(net, replace(settings, jit_compile=False))

    with pytest.raises(Disagreement):
        compare()
