"""A profile of what TensorFlow does, for TensorBoard to show."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import tensorflow as tf
from nengo.exceptions import ValidationError

from ..saving.writing import writing

#: Where a profile is written if no directory is given.
DEFAULT_DIRECTORY = "nengo_dl_profile"


def profiler(profile: bool | str | os.PathLike) -> contextlib.AbstractContextManager:
    """
    Make the context in which TensorFlow is profiled.

    ``profile``: a directory for the trace; True for ``"nengo_dl_profile"`` where the
    program runs; False for no profile. The context writes a trace when it is left.
    ``tensorboard --logdir DIRECTORY`` opens it (with the plugin
    ``tensorboard-plugin-profile``).
    """
    if not isinstance(profile, (bool, str, os.PathLike)) or profile == "":
        raise ValidationError(
            f"expected True, False or a directory, got {profile!r}", attr="profile"
        )
    if profile is False:
        return contextlib.nullcontext()
    directory: Any = DEFAULT_DIRECTORY if profile is True else profile
    return _profiled(os.fspath(directory))


@contextlib.contextmanager
def _profiled(directory: str) -> Iterator[None]:
    os.makedirs(directory, exist_ok=True)
    profile = tf.profiler.experimental.Profile(directory)
    with writing(directory, "profile"):
        profile.__enter__()
    try:
        yield
    except BaseException:
        with contextlib.suppress(tf.errors.OpError):  # the first error is shown
            profile.__exit__(None, None, None)
        raise
    with writing(directory, "profile"):
        profile.__exit__(None, None, None)
