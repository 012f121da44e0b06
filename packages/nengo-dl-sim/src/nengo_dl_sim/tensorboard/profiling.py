"""A profile of what TensorFlow does, for TensorBoard to show."""

from __future__ import annotations

import contextlib
import os
from typing import Any

import tensorflow as tf
from nengo.exceptions import ValidationError

#: Where a profile is written if no directory is given.
DEFAULT_DIRECTORY = "nengo_dl_profile"


def profiler(profile: bool | str | os.PathLike) -> contextlib.AbstractContextManager:
    """
    Make the context in which TensorFlow is profiled.

    Parameters
    ----------
    profile : bool or str or path-like
        A directory for the trace; True for ``"nengo_dl_profile"`` where the program
        runs; False for no profile.

    Returns
    -------
    context : context manager
        Writes a trace when it is left. ``tensorboard --logdir DIRECTORY`` opens it
        (with the plugin ``tensorboard-plugin-profile``).

    Raises
    ------
    nengo.exceptions.ValidationError
        If the argument is something else.
    """
    if not isinstance(profile, (bool, str, os.PathLike)) or profile == "":
        raise ValidationError(
            f"expected True, False or a directory, got {profile!r}", attr="profile"
        )
    if profile is False:
        return contextlib.nullcontext()
    directory: Any = DEFAULT_DIRECTORY if profile is True else profile
    return tf.profiler.experimental.Profile(os.fspath(directory))
