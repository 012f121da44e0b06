"""Exceptions of the simulator that Nengo has no word for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import tensorflow as tf
from nengo.exceptions import SimulationError, ValidationError

from nengo_dl_ops import PythonBuilder
from nengo_dl_ops.step.program import Program


class InferenceOnlyError(ValidationError, SimulationError):
    """Training was asked of a simulator that was built for inference only."""


class SummaryError(ValidationError, SimulationError):
    """A summary was asked for that cannot be written (in NengoDL 2 the latter)."""


class UnknownObjectError(ValidationError, KeyError):
    """
    Data was asked for of an object that is not part of the simulated network.

    Parameters
    ----------
    key : object
        What was asked for.
    obj : object
        What was asked.
    """

    def __init__(self, key: Any, obj: Any) -> None:
        text = f"expected an object of the simulated network, got {key!r}"
        ValidationError.__init__(self, text, attr="data", obj=obj)

    def __str__(self) -> str:  # a KeyError would put the text in quotes
        return f"{type(self.obj).__name__}.{self.attr}: {self.args[0]}"


@contextmanager
def python_errors(program: Program) -> Iterator[None]:
    """
    Raise what Python code inside the step raised, not what TensorFlow makes of it.

    Parameters
    ----------
    program : Program
        The program that is run in the context.

    Raises
    ------
    nengo.exceptions.SimulationError
        If Python code failed; the cause is its own exception.
    """
    try:
        yield
    except tf.errors.OpError:
        groups = [group for group in program.groups if isinstance(group, PythonBuilder)]
        # All of them: one that stayed would be taken for the cause of a later error.
        failures = [group.take_failure() for group in groups if group.failure]
        if not failures:
            raise
        raise failures[0] from failures[0].__cause__
