"""Saving: parameters, state and checkpoints to files, and back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from nengo.exceptions import ValidationError

from nengo_dl_ops.step.state import State

from ..calls import PARAMETER_ARGUMENTS, explained
from ..checks import check_boolean, check_path
from ..data.data_adapter import DataAdapter
from ..engine.engine import StateLost
from ..engine.named_parameters import assign_parameters, initial_values, relied_on
from ..saving import checkpoint_files, named_arrays
from ..saving.call_text import call_text
from ..saving.checkpoints import Restart, warn_of_memory
from ..saving.facts import facts_of
from .base import SimulatorBase


class SaveMixin(SimulatorBase):
    """The methods of a simulator that write and read files."""

    @explained(PARAMETER_ARGUMENTS)
    def save_params(
        self,
        path: str | os.PathLike,
        include_global: bool = True,
        include_local: bool = False,
        include_state: bool | None = None,
    ) -> None:
        """
        Save parameters to a file, from which `load_params` gets them back.

        Parameters
        ----------
        path : str or path-like
            The file; gets the ending ``.npz`` if it has none.
        include_global : bool
            Whether to save parameters.
        include_local : bool
            Whether to save the state of the simulation.
        include_state : bool, optional
            Another name of ``include_local``.

        Raises
        ------
        nengo.exceptions.SimulatorClosed
            If the simulator was closed.
        nengo.exceptions.ValidationError
            If an argument is not what is described here.
        OSError
            If the file cannot be written. A file that was there is not touched then.
        """
        self._check_open("save_params")
        check_path("path", path)
        _check_includes(include_global, include_local, include_state)
        state = include_local if include_state is None else include_state
        if self._engine.replicas.is_chief:
            named_arrays.save(path, self._engine, self._state, include_global, state)

    @explained(PARAMETER_ARGUMENTS)
    def load_params(
        self,
        path: str | os.PathLike,
        include_global: bool = True,
        include_local: bool = False,
        include_state: bool | None = None,
    ) -> None:
        """
        Load parameters from a file that `save_params` wrote.

        Parameters
        ----------
        path : str or path-like
            The file.
        include_global : bool
            Whether to load parameters.
        include_local : bool
            Whether to load the state of the simulation.
        include_state : bool, optional
            Another name of ``include_local``.

        Raises
        ------
        nengo.exceptions.SimulatorClosed
            If the simulator was closed.
        nengo.exceptions.ValidationError
            If the path is a folder, or a file that cannot be read, is damaged or does
            not fit this network: if arrays have other names or shapes, are not of
            numbers, are not finite, or out of the range of the simulation's types. The
            error names the array. Nothing is changed then, and no more memory was
            taken than the parameters need.
        FileNotFoundError
            If there is no such file.

        Notes
        -----
        The values that state starts from, such as voltages and weights that are learned
        online, are loaded with the parameters. They count from the next reset on, and
        at once if no step was done.

        What is not trainable may have been simplified because of its value, for
        example products with zero, or with equal weights. If it gets another value,
        the simulator is planned anew, which takes as long as when it was made. The
        state of the simulation stays; after training, or if layers, random neurons or
        Python code take part in the steps that were done, an error says that this is
        possible after a reset only.
        Random neurons draw other numbers then: these follow from the seed, and from
        where the plan places the neurons.
        """
        self._check_open("load_params")
        check_path("path", path)
        _check_includes(include_global, include_local, include_state)
        with_state = include_local if include_state is None else include_state
        loaded = named_arrays.read(
            path, self._engine, self._state, include_global, with_state
        )
        state = self._state
        if with_state:
            state = named_arrays.loaded_state(state, loaded)
        if include_global and relied_on(self._engine, loaded) is not None:
            state = self._planned_anew(path, loaded, state, with_state)
        if include_global:
            state = self._with_parameters(loaded, state, with_state)
        self._state = state

    def _with_parameters(
        self, loaded: Mapping[str, np.ndarray], state: State, is_loaded: bool
    ) -> State:
        """Take over parameters, and return the state as it is then."""
        assign_parameters(self._engine, loaded)
        if is_loaded:
            return state
        if not self._simulation.has_started:
            starts = initial_values(self._engine, loaded)
            state = self._engine.program.state_index.with_values(state, starts)
        return self._evaluator.refreshed(state)

    def _planned_anew(
        self,
        path: str | os.PathLike,
        loaded: Mapping[str, np.ndarray],
        state: State,
        is_loaded: bool,
    ) -> State:
        """Plan anew, without relying on values, and return the state in its form."""
        try:
            if is_loaded and not self._engine.program.is_self_contained:
                raise StateLost("the state of layers, Python code or random generators")
            return self._replan(state)
        except StateLost as lost:
            name = relied_on(self._engine, loaded)
            raise ValidationError(
                f"{os.fsdecode(path)}: expected {name!r} as it was built, for the "
                "simulator relies on this value, and cannot be planned anew without "
                f"losing {lost}. Load other values before the first step, or after "
                "sim.reset(); or let the simulator not rely on any, with "
                "configure_settings(simplifications=[])",
                attr="path",
            ) from None

    def save_checkpoint(self, path: str | os.PathLike) -> None:
        r"""
        Save everything that the simulation and its training go on from.

        That is parameters and state, the states of optimizers, random numbers and
        processes, and the position in the data. What probes have recorded is not part
        of it. `train` saves checkpoints on its way, if it is asked to.

        Parameters
        ----------
        path : str or path-like
            A folder; made if there is none. It holds one checkpoint (of
            ``tf.train.Checkpoint``), in files whose names begin with ``nengo_dl-``;
            one that was there before is removed when the new one is complete. Other
            files are left alone, also those of a ``tf.train.CheckpointManager``. One
            process at a time writes to a folder; others wait. Any number may read.

        Raises
        ------
        nengo.exceptions.SimulatorClosed
            If the simulator was closed.
        nengo.exceptions.ValidationError
            If the path cannot be that of a folder (or has one of the characters
            ``*?[]\\``, which TensorFlow takes for patterns).
        OSError
            If the folder cannot be written to. The checkpoint that was there before
            is still there then, and nothing that was begun.

        Warns
        -----
        UserWarning
            If Python code of the user takes part in each step, whose memory cannot be
            saved.
        """
        self._check_open("save_checkpoint")
        check_path("path", path, "folder")
        warn_of_memory(self._engine)
        if self._engine.replicas.is_chief:
            arrays = self._everything().arrays(self.seed)
            checkpoint_files.write_checkpoint(path, arrays)

    def restore_checkpoint(self, path: str | os.PathLike) -> None:
        """
        Go on from where a simulator of the same network was.

        Training continues bit for bit as it would have. If the checkpoint was saved
        in the middle of a call of `train`, the same call, made again, finishes that
        one: it begins in the middle of an epoch, if need be. What probes have recorded
        is cleared.

        Optimizers that this simulator was trained with return to what they were.
        New ones become what their counterparts were, learning rates included: the
        first one that of the interrupted call, if there is one; the others by the
        order of their first use.

        Parameters
        ----------
        path : str or path-like
            The folder.

        Raises
        ------
        nengo.exceptions.SimulatorClosed
            If the simulator was closed.
        nengo.exceptions.ValidationError
            If there is no checkpoint, or one of another network, or of other settings
            (``dt``, ``minibatch_size``, ``dtype``, planner). Nothing is changed then.
            (`train` raises it if its optimizer is of another kind than its
            counterpart.)

        Notes
        -----
        Processes of nodes are run again from their beginning, for as many steps as
        they were asked for. Functions of nodes are called with the time only: what
        they remember otherwise is not restored. To go on from the parameters only,
        with another optimizer or ``minibatch_size``, use `save_params` and
        `load_params`.
        """
        self._check_open("restore_checkpoint")
        check_path("path", path, "folder")
        found = checkpoint_files.read_checkpoint(path)
        with self._working():
            everything = self._everything()
            everything.check_network(path, found)
            relies = everything.relies_on_others(found)
            if relies and not everything.is_planned_alike(found):
                # It may be of a simulator that was planned anew itself.
                self._planned_anew(path, found, self._state, is_loaded=False)
                relies = False
            everything.check(path, found, self.seed)
            state = everything.state(found)
            if relies:
                state = self._planned_anew(path, found, state, is_loaded=True)
            self.seed = everything.restore(found, state)
        for store in self._engine.probes.values():
            store.clear()

    def _check_workers(self, data: DataAdapter, method: str, **arguments: Any) -> None:
        """Check, before the first step, that all workers do the same, if several do."""
        replicas, names = self._engine.replicas, self._names
        if replicas.n_processes > 1:
            call = call_text(method, arguments, names)
            facts = facts_of(self._everything(), self.seed, data, names, call)
            replicas.check_alike(facts)

    def _everything(self) -> Restart:
        return Restart(self._engine, self._simulation, self._trainer)


def _check_includes(
    include_global: bool, include_local: bool, include_state: bool | None
) -> None:
    check_boolean("include_global", include_global)
    check_boolean("include_local", include_local)
    if include_state is not None:
        check_boolean("include_state", include_state)
