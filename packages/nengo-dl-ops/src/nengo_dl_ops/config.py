"""What an operator builder may know about the simulation it is part of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Share(NamedTuple):
    """
    Some of the items of a minibatch, of which others compute the rest.

    Parameters
    ----------
    start : int
        The number of the first of them.
    size : int
        How many they are.
    whole : int
        How many items the minibatch has.
    """

    start: int
    size: int
    whole: int

    @property
    def items(self) -> slice:
        """Which of the items of the minibatch they are."""
        return slice(self.start, self.start + self.size)


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
    share : Share, optional
        Which items of a larger minibatch these are: what is random follows from an
        item's number in that one. None: they are all of it.
    """

    dt: float = 0.001
    minibatch_size: int = 1
    dtype: str = "float32"
    share: Share | None = None
