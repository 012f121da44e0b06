"""Saving: parameters and state to a file, and back."""

from __future__ import annotations

import os

from nengo.exceptions import ValidationError

from ..calls import PARAMETER_ARGUMENTS, explained
from ..checks import check_boolean, check_path
from ..files import saving
from .base import Door


class Saving(Door):
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
        saving.save(path, self._parts, self._state, include_global, state)

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
            If the file is damaged or does not fit this network; the error names the
            parameter. Nothing is changed then.

        Notes
        -----
        What is not trainable may have been simplified because of its value, for
        example products with zero, or with equal weights. If it gets another value,
        the simulator is planned anew, which takes as long as when it was made. That
        is possible before the first step, and after a reset.
        """
        self._check_open("load_params")
        check_path("path", path)
        _check_includes(include_global, include_local, include_state)
        with_state = include_local if include_state is None else include_state
        loaded = saving.read(path, self._parts, self._state, include_global, with_state)
        name = saving.relied_on(self._parts, loaded)
        if name is not None:
            self._check_fresh(path, name, with_state)
            self._replan()
        if include_global:
            saving.assign_parameters(self._parts, loaded)
            self._state = self._training.refreshed(self._state)
        if with_state:
            self._state = saving.loaded_state(self._state, loaded)

    def _check_fresh(
        self, path: str | os.PathLike, name: str, with_state: bool
    ) -> None:
        """Check that no state would be lost by a new plan."""
        if with_state or self._now.has_started or int(self._training.step) > 0:
            raise ValidationError(
                f"{os.fsdecode(path)}: expected {name!r} as it was built, for the "
                "simulator relies on this value. Load other values before the first "
                "step, or after sim.reset(), and without state; or let the simulator "
                "not rely on any, with configure_settings(simplifications=[])",
                attr="path",
            )


def _check_includes(
    include_global: bool, include_local: bool, include_state: bool | None
) -> None:
    check_boolean("include_global", include_global)
    check_boolean("include_local", include_local)
    if include_state is not None:
        check_boolean("include_state", include_state)
