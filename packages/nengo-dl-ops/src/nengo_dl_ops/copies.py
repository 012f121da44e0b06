"""Operators that move values: copies of signals and of slices of them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from nengo.builder.operator import Copy, Operator
from nengo.exceptions import BuildError

from nengo_dl_signals import SignalDict, SignalLayout, TensorSignal, join

from .builder import Builder, Instant, OpBuilder
from .config import BuildConfig


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
        self.src = join([src.reshape((-1,)) for src, _ in pairs])
        self.dst = join([dst.reshape((-1,)) for _, dst in pairs])
        self.inc = ops[0].inc

    @classmethod
    def merge_key(cls, op: Operator) -> Hashable:
        """
        Copies merge with copies, increments with increments of the same kind.

        Matrices only with those of their shape: vectors would be moved along with them.
        """
        return op.dst.shape if op.inc and op.dst.ndim > 1 else op.inc

    def instant(self, training: bool) -> Instant:
        """Everything follows from what is read."""
        del training
        return Instant.of(self.ops)

    def build_step(self, signals: SignalDict) -> None:
        """Copy or add all signals at once."""
        if self.inc:
            signals.add(self.src, self.dst)
        else:
            signals.copy(self.src, self.dst)


def _source_and_target(
    op: Operator, layout: SignalLayout
) -> tuple[TensorSignal, TensorSignal]:
    src, dst = layout[op.src][op.src_slice], layout[op.dst][op.dst_slice]
    if not op.inc and len(np.unique(dst.rows)) < len(dst.rows):
        raise BuildError(
            f"{op}: expected 'dst_slice' without repeated indices "
            "(only an increment may repeat them)"
        )
    if src.shape != dst.shape:
        src = _broadcast(src, dst, op)
    return src, dst


def _broadcast(src: TensorSignal, dst: TensorSignal, op: Operator) -> TensorSignal:
    """Repeat the rows of a source that is smaller than its target."""
    try:
        positions = np.arange(src.size).reshape(src.shape)
        positions = np.broadcast_to(positions, dst.shape).ravel()
    except ValueError as error:
        raise BuildError(
            f"{op}: expected a source that fits shape {dst.shape}, got {src.shape}"
        ) from error
    return src.reshape((src.size, *src.row_shape))[positions].reshape(dst.shape)
