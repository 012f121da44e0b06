"""Finite differences: of what, in which directions, and with which error."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

#: Steps are tried from large to small: too large ones meet kinks (thresholds of
#: neurons), too small ones drown in rounding, and where that begins nobody knows.
STEPS = 0.1 / 4.0 ** np.arange(8)


class Derivative(NamedTuple):
    """
    A derivative by finite differences.

    Parameters
    ----------
    value : (n,) array
        The derivative of each element.
    error : (n,) array
        How far from the truth it may be, roughly.
    """

    value: np.ndarray
    error: np.ndarray


def derivative(function: Callable[[float], np.ndarray], epsilon: float) -> Derivative:
    """
    Differentiate a function of one number at zero.

    Of central differences with ever smaller steps, each element gets the one that
    agrees best with its neighbours. (With both: two may agree by chance.)

    Returns the derivative of each element. Its error is the difference from the
    neighbours, and what rounding may have added.
    """
    found = [_difference(function, step, epsilon) for step in STEPS]
    values, rounding = (np.stack(arrays) for arrays in zip(*found, strict=True))
    changes = np.abs(np.diff(values, axis=0))
    errors = np.maximum(changes[:-1], changes[1:]) + rounding[1:-1]
    best = np.argmin(errors, axis=0)[None]
    return Derivative(
        np.take_along_axis(values[1:-1], best, axis=0)[0],
        np.take_along_axis(errors, best, axis=0)[0],
    )


def _difference(
    function: Callable[[float], np.ndarray], step: float, epsilon: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the central difference, and what rounding may do to it."""
    up, down = (np.asarray(function(s), np.float64) for s in (step, -step))
    # What is added up may be larger than the sum: at least of order one, as what
    # Nengo represents, and as large as the largest value.
    size = max(1.0, np.max(np.abs([up, down]), initial=0.0))
    return (up - down) / (2 * step), np.full(up.shape, 2 * epsilon * size / step)


#: The values of nodes, (n_steps, n_stepped, batch), then the trainable variables.
Sources = Sequence[np.ndarray]


class Subject(ABC):
    """
    Something that goes into a network, and ways to change it.

    Attributes
    ----------
    name : str
        What it is called in messages.
    n_directions : int
        The number of ways.
    """

    name: str
    n_directions: int

    @abstractmethod
    def along(self, gradients: Sources) -> np.ndarray:
        """
        Return the derivative in each direction.

        Shapes: returns (n_directions,).
        """

    @abstractmethod
    def moved(self, sources: Sources, direction: int, step: float) -> list[np.ndarray]:
        """Return the sources, changed a bit."""


class NodeValues(Subject):
    """
    The values of a node: each element in each step, for all items at once.

    Parameters
    ----------
    name : str
        What it is called in messages.
    rows : slice
        Where the node's values are.
    n_steps : int
        The number of steps.
    """

    def __init__(self, name: str, rows: slice, n_steps: int) -> None:
        self.name = name
        self._rows = rows
        self._size = rows.stop - rows.start
        self.n_directions = n_steps * self._size

    def along(self, gradients: Sources) -> np.ndarray:
        """Return the derivative with respect to each element in each step."""
        return np.ravel(gradients[0][:, self._rows].sum(axis=-1))

    def moved(self, sources: Sources, direction: int, step: float) -> list[np.ndarray]:
        """Change one element in one step."""
        time, element = divmod(direction, self._size)
        stepped = np.array(sources[0])
        stepped[time, self._rows.start + element] += step
        return [stepped, *sources[1:]]


class ParameterValues(Subject):
    """
    A parameter, all elements at once in a random direction.

    An error in any element shows (one direction cannot be orthogonal to it, but by
    chance), at the price of one derivative.

    Parameters
    ----------
    name : str
        What it is called in messages.
    source : int
        The source it is in.
    rows : slice
        Where in the source it is.
    value : array
        Its value: steps are in proportion to its largest element.
    rng : numpy.random.RandomState
        Draws the direction.
    """

    n_directions = 1

    def __init__(
        self,
        name: str,
        source: int,
        rows: slice,
        value: np.ndarray,
        rng: np.random.RandomState,
    ) -> None:
        self.name = name
        self._source = source
        self._rows = rows
        size = np.max(np.abs(value), initial=0) or 1
        self._change = size * rng.choice([-1.0, 1.0], np.shape(value))

    def along(self, gradients: Sources) -> np.ndarray:
        """Return the derivative in the direction."""
        gradient = gradients[self._source][self._rows]
        return np.reshape(np.sum(gradient * self._change, dtype=np.float64), (1,))

    def moved(self, sources: Sources, direction: int, step: float) -> list[np.ndarray]:
        """Change all elements."""
        del direction
        moved = list(sources)
        moved[self._source] = value = np.array(sources[self._source])
        value[self._rows] += step * self._change
        return moved
