"""What a simulator is made of, and how it is made from a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import nengo
import numpy as np
from nengo.builder import Model
from nengo.builder.operator import SimPyFunc, TimeUpdate
from nengo.builder.processes import SimProcess
from nengo.builder.signal import Signal
from nengo.cache import get_default_decoder_cache
from nengo.exceptions import BuildError, NengoWarning, ValidationError

from nengo_dl_ops import BuildConfig, Builder, SimTensorNode
from nengo_dl_ops.planning.greedy_planner import greedy_planner
from nengo_dl_ops.planning.learned_weights import Learned, split_learned
from nengo_dl_ops.planning.simplify import (
    DEFAULT_SIMPLIFICATIONS,
    RUN_ONLY_SIMPLIFICATIONS,
)
from nengo_dl_ops.planning.sorters import order_signals
from nengo_dl_ops.planning.voja_scales import scales_as_signals
from nengo_dl_ops.step.build import (
    PlanSettings,
    SignalRoles,
    check_numbers,
    check_supported,
)
from nengo_dl_ops.step.program import Program
from nengo_dl_ops.step.state import State
from nengo_dl_ops.user_warnings import warn_user

from ..execution.memory import check_memory
from ..execution.runner import Runner
from ..gc_paused import gc_paused
from ..inputs.current_step import CurrentStep
from ..inputs.nodes import NodeInputs
from ..recording.probe_store import ProbeStore
from ..settings.config import get_setting
from ..settings.parameter_names import (
    gain_names,
    gain_signals,
    initial_names,
    parameter_names,
)
from ..settings.table import dtype_of_nengo
from ..settings.trainable import trainable_signals, written_signals
from .initial_values import InitialValues
from .parameter_store import ParameterStore
from .programs import PlannedProgram, ProgramFactory
from .specialized_program import SpecializedProgram, taken_over


class StateLost(Exception):
    """The state of a simulation cannot be taken over into another plan."""


@dataclass(eq=False)
class Engine:
    """
    The parts of a simulator.

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
    probes : list of ProbeStore
        What was recorded, in the order of ``model.probes``.
    initial : InitialValues
        What the state of the simulation starts from.
    runner : Runner
        Runs the program.
    stand_ins : dict from nengo.builder.Signal to nengo.builder.Signal
        For signals that the program does not compute, others with the same values.
    config : BuildConfig
        The settings it was built with.
    inference_only : bool
        Whether training was ruled out.
    names : dict from nengo.builder.Signal to str
        What parameters are called in files.
    initial_names : dict from nengo.builder.Signal to str
        What initial values of state are called there.
    gains : dict from nengo.Ensemble to nengo.builder.Signal
        The gains of ensembles: parameters that no step reads.
    learned : dict from nengo.builder.Signal to Learned
        The parts of what an online learning rule changes, if its start is trained.
    shows_batch : bool
        Whether data has a batch axis.
    stateful : bool
        Whether runs may change the state of the simulation.
    planner : ProgramFactory
        Plans the model.
    plan_settings : PlanSettings
        How it was planned.
    """

    model: Model
    program: Program
    parameters: ParameterStore
    inputs: NodeInputs
    current: CurrentStep
    probes: list[ProbeStore]
    initial: InitialValues
    runner: Runner
    stand_ins: dict[Signal, Signal]
    config: BuildConfig
    inference_only: bool
    names: dict[Signal, str]
    initial_names: dict[Signal, str]
    gains: dict[nengo.Ensemble, Signal]
    learned: dict[Signal, Learned]
    shows_batch: bool
    stateful: bool
    program_factory: ProgramFactory
    plan_settings: PlanSettings

    def replan(self, state: State) -> State:
        """
        Plan anew, so that parameters may get any values; those of layers are not kept.

        Parameters
        ----------
        state : State
            A state of the simulation.

        Returns
        -------
        state : State
            The same for the new plan.

        Raises
        ------
        StateLost
            If it cannot be taken over; says what would be lost. Nothing is changed
            then.
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
        """Go on with another plan, with the present values of parameters."""
        values = {sig: self.parameters.value(sig) for sig in self.names}
        starts = {sig: self.initial.value(sig) for sig in self.initial_names}
        self.close()
        for name, value in planned._asdict().items():
            setattr(self, name, value)
        self.parameters.assign(_without_none(values))
        self.initial.assign(_without_none(starts))

    @cached_property
    def specialized(self) -> SpecializedProgram | None:
        """A shorter program for parameters as they were built; None: there is none."""
        if self.inference_only or self.plan_settings.are_chosen:
            return None
        with gc_paused():
            return self.program_factory.specialized(self.program, self.plan_settings)

    def close(self) -> None:
        """Give up what was compiled, and the variables; values stay readable."""
        self.runner.close()
        self.parameters.close()
        specialized = self.__dict__.pop("specialized", None)
        if specialized is not None:
            specialized.close()


