"""Many tensors as few vectors, to be summed up by few calls."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import tensorflow as tf

#: Nothing larger than half of the largest number of half precision, about.
_HALF = 30_000.0

#: Sums up a vector over processes.
SumVector = Callable[[tf.Tensor], tf.Tensor]


def packed_sum(tensors: Sequence[tf.Tensor], sum_vector: SumVector) -> list[tf.Tensor]:
    """
    Sum up many tensors as one vector for each type that is needed.

    Half precision is summed up in single precision, whole numbers as int64.
    """
    carried = [_carried(tensor) for tensor in tensors]
    sums: list[tf.Tensor] = [tf.zeros(0)] * len(tensors)
    for dtype in dict.fromkeys(value.dtype for value in carried):
        places = [i for i, value in enumerate(carried) if value.dtype == dtype]
        flat = [tf.reshape(carried[i], [-1]) for i in places]
        vector = sum_vector(tf.concat(flat, 0))
        parts = tf.split(vector, [int(part.shape[0]) for part in flat])
        for i, part in zip(places, parts, strict=True):
            sums[i] = _restored(tf.reshape(part, carried[i].shape), tensors[i].dtype)
    return sums


def short_sum(
    tensors: Sequence[tf.Tensor], bound: tf.Tensor, sum_vector: SumVector, dtype: str
) -> list[tf.Tensor]:
    """
    Sum up gradients in a type of fewer bits.

    For half precision, all are scaled by a power of two, so that no sum is too large,
    and small ones are not lost. ``bound``: the sum of what `largest` is in each
    process.
    """
    scale = _scale(tf.cast(bound, tf.float64)) if dtype == "float16" else 1.0
    flat = [
        tf.reshape(tf.cast(tensor * tf.cast(scale, tensor.dtype), dtype), [-1])
        for tensor in tensors
    ]
    vector = sum_vector(tf.concat(flat, 0))
    parts = tf.split(vector, [int(part.shape[0]) for part in flat])
    return [
        tf.reshape(tf.cast(part, tensor.dtype), tensor.shape)
        / tf.cast(scale, tensor.dtype)
        for part, tensor in zip(parts, tensors, strict=True)
    ]


def largest(tensors: Sequence[tf.Tensor]) -> tf.Tensor:
    """Return the size of the largest number; NaN if one is NaN."""
    dtype = tensors[0].dtype
    flat = [tf.cast(tf.abs(tf.reshape(tensor, [-1])), dtype) for tensor in tensors]
    return tf.reduce_max(tf.concat([*flat, tf.zeros(1, dtype)], 0))


def _scale(bound: tf.Tensor) -> tf.Tensor:
    """Return a power of two, and not more than single precision has."""
    power = tf.math.floor(tf.math.log(_HALF / bound) / math.log(2.0))
    return tf.where(bound > 0, 2.0 ** tf.minimum(power, 100.0), 1.0)


def _carried(tensor: tf.Tensor) -> tf.Tensor:
    """Give a tensor a type that can be summed up between processes."""
    if tensor.dtype.is_complex:
        return tf.stack([tf.math.real(tensor), tf.math.imag(tensor)], axis=-1)
    if tensor.dtype.is_floating:
        return tf.cast(tensor, tf.float32) if tensor.dtype.size < 4 else tensor
    return tf.cast(tensor, tf.int64)


def _restored(value: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Undo `_carried`."""
    if dtype.is_complex:
        return tf.complex(value[..., 0], value[..., 1])
    return tf.cast(value, dtype)
