"""Exceptions of the simulator that Nengo has no word for."""

from __future__ import annotations

from nengo.exceptions import SimulationError, ValidationError


class InferenceOnlyError(ValidationError, SimulationError):
    """Training was asked of a simulator that was built for inference only."""
