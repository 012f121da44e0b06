"""Saving: parameters and state to a file, and back."""

from __future__ import annotations

import os

from .. import saving
from .base import Door


class Saving(Door):
    """The methods of a simulator that write and read files."""

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
        OSError
            If the file cannot be written. A file that was there is not touched then.
        """
        self._check_open("save_params")
        state = include_local if include_state is None else include_state
        saving.save(path, self._parts, self._state, include_global, state)

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
        """
        self._check_open("load_params")
        state = include_local if include_state is None else include_state
        self._state = saving.load(path, self._parts, self._state, include_global, state)
