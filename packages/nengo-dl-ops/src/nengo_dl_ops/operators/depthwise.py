"""Convolutions of each channel by itself, as products of shifted images."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import tensorflow as tf
from nengo.transforms import Convolution

#: From so many channels on, products are faster than a kernel of mostly zeros.
_MANY_CHANNELS = 128


def is_depthwise(conv: Convolution) -> bool:
    """Whether each of many channels is convolved by itself, or only multiplied."""
    n_channels = conv.input_shape.n_channels
    is_product = all(size == 1 for size in conv.kernel_size)
    return conv.groups == n_channels and (is_product or n_channels >= _MANY_CHANNELS)


def convolve_depthwise(
    image: tf.Tensor, kernel: tf.Tensor, strides: Sequence[int], padding: str
) -> tf.Tensor:
    """
    Add up the image, shifted by each position of the kernel, times that element.

    TensorFlow's own operation takes two spatial axes and equal strides only, and XLA
    computes it slowly on a CPU.

    Shapes: ``image`` (batch, *spatial, n_channels); returns (batch, *spatial,
    n_filters). ``kernel`` (*kernel_size, 1, n_filters): the kernel; the filters of a
    channel are neighbours.
    """
    size = kernel.shape[:-2]
    if padding == "same":
        around = map(_zeros_around, image.shape[1:-1], size, strides)
        image = tf.pad(image, [(0, 0), *around, (0, 0)])
    if kernel.shape[-1] > image.shape[-1]:
        image = tf.repeat(image, kernel.shape[-1] // image.shape[-1], axis=-1)
    return tf.add_n(
        [
            image[:, *map(_shifted, position, image.shape[1:-1], size, strides)]
            * kernel[*position, 0]
            for position in itertools.product(*map(range, size))
        ]
    )


def _zeros_around(n: int, size: int, stride: int) -> tuple[int, int]:
    total = max((-(-n // stride) - 1) * stride + size - n, 0)
    return total // 2, total - total // 2


def _shifted(start: int, n: int, size: int, stride: int) -> slice:
    """Return what one element of a kernel meets along an axis of length `n`."""
    return slice(start, start + n - size + 1, stride)
