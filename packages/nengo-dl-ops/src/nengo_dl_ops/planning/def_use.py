"""Which operators write and read each signal, and what they alone decide."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence

from nengo.builder.operator import DotInc, ElementwiseInc, Operator, Reset
from nengo.builder.signal import Signal

from ..operators.processes import is_elementwise


class Uses:
    """
    The users of every base signal.

    Parameters
    ----------
    ops : list of nengo.builder.Operator
        The operators of one step.

    Attributes
    ----------
    writers, readers : dict from nengo.builder.Signal to list of int
        The numbers of the operators that set, increment or update a base signal, and
        of those that read it.
    """

    def __init__(self, ops: Sequence[Operator]) -> None:
        self._ops = ops
        self.writers: dict[Signal, list[int]] = defaultdict(list)
        self.readers: dict[Signal, list[int]] = defaultdict(list)
        for number, op in enumerate(ops):
            for sig in (*op.sets, *op.incs, *op.updates):
                self.writers[sig.base].append(number)
            for sig in op.reads:
                self.readers[sig.base].append(number)

    def decides(self, op: Operator) -> bool:
        """
        Tell whether an operator alone computes a signal, and does nothing else.

        Returns True for products that nothing is added to, and for synapses.
        """
        # The state of a synapse is its own; only its output, the first, is for others.
        if is_filter(op):
            alone = all(len(self.writers[sig.base]) == 1 for sig in op.updates)
            return alone and not any(sig.base in self.readers for sig in op.updates[1:])
        if type(op) not in (DotInc, ElementwiseInc) or op.Y.is_view:
            return False
        others = [self._ops[i] for i in self.writers[op.Y] if self._ops[i] is not op]
        return len(others) == 1 and _clears(others[0])


def written_signals(ops: Iterable[Operator]) -> set[Signal]:
    """Return the base signals that operators set, increment or update."""
    return {sig.base for op in ops for sig in (*op.sets, *op.incs, *op.updates)}


def constant_signals(ops: Sequence[Operator]) -> set[Signal]:
    """Return the base signals that are read and never written."""
    return {sig.base for op in ops for sig in op.reads} - written_signals(ops)


def count_reads(ops: Iterable[Operator]) -> Counter[Signal]:
    """Count the operators that read each base signal."""
    return Counter(base for op in ops for base in {sig.base for sig in op.reads})


def result(op: Operator) -> Signal:
    """Return the signal that an operator computes, of those that `Uses` knows."""
    return (op.updates if is_filter(op) else op.incs)[0]


def is_filter(op: Operator) -> bool:
    """Tell whether an operator is a synapse that works element by element."""
    return is_elementwise(op) and op.mode == "update"


def part(sig: Signal, index: slice) -> Signal:
    """
    Return a part of a signal along its first axis.

    Returns a view. (Nengo's own, ``sig[index]``, forgets where ``sig`` is in its base.)
    """
    first = range(sig.shape[0])[index].start
    return Signal(
        sig.initial_value[index],
        name=sig.name,
        base=sig.base,
        offset=sig.offset + first * sig.strides[0],
        readonly=sig.readonly,
    )


class Frozen(Signal):
    """A constant of its own: what is loaded for the parameter it was does not count."""


def is_fixed(sig: Signal, fixed: Collection[Signal]) -> bool:
    """Tell whether a signal, or what it is a view of, keeps its initial value."""
    kept = sig.base in fixed or isinstance(sig, Frozen)
    return kept and not sig.sparse


def _clears(op: Operator) -> bool:
    return type(op) is Reset and op.value == 0 and not op.dst.is_view
