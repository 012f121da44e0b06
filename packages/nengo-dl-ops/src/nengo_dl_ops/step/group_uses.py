"""What a group of operators reads and writes, row by row of the layout."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from nengo.builder.operator import Operator
from nengo.builder.signal import Signal

from nengo_dl_signals import SignalLayout

from ..op_builder import OpBuilder


class GroupUses:
    """
    What a group reads and writes, by row.

    Parameters
    ----------
    layout : SignalLayout
        Where the signals are.
    group : OpBuilder
        The group.
    training : bool
        Whether its training step is meant.

    Attributes
    ----------
    memoryless : bool
        Whether what it writes follows from what it reads, and from nothing else.
    reads, sets, updates, previous, shared : (n,) array of int
        Rows that are read, set or incremented, and updated; those of which the values
        of the step before are read; those that all items share.
    """

    def __init__(self, layout: SignalLayout, group: OpBuilder, training: bool) -> None:
        self.group = group
        memoryless = group.memoryless(training)
        self.memoryless = memoryless is not None
        ops = group.ops
        if memoryless is not None:
            self.reads = rows_of(layout, memoryless.reads)
            self.sets = rows_of(layout, memoryless.writes)
            self.updates = self.previous = self.shared = np.zeros(0, int)
        else:
            self.reads = rows_of(layout, signals_of(ops, "reads", "incs"))
            self.sets = rows_of(layout, signals_of(ops, "sets", "incs"))
            self.updates = rows_of(layout, signals_of(ops, "updates"))
            previous = [sig for op in ops for sig in type(group).previous(op)]
            self.previous = rows_of(layout, previous)
            shared = [sig for op in ops for sig in type(group).shared_signals(op)]
            self.shared = rows_of(layout, shared)

    @property
    def writes(self) -> np.ndarray:
        """The rows that are set, incremented or updated."""
        return np.concatenate([self.sets, self.updates])


def signals_of(ops: Sequence[Operator], *kinds: str) -> list[Signal]:
    """Collect signals of operators: those that they set, say, or read."""
    return [sig for op in ops for kind in kinds for sig in getattr(op, kind)]


def rows_of(layout: SignalLayout, sigs: Iterable[Signal]) -> np.ndarray:
    """Return the rows of some signals."""
    found = [layout[sig].rows for sig in dict.fromkeys(sigs)]
    return np.concatenate(found) if found else np.zeros(0, int)


def mask_of(layout: SignalLayout, rows: Iterable[np.ndarray]) -> np.ndarray:
    """Mark rows: returns an (n_rows,) array of bool."""
    mask = np.zeros(layout.n_rows, dtype=bool)
    for some in rows:
        mask[some] = True
    return mask
