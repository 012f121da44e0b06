"""Programs as text."""

import nengo
import numpy as np
import pytest
from nengo.builder import Model
from nengo.builder.operator import DotInc, Operator, Reset
from nengo.builder.processes import SimProcess
from nengo.builder.signal import Signal

from nengo_dl_ops import BuildConfig
from nengo_dl_ops.step import PlanSettings, SignalRoles, build_program
from nengo_dl_ops.step.description import describe_group


def signal(name, *shape):
    return Signal(np.zeros(shape), name=name)


@pytest.fixture
def program():
    """Two products of a state, with weights of which one is trained."""
    x, time = signal("x", 2), signal("time")
    weights = [signal("W0", 3, 2), signal("W1", 3, 2)]
    sums = [signal("y0", 3), signal("y1", 3)]
    z = Signal(sums[0].initial_value[:2], name="z", base=sums[0])
    state = {"X": signal("state", 1, 2)}
    ops = [
        *map(Reset, sums),
        *(DotInc(W, x, y) for W, y in zip(weights, sums, strict=True)),
        SimProcess(nengo.Lowpass(0.1), z, x, time, "update", state),
    ]
    roles = SignalRoles(trainable=frozenset(weights[:1]))
    settings = PlanSettings(simplifications=[])
    return build_program(Model(), ops, roles, settings, BuildConfig(minibatch_size=4))


def test_text_of_a_program(program):
    assert repr(program) == "<Program: 4 groups of operators, minibatch of 4>"
    assert str(program).splitlines() == [
        repr(program),
        "parameters 0: W0 (6 values), trainable",
        "parameters 1: W1 (6 values)",
        "parameters 2: time (1 value)",
        "state 0: x (2 values), batch of 4",
        "state 1: state (2 values), batch of 4",
        "group 0: 2 Reset; sets y0 and 1 more (6 values)",
        "group 1: 1 DotInc; incs y0 (3 values); reads W0 (6 values), x (2 values)",
        "group 2: 1 DotInc; incs y1 (3 values); reads W1 (6 values), x (2 values)",
        "group 3: 1 SimProcess; reads time (1 value), z (2 values); "
        "updates x (2 values), state (2 values)",
    ]


def test_operators_of_a_group_may_differ_in_how_much_they_access():
    a, b, c = signal("a", 2), signal("b", 2), signal("c", 3)
    pair, one = Operator(), Operator()
    pair.reads, one.reads = [a, b], [c]
    pair.sets = pair.incs = pair.updates = one.sets = one.incs = one.updates = []
    text = describe_group([pair, one])
    assert text == "2 Operator; reads a and 1 more (5 values), b (2 values)"
