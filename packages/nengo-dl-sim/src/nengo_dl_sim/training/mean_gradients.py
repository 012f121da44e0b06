"""Gradients of losses that are means over items, from replicas that compute some."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from nengo_dl_ops.step.state import State

from ..execution.compiled_call import CompiledForShapes
from ..execution.divided_program import Given
from ..measures.measure import Measure
from .back_propagation import BackPropagation
from .divided_gradients import DividedGradients, count_gradients
from .finite import row_sizes


class MeanGradients(DividedGradients):
    """
    Computes gradients of losses that are means over items.

    A replica needs to know nothing of the outputs of others for that: each item is
    computed once. What is looked at only is computed of all outputs afterwards.
    """

    def _compile(self, jit_compile: bool) -> None:
        self._shared = self._divided.compiled(self._compute_shared, jit_compile)
        self._joined = CompiledForShapes(self._join_shared, jit_compile)

    def __call__(self, *arguments: Any) -> BackPropagation:
        """Compute losses, gradients and the state after the last step."""
        state, held, stepped, targets, scale = arguments
        given = self._divided.given(state, held, stepped)
        parts = self._shared(given, targets, scale)
        _, found, after = parts[0]
        summed = [values for values, _, _ in parts]
        sums = self._divided.replicas.sum(summed, count_gradients(found))
        return self._joined(sums, found, targets, state, after)

    def _compute_shared(
        self, number: int, given: Given, targets: list[tf.Tensor], scale: tf.Tensor
    ) -> tuple[list[tf.Tensor], list[tf.Tensor | None], State]:
        """
        Compute what sums up to losses and gradients, and what else is summed up.

        Returns as `_compute_back` does.
        """
        divided, count = self._divided, self._divided.replicas.count
        sources, own = self._sources(given), [divided.items(number, t) for t in targets]
        with tf.GradientTape() as tape:
            tape.watch(sources)
            after, outputs, _ = divided.run(number, given, training=True, check=False)
            losses = [loss.value(outputs, own) / count for loss in self._losses]
            total = self._total(losses)
        gradients = tape.gradient(total, sources, tf.cast(scale, total.dtype))
        found = [None if g is None else tf.zeros(()) for g in gradients]
        looked_at = [divided.among_zeros(number, outputs[k]) for k in self._looked_at()]
        known = [tf.convert_to_tensor(g) for g in gradients if g is not None]
        others = divided.state_parts(number, given.state, after)
        return [*known, tf.stack(losses), *looked_at, *others], found, after

    def _join_shared(
        self,
        sums: Sequence[tf.Tensor],
        found: list[tf.Tensor | None],
        targets: list[tf.Tensor],
        before: State,
        after: State,
    ) -> BackPropagation:
        rest = list(sums)
        gradients = [None if exists is None else rest.pop(0) for exists in found]
        losses = rest.pop(0)
        outputs = {key: rest.pop(0) for key in self._looked_at()}
        state = self._divided.joined_state(before, after, rest)
        watched = [measure.value(outputs, targets) for measure in self._watched]
        sizes = [row_sizes(gradient) for gradient in gradients]
        total = self._total(tf.unstack(losses))
        return BackPropagation(losses, state, watched, total, gradients, sizes, [])

    def _looked_at(self) -> list[Any]:
        """Return the keys of outputs that are looked at only."""
        used = {key for measure in self._watched for key in measure.outputs}
        return [key for key in self._divided.keep if key in used]


def are_means(losses: Sequence[Measure]) -> bool:
    """Tell whether all losses are means over items."""
    return all(loss.is_mean for loss in losses)
