"""Order the operators within groups so that what is read together lies together."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from nengo.builder.operator import Operator
from nengo.builder.signal import Signal

from .schedule import Plan


def noop_order_signals(
    plan: Plan, constants: Collection[Signal], n_passes: int = 2
) -> Plan:
    """
    Leave the order as it is.

    Parameters
    ----------
    plan : list of tuple of nengo.builder.Operator
        The groups in order.
    constants : collection of nengo.builder.Signal
        The base signals that are never written.
    n_passes : int
        Not needed; here so that all sorters are called alike.

    Returns
    -------
    plan : list of tuple of nengo.builder.Operator
        The plan that was given.
    """
    del constants, n_passes
    return plan


def order_signals(plan: Plan, constants: Collection[Signal], n_passes: int = 2) -> Plan:
    """
    Order every group's operators by where the values they read were written.

    The values written by a group lie in one array, in the order of its operators. A
    later group that reads them in the same order reads a slice. Groups that read
    constants only have nothing to follow: they take the order in which their results
    are used. A second pass knows where the state was left by the step before.

    Parameters
    ----------
    plan : list of tuple of nengo.builder.Operator
        The groups in order.
    constants : collection of nengo.builder.Signal
        The base signals that are never written; they are placed by the reader.
    n_passes : int
        How often to go through the plan.

    Returns
    -------
    plan : list of tuple of nengo.builder.Operator
        The same groups in the same order, sorted inside.
    """
    written: dict[Signal, tuple[int, int]] = {}
    used: dict[Signal, tuple[int, int]] = {}
    for _ in range(n_passes):
        plan = list(_sort_once(plan, constants, written, used))
        used = _first_uses(plan)
    return plan


def _sort_once(
    plan: Plan,
    constants: Collection[Signal],
    written: dict[Signal, tuple[int, int]],
    used: dict[Signal, tuple[int, int]],
) -> Iterator[tuple[Operator, ...]]:
    """Yield sorted groups; ``written`` follows where each base was last written."""
    for number, group in enumerate(plan):
        slots = _slots_to_follow(group[0], constants)
        places = written if slots else used
        slots = slots or _written_slots(group[0])
        keys = [_place(op, slots, places) for op in group]
        order = sorted(range(len(group)), key=keys.__getitem__)
        group = tuple(group[i] for i in order)
        for position, op in enumerate(group):
            # A write makes a new array, so the last one is where the values are.
            for sig in (*op.sets, *op.incs, *op.updates):
                written[sig.base] = number, position
        yield group


def _slots_to_follow(op: Operator, constants: Collection[Signal]) -> list[tuple]:
    """Return which signals of the operator decide its place: the largest read first."""
    reads = [
        (sig.size, name, i)
        for name in ("reads", "updates", "incs")
        for i, sig in enumerate(getattr(op, name))
        if sig.base not in constants
    ]
    rank = {"reads": 0, "updates": 1, "incs": 2}
    # What is read comes first, for it is read anyway; of that the largest, for it costs
    # most if it has to be gathered. The smaller ones decide between equals.
    reads.sort(key=lambda slot: (rank[slot[1]], -slot[0]))
    only_written = all(name != "reads" for _, name, _ in reads)
    return [] if only_written else [(name, i) for _, name, i in reads]


def _written_slots(op: Operator) -> list[tuple]:
    return [
        (name, i)
        for name in ("sets", "incs", "updates")
        for i in range(len(getattr(op, name)))
    ]


def _place(
    op: Operator, slots: list[tuple], places: dict[Signal, tuple[int, int]]
) -> tuple:
    """Return a sort key: array, place in it, and place in the signal, for each slot."""
    key: list[int] = []
    for name, i in slots:
        sig = getattr(op, name)[i]
        key.extend((*places.get(sig.base, (-1, -1)), sig.elemoffset))
    return tuple(key)


def _first_uses(plan: Plan) -> dict[Signal, tuple[int, int]]:
    """Return where in the plan each base is first read or added to."""
    uses: dict[Signal, tuple[int, int]] = {}
    for number, group in enumerate(plan):
        for position, op in enumerate(group):
            for sig in (*op.reads, *op.incs):
                uses.setdefault(sig.base, (number, position))
    return uses
