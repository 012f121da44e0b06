"""Returning to the beginning of a simulation, or of its training."""

from __future__ import annotations

from ..checks import (
    check_boolean,
    check_seed,
)
from .base import SimulatorBase


class ResetMixin(SimulatorBase):
    """The methods of a simulator that reset it."""

    def reset(
        self,
        seed: int | None = None,
        include_trainable: bool = True,
        include_probes: bool = True,
        include_processes: bool = True,
    ) -> None:
        """
        Return to the state after the build: parameters, state, probes, time.

        Parameters
        ----------
        seed : int, optional
            A new seed, kept for later resets.
        include_trainable : bool
            Whether parameters return to their initial values, and training counts
            from 0. (What online learning rules have changed is state: it always
            starts anew, from values that were trained if their ``trainable`` is True.)
        include_probes : bool
            Whether probe data is cleared, and time starts from 0.
        include_processes : bool
            Whether processes, and what else runs in Python, begin anew.

        Raises
        ------
        nengo.exceptions.SimulatorClosed
            If the simulator was closed.
        """
        self._check_open("reset")
        seed = check_seed(seed)
        check_boolean("include_trainable", include_trainable)
        check_boolean("include_probes", include_probes)
        check_boolean("include_processes", include_processes)
        if seed is not None:
            self.seed = seed
        if include_trainable or seed is not None:
            self._trainer.reset(self.seed)
        if include_trainable:
            self._engine.reset_parameters()
            self._post_build()
        self._restart(include_probes, include_processes)

    def soft_reset(
        self, include_trainable: bool = False, include_probes: bool = False
    ) -> None:
        """
        Return to the state before the first step, keeping what was trained.

        Synapses, neurons, processes and random numbers start anew, and so do weights
        that online learning rules have changed, which are state. Time goes on, in
        the simulation as well as for functions of nodes, unless probes are included.

        Parameters
        ----------
        include_trainable : bool
            Whether parameters return to their initial values, too.
        include_probes : bool
            Whether probe data is cleared, and time starts from 0, too.

        Raises
        ------
        nengo.exceptions.SimulatorClosed
            If the simulator was closed.
        """
        self._check_open("soft_reset")
        check_boolean("include_trainable", include_trainable)
        check_boolean("include_probes", include_probes)
        if include_trainable:
            self._engine.reset_parameters()
        self._restart(include_probes, include_processes=True)

    def _restart(self, include_probes: bool, include_processes: bool) -> None:
        """Return to the state before the first step."""
        with self._working():
            if include_probes:
                self.clear_probes()
                self._n_steps = 0
            self._state = self._initial_state()
            if include_processes:
                self._engine.inputs.reset(self.seed)
                for group in self._engine.program.groups:
                    group.reset(self._engine.inputs.streams)

    def clear_probes(self) -> None:
        """Forget what probes have recorded."""
        for store in self._engine.probes.values():
            store.clear()
