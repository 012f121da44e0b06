"""Processes whose parameters are signals: values of the program, not of the builder."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from math import prod

import numpy as np
from nengo.builder.operator import Operator
from nengo.builder.processes import SimProcess
from nengo.builder.signal import Signal
from nengo.exceptions import BuildError

from nengo_dl_signals import SignalLayout, TensorSignal


class SimParametricProcess(SimProcess):
    """
    Compute a process, some of whose parameters are signals.

    So they are values of the program like others: they may be trained, or be computed
    by other operators.

    Parameters
    ----------
    op : nengo.builder.processes.SimProcess
        The operator as Nengo built it, with an input.
    parameters : mapping from str to nengo.builder.Signal
        Some of `ProcessBuilder.parameters`: flat signals, of ``rows * columns`` values
        for all elements or ``rows * columns * n_elements``, the last axis fastest.

    Notes
    -----
    1. sets ``[output] if mode == "set" else []``
    2. incs ``[output] if mode == "inc" else []``
    3. reads ``[t, input] + parameters``
    4. updates ``[output] + state if mode == "update" else state``
    """

    def __init__(self, op: SimProcess, parameters: Mapping[str, Signal]) -> None:
        super().__init__(
            op.process, op.input, op.output, op.t, op.mode, op.state, tag=op.tag
        )
        self._names = list(parameters)
        self.reads += parameters.values()

    @property
    def parameters(self) -> dict[str, Signal]:
        """The signals, by the names of the parameters."""
        return dict(zip(self._names, self.reads[2:], strict=True))


def parameters_key(op: Operator) -> Hashable:
    """Say which processes may merge, as far as it is up to their parameters."""
    parametric = isinstance(op, SimParametricProcess)
    return tuple(sorted(op.parameters)) if parametric else None


def join_parameters(
    ops: Sequence[Operator],
    layout: SignalLayout,
    constants: Mapping[str, np.ndarray],
) -> dict[str, TensorSignal]:
    """Join those parameters of a group that are signals."""
    if not isinstance(ops[0], SimParametricProcess):
        return {}
    joined = {}
    for name in ops[0].parameters:
        if name not in constants:
            raise BuildError(
                f"{ops[0].process}: expected parameters among {sorted(constants)}, "
                f"got {name!r}"
            )
        parts = [layout[op.parameters[name]] for op in ops]
        sizes = [op.input.size for op in ops]
        _check_sizes(name, parts, sizes, constants[name].shape[:2])
        joined[name] = join_elements(parts, sizes, constants[name].shape[:2])
    return joined


def of_elements(rows: np.ndarray, first: TensorSignal) -> TensorSignal:
    """Return a view of elements, from their addresses in any shape."""
    return TensorSignal(rows.ravel(), rows.shape, (), first.dtype, None, first.label)


def _check_sizes(
    name: str,
    parts: Sequence[TensorSignal],
    sizes: Sequence[int],
    matrix: tuple[int, ...],
) -> None:
    for part, size in zip(parts, sizes, strict=True):
        if part.size not in (prod(matrix), prod(matrix) * size):
            raise BuildError(
                f"{part.label}: expected {name} to have {prod(matrix)} values, or as "
                f"many for each of {size} elements, got {part.size}"
            )


def join_elements(
    parts: Sequence[TensorSignal], sizes: Sequence[int], matrix: tuple[int, ...]
) -> TensorSignal:
    """Give every element of the joined input the addresses of its parameter."""
    rows = [part.rows.reshape((*matrix, -1)) for part in parts]
    if all(np.array_equal(some, rows[0]) for some in rows) and rows[0].shape[-1] == 1:
        return of_elements(rows[0], parts[0])
    rows = [
        np.broadcast_to(some, (*matrix, size))
        for some, size in zip(rows, sizes, strict=True)
    ]
    return of_elements(np.concatenate(rows, axis=-1), parts[0])
