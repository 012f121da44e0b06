"""Measures of outputs that several replicas compute, each for some of the items."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import tensorflow as tf

from nengo_dl_ops.step.state import State

from ..execution.compiled_call import CompiledForShapes
from ..execution.divided_program import DividedProgram, Given

#: Takes outputs, targets and how many items there are; returns values of measures.
Measured = Callable[[dict[Hashable, tf.Tensor], list[tf.Tensor], "int | None"], Any]


class DividedValues:
    """
    Computes the outputs of a share of a minibatch, and measures of all of its items.

    So measures may be any functions of outputs and targets: each process computes them
    of the outputs of all replicas.

    Parameters
    ----------
    divided : DividedProgram
        Computes the outputs.
    measured : callable
        Computes the measures.
    jit_compile : bool
        Whether XLA compiles them.
    """

    def __init__(
        self, divided: DividedProgram, measured: Measured, jit_compile: bool
    ) -> None:
        self._divided = divided
        self._outputs = divided.compiled(self._compute_outputs, jit_compile)
        self._measures = CompiledForShapes(self._compute_measures, jit_compile)
        self._measured = measured

    def __call__(
        self,
        state: State,
        held: tf.Tensor,
        stepped: tf.Tensor,
        targets: list[tf.Tensor],
        training: bool,
        n_items: int | None,
    ) -> tuple[list[Any], State, tf.Tensor | None]:
        """Compute the measures, and the state after the last step."""
        given = self._divided.given(state, held, stepped)
        parts = self._outputs(given, training)
        sums = self._divided.replicas.sum([summed for summed, _ in parts])
        after = parts[0][1]
        return self._measures(sums, state, after, targets, n_items)

    def _compute_outputs(
        self, number: int, given: Given, training: bool
    ) -> tuple[list[tf.Tensor], State]:
        divided = self._divided
        after, outputs, finite = divided.run(number, given, training, check=True)
        summed = [divided.among_zeros(number, value) for value in outputs.values()]
        if finite is not None:
            summed.append(tf.cast(~finite, tf.int32))
        return [*summed, *divided.state_parts(number, given.state, after)], after

    def _compute_measures(
        self,
        sums: Sequence[tf.Tensor],
        before: State,
        after: State,
        targets: list[tf.Tensor],
        n_items: int | None,
    ) -> tuple[list[Any], State, tf.Tensor | None]:
        divided, rest, finite = self._divided, list(sums), None
        outputs = {key: rest.pop(0) for key in divided.keep}
        if divided.program.checked:
            finite = rest.pop(0) == 0
        state = divided.joined_state(before, after, rest)
        return self._measured(outputs, targets, n_items), state, finite
