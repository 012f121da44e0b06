"""The parts of a step between groups that run in Python."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from nengo_dl_signals import SignalDict, SignalLayout, TensorSignal

from ..op_builder import OpBuilder


@dataclass(frozen=True, eq=False)
class Segment:
    """
    Groups that follow each other and all run in Python, or all do not.

    Parameters
    ----------
    groups : list of OpBuilder
        The groups in order.
    python : bool
        Whether they run in Python.
    needed : (n_rows,) array of bool
        Rows whose values are read by later groups, by probes or by the next step.
    """

    groups: list[OpBuilder]
    python: bool
    needed: np.ndarray

    def emit(self, signals: SignalDict, training: bool) -> None:
        """
        Emit all groups.

        ``signals``: the values so far; the results are written to it.
        """
        for group in self.groups:
            build = group.build_training_step if training else group.build_step
            build(signals)


def segments(
    groups: Sequence[OpBuilder], layout: SignalLayout, ends: Sequence[TensorSignal]
) -> list[Segment]:
    """Cut a step where it changes between TensorFlow and Python."""
    needed = np.zeros(layout.n_rows, dtype=bool)
    for end in ends:
        needed[end.rows] = True
    # From the end to the beginning: a compiled part hands out what is read after it,
    # and no more, so that all else stays inside of it.
    parts = []
    cut = [(key, list(part)) for key, part in groupby(groups, lambda g: g.python)]
    for number, (python, part) in reversed([*enumerate(cut)]):
        parts.append(Segment(part, python, needed.copy()))
        # Before the first part nothing asks, so its own signals need not be collected.
        ops = [op for group in part for op in group.ops] if number else []
        for base in {sig.base for op in ops for sig in op.all_signals}:
            needed[layout.rows(base)] = True
    return parts[::-1]
