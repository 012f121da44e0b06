"""From a built Nengo model to a program: the way of the data, station by station."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from nengo.builder import Model
from nengo.builder.operator import DotInc, ElementwiseInc, Operator
from nengo.builder.signal import Signal
from nengo.exceptions import BuildError

from nengo_dl_signals import SignalLayout, TensorSignal, stored_value

from ..builder import Builder
from ..config import BuildConfig
from ..merging import make_merge_key
from ..planning.checks import OURS, called, checked_plan, checked_simplification
from ..planning.greedy_planner import greedy_planner
from ..planning.python_calls import PythonCall, join_python_calls, split_python_calls
from ..planning.schedule import MergeKey, Plan
from ..planning.simplify import DEFAULT_SIMPLIFICATIONS, simplify
from ..planning.sorters import order_signals
from ..ranges import becomes_infinite, check_range
from .program import Program
from .state import ParameterArray, StateArray


@dataclass(frozen=True)
class PlanSettings:
    """
    How operators become groups.

    Parameters
    ----------
    simplifications : list of callable
        See `.graph.simplify`.
    planner : callable
        See `.graph.greedy_planner`.
    sorter : callable
        See `.graph.order_signals`.
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
) -> Program:
    """
    Simplify, plan, lay out and build the operators of a model.

    Parameters
    ----------
    model : nengo.builder.Model
        The model that Nengo built. It is not changed.
    operators : list of nengo.builder.Operator
        Its operators, without those that input nodes replace.
    marks : SignalRoles
        Which signals are inputs, and which are trained.
    settings : PlanSettings
        How to simplify, plan and sort.
    config : BuildConfig
        The settings of the simulation.
    kept : collection of nengo.builder.Signal
        Base signals that are part of the state if a step writes them, needed or not.

    Returns
    -------
    program : Program
        Everything that one step computes.

    Raises
    ------
    nengo.exceptions.BuildError
        If operators wait for each other in a cycle.
    """
    fixed = constant_signals(operators) - roles.inputs - roles.trainable
    fixed = fixed if settings.relies_on_values else set()
    simplifications = [checked_simplification(f) for f in settings.simplifications]
    ops = simplify(operators, fixed, simplifications)
    probed = [model.sig[probe]["in"] for probe in model.probes]
    bases = _bases(ops, probed)
    constants = bases.keys() - _written(ops) - roles.inputs
    layout = SignalLayout(bases, constants, config.dtype, roles.exact)
    joined = join_python_calls(ops, model.operators, model.step)
    merge_key = _merge_key(layout, roles.trainable)
    plan = split_python_calls(_make_plan(joined, merge_key, constants, settings))
    return Program(
        layout=layout,
        groups=[Builder.build(group, layout, config) for group in plan],
        parameters=_parameter_arrays(plan, probed, layout, roles.trainable),
        states=_state_arrays(plan, probed, layout, config.minibatch_size, kept),
        probes=[layout[sig] for sig in probed],
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


def _written(ops: Sequence[Operator]) -> set[Signal]:
    return {sig.base for op in ops for sig in (*op.sets, *op.incs, *op.updates)}


def constant_signals(ops: Sequence[Operator]) -> set[Signal]:
    """
    Find what is read and never written.

    Parameters
    ----------
    ops : list of nengo.builder.Operator
        The operators of one step.

    Returns
    -------
    signals : set of nengo.builder.Signal
        Base signals.
    """
    return {sig.base for op in ops for sig in op.reads} - _written(ops)


def _parameter_arrays(
    plan: Plan,
    probed: Sequence[Signal],
    layout: SignalLayout,
    trainable: Collection[Signal],
) -> list[ParameterArray]:
    """Put constants that one group reads together into one array, in its order."""
    placed: set[Signal] = set()
    slots = [
        [op.reads[slot].base for op in group if slot < len(op.reads)]
        for group in plan
        for slot in range(max(len(op.reads) for op in group))
    ]
    arrays = []
    for bases in (*slots, *([sig.base] for sig in probed)):
        new = [b for b in dict.fromkeys(bases) if b in layout.constants]
        new = [b for b in new if b not in placed]
        placed.update(new)
        for alike in _alike(new, layout, trainable):
            rows = np.concatenate([layout.rows(base) for base in alike])
            dtype = layout.type_of(alike[0])
            arrays.append(ParameterArray(alike, rows, dtype, alike[0] in trainable))
    return arrays


def _alike(
    bases: Sequence[Signal], layout: SignalLayout, trainable: Collection[Signal]
) -> list[list[Signal]]:
    """Tell apart what cannot lie in one array (operators in Python need not agree)."""
    kinds: dict[Hashable, list[Signal]] = {}
    for base in bases:
        kind = layout.type_of(base), layout.row_shape(base), base in trainable
        kinds.setdefault(kind, []).append(base)
    return list(kinds.values())


def _state_arrays(
    plan: Plan,
    probed: Sequence[Signal],
    layout: SignalLayout,
    minibatch_size: int,
    kept: Collection[Signal],
) -> list[StateArray]:
    """Put state that one group leaves together into one array, in its order."""
    needed = _needed_from_before(plan, probed, kept)
    writer: dict[Signal, tuple[int, str, int, int]] = {}
    shared: dict[Signal, bool] = {}
    for number, group in enumerate(plan):
        is_shared = Builder.of(group[0]).shared
        for position, op in enumerate(group):
            for name in ("sets", "incs", "updates"):
                for slot, sig in enumerate(getattr(op, name)):
                    writer[sig.base] = number, name, slot, position
                    shared[sig.base] = is_shared and shared.get(sig.base, True)
    arrays: dict[Hashable, list[Signal]] = {}
    for base in sorted(needed, key=lambda b: (writer[b], layout.rows(b)[0])):
        key = writer[base][:3], layout.type_of(base), shared[base]
        arrays.setdefault(key, []).append(base)
    factored = _changed_by_factors(plan)
    return [
        _state_array(
            bases,
            layout,
            1 if shared[bases[0]] else minibatch_size,
            _are_learned_matrices(bases, writer[bases[0]][1]),
            factored.issuperset(bases),
        )
        for bases in arrays.values()
    ]


def _changed_by_factors(plan: Plan) -> set[Signal]:
    """Find matrices to which steps add products, and the factors of these."""
    ops = [op for group in plan for op in group]
    changes = [op for op in ops if type(op) is ElementwiseInc and op.Y.ndim > 1]
    found = {op.Y.base for op in changes}
    # Whoever else reads or writes such a matrix would have to transpose it.
    for op in ops:
        own = (op.A,) if type(op) is DotInc else (op.Y,) if op in changes else ()
        found -= {s.base for s in op.all_signals if not any(s is one for one in own)}
    factors = {s.base for op in changes if op.Y.base in found for s in (op.A, op.X)}
    return found | factors


def _are_learned_matrices(bases: Sequence[Signal], written: str) -> bool:
    """Tell whether states are matrices of one shape, which steps add to."""
    alike = len({base.shape for base in bases}) == 1
    return alike and written == "incs" and bases[0].ndim > 1 and not bases[0].sparse


def _state_array(
    bases: list[Signal],
    layout: SignalLayout,
    batch: int,
    is_matrices: bool,
    is_factored: bool,
) -> StateArray:
    start = np.concatenate([np.ravel(stored_value(base)) for base in bases])
    rows = np.concatenate([layout.rows(base) for base in bases])
    dtype, label = layout.type_of(bases[0]), bases[0].name
    signal = TensorSignal(rows, (len(rows),), (), dtype, None, label)
    shape = (len(bases), *bases[0].shape) if is_matrices else (signal.size,)
    return StateArray(bases, signal, start, batch, shape, is_factored and batch > 1)


def _needed_from_before(
    plan: Plan, probed: Sequence[Signal], kept: Collection[Signal]
) -> list[Signal]:
    """Return base signals of which a step needs values that the one before left."""
    written = _written([op for group in plan for op in group])
    needed: dict[Signal, None] = {}
    n_set: Counter[Signal] = Counter()
    for group in plan:
        for op in group:
            previous = Builder.of(op).previous(op)
            for sig in (*op.reads, *op.incs, *previous):
                if _incomplete(sig.base, written, n_set):
                    needed[sig.base] = None
        for op in group:
            for sig in op.sets:
                n_set[sig.base] += _n_elements_set(op, sig)
    needed.update((s.base, None) for s in probed if _incomplete(s.base, written, n_set))
    needed.update((base, None) for base in kept if base in written)
    return list(needed)


def _incomplete(
    base: Signal, written: Collection[Signal], n_set: Mapping[Signal, int]
) -> bool:
    return base in written and n_set[base] < base.size


def _n_elements_set(op: Operator, sig: Signal) -> int:
    """Count what an operator sets (a copy may set a part of its target)."""
    indices = getattr(op, "dst_slice", None)
    if indices is None:
        return sig.size
    return np.size(np.arange(sig.size).reshape(sig.shape)[indices])


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
