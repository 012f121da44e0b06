"""Operators that move values: copies of signals and of slices of them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from nengo.builder.operator import Copy, Operator
from nengo.exceptions import BuildError

from nengo_dl_signals import SignalDict, SignalLayout, TensorSignal, join

from ..builder import Builder
from ..config import BuildConfig
from ..op_builder import Memoryless, OpBuilder


@Builder.register(Copy)
class CopyBuilder(OpBuilder):
    """
    Copy or add signals: ``dst[dst_slice] = src[src_slice]`` or ``+=``.

    A copy moves no data: the target's rows are looked up where the source's are.

    Notes
    -----
    1. sets ``[] if inc else [dst]``
    2. incs ``[dst] if inc else []``
    3. reads ``[src]``
    4. updates ``[]``
    """

    def __init__(
        self, ops: Sequence[Operator], layout: SignalLayout, config: BuildConfig
    ) -> None:
        super().__init__(ops, layout, config)
        pairs = [_source_and_target(op, layout) for op in ops]
        self.src = join([src for src, _ in pairs])
        self.dst = join([dst for _, dst in pairs])
        self.inc = ops[0].inc

    @classmethod
    def supports(cls, op: Operator) -> bool:
        """
        Copies of one type to another, but for complex numbers, and sums of numbers.

        Several lists of indices for one target mean something of their own.
        """
        kinds = op.src.dtype.kind, op.dst.dtype.kind
        converts = kinds[0] == kinds[1] == "c" or "c" not in kinds
        if op.inc:
            converts = kinds[1] == "f" and kinds[0] in "fiub"
        return converts and np.ndim(op.dst_slice) < 2

    @classmethod
    def check(cls, op: Operator) -> None:
        """Check that the slices exist, and that what is copied fits where it goes."""
        if not _is_whole(op):
            _copied_elements(op)

    @classmethod
    def merge_key(cls, op: Operator) -> Hashable:
        """
        Copies merge with copies, increments with increments of the same kind.

        Matrices only with those of their shape: vectors would be moved along with them.
        """
        return op.dst.shape if op.inc and op.dst.ndim > 1 else op.inc

    def memoryless(self, training: bool) -> Memoryless:
        """Everything follows from what is read."""
        del training
        return Memoryless.of(self.ops)

    def build_step(self, signals: SignalDict) -> None:
        """Copy or add all signals at once."""
        if self.src.dtype != self.dst.dtype:
            value = tf.cast(signals.gather(self.src), self.dst.dtype)
            signals.scatter(self.dst, value, mode="inc" if self.inc else "update")
        elif self.inc:
            signals.add(self.src, self.dst)
        else:
            signals.copy(self.src, self.dst)


def _is_whole(op: Operator) -> bool:
    whole = op.src_slice is None and op.dst_slice is None
    return whole and op.src.shape == op.dst.shape


def _source_and_target(
    op: Operator, layout: SignalLayout
) -> tuple[TensorSignal, TensorSignal]:
    """Return what is copied, and where to, as vectors of equal size."""
    src, dst = layout[op.src].reshape((-1,)), layout[op.dst].reshape((-1,))
    if _is_whole(op):
        return src, dst
    read, written = _copied_elements(op)
    return src.take(read), dst.take(written)


def _copied_elements(op: Operator) -> tuple[np.ndarray, np.ndarray]:
    """
    Let NumPy copy the places of elements: so shapes and slices mean what they do there.

    Shapes: returns (n,).
    """
    source = np.arange(op.src.size).reshape(op.src.shape)
    target = np.arange(op.dst.size).reshape(op.dst.shape)
    try:
        read = source[Ellipsis if op.src_slice is None else op.src_slice]
        place = _target_index(op)
        written = target[place]
        if not op.inc:
            _refuse_repeats(op, written)
            places = np.full(op.dst.shape, -1)
            places[place] = read
            written = np.flatnonzero(places >= 0)
            return places.ravel()[written], written
        return np.broadcast_to(read, np.shape(written)).ravel(), np.ravel(written)
    except (IndexError, ValueError, TypeError) as error:
        raise BuildError(
            f"{op}: expected a source of shape {op.src.shape} and slices that fit a "
            f"target of shape {op.dst.shape}: {error}"
        ) from error


def _target_index(op: Operator) -> Any:
    """Return where a copy goes, as Nengo makes it of lists; a number is no list."""
    item = op.dst_slice
    if item is None or item is Ellipsis:
        return Ellipsis
    if np.ndim(item) == 0:
        raise TypeError(f"dst_slice: expected a slice or a list, got {item!r}")
    return np.array(item)


def _refuse_repeats(op: Operator, written: np.ndarray) -> None:
    if len(np.unique(written)) < np.size(written):
        raise BuildError(
            f"{op}: expected 'dst_slice' without repeated indices (only an increment "
            "may repeat them)"
        )
