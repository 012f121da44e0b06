"""What is the same in every step of a run: it is computed once, before the loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import tensorflow as tf

from ..op_builder import OpBuilder
from .group_uses import GroupUses, mask_of
from .program import InputSplit, Program
from .time_batching import Parts


@dataclass(frozen=True, eq=False)
class LoopInvariants:
    """
    A program in two parts: what is the same in every step, and all else.

    Made by `split_loop_invariants`.

    Parameters
    ----------
    program : Program
        All of it.
    split : InputSplit
        Which input nodes change from step to step.
    training : bool
        Whether the differentiable approximation is computed.
    groups : list of OpBuilder
        Groups of which all that they read follows from parameters, and from inputs that
        do not change.
    rows : (n_rows,) array of bool
        What these write.
    rest : Program
        The same program without them.
    """

    program: Program
    split: InputSplit
    training: bool
    groups: list[OpBuilder]
    rows: np.ndarray
    rest: Program

    def values(self, parameters: Sequence[tf.Tensor], held: tf.Tensor | None) -> Parts:
        """
        Compute what is the same in every step.

        Parameters
        ----------
        parameters, held
            As in `.Program.step`.

        Returns
        -------
        parts : list of (rows, array)
            Addresses of rows, and their (n, ..., batch) tf.Tensor of values; None for
            rows that are zero.
        """
        signals = self.program.loaded(parameters, self.split, held)
        for group in self.groups:
            build = group.build_training_step if self.training else group.build_step
            build(signals)
        return signals.parts(self.rows)


def split_loop_invariants(
    program: Program, split: InputSplit, training: bool
) -> LoopInvariants:
    """
    Find out what is the same in every step.

    Parameters
    ----------
    program : Program
        What is computed in each step.
    split : InputSplit
        Which input nodes change from step to step.
    training : bool
        Whether the differentiable approximation is computed.
    """
    layout, training = program.layout, program.in_training(training)
    # What a step leaves to the next one stays in the loop, too.
    varying = [array.signal.rows for array in program.states]
    if split.stepped is not None:
        varying.append(split.stepped.rows)
    varies = mask_of(layout, varying)
    written = np.zeros(layout.n_rows, dtype=bool)
    invariant: list[OpBuilder] = []
    others: list[OpBuilder] = []
    for group in program.groups:
        use = GroupUses(layout, group, training)
        touched = np.concatenate([use.reads, use.writes])
        if use.memoryless and not group.python and not np.any(varies[touched]):
            invariant.append(group)
            written[use.writes] = True
        else:
            others.append(group)
            varies[use.writes] = True
    rest = replace(program, groups=others)
    return LoopInvariants(program, split, training, invariant, written, rest)
