"""A shorter program, for as long as all parameters are as they were built."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from nengo.builder.operator import Operator
from nengo.builder.signal import Signal

from nengo_dl_ops.planning.narrow_results import narrowed_results
from nengo_dl_ops.planning.share_results import shared_results
from nengo_dl_ops.planning.simplify import DEFAULT_SIMPLIFICATIONS, simplify
from nengo_dl_ops.planning.spikes import plain_products
from nengo_dl_ops.step.build import (
    PlanSettings,
    SignalRoles,
    build_program,
    constant_signals,
)
from nengo_dl_ops.step.program import Program
from nengo_dl_ops.step.state import State
from nengo_dl_ops.step.state_transfer import StateTransfer

from ..execution.runner import Runner
from .parameter_store import ParameterStore
from .programs import PlannedProgram, ProgramFactory, noting
from .take_over import same_rows

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

        Returns the same for this one. None if what is computed once here has different
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


def specialize(
    factory: ProgramFactory, general: Program, settings: PlanSettings
) -> SpecializedProgram | None:
    """
    Make a program for parameters as they were built.

    Returns None if nothing is gained, or the state could not be taken over.
    """
    # What Python code and layers remember cannot be in two programs, and random
    # numbers would be others.
    if factory.settings.learning_phase or not general.is_self_contained:
        return None
    # Of operators that are simplified already: so both have the same signals.
    ops = plain_products([op for group in general.groups for op in group.ops])
    ops, stand_ins = _shared(ops, factory.roles)
    if not stand_ins:
        return None
    program = build_program(
        factory.model,
        ops,
        replace(factory.roles, trainable=frozenset()),
        replace(settings, simplifications=()),
        factory.config,
        [base for array in general.states for base in array.bases],
        factory.outputs,
    )
    return _connected(general, factory.runnable(program, stand_ins))


def _shared(
    ops: list[Operator], roles: SignalRoles
) -> tuple[list[Operator], dict[Signal, Signal]]:
    """Compute once what has equal results; tell which signals stand for which."""
    stand_ins: dict[Signal, Signal] = {}
    simplifications = (
        *DEFAULT_SIMPLIFICATIONS,
        noting(shared_results, stand_ins),
        noting(narrowed_results, stand_ins),
    )
    fixed = constant_signals(ops) - roles.inputs
    return simplify(ops, fixed, simplifications), stand_ins


def _connected(general: Program, planned: PlannedProgram) -> SpecializedProgram | None:
    """Find out how the state is taken over, to a program and back."""
    to_general, to_specialized = same_rows(general, planned.program, planned.stand_ins)
    try:
        enter = StateTransfer(general, planned.program, to_specialized)
        leave = StateTransfer(planned.program, general, to_general)
    except KeyError:  # there is state that only one of them has
        return None
    return SpecializedProgram(
        program=planned.program,
        parameters=planned.parameters,
        runner=planned.runner,
        enter=enter,
        leave=leave,
    )


def _agree(a: np.ndarray, b: np.ndarray) -> bool:
    if a.dtype.kind != "f":
        return np.array_equal(a, b)
    tolerance = _ROUNDING * np.finfo(a.dtype).eps * np.max(np.abs(a), initial=0)
    return bool(np.all(np.abs(a - b) <= tolerance))
