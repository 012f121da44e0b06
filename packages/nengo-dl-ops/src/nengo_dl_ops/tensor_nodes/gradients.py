"""Which function of TensorFlow made a gradient that is not finite."""

from __future__ import annotations

import re
from collections.abc import Sequence

import tensorflow as tf

#: What an error says before and after the name of who made the gradient.
_START, _END = "gradient made by [[", "]]"


def checked_gradients(tensors: Sequence[tf.Tensor], maker: str) -> list[tf.Tensor]:
    """
    Return tensors whose gradients have to be finite, or computing them is an error.

    ``tensors``: any; those that have no gradient stay as they are. ``maker``: who makes
    the gradients; nothing if that is unknown.
    """

    @tf.custom_gradient
    def same(value: tf.Tensor) -> tuple:
        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            return tf.debugging.check_numerics(upstream, f"{_START}{maker}{_END}")

        return tf.identity(value), gradient

    return [same(value) if value.dtype.is_floating else value for value in tensors]


def gradient_maker(error: tf.errors.InvalidArgumentError) -> str | None:
    """
    Return who made the gradient that was not finite.

    Returns None if that is unknown.
    """
    pattern = f"{re.escape(_START)}(.*?){re.escape(_END)} : Tensor had"
    found = re.search(pattern, str(error.message), re.DOTALL)
    return found[1] or None if found else None
