"""How a model becomes a program that runs: for any parameters, or for those built."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from nengo.builder import Model
from nengo.builder.operator import Operator
from nengo.builder.signal import Signal

from nengo_dl_ops import BuildConfig
from nengo_dl_ops.planning.def_use import count_reads
from nengo_dl_ops.planning.narrow_results import narrow_results, narrowed_results
from nengo_dl_ops.planning.share_results import share_results, shared_results
from nengo_dl_ops.planning.simplify import (
    DEFAULT_SIMPLIFICATIONS,
    Simplification,
    simplify,
)
from nengo_dl_ops.step.build import (
    PlanSettings,
    SignalRoles,
    build_program,
    constant_signals,
)
from nengo_dl_ops.step.program import Program
from nengo_dl_ops.step.state_transfer import StateTransfer

from ..execution.runner import Runner
from ..inputs.current_step import CurrentStep
from ..inputs.nodes import NodeInputs
from ..recording.probe_store import ProbeStore
from .initial_values import InitialValues
from .parameter_store import ParameterStore
from .specialized_program import SpecializedProgram, same_rows

logger = logging.getLogger(__name__)

#: Like a simplification, but tells which signals stand for which.
Find = Callable[
    [list[Operator], Collection[Signal]],
    tuple[list[Operator], dict[Signal, Signal]],
]


_FINDS: dict[Simplification, Find] = {
    share_results: shared_results,
    narrow_results: narrowed_results,
}


class PlannedProgram(NamedTuple):
    """
    What follows from how operators are simplified and merged.

    Parameters
    ----------
    program : Program
        What one step computes.
    parameters : ParameterStore
        The live values of its parameters.
    initial : InitialValues
        What its state starts from.
    runner : Runner
        Runs it.
    stand_ins : dict from nengo.builder.Signal to nengo.builder.Signal
        For signals that are not computed, others with the same values.
    """

    program: Program
    parameters: ParameterStore
    initial: InitialValues
    runner: Runner
    stand_ins: dict[Signal, Signal]


@dataclass(frozen=True, eq=False)
class ProgramFactory:
    """
    Plans a model.

    Parameters
    ----------
    model : nengo.builder.Model
        What Nengo built.
    operators : list of nengo.builder.Operator
        Its operators, without those that input nodes replace.
    marks : SignalRoles
        Which signals are inputs, and which are trained.
    config : BuildConfig
        The settings of the simulation.
    inputs : NodeInputs
        The values of nodes without input.
    current : CurrentStep
        Shown to Python code.
    probes : list of ProbeStore
        What is recorded.
    unroll : int
        How many steps are compiled as one iteration of the loop.
    learning_phase : bool or None
        See `.compile.Program`.
    use_loop : bool
        See `.compile.Program`.
    remat_steps : int or None
        See `.compile.Program`.
    """

    model: Model
    operators: Sequence[Operator]
    roles: SignalRoles
    config: BuildConfig
    inputs: NodeInputs
    current: CurrentStep
    probes: Sequence[ProbeStore]
    unroll: int
    learning_phase: bool | None
    use_loop: bool
    remat_steps: int | None

    def plan(self, settings: PlanSettings) -> PlannedProgram:
        """
        Make a program.

        Parameters
        ----------
        settings : PlanSettings
            How to simplify, plan and sort.

        Returns
        -------
        planned : PlannedProgram
            The program, its parameters, and what runs it.
        """
        stand_ins: dict[Signal, Signal] = {}
        simplifications = [
            _noting(_FINDS[each], stand_ins) if each in _FINDS else each
            for each in settings.simplifications
        ]
        program = build_program(
            self.model,
            self.operators,
            self.roles,
            replace(settings, simplifications=simplifications),
            self.config,
        )
        return self._runnable(program, stand_ins)

    def n_reads(
        self, settings: PlanSettings, changed: Collection[Signal]
    ) -> Counter[Signal]:
        """
        Count who reads each signal, in a plan that does not rely on some.

        Parameters
        ----------
        settings : PlanSettings
            How to simplify.
        changed : collection of nengo.builder.Signal
            Base signals whose values are not those that were built.

        Returns
        -------
        counts : Counter of nengo.builder.Signal
            The number of operators that read each base signal.
        """
        fixed = constant_signals(self.operators)
        fixed -= {*self.roles.inputs, *self.roles.trainable, *changed}
        return count_reads(simplify(self.operators, fixed, settings.simplifications))

    def specialized(
        self, general: Program, settings: PlanSettings
    ) -> SpecializedProgram | None:
        """
        Make another program, for as long as no parameter has changed.

        Parameters
        ----------
        general : Program
            The program for any parameters.
        settings : PlanSettings
            How to plan and sort.

        Returns
        -------
        shortcut : SpecializedProgram or None
            None if nothing is gained, or the state could not be taken over.
        """
        # What Python code and layers remember cannot be in two programs, and random
        # numbers would be others.
        if self.learning_phase or not general.is_self_contained:
            return None
        # Of operators that are simplified already: so both have the same signals.
        ops = [op for group in general.groups for op in group.ops]
        stand_ins: dict[Signal, Signal] = {}
        ops = simplify(
            ops,
            constant_signals(ops) - self.roles.inputs,
            (
                *DEFAULT_SIMPLIFICATIONS,
                _noting(shared_results, stand_ins),
                _noting(narrowed_results, stand_ins),
            ),
        )
        if not stand_ins:
            return None
        program = build_program(
            self.model,
            ops,
            replace(self.roles, trainable=frozenset()),
            replace(settings, simplifications=()),
            self.config,
            [base for array in general.states for base in array.bases],
        )
        planned = self._runnable(program, stand_ins)
        to_general, to_short = same_rows(general, planned.program, stand_ins)
        try:
            enter = StateTransfer(general, planned.program, to_short)
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

    def _runnable(
        self, program: Program, stand_ins: dict[Signal, Signal]
    ) -> PlannedProgram:
        program = replace(
            program,
            learning_phase=self.learning_phase,
            use_loop=self.use_loop,
            remat_steps=self.remat_steps,
        )
        self.current.watch(program, self.model.step)
        n_operators = len(self.operators)
        logger.info("%d operators in %d groups", n_operators, len(program.groups))
        store = ParameterStore(program, self.current.notify)
        variables = store.variables
        runner = Runner(program, variables, self.inputs, self.probes, self.unroll)
        return PlannedProgram(program, store, InitialValues(program), runner, stand_ins)


def _noting(find: Find, stand_ins: dict[Signal, Signal]) -> Simplification:
    """Make a simplification that notes which signals stand for which."""

    def simplification(
        ops: list[Operator], fixed: Collection[Signal]
    ) -> list[Operator]:
        ops, found = find(ops, fixed)
        stand_ins.update(found)
        return ops

    return simplification
