"""Which parameters a gradient can reach, and what training leaves out."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from nengo.builder.operator import Operator
from nengo.builder.signal import Signal

from nengo_dl_ops import OpBuilder, SimTensorNodeBuilder
from nengo_dl_ops.user_warnings import warn_user

from ..data.data_adapter import DataAdapter
from ..engine.engine import Engine
from ..evaluation.minibatch_source import MinibatchSource
from ..measures.measure import Measure
from .gradient_function import GradientCoverage, GradientFunction
from .trainable_parameters import TrainableParameter, trainable_parameters

logger = logging.getLogger(__name__)

#: So many parameters are named in a message; more would hide what it says.
N_NAMED = 10

_CAUSES = (
    "Either they are not connected with a probe that has an objective, or only by way "
    "of something that has no gradient, such as Python functions, or (in training for "
    "few steps) by way of too many synapses."
)


def reached_signals(
    groups: Sequence[OpBuilder],
    outputs: Collection[Signal],
    through_python: bool = False,
) -> set[Signal]:
    """
    Find the signals that some outputs depend on in a way that can be differentiated.

    Returns base signals from which a way leads to an output, in any number of steps.
    """
    writers: dict[Signal, list[Operator]] = defaultdict(list)
    for group in groups:
        for op in () if group.python and not through_python else group.ops:
            for sig in (*op.sets, *op.incs, *op.updates):
                writers[sig.base].append(op)
    found: set[Signal] = set()
    waiting = [sig.base for sig in outputs]
    while waiting:
        base = waiting.pop()
        if base not in found:
            found.add(base)
            waiting += [sig.base for op in writers[base] for sig in op.reads]
    return found


def influential_signals(engine: Engine, keys: Iterable[Any]) -> set[Signal]:
    """Find the signals that some outputs (probes) depend on, in whatever way."""
    outputs = [engine.program_factory.outputs[key] for key in keys]
    return reached_signals(engine.program.groups, outputs, through_python=True)


def check_function(
    engine: Engine,
    minibatch_source: MinibatchSource,
    data: DataAdapter,
    function: GradientFunction,
    n_steps: int,
) -> None:
    """
    Look at what gradients reach, before anything is computed.

    Parameters
    ----------
    engine : Engine
        The engine of the simulator.
    minibatch_source : MinibatchSource
        Makes the minibatches.
    data : DataAdapter
        What they are made of.
    function : GradientFunction
        Computes the gradients.
    n_steps : int
        The number of steps of a block.

    Raises
    ------
    nengo.exceptions.ValidationError
        If a measure does not return numbers to minimise.

    Warns
    -----
    UserWarning
        If no gradient reaches some of the trainable parameters, or any of them in a
        last block of steps that is shorter; if Keras layers have losses of their own.
    """
    state = engine.program.initial_state(seed=0)
    coverage = function.coverage(state, minibatch_source.example(data, n_steps))
    check_coverage(engine, function.measures, coverage)
    n_last = data.n_steps % n_steps
    if n_last and any(coverage.variables):
        last = function.coverage(state, minibatch_source.example(data, n_last))
        warn_short_block(n_last, last)
    warn_layer_losses(engine.program.groups)


def check_coverage(
    engine: Engine, objectives: Sequence[Measure], coverage: GradientCoverage
) -> None:
    """
    Check that training changes the parameters that are trainable.

    Parameters
    ----------
    engine : Engine
        The engine of the simulator.
    objectives : list of Measure
        What is minimised.
    coverage : GradientCoverage
        What the losses depend on.

    Warns
    -----
    UserWarning
        If none is reached, or some are not though a probe depends on them; the warning
        names them.
    """
    outputs = [engine.program_factory.outputs[key] for key in coverage.outputs]
    reached = reached_signals(engine.program.groups, outputs)
    trained = list(trainable_parameters(engine))
    missed = [
        part
        for part in trained
        if not (coverage.variables[part.variable] and part.signals & reached)
        and part.regularizer is None
    ]
    if not missed:
        return
    logger.info("Not reached by a gradient: %s", ", ".join(_named(engine, missed)))
    # What no probe depends on is an output that nobody uses, as networks that serve
    # many purposes have: not worth a warning.
    used = influential_signals(engine, engine.model.probes)
    named = _named(engine, [part for part in missed if part.signals & used])
    if len(missed) == len(trained):
        names = "; ".join(x.name for x in objectives if x.outputs)
        warn_user(
            f"The objective of {names} depends on none of the trainable parameters "
            f"({_some(_named(engine, missed))}): No gradient reaches them, and "
            f"training changes nothing. {_CAUSES}"
        )
    elif named:
        warn_user(
            f"No gradient reaches these trainable parameters: {_some(named)}. "
            f"{_CAUSES} They keep their values; net.config[obj].trainable = False "
            "says that they shall (or trainable_synapse, trainable_neurons, if these "
            "are set)"
        )


def warn_short_block(n_steps: int, coverage: GradientCoverage) -> None:
    """
    Warn if the last block of steps is too short for a gradient.

    Parameters
    ----------
    n_steps : int
        The number of its steps.
    coverage : GradientCoverage
        What its losses depend on.

    Warns
    -----
    UserWarning
        If it has no gradient.
    """
    if not any(coverage.variables):
        warn_user(
            f"The last block of steps has {n_steps} of them, which is too short for a "
            "gradient: it changes nothing. Use a number of steps that is a multiple of "
            "truncation"
        )


def _named(engine: Engine, missed: Sequence[TrainableParameter]) -> list[str]:
    """Name parameters, with the objects that they belong to."""
    where = _descriptions(engine)
    return sorted(part.name + where.get(part.name, "") for part in missed)


def _descriptions(engine: Engine) -> dict[str | None, str]:
    """Say where parameters are: between which objects, or of which one."""
    found: dict[str | None, str] = {}
    sigs = engine.model.sig
    network = engine.model.toplevel
    for conn in () if network is None else network.all_connections:
        name = engine.names.get(getattr(sigs[conn].get("weights"), "base", None))
        found[name] = f" (from {conn.pre} to {conn.post})"
    for ens in () if network is None else network.all_ensembles:
        encoders = sigs[ens].get("encoders")
        if encoders in engine.scaled:
            encoders = engine.scaled[encoders].unscaled
        for sig in (encoders, sigs[ens.neurons].get("bias")):
            name = engine.names.get(getattr(sig, "base", None))
            found[name] = f" (of {ens})"
    for obj, one in engine.trained.items():
        for part in one.parameters:
            found[engine.names[part.unconstrained]] = f" (of {obj})"
    return found


def warn_layer_losses(groups: Sequence[OpBuilder]) -> None:
    """
    Warn of layers with losses that training leaves out.

    Parameters
    ----------
    groups : list of OpBuilder
        The merged operators of a step.

    Warns
    -----
    UserWarning
        If there are such layers; the warning names them.
    """
    nodes = [group for group in groups if isinstance(group, SimTensorNodeBuilder)]
    found = sorted(f"{n.op.func.name} of {n.op.tag}" for n in nodes if n.adds_losses())
    if found:
        warn_user(
            f"These Keras layers add losses of their own: {_some(found)}. Training "
            "minimises objectives, regularizers of weights, and those of the outputs "
            "of TensorNodes only. Other activities are regularized by "
            "net.config[obj].activity_regularizer, or by objectives.Regularize, on a "
            "probe of them"
        )


def _some(names: Sequence[str]) -> str:
    """Name a few, and how many more there are."""
    more = len(names) - N_NAMED
    others = f" and {more} more (the log has all, at level INFO)" if more > 0 else ""
    return ", ".join(names[:N_NAMED]) + others
