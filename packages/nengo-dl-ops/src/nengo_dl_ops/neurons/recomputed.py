"""Gradients of a step of neurons that compute it again, instead of keeping it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import tensorflow as tf

_GRADIENT = "NengoDLRecomputed"


class _Recomputed(NamedTuple):
    """What an operation of this gradient stands for."""

    function: Callable[..., list[tf.Tensor]]
    n_outputs: int


# Not a tf.custom_gradient: TensorFlow keeps the functions of these, and with them the
# graphs that they were made in, for as long as a process lives.
_made_in: WeakKeyDictionary[tf.Graph, dict[str, _Recomputed]] = WeakKeyDictionary()


def recomputed(function: Callable[..., Any], *arguments: Any) -> Any:
    """
    Call a function, and call it once more where a gradient flows through a loop.

    Each step of a loop then keeps its arguments only, not all that it computes on the
    way.

    ``function``: takes and returns nested structures of tensors. It must hold no
    tensors, and give the same values again.
    """
    outputs = function(*arguments)
    if tf.executing_eagerly():
        return outputs

    def flat(*values: tf.Tensor) -> list[tf.Tensor]:
        return tf.nest.flatten(function(*tf.nest.pack_sequence_as(structure, values)))

    flat_outputs, flat_arguments = tf.nest.flatten(outputs), tf.nest.flatten(arguments)
    structure = tf.nest.map_structure(lambda _: 0, arguments)
    graph = flat_outputs[0].graph
    with graph.gradient_override_map({"IdentityN": _GRADIENT}):
        joined = tf.identity_n([*flat_outputs, *flat_arguments])
    made = _made_in.setdefault(graph, {})
    made[joined[0].op.name] = _Recomputed(flat, len(flat_outputs))
    return tf.nest.pack_sequence_as(outputs, joined[: len(flat_outputs)])


@tf.RegisterGradient(_GRADIENT)
def _gradient(op: tf.Operation, *upstream: tf.Tensor) -> Sequence[tf.Tensor | None]:
    """Return the gradients of the arguments; outputs hand on none."""
    function, n_outputs = _made_in[op.graph][op.name]
    arguments = list(op.inputs[n_outputs:])
    with tf.GradientTape() as tape:
        tape.watch(arguments)
        again = function(*arguments)
    pairs = zip(again, upstream, strict=False)  # arguments that are handed on follow
    flowing = [(y, dy) for y, dy in pairs if dy is not None and y.dtype.is_floating]
    gradients = tape.gradient(
        [y for y, _ in flowing], arguments, [dy for _, dy in flowing]
    )
    return [*[None] * n_outputs, *gradients]
