"""When XLA compiles a simulation."""

import pytest

from nengo_dl_ops.step.program import StepSize
from nengo_dl_sim.execution.jit_policy import Mode, choose_mode


@pytest.mark.parametrize(
    "jit_compile, n_values, python, n_steps, expected",
    [
        (False, 10**9, False, 10**9, Mode.GRAPH),
        (True, 1, False, 1, Mode.XLA),
        (True, 1, True, 1, Mode.HYBRID),
        ("auto", 10**4, False, 100, Mode.GRAPH),
        ("auto", 10**4, False, 10**6, Mode.XLA),
        ("auto", 10**4, True, 10**6, Mode.HYBRID),
        # Many values a step, as in large minibatches, repay it in fewer steps.
        ("auto", 10**7, False, 100, Mode.XLA),
    ],
)
def test_choice(jit_compile, n_values, python, n_steps, expected):
    mode = choose_mode(jit_compile, StepSize(10, n_values, 1), python, n_steps)
    assert mode is expected


def test_more_groups_take_longer_to_compile():
    sizes = [StepSize(n, 10**6, 1) for n in (5, 500)]
    modes = [choose_mode("auto", size, False, 1000) for size in sizes]
    assert modes == [Mode.XLA, Mode.GRAPH]


def test_large_weights_take_longer_as_a_graph():
    sizes = [StepSize(10, 10**4, n) for n in (10**4, 10**7)]
    modes = [choose_mode("auto", size, False, 100) for size in sizes]
    assert modes == [Mode.GRAPH, Mode.XLA]
