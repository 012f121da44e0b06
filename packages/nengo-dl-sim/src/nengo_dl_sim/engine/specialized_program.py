"""A shorter program, for as long as all parameters are as they were built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from nengo.builder.signal import Signal

from nengo_dl_ops.learning_rules import SimPESFactors
from nengo_dl_ops.step.program import Program
from nengo_dl_ops.step.state import State
from nengo_dl_ops.step.state_transfer import StateTransfer

from ..execution.runner import Runner
from .parameter_store import ParameterStore

#: Equal results may differ by rounding, in units of the last place of the largest.
_ROUNDING = 100


class SpecializedProgram(NamedTuple):
    """
    A program that computes once what another computes alike again and again.

    Most connections out of one population have the same decoders, until they are
    trained. The other program, which has them all, is needed from then on.

    Parameters
    ----------
    program : Program
        What one step computes.
    parameters : ParameterStore
        Its parameters, as they were built.
    runner : Runner
        Runs it.
    enter, leave : StateTransfer
        Take the state over from the other program, and back.
    """

    program: Program
    parameters: ParameterStore
    runner: Runner
    enter: StateTransfer
    leave: StateTransfer

    def entered(self, state: State) -> State | None:
        """
        Take over a state of the other program.

        Parameters
        ----------
        state : State
            A state of the other program.

        Returns
        -------
        state : State or None
            The same for this one. None if what is computed once here has different
            values there: then other parameters were in use some steps before.
        """
        entered = self.enter(state)
        back = self.leave(entered)
        pairs = zip(state.arrays, back.arrays, strict=True)
        return entered if all(_agree(a.numpy(), b.numpy()) for a, b in pairs) else None

    def close(self) -> None:
        """Give up what was compiled, and the variables."""
        self.runner.close()
        self.parameters.close()


def taken_over(
    source: Program, target: Program, stand_ins: Mapping[Signal, Signal], state: State
) -> State | None:
    """
    Take the state of a program over into one that computes more, for the same model.

    Parameters
    ----------
    source, target : Program
        The programs.
    stand_ins : dict from nengo.builder.Signal to nengo.builder.Signal
        For signals that the source has not, others with the same values.
    state : State
        A state of the source.

    Returns
    -------
    state : State or None
        The same for the target. None if something is missing.
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

    Parameters
    ----------
    general, short : Program
        The programs.
    stand_ins : dict from nengo.builder.Signal to nengo.builder.Signal
        For signals that the short program has not, others with the same values; with
        one element along the last axis, if those are all equal.

    Returns
    -------
    to_general : (n_rows,) array of int
        For each row of the general program the row of the short one; -1 if it has none.
    to_short : (n_rows,) array of int
        For each row of the short program a row of the general one.
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


def _agree(a: np.ndarray, b: np.ndarray) -> bool:
    if a.dtype.kind != "f":
        return np.array_equal(a, b)
    tolerance = _ROUNDING * np.finfo(a.dtype).eps * np.max(np.abs(a), initial=0)
    return bool(np.all(np.abs(a - b) <= tolerance))
