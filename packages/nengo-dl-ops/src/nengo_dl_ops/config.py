"""What an operator builder may know about the simulation it is part of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BuildConfig:
    """
    The settings of a simulation that its operators depend on.

    Parameters
    ----------
    dt : float
        The length of a time step, in seconds.
    minibatch_size : int
        The number of items that are simulated at once.
    dtype : {"float16", "float32", "float64"}
        The type of floating point signals.
    """

    dt: float = 0.001
    minibatch_size: int = 1
    dtype: str = "float32"
