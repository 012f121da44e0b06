"""Compute once what several operators compute alike."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable
from copy import copy

from nengo.builder.operator import Operator
from nengo.builder.signal import Signal

from .def_use import Frozen, Uses, is_filter, is_fixed, result
from .substitutes import Piece, Substitutes, substitute


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
    return shared_results(ops, fixed)[0]


def shared_results(
    ops: list[Operator], fixed: Collection[Signal]
) -> tuple[list[Operator], dict[Signal, Signal]]:
    """
    Share results, and tell which signals stand for which.

    ``stand_ins``: for signals that may not be computed any more, others with the same
    values.
    """
    uses = Uses(ops)
    stand_ins: dict[Signal, Signal] = {}
    equal = _equal_results(filter(uses.decides, ops), fixed, stand_ins)
    known = dict(equal)
    while equal:
        pieces = {other: [Piece(0, sig.size, sig)] for other, sig in equal.items()}
        ops = substitute(ops, Substitutes(pieces), uses)
        # Now those that read such results may be equal.
        uses = Uses(ops)
        numbers = {i for sig in equal.values() for i in uses.readers.get(sig, ())}
        readers = (ops[i] for i in sorted(numbers))
        found = _equal_results(filter(uses.decides, readers), fixed, stand_ins)
        equal = {other: sig for other, sig in found.items() if other not in known}
        known.update(equal)
    involved = {*known, *known.values()} & uses.writers.keys()
    relying = {i for sig in involved for i in uses.writers[sig]}
    ops = [_freeze(op, fixed) if i in relying else op for i, op in enumerate(ops)]
    return ops, stand_ins


def _freeze(op: Operator, fixed: Collection[Signal]) -> Operator:
    """Let an operator that stands for others read constants of its own."""
    if not any(sig.base in fixed for sig in op.reads):
        return op
    other = copy(op)
    other.reads = [
        Frozen(sig.initial_value, name=sig.name) if is_fixed(sig, fixed) else sig
        for sig in op.reads
    ]
    return other


def _equal_results(
    ops: Iterable[Operator],
    fixed: Collection[Signal],
    stand_ins: dict[Signal, Signal],
) -> dict[Signal, Signal]:
    """Return results for which the result of an earlier operator can stand."""
    equal = {}
    for similar in _by(lambda op: _form(op, fixed), ops):
        for first, *others in _by(lambda op: _values(op, fixed), similar):
            for other in others:
                equal[result(other)] = result(first)
                # Of a synapse, the state as well.
                stand_ins.update(zip(_written(other), _written(first), strict=True))
    return equal


def _written(op: Operator) -> list[Signal]:
    return op.updates if is_filter(op) else op.incs


def _by(key: Callable[[Operator], Hashable], ops: Iterable[Operator]) -> list[list]:
    """Collect operators with equal keys; leave out those that are the only one."""
    groups: dict[Hashable, list[Operator]] = defaultdict(list)
    for op in ops:
        groups[key(op)].append(op)
    return [group for group in groups.values() if len(group) > 1]


def _form(op: Operator, fixed: Collection[Signal]) -> Hashable:
    """Return all that must be equal, but for the values of constants."""
    reads = tuple(
        (sig.shape, sig.dtype.str) if is_fixed(sig, fixed) else _address(sig)
        for sig in op.reads
    )
    start = (
        (op.process, *(sig.initial_value.tobytes() for sig in op.updates))
        if is_filter(op)
        else ()
    )
    return type(op), result(op).shape, result(op).dtype.str, reads, start


def _values(op: Operator, fixed: Collection[Signal]) -> Hashable:
    """Return a digest of the constants that an operator reads."""
    digest = hashlib.blake2b()
    for sig in op.reads:
        if is_fixed(sig, fixed):
            digest.update(sig.initial_value.tobytes())
    return digest.digest()


def _address(sig: Signal) -> Hashable:
    return sig.base, sig.shape, sig.elemoffset, sig.elemstrides
