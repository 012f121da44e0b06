"""Let operators read a value where it comes from, instead of from a copy of it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping
from copy import copy
from typing import NamedTuple

from nengo.builder.operator import (
    Copy,
    DotInc,
    ElementwiseInc,
    Operator,
    SparseDotInc,
)
from nengo.builder.signal import Signal

from .def_use import Uses, is_filter, part

#: Operators that keep what they read in `reads`, and nowhere else. Those that run in
#: Python, moreover, are known by what they are: no other can take their place.
_SIMPLE = (Copy, DotInc, ElementwiseInc, SparseDotInc)


class Piece(NamedTuple):
    """
    A part of a base signal that always has the value of another signal when it is read.

    Parameters
    ----------
    start, stop : int
        The elements of the base signal.
    source : nengo.builder.Signal
        The (stop - start,) signal that has their values.
    """

    start: int
    stop: int
    source: Signal


class Substitutes:
    """
    Finds other signals with the same values.

    Parameters
    ----------
    pieces : mapping from nengo.builder.Signal to list of Piece
        What is known of base signals. Pieces of one signal do not overlap.
    """

    def __init__(self, pieces: Mapping[Signal, Iterable[Piece]]) -> None:
        self._pieces = {
            base: sorted(parts, key=lambda piece: piece.start)
            for base, parts in pieces.items()
        }

    def __iter__(self) -> Iterator[Signal]:
        return iter(self._pieces)

    def find(self, sig: Signal) -> Signal:
        """
        Find where the value of a signal comes from.

        Returns a signal of the same shape with the same value: the given one, if the
        value does not come from a single other signal.
        """
        passed = set()  # copies in a circle have no origin
        while sig.base in self._pieces and sig.base not in passed:
            passed.add(sig.base)
            sig = self._source(sig) or sig
        return sig

    def _source(self, sig: Signal) -> Signal | None:
        stretch = contiguous(sig)
        if stretch is None:
            return None
        start, stop = stretch
        pieces = self._pieces[sig.base]
        number = bisect_right(pieces, start, key=lambda piece: piece.start) - 1
        if number < 0 or pieces[number].stop < stop:
            return None
        piece = pieces[number]
        if (start, stop) == (piece.start, piece.stop):
            return piece.source
        return part(piece.source, slice(start - piece.start, stop - piece.start))


def contiguous(sig: Signal) -> tuple[int, int] | None:
    """Return the stretch of the base that a vector is; None if it is no vector."""
    if sig.ndim != 1 or sig.base.ndim != 1 or sig.size == 0:
        return None
    if sig.size > 1 and sig.elemstrides != (1,):
        return None
    return sig.elemoffset, sig.elemoffset + sig.size


def substitute(
    ops: list[Operator], substitutes: Substitutes, uses: Uses
) -> list[Operator]:
    """
    Let operators read substitutes, and leave out what nothing reads any more.

    ``ops``: the operators of one step. They are not changed. ``substitutes``: where
    values come from. The operators that write a signal for which there are substitutes
    must do nothing else. Returns the same operators, or others in their place that read
    other signals; the list that was given if there are none.
    """
    readers = {i for base in substitutes for i in uses.readers.get(base, ())}
    updated = {sig.base for op in ops for sig in op.updates}
    others = {i: _reading_elsewhere(ops[i], substitutes, updated) for i in readers}
    read = {sig.base for other in others.values() for sig in other.reads}
    useless = {
        i for base in substitutes if base not in read for i in uses.writers[base]
    }
    if not useless and all(other is ops[i] for i, other in others.items()):
        return ops
    return [others.get(i, op) for i, op in enumerate(ops) if i not in useless]


def _reading_elsewhere(
    op: Operator, substitutes: Substitutes, updated: Collection[Signal]
) -> Operator:
    if type(op) not in _SIMPLE and not is_filter(op):
        return op
    reads = [substitutes.find(sig) for sig in op.reads]
    if all(new is old for new, old in zip(reads, op.reads, strict=True)):
        return op
    # What updates waits for all readers: two filters that read each other's output
    # directly, not a copy that was made before, would wait for each other.
    if op.updates and any(sig.base in updated for sig in reads):
        return op
    other = copy(op)
    other.reads = reads
    return other
