"""What a random network is made from: choices by Hypothesis, numbers from a seed."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st


class Dice:
    """
    Draws of one example.

    Hypothesis chooses what a network is built of, and simplifies that if a network
    fails. Its numbers (weights, rates) follow from a seed: there is nothing to simplify
    in them, and round ones would put neurons on their thresholds, where an error of
    rounding decides.
    """

    def __init__(self, draw: Any) -> None:
        self._draw = draw
        self.rng = np.random.RandomState(draw(st.integers(0, 999)))

    def one_of(self, options: Sequence) -> Any:
        """Choose an option; the first is the simplest."""
        return options[self._draw(st.integers(0, len(options) - 1))]

    def integer(self, low: int, high: int) -> int:
        """Choose an integer, ``high`` included."""
        return self._draw(st.integers(low, high))

    def chance(self, percent: int) -> bool:
        """Say yes in so many cases; no is the simplest."""
        return self._draw(st.integers(0, 99)) >= 100 - percent

    def numbers(self, *shape: int, scale: float = 1.0) -> np.ndarray:
        """Return numbers between -scale and scale."""
        return self.rng.uniform(-scale, scale, size=shape)

    def number(self, low: float, high: float) -> float:
        """Return a number."""
        return float(self.rng.uniform(low, high))

    def indices(self, size: int) -> Any:
        """Choose what selects a part of a vector: all, a slice, or a list."""
        kind = self.one_of(["all", "all", "slice", "step", "integer", "list"])
        if kind == "integer":
            return self.integer(-size, size - 1)
        if kind == "list":
            length = self.integer(1, size)
            return [self.integer(-size, size - 1) for _ in range(length)]
        if kind == "all" or size == 1:
            return slice(None)
        if kind == "step":
            return slice(None, None, self.one_of([2, -1, -2, 3]))
        start = self.integer(0, size - 1)
        return slice(start, self.integer(start + 1, size))

    def view(self, obj: Any) -> Any:
        """Choose a part of an object, or all of it."""
        which = self.indices(obj.size_out or obj.size_in)
        whole = isinstance(which, slice) and which == slice(None)
        return obj if whole else obj[which]
