"""Parameters and state, as named arrays, to a file and back."""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np
import tensorflow as tf
from nengo.exceptions import ValidationError

from nengo_dl_ops.step.state import State

from ..engine.engine import Engine
from ..engine.named_parameters import parameter_arrays
from ..engine.parameter_names import INITIAL
from .fingerprint import plan_fingerprint
from .npz_members import Wanted, wrong
from .parameter_files import load_arrays, save_arrays

_PLAN = "state/plan"


def save(
    path: str | os.PathLike,
    engine: Engine,
    state: State,
    parameters: bool,
    with_state: bool,
) -> None:
    """Save a simulation."""
    arrays = {}
    if parameters:
        arrays.update(parameter_arrays(engine))
    if with_state:
        arrays.update(saved_state(engine, state))
    _check_any(parameters, with_state)
    save_arrays(path, arrays, kind="parameters")


def read(
    path: str | os.PathLike,
    engine: Engine,
    state: State,
    parameters: bool,
    with_state: bool,
) -> dict[str, np.ndarray]:
    """Read a file of a simulation."""
    _check_any(parameters, with_state)
    wanted: dict[str, Wanted] = {}
    if parameters:
        wanted.update(_wanted(parameter_arrays(engine), finite=True))
    if with_state:  # which may have become infinite
        wanted.update(_wanted(saved_state(engine, state), finite=False))
    others: tuple[str, ...] = (INITIAL,) if parameters else ("",)
    others += () if with_state else ("state/",)
    loaded = load_arrays(path, wanted, kind="parameters", others=others)
    if with_state and loaded[_PLAN] != plan_fingerprint(engine.model, engine.program):
        raise wrong(
            os.fsdecode(path),
            "the state of a network with the same connections, probes and settings "
            "(such as planner, sorter and simplifications), got one that is arranged "
            "in another way. Load the parameters alone (include_local=False)",
        )
    return loaded


def loaded_state(state: State, loaded: Mapping[str, np.ndarray]) -> State:
    """Return a state that was read from a file."""
    values = [
        tf.constant(loaded[name], value.dtype)
        for name, value in zip(state_arrays(state), tf.nest.flatten(state), strict=True)
    ]
    return tf.nest.pack_sequence_as(state, values)


def _wanted(arrays: Mapping[str, np.ndarray], finite: bool) -> dict[str, Wanted]:
    return {
        name: Wanted(array.shape, array.dtype, finite, not name.startswith(INITIAL))
        for name, array in arrays.items()
    }


def _check_any(parameters: bool, with_state: bool) -> None:
    if not (parameters or with_state):
        raise ValidationError(
            "expected at least one of include_global and include_local to be True",
            attr="include_global",
        )


def saved_state(engine: Engine, state: State) -> dict[str, np.ndarray]:
    """Copy the state of a simulation, with what tells whether it fits another one."""
    return {
        **state_arrays(state),
        _PLAN: np.asarray(plan_fingerprint(engine.model, engine.program)),
    }


def state_arrays(state: State) -> dict[str, np.ndarray]:
    """Copy the state of a simulation."""
    values = tf.nest.flatten(state)
    return {f"state/{i}": value.numpy() for i, value in enumerate(values)}
