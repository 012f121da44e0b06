"""How a model becomes a program that runs."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from nengo.builder import Model
from nengo.builder.operator import Operator
from nengo.builder.signal import Signal

from nengo_dl_ops import BuildConfig
from nengo_dl_ops.planning.def_use import count_reads
from nengo_dl_ops.planning.narrow_results import narrow_results, narrowed_results
from nengo_dl_ops.planning.share_results import share_results, shared_results
from nengo_dl_ops.planning.simplify import (
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

from ..execution.replicas import Replicas
from ..execution.runner import Runner
from ..inputs.current_step import CurrentStep
from ..inputs.nodes import NodeInputs
from ..recording.probe_store import ProbeStore
from ..settings.settings import Settings
from .initial_values import InitialValues
from .parameter_store import ParameterStore

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
    roles : SignalRoles
        Which signals are inputs, and which are trained.
    config : BuildConfig
        What operators are built with.
    inputs : NodeInputs
        The values of nodes without input.
    current : CurrentStep
        Shown to Python code.
    outputs : dict from hashable to nengo.builder.Signal
        What may be read at the end of each step, by any keys: for probes, by these.
    probes : dict from hashable to ProbeStore
        What of that is recorded in a run.
    unroll : int
        How many steps are compiled as one iteration of the loop.
    settings : Settings
        The settings of the network.
    replicas : Replicas
        Where variables are made.
    constraints : dict from nengo.builder.Signal to callable
        Those of parameters that are trained.
    """

    model: Model
    operators: Sequence[Operator]
    roles: SignalRoles
    config: BuildConfig
    inputs: NodeInputs
    current: CurrentStep
    outputs: Mapping[Any, Signal]
    probes: Mapping[Any, ProbeStore]
    unroll: int
    settings: Settings
    replicas: Replicas
    constraints: Mapping[Signal, Callable]

    def plan(self, settings: PlanSettings) -> PlannedProgram:
        """Make a program."""
        stand_ins: dict[Signal, Signal] = {}
        simplifications = [
            noting(_FINDS[each], stand_ins) if each in _FINDS else each
            for each in settings.simplifications
        ]
        program = build_program(
            self.model,
            self.operators,
            self.roles,
            replace(settings, simplifications=simplifications),
            self.config,
            outputs=self.outputs,
        )
        return self.runnable(program, stand_ins)

    def n_reads(
        self, settings: PlanSettings, changed: Collection[Signal]
    ) -> Counter[Signal]:
        """
        Count who reads each signal, in a plan that does not rely on some.

        Returns the number of operators that read each base signal.
        """
        fixed = constant_signals(self.operators)
        fixed -= {*self.roles.inputs, *self.roles.trainable, *changed}
        return count_reads(simplify(self.operators, fixed, settings.simplifications))

    def runnable(
        self, program: Program, stand_ins: dict[Signal, Signal]
    ) -> PlannedProgram:
        """Give a program parameters, and what runs it."""
        program = replace(
            program,
            learning_phase=self.settings.learning_phase,
            use_loop=self.settings.use_loop,
            remat_steps=self.settings.remat_steps,
        )
        self.current.watch(program, self.model.step)
        n_operators = len(self.operators)
        logger.info("%d operators in %d groups", n_operators, len(program.groups))
        with self.replicas.scope():
            store = ParameterStore(program, self.current.notify, self.constraints)
        variables = store.variables
        runner = Runner(program, variables, self.inputs, self.probes, self.unroll)
        return PlannedProgram(program, store, InitialValues(program), runner, stand_ins)


def noting(find: Find, stand_ins: dict[Signal, Signal]) -> Simplification:
    """Make a simplification that notes which signals stand for which."""

    def simplification(
        ops: list[Operator], fixed: Collection[Signal]
    ) -> list[Operator]:
        ops, found = find(ops, fixed)
        stand_ins.update(found)
        return ops

    return simplification
