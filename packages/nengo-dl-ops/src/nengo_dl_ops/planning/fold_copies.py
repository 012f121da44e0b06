"""Read values where they come from, not from copies of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import pairwise

from nengo.builder.operator import Copy, Operator, Reset
from nengo.builder.signal import Signal

from .def_use import Uses
from .substitutes import Piece, Substitutes, contiguous, substitute


def fold_copies(ops: list[Operator], fixed: Collection[Signal]) -> list[Operator]:
    """
    Let operators read what was copied, instead of the copies.

    Most of a Nengo model's operators copy: nodes that pass values on, parts of arrays.
    In a step copies cost nothing, but one that waits for another, which waits for a
    third, lets operators become ready one after another that could be merged.

    Parameters
    ----------
    ops : list of nengo.builder.Operator
        The operators of one step.
    fixed : collection of nengo.builder.Signal
        Not needed; here so that all simplifications are called alike.

    Returns
    -------
    ops : list of nengo.builder.Operator
        Operators that read elsewhere, without copies that are not read any more.
    """
    del fixed
    return _fold(ops, lambda source: True)


def remove_constant_copies(
    ops: list[Operator], fixed: Collection[Signal]
) -> list[Operator]:
    """
    Let operators read constants, instead of copies of constants.

    Parameters
    ----------
    ops : list of nengo.builder.Operator
        The operators of one step.
    fixed : collection of nengo.builder.Signal
        Base signals that keep their initial value.

    Returns
    -------
    ops : list of nengo.builder.Operator
        Operators that read elsewhere, without copies that are not read any more.
    """
    return _fold(ops, lambda source: source.base in fixed)


def _fold(ops: list[Operator], folds: Callable[[Signal], bool]) -> list[Operator]:
    # Who reads a copy may run after what updates the source; who reads the source may
    # not. That matters if what it reads besides comes from the operator that updates.
    late = {sig.base for op in ops if op.sets or op.incs for sig in op.updates}
    uses = Uses(ops)
    pieces = {}
    for base, numbers in uses.writers.items():
        found = _pieces([ops[number] for number in numbers])
        if found and all(p.source.base not in late and folds(p.source) for p in found):
            pieces[base] = found
    return substitute(ops, Substitutes(pieces), uses)


def _pieces(writers: Sequence[Operator]) -> list[Piece] | None:
    """Return what a base signal is copied from; None if it is more than copies."""
    if not all(type(op) in (Copy, Reset) for op in writers):
        return None
    copies = [op for op in writers if type(op) is Copy]
    resets = [op for op in writers if type(op) is Reset]
    zeroed = any(op.dst is op.dst.base and op.value == 0 for op in resets)
    if any(op.inc != zeroed for op in copies) or len(resets) > zeroed:
        return None
    pieces = [_piece(op) for op in copies]
    known = [piece for piece in pieces if piece is not None]
    known.sort(key=lambda piece: piece.start)
    if len(known) < len(pieces) or any(a.stop > b.start for a, b in pairwise(known)):
        return None
    return known


def _piece(op: Copy) -> Piece | None:
    """Return what a copy does; None if it does not copy a stretch as a whole."""
    stretch = contiguous(op.dst)
    if op.src_slice is not None or op.dst_slice is not None or stretch is None:
        return None
    if op.src.shape != op.dst.shape or op.src.dtype != op.dst.dtype:
        return None
    return Piece(*stretch, op.src)
