"""Tell where learned weights start from what an online rule has changed since."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
from nengo.builder.operator import Copy, Operator
from nengo.builder.signal import Signal


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
    """
    Find the signals that are written by nothing but additions.

    Parameters
    ----------
    ops : list of nengo.builder.Operator
        The operators of one step.

    Returns
    -------
    signals : set of nengo.builder.Signal
        Base signals that `split_learned` can split.
    """
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

    Parameters
    ----------
    ops : list of nengo.builder.Operator
        The operators of one step.
    learned : collection of nengo.builder.Signal
        Some of `learned_by_sums`.

    Returns
    -------
    ops : list of nengo.builder.Operator
        Operators that change ``change`` in place of the learned signals, and those
        that compute the latter.
    found : dict from nengo.builder.Signal to Learned
        The parts of each learned signal.
    """
    # In the order of the operators: that of a set would change between processes.
    bases = dict.fromkeys(sig.base for op in ops for sig in op.incs)
    found = {base: _engine(base) for base in bases if base in learned}
    sums = [
        copy
        for base, (start, change) in found.items()
        for copy in (Copy(start, base), Copy(change, base, inc=True))
    ]
    return [_redirected(op, found) for op in ops] + sums, found


def _adds(op: Operator) -> bool:
    """Tell whether an operator adds to a signal as a whole, as Nengo's rules do."""
    return type(op) is Copy and op.inc and op.dst is op.dst.base


def _engine(base: Signal) -> Learned:
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
