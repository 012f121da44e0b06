"""What gradients are checked with respect to: values of nodes, and parameters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

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

        Parameters
        ----------
        gradients : list of array
            The gradient with respect to each source.

        Returns
        -------
        derivatives : (n_directions,) array
            The derivatives.
        """

    @abstractmethod
    def moved(self, sources: Sources, direction: int, step: float) -> list[np.ndarray]:
        """
        Return the sources, changed a bit.

        Parameters
        ----------
        sources : list of array
            What goes into the network.
        direction : int
            Which of the directions.
        step : float
            How far to go.

        Returns
        -------
        sources : list of array
            The same but for one of them.
        """


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
