"""Which way of executing the step pays: compiled by XLA, or as a plain graph."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from enum import Enum

from nengo.exceptions import ValidationError

from nengo_dl_ops.step.program import StepSize

logger = logging.getLogger(__name__)

#: Rough costs in seconds, measured on two cores of a common server: compiling, for one
#: group of operators and once; what a step costs more without it, for one group, for
#: one value that is computed, and for one parameter that is read.
COMPILE_SECONDS_PER_GROUP = 0.05
COMPILE_SECONDS = 0.1
GRAPH_SECONDS_PER_GROUP = 5e-6
GRAPH_SECONDS_PER_VALUE = 1e-9
GRAPH_SECONDS_PER_PARAMETER = 1.5e-10

#: How many times as many steps as so far are expected: who simulates goes on.
EXPECTED_STEPS = 5


class Mode(Enum):
    """How a loop over steps is executed."""

    #: XLA compiles the whole loop.
    XLA = "compiled by XLA"
    #: TensorFlow runs the loop, XLA compiles what lies between calls of Python.
    HYBRID = "compiled by XLA between calls of Python"
    #: TensorFlow runs everything.
    GRAPH = "as a graph"


def check_xla(jit_compile: bool | str, unknown: Mapping[str, str]) -> bool:
    """
    Find out whether XLA can compile a program that it is to compile.

    Returns whether it can.
    """
    if unknown and jit_compile is True:
        named = ", ".join(f"{tag}{reason}" for tag, reason in unknown.items())
        raise ValidationError(
            "expected a network that XLA can compile, got one with operations that it "
            f'lacks, in {named}: use jit_compile="auto", which runs such networks '
            "without XLA",
            attr="jit_compile",
        )
    return not unknown


def choose_mode(
    jit_compile: bool | str, size: StepSize, python: bool, n_steps: int
) -> Mode:
    """
    Decide how a simulation is executed.

    Returns the compiled mode if that is asked for, or if the time saved in the steps to
    be expected repays the compilation.
    """
    expected = EXPECTED_STEPS * n_steps
    saving = _saved_seconds(size) * expected
    repays = saving > _compile_seconds(size)
    compiled = repays if jit_compile == "auto" else bool(jit_compile)
    mode = (Mode.HYBRID if python else Mode.XLA) if compiled else Mode.GRAPH
    logger.info(
        "Running %s (jit_compile=%s): compiling %d groups takes about %.1f s, and "
        "saves about %.2f s in the %d steps to be expected",
        mode.value,
        jit_compile,
        size.n_groups,
        _compile_seconds(size),
        saving,
        expected,
    )
    return mode


def _compile_seconds(size: StepSize) -> float:
    """Return about how long it takes to compile a step."""
    return COMPILE_SECONDS_PER_GROUP * size.n_groups + COMPILE_SECONDS


def _saved_seconds(size: StepSize) -> float:
    """Return about how much faster a step is, once compiled."""
    return (
        GRAPH_SECONDS_PER_GROUP * size.n_groups
        + GRAPH_SECONDS_PER_VALUE * size.n_values
        + GRAPH_SECONDS_PER_PARAMETER * size.n_parameters
    )
