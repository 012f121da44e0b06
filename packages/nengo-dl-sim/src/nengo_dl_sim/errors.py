"""Exceptions of the simulator that Nengo has no word for."""

from __future__ import annotations

from typing import Any

from nengo.exceptions import SimulationError, ValidationError


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
