"""All that a simulation and its training go on from, as named arrays."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from nengo.builder.operator import SimPyFunc
from nengo.exceptions import ValidationError

from nengo_dl_ops.user_warnings import warn_user

from ..construction import Parts
from ..run.now import Now
from ..training.training import Training
from .checkpoint_files import check_entries, check_equal
from .fingerprint import plan_fingerprint
from .saving import (
    assign_parameters,
    loaded_state,
    parameter_arrays,
    relied_on,
    state_arrays,
)

_OPTIMIZERS = "optimizers/"
_TAKEN = "simulation/inputs"
_NOT_PARAMETERS = ("state/", "simulation/", "training/", _OPTIMIZERS)


class Restart(NamedTuple):
    """
    What a checkpoint is made of, and put back into.

    Parameters
    ----------
    parts : Parts
        The parts of the simulator.
    now : Now
        Where the simulation has got to.
    training : Training
        Where training has got to.
    """

    parts: Parts
    now: Now
    training: Training

    def arrays(self, seed: int) -> dict[str, np.ndarray]:
        """
        Return everything.

        Parameters
        ----------
        seed : int
            The seed of the simulation.

        Returns
        -------
        arrays : dict from str to array
            Parameters, state, positions and optimizers by name.
        """
        return {**self._own(seed), **self.training.optimizer_arrays()}

    def check_network(
        self, path: str | os.PathLike, found: Mapping[str, np.ndarray]
    ) -> None:
        """
        Check that a checkpoint is of this network, however it was planned.

        Parameters
        ----------
        path : str or path-like
            Where it was read from, for messages.
        found : dict from str to array
            What was read.

        Raises
        ------
        nengo.exceptions.ValidationError
            If the time step, the size of minibatches or the parameters differ.
        """
        check_equal(path, found, self._scales())
        parameters = {
            k: v for k, v in found.items() if not k.startswith(_NOT_PARAMETERS)
        }
        check_entries(path, parameters, parameter_arrays(self.parts))

    def restore(
        self, path: str | os.PathLike, found: Mapping[str, np.ndarray], seed: int
    ) -> int:
        """
        Go on from a checkpoint. Nothing is changed unless everything fits.

        Parameters
        ----------
        path : str or path-like
            Where it was read from, for messages.
        found : dict from str to array
            What was read.
        seed : int
            The seed of the simulation.

        Returns
        -------
        seed : int
            The seed of the simulation that was saved.

        Raises
        ------
        nengo.exceptions.ValidationError
            If it is not of this network, or of another plan of it.
        """
        self.check_network(path, found)
        self._check_plan(path, found)
        optimizers = {k: v for k, v in found.items() if k.startswith(_OPTIMIZERS)}
        own = {k: v for k, v in found.items() if k not in optimizers}
        expected = self._own(seed)
        taken = own.get(_TAKEN, np.empty(0))
        if self.parts.inputs.can_replay(taken):  # as long as processes were interrupted
            expected[_TAKEN] = taken
        check_entries(path, own, expected)
        parameters = {name: own[name] for name in parameter_arrays(self.parts)}
        self.training.check_optimizers(optimizers)
        assign_parameters(self.parts, parameters)
        self.now.state = loaded_state(self.now.state, own)
        self.now.n_steps = int(own["simulation/n_steps"])
        self.now.n_asked_for = int(own["simulation/n_asked_for"])
        saved = int(own["simulation/seed"])
        self.parts.inputs.replay(saved, taken)
        for group in self.parts.program.groups:
            group.reset(self.parts.inputs.streams)
        self.training.restore(saved, found)
        return saved

    def relies_on_others(self, found: Mapping[str, np.ndarray]) -> bool:
        """Tell whether the simulator was simplified with other values than found."""
        return relied_on(self.parts, found) is not None

    def _check_plan(
        self, path: str | os.PathLike, found: Mapping[str, np.ndarray]
    ) -> None:
        # Before the shapes of the state, which would only say the same less clearly.
        if found.get("simulation/plan") != self._plan():
            raise ValidationError(
                f"{os.fsdecode(path)}: expected a checkpoint of a network with the "
                "same connections, probes and settings (such as planner, sorter and "
                "simplifications), got one whose state is arranged in another way. "
                "(Parameters alone can be taken over, with save_params and "
                "load_params.)",
                attr="path",
            )

    def _scales(self) -> dict[str, np.ndarray]:
        size = self.parts.config.minibatch_size
        return {
            "simulation/dt": np.array(self.parts.model.dt, np.float64),
            "simulation/minibatch_size": np.array(size, np.int64),
        }

    def _plan(self) -> np.ndarray:
        return plan_fingerprint(self.parts.model, self.parts.program)

    def _own(self, seed: int) -> dict[str, np.ndarray]:
        return {
            **parameter_arrays(self.parts),
            **self._scales(),
            "simulation/plan": self._plan(),
            **state_arrays(self.now.state),
            "simulation/seed": np.array(seed, np.int64),
            "simulation/n_steps": np.array(self.now.n_steps, np.int64),
            "simulation/n_asked_for": np.array(self.now.n_asked_for, np.int64),
            _TAKEN: self.parts.inputs.taken(),
            **self.training.arrays(),
        }


def warn_of_memory(parts: Parts) -> None:
    """
    Warn if there is Python code whose memory is not part of a checkpoint.

    Parameters
    ----------
    parts : Parts
        The parts of the simulator.

    Warns
    -----
    UserWarning
        If the simulation calls processes or types of the user in each step.
    """
    for group in parts.program.groups:
        others = [op for op in group.ops if type(op) is not SimPyFunc]
        if group.python and others:
            warn_user(
                f"{others[0]} runs in Python: what it remembers beside its signals, "
                "such as random generators, is not part of a checkpoint of the "
                "simulation (training is not concerned)"
            )
            return
