"""Options of TensorFlow 1 sessions that mean something in TensorFlow 2."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from nengo.exceptions import SimulationError


class Option(NamedTuple):
    """
    An option that applies to the whole process.

    Parameters
    ----------
    accepts : callable
        Tells whether a value fits.
    apply : callable
        Sets it.
    """

    accepts: Callable[[Any], bool]
    apply: Callable[[Any], None]


def _allow_growth(value: bool) -> None:
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, value)


def _boolean(value: Any) -> bool:
    return isinstance(value, (bool, np.bool_))


def _count(value: Any) -> bool:
    is_number = isinstance(value, (int, np.integer)) and not _boolean(value)
    return is_number and bool(value >= 0)


OPTIONS = {
    "gpu_options.allow_growth": Option(_boolean, _allow_growth),
    "allow_soft_placement": Option(_boolean, tf.config.set_soft_device_placement),
    "intra_op_parallelism_threads": Option(
        _count, tf.config.threading.set_intra_op_parallelism_threads
    ),
    "inter_op_parallelism_threads": Option(
        _count, tf.config.threading.set_inter_op_parallelism_threads
    ),
}


def convert_session_config(value: Any) -> dict[str, Any]:
    """Check the setting ``session_config``."""
    if not isinstance(value, Mapping):
        raise TypeError
    for name, setting in value.items():
        if name not in OPTIONS:
            raise ValueError
        if not OPTIONS[name].accepts(setting):
            raise TypeError
    return dict(value)


def apply_session_config(options: Mapping[str, Any]) -> None:
    """
    Apply options to TensorFlow.

    Raises a ``SimulationError`` if it is too late: most can be changed only before
    TensorFlow computes anything.
    """
    for name, value in options.items():
        try:
            OPTIONS[name].apply(value)
        except RuntimeError as error:
            raise SimulationError(
                f"session_config: expected {name!r} to be set before TensorFlow has "
                f"computed anything in this process, got {value!r} too late: make this "
                f"simulator before all else ({error})"
            ) from error
