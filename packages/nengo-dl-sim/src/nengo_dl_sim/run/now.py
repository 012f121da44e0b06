"""Where a simulation has got to, and what it has made of signals and probes."""

from __future__ import annotations

import numpy as np
from nengo.builder.signal import Signal
from nengo.probe import Probe

from ..construction import Parts


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
    state : State
        The state after the last step.
    n_steps : int
        The number of steps done since the start or the last reset.
    n_asked_for : int
        The number of steps asked for in all: on which it depends how they are run.
    """

    def __init__(self, parts: Parts, seed: int) -> None:
        self._parts = parts
        self.state = parts.program.initial_state(seed)
        self.n_steps = 0
        self.n_asked_for = 0

    @property
    def has_started(self) -> bool:
        """Whether steps were done since the start or the last reset of the state."""
        return bool(self.state.key[1] != 0)

    def probed(self, probe: Probe) -> np.ndarray:
        """
        Return what a probe recorded.

        Parameters
        ----------
        probe : nengo.Probe
            A probe of the simulation.

        Returns
        -------
        data : (minibatch_size, n_values, *shape) array
            Without the first axis if the simulation shows no batch axis.
        """
        return self._parts.probes[self._parts.model.probes.index(probe)].data()

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
        parameter = self._parts.parameters.value(base)
        if parameter is not None:
            return parameter
        value = self._parts.program.state_value(base, self.state)
        if value is None or self._parts.shows_batch:
            return value
        return value[0]
