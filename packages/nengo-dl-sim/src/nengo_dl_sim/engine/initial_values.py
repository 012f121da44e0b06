"""What the state of a simulation starts from: as it was built, or as it was loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from nengo.builder.signal import Signal

from nengo_dl_ops.step.program import Program
from nengo_dl_ops.step.state import State


class InitialValues:
    """
    The values that the state of a program has before the first step.

    Nengo draws some of them at random when it builds a network, such as voltages, and
    solves for others, such as weights that are learned online.

    Parameters
    ----------
    program : Program
        What the state is of.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self.reset()

    @property
    def arrays(self) -> list[np.ndarray]:
        """The (n_elements,) values of each state array."""
        return list(self._arrays)

    @arrays.setter
    def arrays(self, values: Sequence[np.ndarray]) -> None:
        self._arrays = list(values)

    def reset(self) -> None:
        """Start from what Nengo built."""
        self._arrays = [array.start for array in self._program.states]

    def state(self, seed: int) -> State:
        """Return the state before the first step."""
        return self._program.initial_state(seed, self._arrays)

    def value(self, base: Signal) -> np.ndarray | None:
        """
        Return the initial value of a signal.

        Returns an array of the signal's shape; None if the signal is not part of the
        state.
        """
        value = self._program.state_index.part(base, self._arrays)
        return None if value is None else value.astype(self._type_of(base))

    def assign(self, values: Mapping[Signal, np.ndarray]) -> None:
        """Set the initial values of signals."""
        changed: dict[int, np.ndarray] = {}
        for base, value in values.items():
            number, rows = self._program.state_index.find(base)
            if number not in changed:
                changed[number] = self._arrays[number].copy()
            changed[number][rows] = np.ravel(value)
        for number, array in changed.items():
            self._arrays[number] = array

    def _type_of(self, base: Signal) -> str:
        return self._program.layout.type_of(base)