def build_model(network: nengo.Network | None, model: Model | None, dt: float) -> Model:
    """
    Build a network with Nengo.

    Parameters
    ----------
    network : nengo.Network or None
        What to build; None if ``model`` is complete.
    model : nengo.builder.Model or None
        A model to build into. None: a new one.
    dt : float
        The length of a time step, in seconds.

    Returns
    -------
    model : nengo.builder.Model
        The model.

    Raises
    ------
    nengo.exceptions.ValidationError
        If neither a network nor a model is given.

    Warns
    -----
    nengo.exceptions.NengoWarning
        If the model has another ``dt``, which is then used; if nobody says which
        network it is of.
    """
    if network is None and model is None:
        raise ValidationError("expected a Network or a model, got neither", "network")
    if model is None:
        cache = get_default_decoder_cache()
        model = Model(dt=dt, label=f"{network}, dt={dt:f}", decoder_cache=cache)
    if network is not None:
        model.build(network)
    _warn_of_model(model, dt)
    return model


def _warn_of_model(model: Model, dt: float) -> None:
    if model.dt != dt:
        warn_user(
            f"The model is built for dt={model.dt:g}, which is used in place of "
            f"dt={dt:g}",
            NengoWarning,
        )
    if model.toplevel is None:
        warn_user(
            "The model has no top-level network: it has no input nodes that data can "
            "be given for, and nothing in it can be trained",
            NengoWarning,
        )


def assemble(
    network: nengo.Network | None,
    model: Model,
    seed: int,
    minibatch_size: int | None,
    unroll_simulation: int,
    shows_batch: bool,
    dtype: str | None = None,
    optimize: bool = True,
) -> Engine:
    """
    Make the parts of a simulator from a built model.

    Parameters
    ----------
    network : nengo.Network or None
        The top-level network, for settings and input nodes.
    model : nengo.builder.Model
        The model that was built from it.
    seed : int
        The seed of the simulation.
    minibatch_size : int or None
        The number of items that are simulated at once; None for one.
    unroll_simulation : int
        How many steps are compiled as one iteration of the loop.
    shows_batch : bool
        Whether data has a batch axis; without it, it is that of the first item.
    dtype : {"float16", "float32", "float64"}, optional
        The type of floating point signals. None: what the network's settings say.
    optimize : bool
        Whether operators are simplified.

    Returns
    -------
    engine : Engine
        All parts, ready to run.
    """
    network = network or model.toplevel or nengo.Network(add_to_container=False)
    config = BuildConfig(
        dt=model.dt,
        minibatch_size=minibatch_size or 1,
        dtype=dtype or get_setting(network, "dtype", default=dtype_of_nengo()),
        lif_smoothing=get_setting(network, "lif_smoothing"),
    )
    check_memory(model, config.minibatch_size, config.dtype)
    current = CurrentStep()
    inputs = NodeInputs(
        model,
        network,
        config.minibatch_size,
        seed,
        [op for op in model.operators if Builder.of(op).python],
        config.dtype,
        get_setting(network, "pure_functions"),
        current,
    )
    trained = trainable_signals(model, network)
    operators = [op for op in model.operators if op not in inputs.operators]
    operators += inputs.replacements
    check_supported(model, operators)
    check_numbers(model, operators, config.dtype)
    operators, scales = scales_as_signals(operators)
    operators, learned = split_learned(operators, trained)
    starts = {base: engine.start for base, engine in learned.items()}
    roles = SignalRoles(
        _input_signals(inputs),
        frozenset(starts.get(base, base) for base in trained),
        _clocks(model),
    )
    probes = _probe_stores(
        network, model, config.minibatch_size if shows_batch else None
    )
    settings = _plan_settings(network, optimize)

    program_factory = ProgramFactory(
        model,
        operators,
        roles,
        config,
        inputs,
        current,
        probes,
        unroll_simulation,
        _learning_phase(network),
        get_setting(network, "use_loop"),
        get_setting(network, "remat_steps"),
    )
    given = parameter_names(model, network)
    gains = gain_signals(model, network)
    return Engine(
        model=model,
        inputs=inputs,
        current=current,
        probes=probes,
        config=config,
        inference_only=get_setting(network, "inference_only"),
        names={
            **_names(_constants(model, roles), starts, given),
            **{sig: f"learning_rules/{i}/scale" for i, sig in enumerate(scales)},
            **gain_names(gains, network, given.values()),
        },
        initial_names=initial_names(model, network, learned),
        gains=gains,
        learned=learned,
        shows_batch=shows_batch,
        stateful=get_setting(network, "stateful"),
        program_factory=program_factory,
        plan_settings=settings,
        **program_factory.plan(settings)._asdict(),
    )


