"""Which named parameters make up the variables that are trained."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from nengo.builder.signal import Signal

from nengo_dl_signals import stored_value

from ..engine.engine import Engine


class TrainableParameter(NamedTuple):
    """
    A named parameter.

    Parameters
    ----------
    name : str
        What it is called in messages.
    variable : int
        The trainable variable it is in, by number.
    rows : slice
        Where in the variable it is.
    signals : set of nengo.builder.Signal
        The base signals by way of which it has an effect.
    shape : tuple of int
        Its shape.
    regularizer : callable or None
        Its regularizer.
    """

    name: str
    variable: int
    rows: slice
    signals: set[Signal]
    shape: tuple[int, ...]
    regularizer: Callable | None


def trainable_parameters(engine: Engine) -> Iterator[TrainableParameter]:
    """Name what is trained."""
    program, store = engine.program, engine.parameters
    arrays = [array for array in program.parameters if array.trainable]
    for i, array in enumerate(arrays):
        for base in array.bases:
            yield TrainableParameter(
                engine.names[base],
                i,
                store.rows(base),
                {base},
                stored_value(base).shape,
                engine.regularizers.get(base),
            )
    owners = {id(v): group for group in program.groups for v in group.variables}
    for i, variable in enumerate(program.trainable_variables, start=len(arrays)):
        ops = owners[id(variable)].ops
        written = {sig.base for op in ops for sig in (*op.sets, *op.incs, *op.updates)}
        name = f"{variable.name} of {ops[0].tag}"
        yield TrainableParameter(
            name,
            i,
            slice(None),
            written,
            tuple(variable.shape),
            getattr(variable, "regularizer", None),
        )
