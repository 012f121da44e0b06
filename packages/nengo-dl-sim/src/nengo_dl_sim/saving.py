"""Parameters and state as named arrays, to a file and back."""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np
import tensorflow as tf
from nengo.builder.signal import Signal
from nengo.exceptions import ValidationError

from nengo_dl_signals import stored_value

from .compile import State
from .construction import Parts
from .parameter_files import load_arrays, save_arrays
from .parameter_store import to_numpy


def save(
    path: str | os.PathLike,
    parts: Parts,
    state: State,
    parameters: bool,
    with_state: bool,
) -> None:
    """
    Save a simulation.

    Parameters
    ----------
    path : str or path-like
        The file.
    parts : Parts
        The parts of the simulator.
    state : State
        The state of the simulation.
    parameters, with_state : bool
        What to save: parameters, state.
    """
    arrays = {}
    if parameters:
        arrays.update(parameter_arrays(parts))
    if with_state:
        arrays.update(_state(state))
    _check_any(parameters, with_state)
    save_arrays(path, arrays, kind="parameters")


def load(
    path: str | os.PathLike,
    parts: Parts,
    state: State,
    parameters: bool,
    with_state: bool,
) -> State:
    """
    Load a simulation. Nothing is changed unless everything fits.

    Parameters
    ----------
    path : str or path-like
        The file.
    parts : Parts
        The parts of the simulator; parameters are set in place.
    state : State
        The state of the simulation.
    parameters, with_state : bool
        What to load: parameters, state.

    Returns
    -------
    state : State
        The state to continue from.
    """
    _check_any(parameters, with_state)
    expected = {
        **(parameter_arrays(parts) if parameters else {}),
        **(_state(state) if with_state else {}),
    }
    shapes = {name: array.shape for name, array in expected.items()}
    others = () if parameters and with_state else ("state/",) if parameters else ("",)
    loaded = load_arrays(path, shapes, kind="parameters", others=others)
    if parameters:
        _check_simplified(path, parts, loaded)
        assign_parameters(parts, loaded)
    return _loaded_state(state, loaded) if with_state else state


def parameter_arrays(parts: Parts) -> dict[str, np.ndarray]:
    """
    Copy all parameters.

    Parameters
    ----------
    parts : Parts
        The parts of the simulator.

    Returns
    -------
    arrays : dict from str to array
        By name, always in the same order. What was simplified away is there as it was
        built.
    """
    arrays = {}
    for sig, name in parts.names.items():
        value = parts.parameters.value(sig)
        if value is None:  # simplified away
            value = stored_value(sig).astype(parts.program.layout.type_of(sig))
        arrays[name] = np.asarray(value)
    layers = _layer_variables(parts)
    return {**arrays, **{name: to_numpy(v) for name, v in layers.items()}}


def assign_parameters(parts: Parts, arrays: Mapping[str, np.ndarray]) -> None:
    """
    Set all parameters.

    Parameters
    ----------
    parts : Parts
        The parts of the simulator.
    arrays : dict from str to array
        The values, of the right shapes, by the names of `parameter_arrays`.
    """
    placed = _placed(parts)
    parts.parameters.assign({sig: arrays[parts.names[sig]] for sig in placed})
    for name, variable in _layer_variables(parts).items():
        variable.assign(arrays[name])


def _loaded_state(state: State, loaded: dict[str, np.ndarray]) -> State:
    values = [
        tf.constant(loaded[name], value.dtype)
        for name, value in zip(_state(state), tf.nest.flatten(state), strict=True)
    ]
    return tf.nest.pack_sequence_as(state, values)


def _check_any(parameters: bool, with_state: bool) -> None:
    if not (parameters or with_state):
        raise ValidationError(
            "expected at least one of include_global and include_local to be True",
            attr="include_global",
        )


def _placed(parts: Parts) -> list[Signal]:
    """Return the parameters that the program holds, not those simplified away."""
    placed = set(parts.parameters.signals)
    return [sig for sig in parts.names if sig in placed]


def _check_simplified(
    path: str | os.PathLike, parts: Parts, loaded: dict[str, np.ndarray]
) -> None:
    """Check that what was simplified away stays as it was."""
    placed = _placed(parts)
    for sig, name in parts.names.items():
        built = stored_value(sig)
        if sig not in placed and not np.array_equal(
            loaded[name], built.astype(loaded[name].dtype)
        ):
            raise ValidationError(
                f"{os.fsdecode(path)}: expected {name!r} as it was built, because the "
                "simulator was simplified with that value; got other values. Let it be "
                "trainable, or use configure_settings(simplifications=[])",
                attr="path",
            )


def _layer_variables(parts: Parts) -> dict[str, tf.Variable]:
    """Name the variables that layers in TensorNodes brought along."""
    program = parts.program
    variables = [*program.trainable_variables, *program.state_variables]
    return {f"variables/{i} ({v.name})": v for i, v in enumerate(variables)}


def _state(state: State) -> dict[str, np.ndarray]:
    values = tf.nest.flatten(state)
    return {f"state/{i}": value.numpy() for i, value in enumerate(values)}
