"""Which operators one group may compute."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable

from nengo.builder.operator import Operator
from nengo.builder.signal import Signal

from nengo_dl_signals import SignalLayout

from ..builder import Builder


def make_merge_key(
    layout: SignalLayout, trainable: Collection[Signal] = ()
) -> Callable[[Operator], Hashable]:
    """
    Make the function that tells which operators may be merged.

    Parameters
    ----------
    layout : SignalLayout
        Where the signals of the operators are.
    trainable : collection of nengo.builder.Signal
        Base signals that training may change.

    Returns
    -------
    merge_key : callable
        Takes an operator. Operators with equal keys, of which none has to wait for
        another, may be given to `.Builder.build` together: they have one builder,
        which gives them equal `.OpBuilder.merge_key`, and their signals agree in
        type, shape of a row, in whether they are constant, and whether trainable.
    """
    known: dict[Signal, Hashable] = {}

    def describe(sig: Signal) -> Hashable:
        base = sig.base
        if base not in known:
            constant = base in layout.constants
            trained = constant and base in trainable
            shape = layout.row_shape(base)
            known[base] = layout.type_of(base), shape, constant, trained
        return known[base]

    def merge_key(op: Operator) -> Hashable:
        builder = Builder.of(op)
        signals = tuple(
            tuple(describe(sig) for sig in sigs)
            for sigs in (op.sets, op.incs, op.reads, op.updates)
        )
        return builder, builder.merge_key(op), signals

    return merge_key
