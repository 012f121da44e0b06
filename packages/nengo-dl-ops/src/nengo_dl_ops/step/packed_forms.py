"""Which state a loop may carry packed, and in which shape."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

import tensorflow as tf
from nengo.builder.operator import DotInc, Operator
from nengo.builder.signal import Signal

from ..builder import Builder
from ..planning.schedule import Plan

#: How many float32 values a processor computes at once.
_LANES = 8

#: How much longer a step of neurons takes, measured, if for each of them the processor
#: has to find out which number their operator multiplies (1.4 ns, and not 0.8).
_LOOKUP = 1.7


class PackedForm(NamedTuple):
    """
    How a loop carries state that a group hands on packed.

    Parameters
    ----------
    unpack : callable
        Takes values in that form, or as they are, and returns them as they are.
    shape : tuple of int
        The shape, but for the batch axis: (n_elements,) or (n_ops, n_elements).
    """

    unpack: Callable[[tf.Tensor], tf.Tensor]
    shape: tuple[int, ...]


def packed_forms(plan: Plan) -> dict[tuple[Signal, ...], PackedForm]:
    """Find base signals that a group may hand on packed, each in its order."""
    scaled = {
        op.Y.base
        for group in plan
        for op in group
        if type(op) is DotInc and op.X.size == 1
    }
    found = {}
    for group in plan:
        forms = [Builder.of(op).packed(op) for op in group]
        signals = [sig for form in forms for sig in form]
        # One that packs no state, or a part of a base signal: the group packs none.
        if all(forms) and all(sig.base is sig for sig in signals):
            unpack = next(iter(forms[0].values()))
            found[tuple(signals)] = PackedForm(unpack, _shape(group, signals, scaled))
    return found


def _shape(
    group: Sequence[Operator], signals: Sequence[Signal], scaled: Collection[Signal]
) -> tuple[int, ...]:
    """
    Return the shape in which a group computes the packed state fastest.

    Operators that read one number times a vector each (as the neurons of ensembles of
    one dimension do) are rows: the number is looked up once for a row, not for each of
    its elements. But what is left of a row beyond whole vectors is computed one by one.
    """
    flat = (sum(sig.size for sig in signals),)
    size = signals[0].size
    even = len(signals) > 1 and all(sig.size == size for sig in signals)
    in_rows = size // _LANES + size % _LANES
    if not even or in_rows > _LOOKUP * size / _LANES:
        return flat
    one_number = all(any(sig.base in scaled for sig in op.reads) for op in group)
    return (len(signals), size) if one_number else flat
