"""Optimizers of Keras."""

from __future__ import annotations

import warnings
from collections.abc import Sequence, Set
from typing import Any

import keras
import tensorflow as tf
from nengo.exceptions import ValidationError

from ..execution.compiled_call import CompiledCall, CompiledForShapes, ReleasedCall
from ..lru_cache import LRUCache
from .finite import Descent, Evidence, are_finite, is_bounded
from .update import Update

#: How many compiled steps an optimizer keeps.
N_COMPILED = 32


class KerasUpdate(Update):
    """Applies a Keras optimizer, in one compiled function with the gradients."""

    def __init__(
        self,
        optimizer: Any,
        variables: Sequence[keras.Variable | tf.Variable],
        counter: tf.Variable,
    ) -> None:
        super().__init__(optimizer, variables, counter)
        self._built_before = optimizer.built
        if not optimizer.built:
            optimizer.build(self._targets())
        self._compiled: LRUCache[CompiledCall] = LRUCache(N_COMPILED)

    def step(self, compute: CompiledForShapes, *arguments: Any) -> Descent:
        """Compute gradients and change the variables."""
        shapes = [tuple(tensor.shape) for tensor in tf.nest.flatten(arguments)]
        key = compute, *shapes
        step = self._compiled.get(key, lambda: self._compile(compute, arguments))
        return step(*arguments)

    def finish(self) -> None:
        """Let the optimizer put averages in place, if it keeps some."""
        if int(self.optimizer.iterations) > 0:  # before, there is nothing to average
            self.optimizer.finalize_variable_values(self._targets())

    def _compile(self, compute: CompiledForShapes, arguments: tuple) -> CompiledCall:
        def step(*arguments: Any) -> Descent:
            found = compute(*arguments, scale := self._scale())
            evidence = Evidence(found.total, found.sizes, scale, self._rates())
            sound = are_finite(found.losses, evidence) & self._may_apply(evidence)
            tf.cond(sound, lambda: self._change(found.variables), lambda: None)
            return Descent(found.losses, found.state, found.watched, sound, evidence)

        try:
            call = CompiledCall if compute.jit_compile else ReleasedCall
            return call(step, arguments, jit_compile=False)
        except ValueError as error:
            if not self._built_before:
                raise
            raise ValidationError(
                "expected an optimizer that has not been used for other parameters, "
                f"got {self.optimizer!r}: {error}",
                attr="optimizer",
            ) from error

    def _scale(self) -> tf.Tensor:
        """Return what the optimizer multiplies losses by."""
        return tf.cast(self.optimizer.scale_loss(tf.ones((), tf.float64)), tf.float64)

    def _rates(self) -> tf.Tensor:
        rates = [part.learning_rate for part in optimizer_parts(self.optimizer)]
        return tf.stack([tf.cast(rate, tf.float64) for rate in rates])

    def _may_apply(self, evidence: Evidence) -> tf.Tensor:
        """Tell whether the optimizer may see the gradients."""
        parts = optimizer_parts(self.optimizer)
        norms = any(part.clipnorm or part.global_clipnorm for part in parts)
        bounded = is_bounded(evidence, squared=norms)
        if not isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer):
            return bounded
        # It passes over a minibatch for which its own scale was too large.
        return bounded | (evidence.scale > 1)

    def _slots(self) -> dict[str, keras.Variable | tf.Variable]:
        return {str(i): v for i, v in enumerate(self.optimizer.variables)}

    def _make_slots(self, names: Set[str]) -> None:
        """Do nothing: the optimizer was built."""

    def _apply(self, pairs: list[tuple[tf.Tensor, Any]]) -> None:
        if len(optimizer_parts(self.optimizer)) > 1:  # which ask for all of them
            found = {id(variable): gradient for gradient, variable in pairs}
            pairs = [(found.get(id(v)), v) for v in self._targets()]
        with warnings.catch_warnings():
            # Training itself says, by name, what no gradient reaches.
            warnings.filterwarnings("ignore", "Gradients do not exist", UserWarning)
            _apply_apart(self.optimizer, pairs)


def _apply_apart(optimizer: Any, pairs: list[tuple[tf.Tensor | None, Any]]) -> None:
    """
    Let an optimizer change variables, in a function of its own.

    TensorFlow keeps for ever what the gradients given to a Keras optimizer were
    computed from (as it registers the gradient of their sum over devices): all of a
    training step, if they were not arguments.
    """
    variables = [variable for _, variable in pairs]

    def apply(gradients: list[tf.Tensor | None]) -> None:
        optimizer.apply_gradients(zip(gradients, variables, strict=True))

    tf.function(apply, autograph=False)([gradient for gradient, _ in pairs])


def optimizer_parts(optimizer: keras.optimizers.Optimizer) -> list[Any]:
    """
    Return the optimizers that one is made of, which have learning rates.

    Returns None before a MultiOptimizer has been built that chooses them by itself.
    """
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    return list(getattr(optimizer, "optimizers", [optimizer]))
