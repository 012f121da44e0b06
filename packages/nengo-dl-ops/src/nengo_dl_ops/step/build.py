"""From a built Nengo model to a program: the way of the data, station by station."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nengo.builder import Model
from nengo.builder.operator import Operator
from nengo.builder.signal import Signal
from nengo.exceptions import BuildError

from nengo_dl_signals import SignalLayout, stored_value

from ..builder import Builder
from ..config import BuildConfig
from ..planning.checks import OURS, called, checked_plan, checked_simplification
from ..planning.def_use import constant_signals as constant_signals
from ..planning.def_use import written_signals
from ..planning.greedy_planner import greedy_planner
from ..planning.merging import make_merge_key
from ..planning.python_calls import PythonCall, join_python_calls, split_python_calls
from ..planning.schedule import MergeKey, Plan
from ..planning.simplify import DEFAULT_SIMPLIFICATIONS, simplify
from ..planning.sorters import order_signals
from ..planning.spikes import follow_spikes
from ..ranges import becomes_infinite, check_range
from .arrange import parameter_arrays, state_arrays
from .program import Program


@dataclass(frozen=True)
class PlanSettings:
    """
    How operators become groups.

    Parameters
    ----------
    simplifications : list of callable
        See `.simplify`.
    planner : callable
        See `.greedy_planner`.
    sorter : callable
        See `.order_signals`.
    relies_on_values : bool
        Whether simplifications may take what is not trainable as it was built.
    are_chosen : bool
        Whether simplifications are those that the user asked for, and no others.
    """

    simplifications: Sequence[Any] = DEFAULT_SIMPLIFICATIONS
    planner: Any = greedy_planner
    sorter: Any = order_signals
    relies_on_values: bool = True
    are_chosen: bool = False


@dataclass(frozen=True, eq=False)
class SignalRoles:
    """
    What is known about signals before any value is.

    Parameters
    ----------
    inputs : frozenset of nengo.builder.Signal
        Base signals that input nodes set.
    trainable : frozenset of nengo.builder.Signal
        Base signals that training may change.
    exact : frozenset of nengo.builder.Signal
        Base signals that are kept in 64 bits, whatever the type of the simulation.
    """

    inputs: frozenset[Signal] = field(default_factory=frozenset)
    trainable: frozenset[Signal] = field(default_factory=frozenset)
    exact: frozenset[Signal] = field(default_factory=frozenset)


def build_program(
    model: Model,
    operators: Sequence[Operator],
    roles: SignalRoles,
    settings: PlanSettings,
    config: BuildConfig,
    kept: Collection[Signal] = (),
    outputs: Mapping[Hashable, Signal] | None = None,
) -> Program:
    """
    Simplify, plan, lay out and build the operators of a model.

    Parameters
    ----------
    model : nengo.builder.Model
        The model that Nengo built. It is not changed.
    operators : list of nengo.builder.Operator
        Its operators, without those that input nodes replace.
    roles : SignalRoles
        Which signals are inputs, and which are trained.
    settings : PlanSettings
        How to simplify, plan and sort.
    config : BuildConfig
        The settings of the simulation.
    kept : collection of nengo.builder.Signal
        Base signals that are part of the state if a step writes them, needed or not.
    outputs : dict from hashable to nengo.builder.Signal, optional
        What may be read at the end of each step, by any keys. None: what the model's
        probes read, by these. (For other signals there must be operators that read
        them, as ``SimProbe`` does, where simplifications could leave them out.)

    Returns
    -------
    program : Program
        Everything that one step computes.

    Raises
    ------
    nengo.exceptions.BuildError
        If operators wait for each other in a cycle.
    """
    # Which signals are constant is asked twice: of Nengo's operators, for what may be
    # simplified, and of those that are left, which may have others.
    fixed = constant_signals(operators) - roles.inputs - roles.trainable
    fixed = fixed if settings.relies_on_values else set()
    simplifications = [checked_simplification(f) for f in settings.simplifications]
    ops = follow_spikes(simplify(operators, fixed, simplifications))
    if outputs is None:
        outputs = {probe: model.sig[probe]["in"] for probe in model.probes}
    probed = list(outputs.values())
    bases = _bases(ops, probed)
    constants = bases.keys() - written_signals(ops) - roles.inputs
    layout = SignalLayout(bases, constants, config.dtype, roles.exact)
    # A plan may put operators in any order that their signals allow. Python code may
    # share objects that no signal shows, so its order is settled before.
    joined = join_python_calls(ops, model.operators, model.step)
    merge_key = _merge_key(layout, roles.trainable)
    plan = split_python_calls(_make_plan(joined, merge_key, constants, settings))
    return Program(
        layout=layout,
        groups=[Builder.build(group, layout, config) for group in plan],
        parameters=parameter_arrays(plan, probed, layout, roles.trainable),
        states=state_arrays(plan, probed, layout, config.minibatch_size, kept),
        outputs={key: layout[sig] for key, sig in outputs.items()},
        minibatch_size=config.minibatch_size,
    )


def _merge_key(layout: SignalLayout, trainable: Collection[Signal]) -> MergeKey:
    """Tell which operators may share a group: calls of Python are groups already."""
    of_others = make_merge_key(layout, trainable)
    return lambda op: op if isinstance(op, PythonCall) else of_others(op)


def check_supported(model: Model, ops: Sequence[Operator]) -> None:
    """
    Check that every operator can be computed.

    Parameters
    ----------
    model : nengo.builder.Model
        The model that the operators are from, to name their objects.
    ops : list of nengo.builder.Operator
        The operators.

    Raises
    ------
    nengo.exceptions.BuildError
        For the first operator that has no builder, or whose signals do not fit each
        other.
    """
    for op in ops:
        try:
            Builder.check(op)
            Builder.of(op).merge_key(op)
        except BuildError as error:
            origin = _origin(model, op)
            raise BuildError(f"Building {origin}: {op}: {error}") from error


def check_numbers(model: Model, ops: Sequence[Operator], dtype: str) -> None:
    """
    Check that what Nengo built are numbers of the type of the simulation.

    Parameters
    ----------
    model : nengo.builder.Model
        The model that the operators are from, to name their objects.
    ops : list of nengo.builder.Operator
        The operators.
    dtype : str
        The type.

    Raises
    ------
    nengo.exceptions.BuildError
        If some are finite, but not in that type.
    """
    if dtype == "float64":
        return
    users = {sig.base: op for op in reversed(ops) for sig in op.all_signals}
    for base, op in users.items():
        if becomes_infinite(stored_value(base), dtype):
            name = f"Building {_owner(model, base) or _origin(model, op)}: {base.name}"
            check_range(name, stored_value(base), dtype)


def _owner(model: Model, base: Signal) -> str | None:
    """Name the Nengo object that has a signal."""
    for obj, sigs in model.sig.items():
        if any(isinstance(s, Signal) and s.base is base for s in sigs.values()):
            return str(obj)
    return None


def _origin(model: Model, op: Operator) -> str:
    """Name the Nengo object that an operator was built for."""
    signals = {sig.base for sig in op.all_signals}
    written = {sig.base for sig in (*op.sets, *op.incs, *op.updates)}
    for candidates in (written, signals):
        for obj, sigs in model.sig.items():
            owned = {s.base for s in sigs.values() if isinstance(s, Signal)}
            if owned & candidates:
                return str(obj)
    return op.tag or "the network"


def _bases(ops: Sequence[Operator], probed: Sequence[Signal]) -> dict[Signal, None]:
    """Return all base signals, in order (a set would change it between runs)."""
    signals = [sig for op in ops for sig in op.all_signals]
    return dict.fromkeys(sig.base for sig in (*signals, *probed))


def _make_plan(
    ops: Sequence[Operator],
    merge_key: MergeKey,
    constants: Collection[Signal],
    settings: PlanSettings,
) -> Plan:
    """Put operators in groups, and those in order; check what the user made."""
    plan = called("planner", settings.planner, ops, merge_key)
    if settings.planner not in OURS:
        plan = checked_plan("planner", plan, ops, merge_key)
    plan = called("sorter", settings.sorter, plan, constants)
    if settings.sorter not in OURS:
        plan = checked_plan("sorter", plan, ops, merge_key)
    return plan
