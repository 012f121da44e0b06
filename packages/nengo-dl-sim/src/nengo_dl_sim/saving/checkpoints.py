"""All that a simulation and its training go on from, as named arrays."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from nengo.builder.operator import SimPyFunc
from nengo.exceptions import ValidationError

from nengo_dl_ops.step.state import State
from nengo_dl_ops.user_warnings import warn_user

from ..engine.engine import Engine
from ..engine.named_parameters import assign_parameters, parameter_arrays, relied_on
from ..engine.parameter_names import INITIAL
from ..engine.simulation_state import SimulationState
from ..training.trainer import Trainer
from .checkpoint_files import check_entries, check_equal, check_not_negative
from .fingerprint import plan_fingerprint
from .named_arrays import loaded_state, state_arrays

_OPTIMIZERS = "optimizers/"
_TAKEN = "simulation/inputs"
_INITIAL = "simulation/initial/"
_COUNTS = ("simulation/seed", "simulation/n_steps", "simulation/n_asked_for")
_NOT_PARAMETERS = ("state/", "simulation/", "training/", _OPTIMIZERS)


class Restart(NamedTuple):
    """
    What a checkpoint is made of, and put back into.

    Parameters
    ----------
    engine : Engine
        The engine of the simulator.
    simulation : SimulationState
        Where the simulation has got to.
    trainer : Trainer
        Where training has got to.
    """

    engine: Engine
    simulation: SimulationState
    trainer: Trainer

    def arrays(self, seed: int) -> dict[str, np.ndarray]:
        """
        Return everything.

        Returns parameters, state, positions and optimizers by name.
        """
        return {**self._own(seed), **self.trainer.optimizer_arrays()}

    def check_network(
        self, path: str | os.PathLike, found: Mapping[str, np.ndarray]
    ) -> None:
        """
        Check that a checkpoint is of this network, however it was planned.

        Raises a ``ValidationError`` if the time step, the size of minibatches or the
        parameters differ.
        """
        check_equal(path, found, self._scales())
        parameters = {
            k: v for k, v in found.items() if not k.startswith(_NOT_PARAMETERS)
        }
        check_entries(path, *_comparable(parameters, parameter_arrays(self.engine)))

    def check(
        self, path: str | os.PathLike, found: Mapping[str, np.ndarray], seed: int
    ) -> None:
        """
        Check that a checkpoint can be restored. Nothing is changed.

        Raises a ``ValidationError`` if it is not of this network, or of another plan of
        it, or no checkpoint.
        """
        self.check_network(path, found)
        self._check_plan(path, found)
        own = {k: v for k, v in found.items() if not k.startswith(_OPTIMIZERS)}
        expected = self._own(seed)
        taken = own.get(_TAKEN, np.empty(0))
        if self.engine.inputs.can_replay(
            taken
        ):  # as long as processes were interrupted
            expected[_TAKEN] = taken
        check_entries(path, *_comparable(own, expected))
        for name in _COUNTS:
            check_not_negative(path, name, own[name])
        self.trainer.check_optimizers(_optimizers(found))

    def state(self, found: Mapping[str, np.ndarray]) -> State:
        """Return the state of the simulation that was saved."""
        return loaded_state(self.simulation.state, found)

    def restore(self, found: Mapping[str, np.ndarray], state: State) -> int:
        """
        Go on from a checkpoint.

        ``state``: what `state` returned; for the current plan, if that is another one.
        """
        assign_parameters(self.engine, found)
        if self.is_planned_alike(found):
            arrays = self.engine.initial.arrays
            self.engine.initial.arrays = [
                found[f"{_INITIAL}{i}"] for i in range(len(arrays))
            ]
        self.simulation.state = state
        self.simulation.n_steps = int(found["simulation/n_steps"])
        self.simulation.n_asked_for = int(found["simulation/n_asked_for"])
        seed = int(found["simulation/seed"])
        self.engine.inputs.replay(seed, found[_TAKEN])
        for group in self.engine.program.groups:
            group.reset(self.engine.inputs.streams)
        self.trainer.restore(seed, found)
        return seed

    def is_planned_alike(self, found: Mapping[str, np.ndarray]) -> bool:
        """Tell whether the state of a checkpoint is arranged as it is here."""
        return np.array_equal(found.get("simulation/plan", ()), self._plan())

    def relies_on_others(self, found: Mapping[str, np.ndarray]) -> bool:
        """Tell whether the simulator was simplified with other values than found."""
        return relied_on(self.engine, found) is not None

    def _check_plan(
        self, path: str | os.PathLike, found: Mapping[str, np.ndarray]
    ) -> None:
        # Before the shapes of the state, which would only say the same less clearly.
        if not self.is_planned_alike(found):
            raise ValidationError(
                f"{os.fsdecode(path)}: expected a checkpoint of a network with the "
                "same connections, probes and settings (such as planner, sorter and "
                "simplifications), got one whose state is arranged in another way. "
                "(Parameters alone can be taken over, with save_params and "
                "load_params.)",
                attr="path",
            )

    def _scales(self) -> dict[str, np.ndarray]:
        size = self.engine.config.minibatch_size
        return {
            "simulation/dt": np.array(self.engine.model.dt, np.float64),
            "simulation/minibatch_size": np.array(size, np.int64),
        }

    def _plan(self) -> np.ndarray:
        return plan_fingerprint(self.engine.model, self.engine.program)

    def _own(self, seed: int) -> dict[str, np.ndarray]:
        return {
            **parameter_arrays(self.engine),
            **self._scales(),
            "simulation/plan": self._plan(),
            **state_arrays(self.simulation.state),
            "simulation/seed": np.array(seed, np.int64),
            "simulation/n_steps": np.array(self.simulation.n_steps, np.int64),
            "simulation/n_asked_for": np.array(self.simulation.n_asked_for, np.int64),
            _TAKEN: self.engine.inputs.taken(),
            **self._initial(),
            **self.trainer.arrays(),
        }

    def _initial(self) -> dict[str, np.ndarray]:
        arrays = enumerate(self.engine.initial.arrays)
        return {f"{_INITIAL}{i}": array for i, array in arrays}


def _comparable(
    found: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Leave out initial values that only one of two plans has."""
    others = {
        name for name in found.keys() ^ expected.keys() if name.startswith(INITIAL)
    }
    return (
        {name: value for name, value in found.items() if name not in others},
        {name: value for name, value in expected.items() if name not in others},
    )


def _optimizers(found: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: v for name, v in found.items() if name.startswith(_OPTIMIZERS)}


def warn_of_memory(engine: Engine) -> None:
    """
    Warn if there is Python code whose memory is not part of a checkpoint.

    Parameters
    ----------
    engine : Engine
        The engine of the simulator.

    Warns
    -----
    UserWarning
        If the simulation calls processes or types of the user in each step.
    """
    for group in engine.program.groups:
        others = [op for op in group.ops if type(op) is not SimPyFunc]
        if group.python and others:
            warn_user(
                f"{others[0]} runs in Python: what it remembers beside its signals, "
                "such as random generators, is not part of a checkpoint of the "
                "simulation (training is not concerned)"
            )
            return
