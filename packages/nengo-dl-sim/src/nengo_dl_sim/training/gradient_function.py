"""Gradient descent: from minibatches to changes of parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import copy
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from nengo.exceptions import SimulationError

from nengo_dl_ops.step.state import State
from nengo_dl_ops.tensor_nodes.gradients import gradient_maker

from ..data.batches import Batch
from ..evaluation.batch_function import (
    BatchFunction,
    Callback,
    Minibatches,
    Result,
    tensors,
)
from ..execution.compiled_call import CompiledForShapes
from .back_propagation import BackPropagation
from .divided_gradients import DividedGradients
from .finite import STOPPED, Descent, check_sound, row_sizes
from .mean_gradients import MeanGradients, are_means
from .trainable_parameters import TrainableParameter
from .update import Update, backend_variable


class GradientCoverage(NamedTuple):
    """
    What losses depend on, as far as TensorFlow can tell before it computes anything.

    Parameters
    ----------
    outputs : list of hashable
        The keys of those outputs (probes) whose values make a difference.
    variables : list of bool
        For each trainable variable, whether it has a gradient.
    """

    outputs: list[Any]
    variables: list[bool]


class GradientFunction(BatchFunction):
    """
    Computes gradients of measures, which are summed up, and applies them.

    The only thing that changes is the variables, by an optimizer, after losses and
    gradients were found to be finite.
    """

    def _compile(self, jit_compile: bool) -> None:
        super()._compile(jit_compile)
        self.trainable = [v for v in self.variables if v.trainable]
        self._summed = [measure.summed() for measure in self.measures]
        whole = CompiledForShapes(self._compute_gradients, jit_compile)
        self._gradients: CompiledForShapes | DividedGradients = whole
        self._traced = whole.traced
        if self._divided is not None:
            kind = MeanGradients if are_means(self._summed) else DividedGradients
            self._gradients = kind(
                self._divided,
                self.variables,
                self._summed,
                self.watched,
                jit_compile,
            )

    def coverage(self, state: State, batch: Batch) -> GradientCoverage:
        """
        Find out what the losses depend on.

        ``batch``: a block of steps, of which only shapes and types matter
        (tf.TensorSpec will do).
        """
        scale = tf.TensorSpec((), tf.float64)
        traced = self._traced(state, *batch[:3], scale)
        gradients = BackPropagation(*traced.structured_outputs)
        found = zip(self.keep, gradients.outputs, strict=True)
        return GradientCoverage(
            [key for key, value in found if value is not None],
            [value is not None for value in gradients.variables],
        )

    def train(
        self,
        minibatches: Minibatches,
        update: Update,
        truncation: int | None,
        callbacks: Sequence[Callback],
        names: Callable[[], Iterable[TrainableParameter]],
    ) -> None:
        """
        Take a step of gradient descent for each minibatch, or each block of its steps.

        ``truncation``: the number of steps of a block: the state is carried from block
        to block, gradients are not. None: all steps are one block. Raises a
        ``SimulationError`` if a loss, a gradient or the learning rate is not finite.
        The variables are as they were before the block. A TensorNode that was not
        finite is named.
        """
        for state, batch in minibatches:
            for block in batch.blocks(truncation):
                descent = self._with_or_without_xla(
                    self._step, update, state, *tensors(block)
                )
                if not descent.sound:
                    self._check_nodes(state, block, descent)
                values = check_sound(descent, self.measures, names())
                state, watched = descent.state, descent.watched
                n_steps, n_items = len(block.stepped), self.program.minibatch_size
                for callback in callbacks:
                    callback(Result(state, n_steps, values, n_items, watched))

    def _check_nodes(self, state: State, block: Batch, descent: Descent) -> None:
        """Look for a TensorNode that is to blame for numbers that are not finite."""
        if self.program.checked:  # else there is no need to compute all of it again
            arguments = state, *tensors(block)
            found = self._with_or_without_xla(self._values, *arguments, True, None)
            self._check_finite(found[-1], block, f". {STOPPED}")
            if np.isfinite(descent.losses).all():
                self._check_gradients(*arguments)

    def _check_gradients(self, *arguments: Any) -> None:
        """Look for a TensorNode whose function has no finite slope."""
        checked = copy(self)
        checked.program = self.program.with_checked_gradients()
        checked._divided = None  # all of it here, or others would wait for an answer
        checked._compile(jit_compile=False)
        try:
            checked._gradients(*arguments, tf.ones((), tf.float64))
        except tf.errors.InvalidArgumentError as error:
            if name := gradient_maker(error):
                raise SimulationError(
                    f"{name}: expected a finite slope of its function where it was "
                    f"used, got a gradient of NaN or infinity. {STOPPED} Likely "
                    "causes: the square root or norm of zero (add a small number to "
                    "its argument); numbers that are too large."
                ) from None

    def _step(self, update: Update, *arguments: Any) -> Descent:
        return update.step(self._gradients, *arguments)

    def _compute_gradients(
        self,
        state: State,
        held: tf.Tensor,
        stepped: tf.Tensor,
        targets: list[tf.Tensor],
        scale: tf.Tensor,
    ) -> BackPropagation:
        with tf.GradientTape() as tape:
            state, outputs, _ = self._run(state, held, stepped, training=True)
            losses = [loss.value(outputs, targets) for loss in self._summed]
            weights = [measure.weight for measure in self.measures]
            total = tf.add_n(
                [w * loss for w, loss in zip(weights, losses, strict=True)]
            )
        sources = [backend_variable(v) for v in self.trainable]
        looked_at = [outputs[key] for key in self.keep]
        gradients, sensitivities = tape.gradient(
            total, (sources, looked_at), tf.cast(scale, total.dtype)
        )
        # Of these only whether they exist is of interest, not their (large) values.
        exist = [None if value is None else tf.zeros(()) for value in sensitivities]
        watched = [measure.value(outputs, targets) for measure in self.watched]
        sizes = [row_sizes(gradient) for gradient in gradients]
        return BackPropagation(
            tf.stack(losses), state, watched, total, gradients, sizes, exist
        )
