"""The engine of a simulator: a program, its parameters, its inputs, what runs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import nengo
import numpy as np
from nengo.builder import Model
from nengo.builder.signal import Signal

from nengo_dl_ops import BuildConfig
from nengo_dl_ops.planning.learned_weights import Learned
from nengo_dl_ops.planning.trained_parameters import ScaledEncoders, TrainedStart
from nengo_dl_ops.step.build import PlanSettings
from nengo_dl_ops.step.program import Program
from nengo_dl_ops.step.state import State

from ..execution.replicas import Replicas
from ..execution.runner import Runner
from ..gc_paused import gc_paused
from ..inputs.current_step import CurrentStep
from ..inputs.nodes import NodeInputs
from ..recording.probe_store import ProbeStore
from ..settings.activities import Activity
from ..settings.settings import Settings
from ..settings.trained_parameters import (
    TrainedParameters,
    trained_encoders,
    trained_starts,
)
from .initial_values import InitialValues
from .parameter_store import ParameterStore
from .programs import PlannedProgram, ProgramFactory
from .specialized_program import SpecializedProgram, specialize
from .take_over import taken_over


class StateLost(Exception):
    """The state of a simulation cannot be taken over into another plan."""


@dataclass(eq=False)
class Engine:
    """
    What a simulator is made of; `.assemble` makes it.

    Its attributes stay the same objects, but for those of `PlannedProgram`, which
    `replan` exchanges.

    Parameters
    ----------
    model : nengo.builder.Model
        What Nengo built.
    program : Program
        What one step computes.
    parameters : ParameterStore
        The live values of its parameters.
    inputs : NodeInputs
        The values of nodes without input.
    current : CurrentStep
        The step in which Python code is called.
    probes : dict from nengo.Probe to ProbeStore
        What was recorded.
    initial : InitialValues
        What the state of the simulation starts from.
    runner : Runner
        Runs the program.
    stand_ins : dict from nengo.builder.Signal to nengo.builder.Signal
        For signals that the program does not compute, others with the same values.
    config : BuildConfig
        What operators are built with.
    settings : Settings
        The settings of the network.
    replicas : Replicas
        How minibatches are divided.
    names : dict from nengo.builder.Signal to str
        What parameters are called in files.
    initial_names : dict from nengo.builder.Signal to str
        What initial values of state are called there.
    gains : dict from nengo.Ensemble to nengo.builder.Signal
        The gains of ensembles: parameters that no step reads.
    learned : dict from nengo.builder.Signal to Learned
        Start and change of what an online learning rule changes, if its start is
        trained.
    regularizers : dict from nengo.builder.Signal to callable
        Those of parameters that are trained.
    trained : mapping from Connection or Ensemble to TrainedObject
        Parameters of synapses and neurons that are trained.
    activities : list of Activity
        Outputs that are regularized: parts of ``program.outputs``, by their objects.
    shows_batch : bool
        Whether data has a batch axis.
    program_factory : ProgramFactory
        Plans the model.
    plan_settings : PlanSettings
        How it was planned.
    """

    model: Model
    program: Program
    parameters: ParameterStore
    inputs: NodeInputs
    current: CurrentStep
    probes: dict[nengo.Probe, ProbeStore]
    initial: InitialValues
    runner: Runner
    stand_ins: dict[Signal, Signal]
    config: BuildConfig
    settings: Settings
    replicas: Replicas
    names: dict[Signal, str]
    initial_names: dict[Signal, str]
    gains: dict[nengo.Ensemble, Signal]
    learned: dict[Signal, Learned]
    regularizers: dict[Signal, Callable]
    trained: TrainedParameters
    activities: list[Activity]
    shows_batch: bool
    program_factory: ProgramFactory
    plan_settings: PlanSettings

    def replan(self, state: State) -> State:
        """
        Plan anew, so that parameters may get any values; those of layers are not kept.

        Raises a ``StateLost`` if it cannot be taken over; says what would be lost.
        Nothing is changed then.
        """
        has_started = bool(state.key[1] != 0)
        if has_started and not self.program.is_self_contained:
            raise StateLost("what layers, Python code or random generators remember")
        settings = replace(self.plan_settings, relies_on_values=False)
        planned = self.program_factory.plan(settings)
        taken = taken_over(self.program, planned.program, self.stand_ins, state)
        if taken is None:
            planned.runner.close()
            planned.parameters.close()
            raise StateLost("a part of the state")
        self._adopt(planned)
        return taken

    def reset_parameters(self) -> None:
        """Return to the parameters and initial values that were built."""
        self.parameters.reset()
        self.initial.reset()

    def _adopt(self, planned: PlannedProgram) -> None:
        """Go on with another plan, with the current values of parameters."""
        values = {sig: self.parameters.value(sig) for sig in self.names}
        starts = {sig: self.initial.value(sig) for sig in self.initial_names}
        self.close()
        for name, value in planned._asdict().items():
            setattr(self, name, value)
        self.parameters.assign(_without_none(values))
        self.initial.assign(_without_none(starts))

    @cached_property
    def starts(self) -> dict[Signal, TrainedStart]:
        """What state starts from, where that is trained."""
        return trained_starts(self.trained)

    @cached_property
    def scaled(self) -> dict[Signal, ScaledEncoders]:
        """Scaled encoders of which the gain is trained by itself."""
        return trained_encoders(self.trained)

    @cached_property
    def specialized(self) -> SpecializedProgram | None:
        """The program for parameters as they were built; None: there is none."""
        if self.settings.inference_only or self.plan_settings.are_chosen:
            return None
        with gc_paused():
            return specialize(self.program_factory, self.program, self.plan_settings)

    @property
    def specialized_now(self) -> SpecializedProgram | None:
        """The same; None, too, if parameters are not as they were built."""
        return self.specialized if self.parameters.as_built else None

    def close(self) -> None:
        """Give up what was compiled, and the variables; values stay readable."""
        self.runner.close()
        self.parameters.close()
        specialized = self.__dict__.pop("specialized", None)
        if specialized is not None:
            specialized.close()


def _without_none(
    values: Mapping[Signal, np.ndarray | None],
) -> dict[Signal, np.ndarray]:
    return {sig: value for sig, value in values.items() if value is not None}
