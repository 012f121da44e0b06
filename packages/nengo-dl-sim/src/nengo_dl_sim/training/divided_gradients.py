"""Gradients of any function of all outputs, from replicas that compute some of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from nengo_dl_ops.step.state import State

from ..execution.compiled_call import CompiledForShapes
from ..execution.divided_program import DividedProgram, Given
from ..measures.measure import Measure
from .back_propagation import BackPropagation
from .finite import row_sizes
from .update import backend_variable


class DividedGradients:
    """
    Computes gradients, of which each replica takes those by way of some items.

    Losses are functions of the outputs of all items. So outputs go to all processes
    first; each computes the gradient with respect to these, and propagates that of its
    own items back to the variables. For that it computes its steps a second time.

    Parameters
    ----------
    divided : DividedProgram
        Computes the outputs.
    variables : list of keras.Variable or tf.Variable
        The variables of the program, in order.
    losses : list of Measure
        What is summed up.
    watched : list of Measure
        What is looked at only.
    jit_compile : bool
        Whether XLA compiles the computation.

    Attributes
    ----------
    jit_compile : bool
        The same.
    """

    def __init__(
        self,
        divided: DividedProgram,
        variables: Sequence[keras.Variable | tf.Variable],
        losses: Sequence[Measure],
        watched: Sequence[Measure],
        jit_compile: bool,
    ) -> None:
        self.jit_compile = jit_compile
        self._divided = divided
        self._is_trained = [bool(variable.trainable) for variable in variables]
        self._trainable = [v for v in variables if v.trainable]
        self._losses = losses
        self._watched = watched
        self._compile(jit_compile)

    def _compile(self, jit_compile: bool) -> None:
        self._outputs = self._divided.compiled(self._compute_outputs, jit_compile)
        self._pull = CompiledForShapes(self._compute_pull, jit_compile)
        self._back = self._divided.compiled(self._compute_back, jit_compile)
        self._joined = CompiledForShapes(self._join, jit_compile)

    def __call__(self, *arguments: Any) -> BackPropagation:
        """
        Compute losses, gradients and the state after the last step.

        ``*arguments``: state, values of nodes that stay, and that change; targets; and
        what the gradients are multiplied by.
        """
        state, held, stepped, targets, scale = arguments
        given, total = self._divided.given(state, held, stepped), self._divided.replicas
        outputs = total.sum(self._outputs(given))
        losses, values, watched, pull, direct = self._pull(outputs, targets, scale)
        parts = self._back(given, pull)
        _, found, after = parts[0]
        sums = total.sum([summed for summed, _, _ in parts], count_gradients(found))
        return self._joined(losses, values, watched, direct, sums, found, state, after)

    def _compute_outputs(self, number: int, given: Given) -> list[tf.Tensor]:
        _, outputs, _ = self._divided.run(number, given, training=True, check=False)
        return [self._divided.among_zeros(number, v) for v in outputs.values()]

    def _compute_pull(
        self, outputs: list[tf.Tensor], targets: list[tf.Tensor], scale: tf.Tensor
    ) -> tuple:
        """Compute losses of all items, and what changes them."""
        with tf.GradientTape() as tape:
            tape.watch(outputs)
            of_keys = dict(zip(self._divided.keep, outputs, strict=True))
            losses = [loss.value(of_keys, targets) for loss in self._losses]
            total = self._total(losses)
        sources = [backend_variable(variable) for variable in self._trainable]
        pull, direct = tape.gradient(
            total, (outputs, sources), tf.cast(scale, total.dtype)
        )
        watched = [measure.value(of_keys, targets) for measure in self._watched]
        return tf.stack(losses), total, watched, pull, direct

    def _compute_back(
        self, number: int, given: Given, pull: list[tf.Tensor | None]
    ) -> tuple[list[tf.Tensor], list[tf.Tensor | None], State]:
        """
        Propagate the gradients of a replica's own items back.

        Returns what is summed up; None for a variable without gradient, else nothing
        of interest; and the state of the replica's own items after the last step.
        """
        divided = self._divided
        sources = self._sources(given)
        with tf.GradientTape() as tape:
            tape.watch(sources)
            after, outputs, _ = divided.run(number, given, training=True, check=False)
            pulled = [
                (output, divided.items(number, gradient))
                for output, gradient in zip(outputs.values(), pull, strict=True)
                if gradient is not None
            ]
        gradients = tape.gradient(
            [output for output, _ in pulled],
            sources,
            [gradient for _, gradient in pulled],
        )
        found = [None if g is None else tf.zeros(()) for g in gradients]
        summed = [tf.convert_to_tensor(g) for g in gradients if g is not None]
        return [*summed, *divided.state_parts(number, given.state, after)], found, after

    def _total(self, losses: Sequence[tf.Tensor]) -> tf.Tensor:
        """Return the weighted sum of losses."""
        pairs = zip(self._losses, losses, strict=True)
        return tf.add_n([loss.weight * value for loss, value in pairs])

    def _sources(self, given: Given) -> list[tf.Tensor]:
        """Return the values of the variables that are trained."""
        pairs = zip(given.values, self._is_trained, strict=True)
        return [value for value, is_trained in pairs if is_trained]

    def _join(
        self,
        losses: tf.Tensor,
        total: tf.Tensor,
        watched: list[Any],
        direct: list[tf.Tensor | None],
        sums: list[tf.Tensor],
        found: list[tf.Tensor | None],
        before: State,
        after: State,
    ) -> BackPropagation:
        rest = list(sums)
        gradients = [
            _added(None if exists is None else rest.pop(0), mine)
            for exists, mine in zip(found, direct, strict=True)
        ]
        state = self._divided.joined_state(before, after, rest)
        sizes = [row_sizes(gradient) for gradient in gradients]
        return BackPropagation(losses, state, watched, total, gradients, sizes, [])


def count_gradients(found: Sequence[Any]) -> int:
    """Count the gradients that there are."""
    return sum(exists is not None for exists in found)


def _added(one: tf.Tensor | None, other: Any) -> tf.Tensor | None:
    """Add two gradients, of which either may be None."""
    if other is None:
        return one
    return tf.convert_to_tensor(other) if one is None else one + other
