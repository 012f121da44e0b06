"""The state of one program as the state of another."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .program import Program
from .state import State, StateArray


class StateSource(NamedTuple):
    """
    Where some elements of a state array come from.

    Parameters
    ----------
    array : int
        A state array of the other program, by number.
    places : (n,) array of int
        The elements in that array.
    targets : (n,) array of int
        The elements here.
    """

    array: int
    places: np.ndarray
    targets: np.ndarray


class StateTransfer:
    """
    Takes the state of one program over into another.

    Parameters
    ----------
    source : Program
        The program whose state is taken.
    target : Program
        The program that is to go on from it.
    rows : (n_rows,) array of int
        For each row of the target the row of the source that has its value.

    Raises
    ------
    KeyError
        If the source has no state for some element of the target's.
    """

    def __init__(self, source: Program, target: Program, rows: np.ndarray) -> None:
        self._source = source
        self._target = target
        self._origins = [_origins(source, a, rows) for a in target.states]

    def __call__(self, state: State) -> State:
        """Return a state of the target."""
        pairs = zip(self._source.states, state.arrays, strict=True)
        before = [array.elements(value) for array, value in pairs]
        arrays = []
        for array, origins in zip(self._target.states, self._origins, strict=True):
            values = np.empty((array.signal.size, array.batch), array.signal.dtype)
            for origin in origins:
                values[origin.targets] = before[origin.array][origin.places]
            arrays.append(array.tensor(values))
        return state._replace(arrays=arrays)


def _origins(source: Program, array: StateArray, rows: np.ndarray) -> list[StateSource]:
    wanted = rows[array.signal.rows]
    numbers, places = np.where(wanted < 0, -1, source.state_index.of_rows[:, wanted])
    if np.any(numbers < 0):
        raise KeyError(array.signal)
    found = ((int(n), np.flatnonzero(numbers == n)) for n in np.unique(numbers))
    return [StateSource(number, places[here], here) for number, here in found]
