"""Nodes of NIR that multiply by weights, as transforms of Nengo."""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import nengo
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.linalg import block_diag

from ..converter.pooling_transform import PoolingTransform
from .package import nir_package
from .shapes import Shape, window


class Padded(NamedTuple):
    """Where values lie in an array that has zeros around them."""

    size: int
    indices: list[int]


class Weights(NamedTuple):
    """A transform, a bias (size_out,), and zeros around the input."""

    transform: Any
    bias: np.ndarray | None = None
    padded: Padded | None = None


def weights_of(node: Any, shape_in: Shape, shape_out: Shape) -> Weights | None:
    """Return the weights of a node, or None if it has none."""
    nir = nir_package()
    if isinstance(node, (nir.Affine, nir.Linear)):
        bias = np.ravel(node.bias) if isinstance(node, nir.Affine) else None
        return Weights(_matrix(node.weight), _floats(bias))
    if isinstance(node, nir.Scale):
        scale = np.broadcast_to(np.ravel(node.scale), prod(shape_in))
        return Weights(_floats(scale))
    if isinstance(node, (nir.Conv1d, nir.Conv2d)):
        return _convolution(node, shape_in, shape_out)
    if isinstance(node, (nir.SumPool2d, nir.AvgPool2d)):
        mean = isinstance(node, nir.AvgPool2d)
        return _pooling(node, shape_in, shape_out, mean)
    return None


def _floats(values: Any) -> Any:
    return None if values is None else np.array(values, np.float64, order="C")


def _matrix(weight: np.ndarray) -> np.ndarray:
    """Return a matrix; of several, the one with these along its diagonal."""
    weight = _floats(weight)
    if weight.ndim == 2:
        return weight
    return block_diag(*weight.reshape(-1, *weight.shape[-2:]))


def _convolution(node: Any, shape_in: Shape, shape_out: Shape) -> Weights:
    """Transpose the kernel to Nengo's order; zeros within stand for dilation."""
    windows = window(node, len(shape_in) - 1)
    weight = _floats(node.weight)
    kernel_size = tuple(d * (k - 1) + 1 for k, _, _, d in windows)
    dilated = np.zeros((*weight.shape[:2], *kernel_size))
    places: tuple[Any, ...] = (..., *(slice(None, None, d) for *_, d in windows))
    dilated[places] = weight
    padding = [p for _, _, p, _ in windows]
    transform = nengo.Convolution(
        n_filters=shape_out[0],
        input_shape=_padded_shape(shape_in, padding),
        kernel_size=kernel_size,
        strides=tuple(s for _, s, _, _ in windows),
        padding="valid",
        channels_last=False,
        init=np.moveaxis(dilated, (0, 1), (-1, -2)),
        groups=int(node.groups),
    )
    bias = np.broadcast_to(node.bias, shape_out[:1])
    bias = np.repeat(bias, prod(shape_out[1:]))
    return Weights(transform, _floats(bias), _padded(shape_in, padding))


def _padded_shape(shape: Shape, padding: list[int]) -> Shape:
    sizes = [n + 2 * p for n, p in zip(shape[1:], padding, strict=True)]
    return (shape[0], *sizes)


def _padded(shape: Shape, padding: list[int]) -> Padded | None:
    if not any(padding):
        return None
    around = _padded_shape(shape, padding)
    inner = [slice(p, p + n) for n, p in zip(shape[1:], padding, strict=True)]
    indices = np.arange(prod(around)).reshape(around)[(slice(None), *inner)]
    return Padded(prod(around), indices.ravel().tolist())


def _pooling(node: Any, shape_in: Shape, shape_out: Shape, mean: bool) -> Weights:
    """Sum neighbours; zeros around the input count in a mean, as in PyTorch."""
    windows = window(node, 2)
    inputs = np.arange(prod(shape_in)).reshape(shape_in)
    padding = [(p, p) for _, _, p, _ in windows]
    inputs = np.pad(inputs, [(0, 0), *padding], constant_values=-1)
    (kh, sh, *_), (kw, sw, *_) = windows
    views = sliding_window_view(inputs, (1, kh, kw))
    columns = views[:, ::sh, ::sw].reshape(prod(shape_out), kh * kw)
    rows = np.broadcast_to(np.arange(len(columns))[:, None], columns.shape)
    inside = columns >= 0
    indices = np.stack([rows[inside], columns[inside]], axis=1)
    weight = 1 / (kh * kw) if mean else 1.0
    return Weights(
        PoolingTransform(
            (len(columns), prod(shape_in)),
            indices,
            np.full(len(indices), weight),
            shape_in,
            shape_out,
            (kh, kw),
            (sh, sw),
            tuple(p for _, _, p, _ in windows),
            channels_last=False,
        )
    )
