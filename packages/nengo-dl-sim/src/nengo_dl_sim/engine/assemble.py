"""From what Nengo built of a network to the engine of its simulator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import nengo
from nengo.builder import Model
from nengo.builder.operator import Operator, SimPyFunc, TimeUpdate
from nengo.builder.probe import SimProbe
from nengo.builder.processes import SimProcess
from nengo.builder.signal import Signal

from nengo_dl_ops import BuildConfig, Builder, SimTensorNode
from nengo_dl_ops.neurons.training import with_training_modes
from nengo_dl_ops.planning.greedy_planner import greedy_planner
from nengo_dl_ops.planning.learned_weights import (
    Learned,
    scales_as_signals,
    split_learned,
)
from nengo_dl_ops.planning.simplify import (
    DEFAULT_SIMPLIFICATIONS,
    RUN_ONLY_SIMPLIFICATIONS,
)
from nengo_dl_ops.planning.sorters import order_signals
from nengo_dl_ops.step.build import (
    PlanSettings,
    SignalRoles,
    check_numbers,
    check_supported,
)

from ..execution.memory import check_memory
from ..execution.replicas import Replicas
from ..inputs.current_step import CurrentStep
from ..inputs.nodes import NodeInputs
from ..recording.probe_store import ProbeStore
from ..settings.activities import regularized_activities
from ..settings.settings import Settings, keeps_history
from ..settings.trainable import settings_of_parameters, trainable_signals
from ..settings.trained_parameters import (
    TrainedParameters,
    trained_encoders,
    trained_starts,
    with_trained_parameters,
)
from ..settings.training_modes import training_modes
from .engine import Engine
from .parameter_names import gain_signals, initial_names, name_parameters
from .programs import ProgramFactory


class StepOperators(NamedTuple):
    """
    What a step computes, before it is planned.

    Parameters
    ----------
    operators : list of nengo.builder.Operator
        The operators.
    roles : SignalRoles
        What is known of their signals.
    learned : dict from nengo.builder.Signal to Learned
        Start and change of what an online learning rule changes, if its start is
        trained.
    scales : list of nengo.builder.Signal
        Parameters of learning rules, which Nengo keeps as numbers.
    regularizers, constraints : dict from nengo.builder.Signal to callable
        Those of parameters.
    trained : mapping from Connection or Ensemble to TrainedObject
        Parameters of synapses and neurons that are trained.
    """

    operators: list[Operator]
    roles: SignalRoles
    learned: dict[Signal, Learned]
    scales: Sequence[Signal]
    regularizers: dict[Signal, Callable]
    constraints: dict[Signal, Callable]
    trained: TrainedParameters


def assemble(
    network: nengo.Network | None,
    model: Model,
    settings: Settings,
    seed: int,
    minibatch_size: int | None,
    unroll: int,
    shows_batch: bool,
    replicas: Replicas,
) -> Engine:
    """
    Make the engine of a simulator from a built model.

    ``network``: the top-level network. None: that of the model, if it has one.
    ``minibatch_size``: the number of items that are simulated at once; None for one.
    ``shows_batch``: whether data has a batch axis; without it, it is that of the first
    item. ``replicas``: how minibatches are divided.
    """
    network = network or model.toplevel or nengo.Network(add_to_container=False)
    config = _build_config(model, settings, minibatch_size or 1)
    check_memory(model, config.minibatch_size, config.dtype)
    current = CurrentStep()
    inputs = _node_inputs(network, model, settings, config, seed, current)
    step = _step_operators(network, model, settings, inputs, config.dtype)
    batch = config.minibatch_size if shows_batch else None
    activities = regularized_activities(model, network)
    probes = _probe_stores(network, model, batch)
    factory = ProgramFactory(
        model,
        # Simplifications leave out what nothing reads.
        [*step.operators, *(SimProbe(activity.signal) for activity in activities)],
        step.roles,
        config,
        inputs,
        current,
        {
            **{probe: model.sig[probe]["in"] for probe in model.probes},
            **{activity.obj: activity.signal for activity in activities},
        },
        probes,
        unroll,
        settings,
        replicas,
        step.constraints,
    )
    plan_settings = _plan_settings(settings)
    scaled = trained_encoders(step.trained)
    gains = gain_signals(model, network, scaled)
    return Engine(
        model=model,
        inputs=inputs,
        current=current,
        probes=probes,
        config=config,
        settings=settings,
        replicas=replicas,
        names=_parameter_names(network, model, step, gains),
        initial_names=initial_names(
            model, network, {**step.learned, **trained_starts(step.trained)}
        ),
        gains=gains,
        learned=step.learned,
        regularizers=step.regularizers,
        trained=step.trained,
        activities=activities,
        shows_batch=shows_batch,
        program_factory=factory,
        plan_settings=plan_settings,
        **factory.plan(plan_settings)._asdict(),
    )


def _build_config(model: Model, settings: Settings, minibatch_size: int) -> BuildConfig:
    return BuildConfig(
        dt=model.dt,
        minibatch_size=minibatch_size,
        dtype=settings.dtype,
    )


def _node_inputs(
    network: nengo.Network,
    model: Model,
    settings: Settings,
    config: BuildConfig,
    seed: int,
    current: CurrentStep,
) -> NodeInputs:
    return NodeInputs(
        model,
        network,
        config.minibatch_size,
        seed,
        [op for op in model.operators if Builder.of(op).python],
        config.dtype,
        settings.pure_functions,
        current,
    )


def _step_operators(
    network: nengo.Network,
    model: Model,
    settings: Settings,
    inputs: NodeInputs,
    dtype: str,
) -> StepOperators:
    """Take the operators that the steps compute, with all parameters as signals."""
    trained = trainable_signals(model, network, settings.inference_only)
    operators = [op for op in model.operators if op not in inputs.operators]
    operators += inputs.replacements
    check_supported(model, operators)
    check_numbers(model, operators, dtype)
    modes = training_modes(model, network, settings.lif_smoothing)
    operators = with_training_modes(operators, modes)
    operators, of_objects = with_trained_parameters(
        model, network, operators, settings.inference_only
    )
    operators, scales = scales_as_signals(operators)
    # Encoders that follow from a gain are computed, not learned online.
    operators, learned = split_learned(
        operators, trained - {sig.base for sig in trained_encoders(of_objects)}
    )
    starts = _start_of(learned, of_objects)
    roles = SignalRoles(
        _input_signals(inputs),
        frozenset(starts.get(base, base) for base in trained)
        | {
            part.unconstrained for one in of_objects.values() for part in one.parameters
        },
        _clocks(model),
    )
    regularizers, constraints = (
        {
            starts.get(base, base): value
            for base, value in settings_of_parameters(
                model, network, setting, trained
            ).items()
        }
        for setting in ("regularizer", "constraint")
    )
    return StepOperators(
        operators, roles, learned, scales, regularizers, constraints, of_objects
    )


def _input_signals(inputs: NodeInputs) -> frozenset[Signal]:
    signals = [inputs.signal(source) for source in inputs.sources]
    return frozenset(sig for sig in signals if sig is not None)


def _clocks(model: Model) -> frozenset[Signal]:
    """Return the count of steps and the time, unless unknown operators read them."""
    known = (TimeUpdate, SimPyFunc, SimProcess, SimTensorNode)
    others = [op for op in model.operators if not isinstance(op, known)]
    used = {sig.base for op in others for sig in op.all_signals}
    return frozenset({model.step, model.time} - used)


def _probe_stores(
    network: nengo.Network, model: Model, minibatch_size: int | None
) -> dict[nengo.Probe, ProbeStore]:
    return {
        probe: ProbeStore(
            probe,
            model.dt,
            keeps_history(network, probe),
            minibatch_size,
            model.sig[probe]["in"].shape,
        )
        for probe in model.probes
    }


def _plan_settings(settings: Settings) -> PlanSettings:
    default = (
        RUN_ONLY_SIMPLIFICATIONS if settings.inference_only else DEFAULT_SIMPLIFICATIONS
    )
    chosen = settings.simplifications
    return PlanSettings(
        default if chosen is None else chosen,
        settings.planner or greedy_planner,
        settings.sorter or order_signals,
        are_chosen=chosen is not None,
    )


def _parameter_names(
    network: nengo.Network,
    model: Model,
    step: StepOperators,
    gains: dict[nengo.Ensemble, Signal],
) -> dict[Signal, str]:
    starts = _start_of(step.learned, step.trained)
    return name_parameters(
        model, network, step.roles.inputs, starts, step.scales, gains, step.trained
    )


def _start_of(
    learned: dict[Signal, Learned], trained: TrainedParameters
) -> dict[Signal, Signal]:
    """Return the constants that stand for what is computed in each step."""
    scaled = trained_encoders(trained)
    return {
        **{base: found.start for base, found in learned.items()},
        **{encoders.base: parts.unscaled for encoders, parts in scaled.items()},
    }
