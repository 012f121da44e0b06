"""Which parameters a gradient can reach, and what training leaves out."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

import nengo
from nengo.builder import Model
from nengo.builder.operator import Operator
from nengo.builder.signal import Signal
from nengo.connection import LearningRule
from nengo.ensemble import Neurons

from nengo_dl_ops import OpBuilder, SimTensorNodeBuilder
from nengo_dl_ops.user_warnings import warn_user

from ..engine.engine import Engine
from ..measures.measure import Measure
from .batch_function import GradientCoverage
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

    Parameters
    ----------
    groups : list of OpBuilder
        The merged operators of a step.
    outputs : collection of nengo.builder.Signal
        What is differentiated.
    through_python : bool
        Whether ways count that pass through an operator that runs in Python.

    Returns
    -------
    signals : set of nengo.builder.Signal
        Base signals from which a way leads to an output, in any number of steps.
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


def influential_signals(engine: Engine, probes: Sequence[nengo.Probe]) -> set[Signal]:
    """
    Find the signals that some probes depend on, in whatever way.

    Parameters
    ----------
    engine : Engine
        The engine of the simulator.
    probes : list of nengo.Probe
        Probes of its network.

    Returns
    -------
    signals : set of nengo.builder.Signal
        Base signals.
    """
    probed = [engine.model.sig[probe]["in"] for probe in probes]
    return reached_signals(engine.program.groups, probed, through_python=True)


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
    reach : GradientCoverage
        What the losses depend on.

    Warns
    -----
    UserWarning
        If none is reached, or some are not though a probe depends on them; the warning
        names them.
    """
    outputs = [engine.model.sig[engine.model.probes[k]]["in"] for k in coverage.outputs]
    reached = reached_signals(engine.program.groups, outputs)
    trained = list(trainable_parameters(engine))
    missed = [
        part
        for part in trained
        if not (coverage.variables[part.variable] and part.signals & reached)
    ]
    if not missed:
        return
    logger.info("Not reached by a gradient: %s", ", ".join(_named(engine, missed)))
    # What no probe depends on is an output that nobody uses, as networks that serve
    # many purposes have: not worth a warning.
    used = influential_signals(engine, engine.model.probes)
    named = _named(engine, [part for part in missed if part.signals & used])
    if len(missed) == len(trained):
        names = "; ".join(objective.name for objective in objectives)
        warn_user(
            f"The objective of {names} depends on none of the trainable parameters "
            f"({_some(_named(engine, missed))}): No gradient reaches them, and "
            f"training changes nothing. {_CAUSES}"
        )
    elif named:
        warn_user(
            f"No gradient reaches these trainable parameters: {_some(named)}. "
            f"{_CAUSES} They keep their values; net.config[obj].trainable = False "
            "says that they shall"
        )


def warn_short_rest(n_steps: int, coverage: GradientCoverage) -> None:
    """
    Warn if the last block of steps is too short for a gradient.

    Parameters
    ----------
    n_steps : int
        The number of its steps.
    reach : GradientCoverage
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
        for sig in (sigs[ens].get("encoders"), sigs[ens.neurons].get("bias")):
            name = engine.names.get(getattr(sig, "base", None))
            found[name] = f" (of {ens})"
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
            f"These Keras layers have losses of their own: {_some(found)}. Training "
            "minimises objectives only. An objective may add sum(layer.losses), which "
            "are those of regularised weights; activities are regularised by "
            "objectives.Regularize, on a probe of them"
        )


def _some(names: Sequence[str]) -> str:
    """Name a few, and how many more there are."""
    more = len(names) - N_NAMED
    rest = f" and {more} more (the log has all, at level INFO)" if more > 0 else ""
    return ", ".join(names[:N_NAMED]) + rest


def warn_single_step(
    doing: str,
    model: Model,
    probes: Sequence[nengo.Probe],
    n_steps: int,
) -> None:
    """
    Warn if a single step is computed through synapses.

    Parameters
    ----------
    doing : str
        What is done, for the message.
    model : nengo.builder.Model
        What Nengo built.
    probes : list of nengo.Probe
        The probes that count.
    n_steps : int
        The number of steps.

    Warns
    -----
    UserWarning
        If there is one step only, and a synapse on the way to a probe.
    """
    if n_steps != 1:
        return
    for obj in (*probes, *_upstream(model, probes)):
        if obj.synapse is not None:
            warn_user(
                f"{doing} for one timestep, but {obj} has a synapse: its output "
                "after one step hardly depends on its input. Use more steps, or "
                "remove synapses (synapse=None)"
            )
            return


def _upstream(model: Model, probes: Sequence[nengo.Probe]) -> list[nengo.Connection]:
    """Find the connections that have an influence on some probes."""
    into: dict[Any, list[nengo.Connection]] = defaultdict(list)
    for conn in model.params:
        if isinstance(conn, nengo.Connection):
            into[_owner(conn.post_obj)].append(conn)
    found: dict[nengo.Connection, None] = {}
    waiting = [_owner(probe.obj) for probe in probes]
    while waiting:
        new = [conn for conn in into.pop(waiting.pop(), ()) if conn not in found]
        found.update(dict.fromkeys(new))
        # A connection waits itself: for what goes into its learning rules.
        waiting += [obj for conn in new for obj in (conn, _owner(conn.pre_obj))]
    return list(found)


def _owner(obj: Any) -> Any:
    """Return the ensemble of neurons, the connection of a learning rule."""
    if isinstance(obj, Neurons):
        return obj.ensemble
    return obj.connection if isinstance(obj, LearningRule) else obj
