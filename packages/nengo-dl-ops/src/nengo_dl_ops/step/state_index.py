"""Where each signal lies in the state of a simulation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from nengo.builder.signal import Signal
from numpy.typing import ArrayLike

from nengo_dl_signals import SignalLayout, stored_value

from .state import State, StateArray


class StateIndex:
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
        # By row, as the layout counts: what lies where differs from plan to plan.
        self.of_rows = np.full((2, layout.n_rows), -1)
        for number, array in enumerate(states):
            self.of_rows[0, array.signal.rows] = number
            self.of_rows[1, array.signal.rows] = np.arange(len(array.signal.rows))

    def value(self, base: Signal, state: State) -> np.ndarray | None:
        """
        Return the value of a signal.

        Returns (batch, *shape), or None if the signal is not part of the state.
        """
        number, places = self.find(base)
        if not len(places):
            return None
        elements = self._states[number].elements(state.arrays[number])[places]
        shape = stored_value(base).shape
        return np.moveaxis(elements.reshape((*shape, -1)), -1, 0)

    def part(self, base: Signal, arrays: Sequence[np.ndarray]) -> np.ndarray | None:
        """
        Return a signal's part of arrays that hold one value for each element.

        Returns an array of the signal's shape; None if the signal is not part of the
        state.
        """
        number, places = self.find(base)
        if not len(places):
            return None
        return np.reshape(arrays[number][places], stored_value(base).shape)

    def with_values(self, state: State, values: Mapping[Signal, ArrayLike]) -> State:
        """
        Give signals other values.

        ``values``: values of base signals, of their shapes, for all batch items; or
        with a batch axis before. What is not part of the state is left out.
        """
        changed: dict[int, np.ndarray] = {}
        for base, value in values.items():
            number, places = self.find(base)
            if len(places):
                if number not in changed:
                    elements = self._states[number].elements(state.arrays[number])
                    changed[number] = elements.copy()
                shape = stored_value(base).shape
                batched = np.moveaxis(np.reshape(value, (-1, *shape)), 0, -1)
                changed[number][places] = batched.reshape(len(places), -1)
        arrays = list(state.arrays)
        for number, elements in changed.items():
            arrays[number] = self._states[number].tensor(elements)
        return state._replace(arrays=arrays)

    def with_value(self, state: State, base: Signal, value: ArrayLike) -> State:
        """
        Give a signal another value.

        ``base``: a base signal. Nothing changes if it is not part of the state.
        ``value``: its value, of the signal's shape, for all batch items; or with a
        batch axis before.
        """
        return self.with_values(state, {base: value})

    def find(self, base: Signal) -> tuple[int, np.ndarray]:
        """
        Find a signal.

        Shapes: returns (n_elements,).
        """
        if base in self._layout and base not in self._layout.constants:
            array, places = self.of_rows[:, self._layout.rows(base)]
            if len(array) and array[0] >= 0:
                return int(array[0]), places
        return 0, np.zeros(0, int)