def _without_none(
    values: Mapping[Signal, np.ndarray | None],
) -> dict[Signal, np.ndarray]:
    return {sig: value for sig, value in values.items() if value is not None}


def choose_seed(network: nengo.Network | None, seed: int | None) -> int:
    """Return the seed as Nengo chooses it: given, or after the network's, or random."""
    if seed is not None:
        return seed
    if network is not None and network.seed is not None:
        return int(network.seed) + 1
    return int(np.random.randint(np.iinfo(np.int32).max))


def _input_signals(inputs: NodeInputs) -> frozenset[Signal]:
    signals = [inputs.signal(source) for source in inputs.sources]
    return frozenset(sig for sig in signals if sig is not None)


def _clocks(model: Model) -> frozenset[Signal]:
    """Return the count of steps and the time, unless unknown operators read them."""
    known = (TimeUpdate, SimPyFunc, SimProcess, SimTensorNode)
    others = [op for op in model.operators if not isinstance(op, known)]
    used = {sig.base for op in others for sig in op.all_signals}
    return frozenset({model.step, model.time} - used)


def _constants(model: Model, roles: SignalRoles) -> list[Signal]:
    """Return what a model reads and never writes, whatever is simplified."""
    written = written_signals(model)
    read = dict.fromkeys(sig.base for op in model.operators for sig in op.reads)
    return [sig for sig in read if sig not in written and sig not in roles.inputs]


def _names(
    signals: Sequence[Signal], starts: dict[Signal, Signal], given: dict[Signal, str]
) -> dict[Signal, str]:
    """
    Name all parameters; those that belong to no object, by their number.

    The start of what is learned online has the name of what is learned.
    """
    nameless = [sig for sig in signals if sig not in given]
    numbered = {sig: f"constants/{i}" for i, sig in enumerate(nameless)}
    names = {sig: given.get(sig) or numbered[sig] for sig in signals}
    return names | {start: given[base] for base, start in starts.items()}


def _plan_settings(network: nengo.Network, optimize: bool) -> PlanSettings:
    runs_only = get_setting(network, "inference_only")
    default = RUN_ONLY_SIMPLIFICATIONS if runs_only else DEFAULT_SIMPLIFICATIONS
    chosen = get_setting(network, "simplifications", None) if optimize else ()
    return PlanSettings(
        default if chosen is None else chosen,
        get_setting(network, "planner", greedy_planner),
        get_setting(network, "sorter", order_signals),
        are_chosen=chosen is not None,
    )


def _learning_phase(network: nengo.Network) -> bool | None:
    phase: bool | None = get_setting(network, "learning_phase")
    if phase and get_setting(network, "inference_only"):
        raise BuildError(
            "learning_phase: expected None or False for a network with "
            "configure_settings(inference_only=True), got True"
        )
    return phase


def _probe_stores(
    network: nengo.Network, model: Model, minibatch_size: int | None
) -> list[ProbeStore]:
    return [
        ProbeStore(
            probe,
            model.dt,
            get_setting(network, "keep_history", obj=probe),
            minibatch_size,
            model.sig[probe]["in"].shape,
        )
        for probe in model.probes
    ]
