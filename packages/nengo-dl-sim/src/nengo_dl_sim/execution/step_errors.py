"""What went wrong in a step, in words of who is to blame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import tensorflow as tf
from nengo.exceptions import SimulationError

from nengo_dl_ops import PythonBuilder
from nengo_dl_ops.step.program import Program


@contextmanager
def python_errors(program: Program) -> Iterator[None]:
    """Raise what Python code in the step raised, not what TensorFlow makes of it."""
    try:
        yield
    except tf.errors.OpError:
        groups = [group for group in program.groups if isinstance(group, PythonBuilder)]
        # All of them: one that stayed would be taken for the cause of a later error.
        failures = [group.take_failure() for group in groups if group.failure]
        if not failures:
            raise
        raise failures[0] from failures[0].__cause__


def check_finite_steps(
    program: Program, failed: Iterable[Any], start_step: int, more: str = ""
) -> None:
    """
    Refuse steps in which a function of TensorFlow gave no finite numbers.

    ``failed``: for each of `Program.checked`, the first step in which it was not
    finite, counted from 0; -1 if there was none.
    """
    steps = zip(failed, program.checked, strict=True)
    bad = [(int(step), name) for step, (name, _) in steps if int(step) >= 0]
    if bad:
        step, name = min(bad)
        time = (start_step + step + 1) * program.groups[0].config.dt
        raise SimulationError(
            f"{name}: expected its function to return finite numbers of "
            f"{program.layout.dtype}, got NaN or infinity at t={time:g}{more}"
        )
