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
        self._measured = measured
        self._compile(jit_compile)

    def _compile(self, jit_compile: bool) -> None:
        self._outputs = self._divided.compiled(self._compute_outputs, jit_compile)
        self._measures = CompiledForShapes(self._compute_measures, jit_compile)

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


class OwnValues(DividedValues):
    """
    Computes outputs, as they are, of the items of this process only.

    Nothing of them goes to other processes.
    """

    def _compile(self, jit_compile: bool) -> None:
        self._own = self._divided.compiled(self._compute_own, jit_compile)
        self._joined = CompiledForShapes(self._join, jit_compile)

    def __call__(
        self,
        state: State,
        held: tf.Tensor,
        stepped: tf.Tensor,
        targets: list[tf.Tensor],
        training: bool,
        n_items: int | None,
    ) -> tuple[list[Any], State, tf.Tensor | None]:
        """Compute them, and the state after the last step."""
        given = self._divided.given(state, held, stepped)
        parts = self._own(given, training)
        sums = self._divided.replicas.sum([summed for _, summed, _ in parts])
        outputs = [own for own, _, _ in parts]
        return self._joined(outputs, sums, state, parts[0][-1], targets)

    def _compute_own(
        self, number: int, given: Given, training: bool
    ) -> tuple[list[tf.Tensor], list[tf.Tensor], State]:
        divided = self._divided
        after, outputs, finite = divided.run(number, given, training, check=True)
        # Summed up in any case, so that no process gets far ahead of another.
        failed = (
            tf.zeros((), tf.int32) if finite is None else tf.cast(~finite, tf.int32)
        )
        state = divided.state_parts(number, given.state, after)
        return list(outputs.values()), [failed, *state], after

    def _join(
        self,
        outputs: Sequence[Sequence[tf.Tensor]],
        sums: Sequence[tf.Tensor],
        before: State,
        after: State,
        targets: list[tf.Tensor],
    ) -> tuple[list[Any], State, tf.Tensor | None]:
        divided, (failed, *rest) = self._divided, sums
        joined = [tf.concat(parts, 0) for parts in zip(*outputs, strict=True)]
        of_keys = dict(zip(divided.keep, joined, strict=True))
        finite = failed == 0 if divided.program.checked else None
        state = divided.joined_state(before, after, rest)
        return self._measured(of_keys, targets, None), state, finite
