"""
Operators of online learning rules, changed before a step is planned.

`split_learned` and `scales_as_signals` make parameters of what Nengo has otherwise, so
that they can be trained and saved; `factor_changes` is a simplification.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
from nengo.builder.learning_rules import SimPES, SimVoja
from nengo.builder.operator import Copy, ElementwiseInc, Operator
from nengo.builder.signal import Signal

from ..learning_rules import SimPESFactors, SimScaledVoja
from .def_use import Uses


class Learned(NamedTuple):
    """
    The two signals whose sum a learned signal is.

    Parameters
    ----------
    start : nengo.builder.Signal
        Its value before the first step: a constant, that training may change.
    change : nengo.builder.Signal
        What an online learning rule has added since: state that starts from zero.
    """

    start: Signal
    change: Signal


def learned_by_sums(ops: Sequence[Operator]) -> set[Signal]:
    """Find the signals that are written by nothing but additions."""
    added: dict[Signal, list[bool]] = defaultdict(list)
    for op in ops:
        for sig in (*op.sets, *op.incs, *op.updates):
            added[sig.base].append(_adds(op) and not sig.sparse)
    return {base for base, additions in added.items() if all(additions)}


def split_learned(
    ops: Sequence[Operator], learned: Collection[Signal]
) -> tuple[list[Operator], dict[Signal, Learned]]:
    """
    Compute learned signals in each step, as the sum of their start and their change.

    So the start is a parameter like others: gradients reach it, through the sum and
    through all that the rule makes of it, and every simulation starts from it.

    ``ops``: operators that change ``change`` in place of the learned signals, and those
    that compute the latter.
    """
    # In the order of the operators: that of a set would change between processes.
    bases = dict.fromkeys(sig.base for op in ops for sig in op.incs)
    found = {base: _start_and_change(base) for base in bases if base in learned}
    sums = [
        copy
        for base, (start, change) in found.items()
        for copy in (Copy(start, base), Copy(change, base, inc=True))
    ]
    return [_redirected(op, found) for op in ops] + sums, found


def _adds(op: Operator) -> bool:
    """Tell whether an operator adds to a signal as a whole, as Nengo's rules do."""
    return type(op) is Copy and op.inc and op.dst is op.dst.base


def _start_and_change(base: Signal) -> Learned:
    value = base.initial_value
    return Learned(
        Signal(value, name=f"{base.name}.start", readonly=True),
        Signal(np.zeros_like(value), name=f"{base.name}.change"),
    )


def _redirected(op: Operator, found: dict[Signal, Learned]) -> Operator:
    if not (_adds(op) and op.dst in found):
        return op
    target = found[op.dst].change
    return Copy(op.src, target, op.src_slice, op.dst_slice, inc=True, tag=op.tag)


def scales_as_signals(
    ops: Sequence[Operator],
) -> tuple[list[Operator], list[Signal]]:
    """
    Let Voja's rule read from signals what it has as arrays.

    Nengo computes these from the gains of neurons, which it draws at random. As
    parameters they go to files and come back.
    """
    replaced = [SimScaledVoja(op) if type(op) is SimVoja else op for op in ops]
    return replaced, [op.scales for op in replaced if isinstance(op, SimScaledVoja)]


def factor_changes(ops: list[Operator], fixed: Collection[Signal]) -> list[Operator]:
    """
    Keep the factors of a change of weights until it is applied, not their product.

    A step computes the change of weights, and the next one applies it. For PES it is
    the outer product of an error and of activities.

    Parameters
    ----------
    ops : list of nengo.builder.Operator
        The operators of one step.
    fixed : collection of nengo.builder.Signal
        Not needed; here so that all simplifications are called alike.

    Returns
    -------
    ops : list of nengo.builder.Operator
        The operators; where nothing but the weights takes a change, its two operators
        are others.
    """
    del fixed
    if not any(type(op) is SimPES for op in ops):
        return ops
    uses, replaced = Uses(ops), dict(enumerate(ops))
    for number, op in enumerate(ops):
        readers = uses.readers[op.delta.base] if type(op) is SimPES else []
        if len(readers) == 1 and _applies(ops[readers[0]], op.delta):
            factors = SimPESFactors(op)
            copy = ops[readers[0]]
            replaced[number] = factors
            replaced[readers[0]] = ElementwiseInc(
                factors.rows, factors.columns, copy.dst, tag=copy.tag
            )
    return list(replaced.values())


def _applies(op: Operator, delta: Signal) -> bool:
    """Tell whether an operator adds a change to weights, and does nothing else."""
    if type(op) is not Copy or not op.inc or op.dst.sparse or op.src is not delta:
        return False
    whole = op.src_slice is None and op.dst_slice is None
    return whole and op.dst.ndim == 2 and op.dst.shape == delta.shape
