"""Compute one element of vectors whose elements are all equal."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
from nengo.builder.operator import DotInc, ElementwiseInc, Operator, Reset
from nengo.builder.processes import SimProcess
from nengo.builder.signal import Signal

from .def_use import Frozen, Uses, is_filter, is_fixed, result


def narrow_results(ops: list[Operator], fixed: Collection[Signal]) -> list[Operator]:
    """
    Compute one element of a vector that a constant matrix makes of equal elements.

    Such are the currents by which one population silences another: Nengo computes and
    filters the same number for every neuron, before it multiplies each by the gain of
    the neuron.

    Parameters
    ----------
    ops : list of nengo.builder.Operator
        The operators of one step.
    fixed : collection of nengo.builder.Signal
        Base signals that keep their initial value.

    Returns
    -------
    ops : list of nengo.builder.Operator
        The operators; where elementwise products took such a vector, products of a
        column of numbers take its one element.
    """
    return narrowed_results(ops, fixed)[0]


def narrowed_results(
    ops: list[Operator], fixed: Collection[Signal]
) -> tuple[list[Operator], dict[Signal, Signal]]:
    """
    Narrow results, and tell which signals stand for which.

    ``stand_ins``: for signals that are not computed any more, those that have their one
    element.
    """
    uses = Uses(ops)
    narrowed: dict[int, Operator] = {}
    one: dict[Signal, Signal] = {}
    for number, op in enumerate(ops):
        if _has_equal_rows(op, fixed) and uses.decides(op):
            users = list(_users(ops, uses, number))
            if users and all(_can_narrow(ops[i], uses) for i in users):
                narrowed.update(_narrow(ops, uses, [number, *users], one))
    return [narrowed.get(number, op) for number, op in enumerate(ops)], one


def _has_equal_rows(op: Operator, fixed: Collection[Signal]) -> bool:
    if type(op) is not DotInc or op.Y.size < 2 or not is_fixed(op.A, fixed):
        return False
    A = op.A.initial_value
    return A.ndim == 2 and bool(np.all(A == A[:1]))


def _users(ops: list[Operator], uses: Uses, number: int) -> Iterator[int]:
    """Yield what reads a result, and what reads it after synapses."""
    for user in uses.readers.get(result(ops[number]).base, ()):
        yield user
        if is_filter(ops[user]):
            yield from _users(ops, uses, user)


def _can_narrow(op: Operator, uses: Uses) -> bool:
    """Tell whether an operator on a vector of equal elements can have just one."""
    if is_filter(op):
        starts = [sig.initial_value for sig in op.updates]
        even = all(np.all(start == start[..., :1]) for start in starts)
        return even and not op.input.is_view and uses.decides(op)
    return (
        type(op) is ElementwiseInc
        and not op.X.is_view
        and op.A.base is not op.X
        and op.A.shape == op.X.shape == op.Y.shape
    )


def _narrow(
    ops: list[Operator], uses: Uses, numbers: list[int], one: dict[Signal, Signal]
) -> Iterator[tuple[int, Operator]]:
    """Yield the operators that take the place of a product and of its users."""
    for number in numbers:
        op = ops[number]
        if is_filter(op):
            one.update((sig, _one_element(sig)) for sig in op.updates)
            states = (one[sig] for sig in op.updates[1:])
            state = dict(zip(op.state_idxs, states, strict=True))
            yield (
                number,
                SimProcess(
                    op.process, one[op.input], one[op.output], op.t, "update", state
                ),
            )
        elif type(op) is ElementwiseInc:
            column = op.A.reshape((op.A.size, 1))
            yield number, DotInc(column, one[op.X], op.Y, tag=op.tag)
        else:
            one[op.Y] = _one_element(op.Y)
            row = Frozen(op.A.initial_value[:1], name=op.A.name)
            yield number, DotInc(row, op.X, one[op.Y], tag=op.tag)
            (reset,) = (i for i in uses.writers[op.Y] if i != number)
            yield reset, Reset(one[op.Y])


def _one_element(sig: Signal) -> Signal:
    return Signal(sig.initial_value[..., :1].copy(), name=sig.name)
