"""Where each signal lies in the state of a simulation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from nengo.builder.signal import Signal
from numpy.typing import ArrayLike

from nengo_dl_signals import SignalLayout, stored_value

from .arrays import State, StateArray


class StatePlaces:
    """
    Reads and replaces single signals of a state.

    Parameters
    ----------
    layout : SignalLayout
        The addresses of all signals.
    states : list of StateArray
        What the state consists of.

    Attributes
    ----------
    of_rows : (2, n_rows) array of int
        The state array that holds each row (-1: none), and the place in it.
    """

    def __init__(self, layout: SignalLayout, states: Sequence[StateArray]) -> None:
        self._layout = layout
        self._states = states
        self.of_rows = np.full((2, layout.n_rows), -1)
        for number, array in enumerate(states):
            self.of_rows[0, array.signal.rows] = number
            self.of_rows[1, array.signal.rows] = np.arange(len(array.signal.rows))

    def value(self, base: Signal, state: State) -> np.ndarray | None:
        """
        Return the value of a signal.

        Parameters
        ----------
        base : nengo.builder.Signal
            A base signal.
        state : State
            A state of the simulation.

        Returns
        -------
        value : (batch, *shape) array or None
            None if the signal is not part of the state.
        """
        number, places = self._find(base)
        if not len(places):
            return None
        elements = self._states[number].elements(state.arrays[number])[places]
        shape = stored_value(base).shape
        return np.moveaxis(elements.reshape((*shape, -1)), -1, 0)

    def with_value(self, state: State, base: Signal, value: ArrayLike) -> State:
        """
        Give a signal another value.

        Parameters
        ----------
        state : State
            A state of the simulation.
        base : nengo.builder.Signal
            A base signal. Nothing changes if it is not part of the state.
        value : array_like
            Its value, of the signal's shape, for all batch items.

        Returns
        -------
        state : State
            The same but for the signal.
        """
        number, places = self._find(base)
        if not len(places):
            return state
        arrays = list(state.arrays)
        changed = self._states[number].elements(arrays[number]).copy()
        changed[places] = np.reshape(value, (-1, 1))
        arrays[number] = self._states[number].tensor(changed)
        return state._replace(arrays=arrays)

    def _find(self, base: Signal) -> tuple[int, np.ndarray]:
        """Return which state array holds a signal, and where; nowhere if none does."""
        if base in self._layout and base not in self._layout.constants:
            array, places = self.of_rows[:, self._layout.rows(base)]
            if len(array) and array[0] >= 0:
                return int(array[0]), places
        return 0, np.zeros(0, int)
