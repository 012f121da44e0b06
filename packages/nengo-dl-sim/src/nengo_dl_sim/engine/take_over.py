"""The state of one program, taken over into another one for the same model."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from nengo.builder.signal import Signal

from nengo_dl_ops.learning_rules import SimPESFactors
from nengo_dl_ops.step.program import Program
from nengo_dl_ops.step.state import State
from nengo_dl_ops.step.state_transfer import StateTransfer


def taken_over(
    source: Program, target: Program, stand_ins: Mapping[Signal, Signal], state: State
) -> State | None:
    """
    Take the state of a program over into one that computes more, for the same model.

    Returns a state of the target. None if something is missing.
    """
    found = _factors(source)
    same = {sig: found[key] for key, sig in _factors(target).items() if key in found}
    rows, _ = same_rows(target, source, {**stand_ins, **same})
    try:
        return StateTransfer(source, target, rows)(state)
    except KeyError:
        return None


def _factors(program: Program) -> dict[tuple[Signal, int], Signal]:
    """Return signals that each plan has of its own, by what they are factors of."""
    ops = [op for group in program.groups for op in group.ops]
    return {
        (op.change, number): sig
        for op in ops
        if isinstance(op, SimPESFactors)
        for number, sig in enumerate(op.updates)
    }


def same_rows(
    general: Program, short: Program, stand_ins: Mapping[Signal, Signal]
) -> tuple[np.ndarray, np.ndarray]:
    """
    Find the elements of two programs' states that have the same values.

    ``stand_ins``: for signals that the short program has not, others with the same
    values; with one element along the last axis, if those are all equal. ``to_general``
    (n_rows,): for each row of the general program the row of the short one; -1 if it
    has none. ``to_short`` (n_rows,): for each row of the short program a row of the
    general one.
    """
    to_general = np.full(general.layout.n_rows, -1)
    to_short = np.full(short.layout.n_rows, -1)
    carried = {base for array in short.states for base in array.bases}
    for base in (base for array in general.states for base in array.bases):
        found = base
        while found not in carried and found in stand_ins:
            found = stand_ins[found]
        if found in carried:
            rows, there = general.layout.rows(base), short.layout.rows(found)
            if len(there) < len(rows):
                there = np.broadcast_to(there.reshape(found.shape), base.shape).ravel()
            to_general[rows], to_short[there] = there, rows
    return to_general, to_short
