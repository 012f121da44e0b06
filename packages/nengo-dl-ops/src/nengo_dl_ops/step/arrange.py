"""Which signals of a step lie together in one array: parameters, and state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from nengo.builder.operator import DotInc, ElementwiseInc, Operator
from nengo.builder.signal import Signal

from nengo_dl_signals import SignalLayout, TensorSignal, stored_value

from ..builder import Builder
from ..planning.def_use import written_signals
from ..planning.schedule import Plan
from .packed_forms import packed_forms
from .state import ParameterArray, StateArray


class _Write(NamedTuple):
    """Where in a plan a signal is written."""

    #: The number of the group.
    group: int

    #: "sets", "incs" or "updates", and which of these signals it is.
    kind: str
    slot: int

    #: The number of the operator in its group.
    position: int


def parameter_arrays(
    plan: Plan,
    probed: Sequence[Signal],
    layout: SignalLayout,
    trainable: Collection[Signal],
) -> list[ParameterArray]:
    """
    Put constants that one group reads together into one array, in its order.

    So the group reads them all as they are: what never changes can lie as its first
    reader wants it, where a state must lie as its writer leaves it.
    """
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


def state_arrays(
    plan: Plan,
    probed: Sequence[Signal],
    layout: SignalLayout,
    minibatch_size: int,
    kept: Collection[Signal],
) -> list[StateArray]:
    """
    Put state that one group leaves together into one array, in its order.

    The last group that writes a signal makes one tensor of it and of its neighbours.
    Where that tensor is what the next step starts from, nothing is moved in between.
    """
    writes, shared = _last_writes(plan), _shared_signals(plan)
    needed = _needed_from_before(plan, probed, kept)
    arrays: dict[Hashable, list[Signal]] = {}
    for base in sorted(needed, key=lambda b: (writes[b], layout.rows(b)[0])):
        # What all items share is held once, so apart from what each item has.
        key = writes[base][:3], layout.type_of(base), base in shared
        arrays.setdefault(key, []).append(base)
    factored, rings = _changed_by_factors(plan), _rings(plan)
    packed = packed_forms(plan)
    made = []
    for bases in arrays.values():
        batch = 1 if bases[0] in shared else minibatch_size
        if rings.issuperset(bases):
            made.append(_ring_array(bases, layout, batch))
            continue
        are_matrices = _are_learned_matrices(bases, writes[bases[0]].kind)
        is_factored = factored.issuperset(bases)
        array = _state_array(bases, layout, batch, are_matrices, is_factored)
        made.append(replace(array, packing=packed.get(tuple(bases))))
    return made


def _last_writes(plan: Plan) -> dict[Signal, _Write]:
    """Return where each base signal is written last in a step."""
    return {
        sig.base: _Write(number, kind, slot, position)
        for number, group in enumerate(plan)
        for position, op in enumerate(group)
        for kind in ("sets", "incs", "updates")
        for slot, sig in enumerate(getattr(op, kind))
    }


def _shared_signals(plan: Plan) -> set[Signal]:
    """Find base signals of which all batch items have the same values in every step."""
    # One writer that tells items apart is enough for a signal of their own.
    shared, own = set[Signal](), set[Signal]()
    for group in plan:
        builder = Builder.of(group[0])
        alike = {sig.base for op in group for sig in builder.shared_signals(op)}
        shared |= alike
        own |= written_signals(group) - alike
    return shared - own


def _rings(plan: Plan) -> set[Signal]:
    """Find base signals of which steps write one row in place."""
    ops = [op for group in plan for op in group]
    return {sig for op in ops for sig in Builder.of(op).rings(op) if sig.base is sig}


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


def _ring_array(bases: list[Signal], layout: SignalLayout, batch: int) -> StateArray:
    """Join rings of one length row by row, as their builder writes them."""
    length = bases[0].shape[0]
    starts = [np.reshape(stored_value(base), (length, -1)) for base in bases]
    rows = [layout.rows(base).reshape((length, -1)) for base in bases]
    start, joined = np.concatenate(starts, axis=1), np.concatenate(rows, axis=1)
    dtype, label = layout.type_of(bases[0]), bases[0].name
    signal = TensorSignal(joined.ravel(), (joined.size,), (), dtype, None, label)
    return StateArray(
        bases, signal, start.ravel(), batch, joined.shape, False, is_ring=True
    )


def _needed_from_before(
    plan: Plan, probed: Sequence[Signal], kept: Collection[Signal]
) -> list[Signal]:
    """
    Return base signals of which a step needs values that the one before left.

    Whatever a step sets as a whole before it reads it does not live on: the loop
    carries as little as it can, for each step writes and reads all of it once more.
    """
    written = written_signals([op for group in plan for op in group])
    needed: dict[Signal, None] = {}
    n_set: Counter[Signal] = Counter()
    for group in plan:
        # A group reads everything before it sets anything: its operators run at once.
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
