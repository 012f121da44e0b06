"""Where a simulation has got to, and what it has made of signals and probes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from nengo.builder.signal import Signal
from nengo.probe import Probe

from ..compile import State
from ..construction import Parts
from .probe_store import ProbeStore
from .shortcut import Shortcut


class Now:
    """
    The present of a simulation.

    The simulator and its ``data`` share it. Neither needs to know the other: so a
    simulator that nobody refers to any more goes at once, while ``data`` lives on.

    Parameters
    ----------
    parts : Parts
        The parts of the simulator.
    seed : int
        The seed of the random numbers that are drawn in the steps.

    Attributes
    ----------
    n_steps : int
        The number of steps done since the start or the last reset.
    n_asked_for : int
        The number of steps asked for in all: on which it depends how they are run.
    """

    def __init__(self, parts: Parts, seed: int) -> None:
        self._parts = parts
        self._state = parts.initial.state(seed)
        self._shortcut: Shortcut | None = None
        self.n_steps = 0
        self.n_asked_for = 0

    @property
    def state(self) -> State:
        """The state after the last step."""
        if self._shortcut is not None:
            self.state = self._shortcut.leave(self._state)
        return self._state

    @state.setter
    def state(self, value: State) -> None:
        self._state, self._shortcut = value, None

    def enter(self, shortcut: Shortcut) -> Shortcut | None:
        """
        Bring the state into the form of a shortcut, if it can take it over.

        Parameters
        ----------
        shortcut : Shortcut
            A program that is to go on from here.

        Returns
        -------
        shortcut : Shortcut or None
            None if it cannot.
        """
        if self._shortcut is None:
            state = shortcut.entered(self._state)
            if state is None:
                return None
            self._state, self._shortcut = state, shortcut
        return self._shortcut

    def here(self, shortcut: Shortcut | None) -> State:
        """Return the state as a shortcut has it; None: as the whole program has it."""
        return self.state if shortcut is None else self._state

    def move(self, state: State, shortcut: Shortcut | None) -> None:
        """Go on to a state, in a form as of `here`."""
        self._state, self._shortcut = state, shortcut

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Come back afterwards to where the simulation is now."""
        before = self._state, self._shortcut, self.n_steps
        try:
            yield
        finally:
            self._state, self._shortcut, self.n_steps = before

    @property
    def has_started(self) -> bool:
        """Whether steps were done since the start or the last reset of the state."""
        return bool(self._state.key[1] != 0)

    def store(self, probe: Probe) -> ProbeStore:
        """Return where the values of a probe are kept."""
        return self._parts.probes[self._parts.model.probes.index(probe)]

    def value(self, base: Signal) -> np.ndarray | None:
        """
        Return the current value of a signal.

        Parameters
        ----------
        base : nengo.builder.Signal
            A base signal.

        Returns
        -------
        value : array or None
            Of the signal's shape; state has a batch axis before, if the simulation
            shows one. None if the signal is neither a parameter nor state.
        """
        if base in self._parts.learned:
            return self._sum(*self._parts.learned[base])
        parameter = self._parts.parameters.value(base)
        if parameter is not None:
            return parameter
        value = self._parts.program.places.value(base, self.state)
        if value is None or self._parts.shows_batch:
            return value
        return value[0]

    def _sum(self, start: Signal, change: Signal) -> np.ndarray | None:
        """Return the current value of what is learned online."""
        before, since = self.value(start), self.value(change)
        if before is None or since is None:  # nothing reads it, or nothing changes it
            return before
        return before + since
