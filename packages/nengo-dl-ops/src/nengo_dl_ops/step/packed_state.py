"""State that loops carry in a form of the groups that compute it."""

from __future__ import annotations

from dataclasses import replace

from .program import Program
from .state import State


def with_packed_state(program: Program) -> Program:
    """
    Return a program whose steps take and return state that may be packed.

    Parameters
    ----------
    program : Program
        The same program, whose steps do not. For steps of a run that XLA compiles.

    Returns
    -------
    program : Program
        State as it is is good, too: any other is that of a step before.
    """
    return replace(program, states=[array.packed() for array in program.states])


def unpacked(program: Program, state: State) -> State:
    """
    Return a state as it is.

    Parameters
    ----------
    program : Program
        The program whose step returned the state.
    state : State
        The state, which is packed if the program's is.

    Returns
    -------
    state : State
        The same values; nothing changes if they were not packed.
    """
    pairs = zip(program.states, state.arrays, strict=True)
    return state._replace(arrays=[array.unpacked(value) for array, value in pairs])
