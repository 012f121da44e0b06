"""Optimizers of Keras."""

from __future__ import annotations

import warnings
from collections.abc import Sequence, Set
from functools import partial
from typing import Any

import keras
import tensorflow as tf
from nengo.exceptions import ValidationError

from ..execution.compiled_call import CompiledCall, ReleasedCall
from ..execution.plain_variables import outside_scopes
from ..lru_cache import LRUCache
from .back_propagation import BackPropagation, ComputesGradients
from .divided_gradients import DividedGradients
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
            outside_scopes(self._build)
        self._compiled: LRUCache[CompiledCall] = LRUCache(N_COMPILED)

    def step(self, compute: ComputesGradients, *arguments: Any) -> Descent:
        """Compute gradients and change the variables."""
        if isinstance(compute, DividedGradients):
            return self._step_divided(compute, *arguments)
        shapes = [tuple(tensor.shape) for tensor in tf.nest.flatten(arguments)]
        key = compute, *shapes
        make = partial(self._compile, compute, arguments)
        step = self._compiled.get(key, lambda: outside_scopes(make))
        return step(*arguments)

    def _step_divided(self, compute: DividedGradients, *arguments: Any) -> Descent:
        """The same in two calls: in between, processes exchange what they found."""
        scale = self._scale()
        found = compute(*arguments, scale)
        tensors = [tensor for tensor in tf.nest.flatten(found) if tensor is not None]
        shapes = [tuple(tensor.shape) for tensor in tensors]
        key, given = (compute, *shapes), (found, scale)
        make = partial(ReleasedCall, self._descend, given, jit_compile=False)
        return self._compiled.get(key, lambda: outside_scopes(make))(*given)

    def finish(self) -> None:
        """Let the optimizer put averages in place, if it keeps some."""
        if int(self.optimizer.iterations) > 0:  # before, there is nothing to average
            self.optimizer.finalize_variable_values(self._targets())

    def _compile(self, compute: ComputesGradients, arguments: tuple) -> CompiledCall:
        def step(*arguments: Any) -> Descent:
            scale = self._scale()
            return self._descend(compute(*arguments, scale), scale)

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

    def _descend(self, found: BackPropagation, scale: tf.Tensor) -> Descent:
        """Change the variables, if all is finite."""
        evidence = Evidence(found.total, found.sizes, scale, self._rates())
        sound = are_finite(found.losses, evidence) & self._may_apply(evidence)
        tf.cond(sound, lambda: self._change(found.variables), lambda: None)
        return Descent(found.losses, found.state, found.watched, sound, evidence)

    def _build(self) -> None:
        try:
            self.optimizer.build(self._targets())
        except RuntimeError as error:
            if "strategy.scope" not in str(error):
                raise
            raise ValidationError(
                "expected an optimizer that was made before the scope of a strategy, "
                f"got {type(self.optimizer).__name__}, which was made in one",
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
