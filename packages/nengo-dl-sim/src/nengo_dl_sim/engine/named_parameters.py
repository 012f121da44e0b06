"""All parameters of an engine by name: to copy them, and to set them."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import tensorflow as tf
from nengo.builder.signal import Signal

from nengo_dl_ops.planning.def_use import count_reads
from nengo_dl_signals import stored_value

from .engine import Engine
from .parameter_store import to_numpy


def relied_on(engine: Engine, arrays: Mapping[str, np.ndarray]) -> str | None:
    """
    Find a parameter on whose value the plan relies, and that would get another one.

    A product with zero, for example, is not computed as long as it is one. What is
    not read by anybody may get any value: encoders of an ensemble, if all that it gets
    goes to its neurons.

    Returns the first such parameter. None if all can be set.
    """
    read = count_reads(engine.program_factory.operators)
    changed = [
        sig
        for sig, name in engine.names.items()
        if name in arrays
        and sig in read
        and sig not in engine.program_factory.roles.trainable
        if not np.array_equal(
            arrays[name], stored_value(sig).astype(arrays[name].dtype)
        )
    ]
    if not changed:
        return None
    now = count_reads(op for group in engine.program.groups for op in group.ops)
    needed = engine.program_factory.n_reads(engine.plan_settings, changed)
    return next((engine.names[sig] for sig in changed if now[sig] < needed[sig]), None)


def parameter_arrays(engine: Engine) -> dict[str, np.ndarray]:
    """
    Copy all parameters.

    Returns arrays by name, always in the same order. What no step reads is there as it
    was built, or loaded; and so are the initial values of what steps change.
    """
    arrays = {}
    for sig, name in engine.names.items():
        value = engine.parameters.value(sig)
        if value is None:  # simplified away
            value = stored_value(sig).astype(engine.program.layout.type_of(sig))
        arrays[name] = np.asarray(value)
    for sig, name in engine.initial_names.items():
        value = engine.initial.value(sig)
        if value is not None:
            arrays[name] = value
    layers = _layer_variables(engine)
    return {**arrays, **{name: to_numpy(v) for name, v in layers.items()}}


def trained_names(engine: Engine) -> set[str]:
    """Return which of `parameter_arrays` training changes."""
    program = engine.program
    arrays = [array for array in program.parameters if array.trainable]
    trained = {id(variable) for variable in program.trainable_variables}
    layers = _layer_variables(engine)
    return {
        *(engine.names[base] for array in arrays for base in array.bases),
        *(name for name, variable in layers.items() if id(variable) in trained),
    }


def assign_parameters(engine: Engine, arrays: Mapping[str, np.ndarray]) -> None:
    """
    Set all parameters.

    ``arrays``: the values, of the right shapes, by the names of `parameter_arrays`;
    maybe not all initial values. The plan must not rely on any that change (see
    `relied_on`).
    """
    engine.parameters.assign({sig: arrays[name] for sig, name in engine.names.items()})
    engine.initial.assign(initial_values(engine, arrays))
    for name, variable in _layer_variables(engine).items():
        variable.assign(arrays[name])


def initial_values(
    engine: Engine, arrays: Mapping[str, np.ndarray]
) -> dict[Signal, np.ndarray]:
    """Return the initial values that are among arrays."""
    return {
        sig: arrays[name]
        for sig, name in engine.initial_names.items()
        if name in arrays and engine.initial.value(sig) is not None
    }


def _layer_variables(engine: Engine) -> dict[str, tf.Variable]:
    """Name the variables of TensorNodes, in the order in which these were made."""
    # Not in the order of the groups: networks with the same parameters, but with other
    # synapses, are planned in other ways.
    made = {op: i for i, op in enumerate(engine.model.operators)}
    groups = sorted(
        engine.program.groups,
        key=lambda group: min(made.get(op, len(made)) for op in group.ops),
    )
    variables = {id(v): v for group in groups for v in group.variables}
    # Keras counts variables without a name through the whole process.
    names = [re.sub(r"_\d+$", "", v.name) for v in variables.values()]
    numbered = enumerate(zip(names, variables.values(), strict=True))
    return {f"variables/{i} ({name})": v for i, (name, v) in numbered}
