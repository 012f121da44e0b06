"""Compute once what several operators compute alike."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence

from nengo.builder.operator import DotInc, ElementwiseInc, Operator, Reset
from nengo.builder.signal import Signal

from .substitutes import Piece, Substitutes, is_filter, substitute, writers_by_base


def share_results(ops: list[Operator], fixed: Collection[Signal]) -> list[Operator]:
    """
    Let one product, or one synapse, stand for all that have equal results.

    That is so for products of the same vector with equal constants, and for equal
    synapses with the same input. A population that silences a thousand others, by a
    connection to each of them, is then decoded and filtered once.

    Parameters
    ----------
    ops : list of nengo.builder.Operator
        The operators of one step.
    fixed : collection of nengo.builder.Signal
        Base signals that keep their initial value.

    Returns
    -------
    ops : list of nengo.builder.Operator
        Operators that read the first of equal results, without those that compute the
        others.
    """
    writers = writers_by_base(ops)
    read = {sig.base for op in ops for sig in op.reads}
    candidates = [op for op in ops if _has_own_result(op, ops, writers, read)]
    pieces = {}
    for similar in _by(lambda op: _form(op, fixed), candidates):
        for first, *others in _by(lambda op: _values(op, fixed), similar):
            source = _result(first)
            for other in others:
                pieces[_result(other)] = [Piece(0, source.size, source)]
    return substitute(ops, Substitutes(pieces), writers)


def _by(key: Callable[[Operator], Hashable], ops: Iterable[Operator]) -> list[list]:
    """Collect operators with equal keys; leave out those that are the only one."""
    groups: dict[Hashable, list[Operator]] = defaultdict(list)
    for op in ops:
        groups[key(op)].append(op)
    return [group for group in groups.values() if len(group) > 1]


def _result(op: Operator) -> Signal:
    return (op.updates if is_filter(op) else op.incs)[0]


def _has_own_result(
    op: Operator,
    ops: Sequence[Operator],
    writers: Mapping[Signal, Sequence[int]],
    read: Collection[Signal],
) -> bool:
    """Tell whether an operator alone decides about a vector, and does nothing else."""
    if is_filter(op):
        mine = all(len(writers[sig.base]) == 1 for sig in op.updates)
        return mine and not any(sig.base in read for sig in op.updates[1:])
    if type(op) not in (DotInc, ElementwiseInc):
        return False
    others = [ops[i] for i in writers[op.Y.base] if ops[i] is not op]
    return len(others) == 1 and _clears(others[0]) and not op.Y.is_view

def _clears(op: Operator) -> bool:
    return type(op) is Reset and op.value == 0 and not op.dst.is_view


def _form(op: Operator, fixed: Collection[Signal]) -> Hashable:
    """Return all that must be equal, but for the values of constants."""
    reads = tuple(
        (sig.shape, sig.dtype.str) if _is_fixed(sig, fixed) else _address(sig)
        for sig in op.reads
    )
    start = (
        (op.process, *(sig.initial_value.tobytes() for sig in op.updates))
        if is_filter(op)
        else ()
    )
    return type(op), _result(op).shape, _result(op).dtype.str, reads, start


def _values(op: Operator, fixed: Collection[Signal]) -> Hashable:
    """Return a digest of the constants that an operator reads."""
    digest = hashlib.blake2b()
    for sig in op.reads:
        if _is_fixed(sig, fixed):
            digest.update(sig.initial_value.tobytes())
    return digest.digest()


def _address(sig: Signal) -> Hashable:
    return sig.base, sig.shape, sig.elemoffset, sig.elemstrides


def _is_fixed(sig: Signal, fixed: Collection[Signal]) -> bool:
    return sig.base in fixed and not sig.sparse
