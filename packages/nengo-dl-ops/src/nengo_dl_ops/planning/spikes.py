"""Which signals are spikes, and which products follow them."""

from __future__ import annotations

from collections.abc import Sequence

from nengo.builder.neurons import SimNeurons
from nengo.builder.operator import Copy, DotInc, Operator, Reset, SparseDotInc
from nengo.builder.signal import Signal

from ..operators.event_driven import (
    EventDrivenDotInc,
    EventDrivenProduct,
    EventDrivenSparseDotInc,
)
from .def_use import Uses, written_signals

_KINDS: dict[type[Operator], type[EventDrivenProduct]] = {
    DotInc: EventDrivenDotInc,
    SparseDotInc: EventDrivenSparseDotInc,
}


def follow_spikes(ops: Sequence[Operator]) -> list[Operator]:
    """
    Let products of constant matrices with spikes follow these.

    Parameters
    ----------
    ops : list of nengo.builder.Operator
        The operators of one step.

    Returns
    -------
    ops : list of nengo.builder.Operator
        The same, with an `EventDrivenProduct` in place of such products.
    """
    spikes, written = spike_signals(ops), written_signals(ops)

    def following(op: Operator) -> Operator:
        kind = _KINDS.get(type(op))
        if kind is None or op.X.base not in spikes or op.A.base in written:
            return op
        return kind(op) if kind.is_worth_it(op) else op

    return [following(op) for op in ops]


def plain_products(ops: Sequence[Operator]) -> list[Operator]:
    """Undo `follow_spikes`."""
    return [op.product if isinstance(op, EventDrivenProduct) else op for op in ops]


def spike_signals(ops: Sequence[Operator]) -> set[Signal]:
    """
    Return the base signals that are spikes: zero in most places, in most steps.

    These are outputs of neurons that spike, and what is made of them by copies alone.
    """
    uses = Uses(ops)
    spikes = {
        op.output.base
        for op in ops
        if isinstance(op, SimNeurons) and op.neurons.spiking
    }

    def is_made_of_spikes(base: Signal) -> bool:
        writers = [ops[number] for number in uses.writers[base]]
        return all(
            (type(op) is Copy and op.src.base in spikes)
            or (type(op) is Reset and op.value == 0)
            for op in writers
        ) and any(type(op) is Copy for op in writers)

    new = set(spikes)
    while new:
        copies = {
            op.dst.base
            for base in new
            for op in map(ops.__getitem__, uses.readers[base])
            if type(op) is Copy
        }
        new = {base for base in copies - spikes if is_made_of_spikes(base)}
        spikes |= new
    return spikes
