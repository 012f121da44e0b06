"""Gradients that compute values again instead of keeping them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def rematerialized(function: Callable[..., Any], *arguments: Any) -> Any:
    """
    Call a function, and call it once more when a gradient flows through it.

    Between the two, only its arguments take memory, not what it computes on the way.

    ``function``: takes and returns nested structures of tensors. It must depend on
    nothing else that has a gradient, and give the same values again.
    """
    flat = tf.nest.flatten(arguments)
    floating = [k for k, tensor in enumerate(flat) if tensor.dtype.is_floating]
    structure: list[Any] = []

    def call(floats: tuple[tf.Tensor, ...]) -> list[tf.Tensor]:
        filled = list(flat)
        for k, tensor in zip(floating, floats, strict=True):
            filled[k] = tensor
        structure[:] = [function(*tf.nest.pack_sequence_as(arguments, filled))]
        return tf.nest.flatten(structure[0])

    @tf.custom_gradient
    def compute(*floats: tf.Tensor) -> tuple[list[tf.Tensor], Callable]:
        # No tape watches the first call, so nothing of it is kept.
        def gradient(*upstream: tf.Tensor) -> list[tf.Tensor]:
            with tf.GradientTape() as tape:
                tape.watch(floats)
                again = call(floats)
            pairs = zip(again, upstream, strict=True)
            # Counters and seeds have no gradient.
            flowing = [(y, dy) for y, dy in pairs if y.dtype.is_floating]
            return tape.gradient(
                [y for y, _ in flowing],
                floats,
                [dy for _, dy in flowing],
                unconnected_gradients=tf.UnconnectedGradients.ZERO,
            )

        return call(floats), gradient

    outputs = compute(*(flat[k] for k in floating))
    return tf.nest.pack_sequence_as(structure[0], outputs)
