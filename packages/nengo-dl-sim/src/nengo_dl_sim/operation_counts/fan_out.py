"""How many weights each element of the input of a product meets."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import singledispatch
from typing import Any, NamedTuple

import numpy as np
from nengo.builder.operator import DotInc, ElementwiseInc, Operator, SparseDotInc
from nengo.builder.transforms import ConvInc, ConvTransposeInc
from nengo.transforms import Convolution, SparseMatrix

#: Positions along each axis.
Places = list[np.ndarray]


class FanOut(NamedTuple):
    """
    What one nonzero element of the input costs in operations.

    Parameters
    ----------
    nonzero : (size,) array of int
        For each element how many products with a weight that is not zero it enters.
    every : int
        How many products there are in all, with zeros, too.
    n_weights : int
        How many weights there are.
    n_zero : int
        How many of them are zero.
    n_stored : int
        How many of them are parameters: those of a sparse matrix that it stores.
    """

    nonzero: np.ndarray
    every: int
    n_weights: int
    n_zero: int
    n_stored: int


@singledispatch
def fan_out(op: Operator, weights: Any) -> FanOut:
    """
    Count the products of an operator.

    Parameters
    ----------
    op : nengo.builder.Operator
        A product of a constant with a signal ``X``.
    weights : array or nengo.transforms.SparseMatrix
        The constant.

    Returns
    -------
    fan_out : FanOut
        By element of ``X``.
    """
    raise NotImplementedError(type(op).__name__)


@fan_out.register
def _dense(op: DotInc, weights: Any) -> FanOut:
    matrix = np.atleast_2d(np.asarray(weights)) != 0
    return counted(matrix)


@fan_out.register
def _elementwise(op: ElementwiseInc, weights: Any) -> FanOut:
    factors = np.asarray(weights) != 0
    each = np.broadcast_to(factors.ravel(), op.X.size).astype(int)
    return _counted(each, op.X.size, factors)


@fan_out.register
def _sparse(op: SparseDotInc, weights: SparseMatrix) -> FanOut:
    # A sparse matrix is a dense one of which most weights are zero.
    rows, columns = np.asarray(weights.indices).T
    there = np.asarray(weights.data) != 0
    places = np.unique(np.stack([rows[there], columns[there]]), axis=1)
    nonzero = np.bincount(places[1], minlength=op.X.size)
    size = int(np.prod(weights.shape))
    return FanOut(nonzero, size, size, size - places.shape[1], len(rows))


@fan_out.register(ConvInc)
@fan_out.register(ConvTransposeInc)
def _convolution(op: Any, weights: Any) -> FanOut:
    """Count the places of the output at which each weight meets each element."""
    transform, kernel = op.conv, np.asarray(weights) != 0
    found, every = _met(transform, kernel), _met(transform, np.ones_like(kernel))
    return _counted(found, int(every.sum()), kernel)


def counted(matrix: np.ndarray) -> FanOut:
    """Return the counts of a matrix that tells which weights are not zero."""
    return _counted(np.count_nonzero(matrix, axis=0), matrix.size, matrix)


def _counted(nonzero: np.ndarray, every: int, weights: np.ndarray) -> FanOut:
    """Return the counts for an array that tells which weights are not zero."""
    n_zero = weights.size - int(np.count_nonzero(weights))
    return FanOut(nonzero.astype(np.int64), every, weights.size, n_zero, weights.size)


def _met(transform: Any, kernel: np.ndarray) -> np.ndarray:
    """Return how many weights each element of the input of a convolution meets."""
    shape, forward = transform.input_shape, isinstance(transform, Convolution)
    counts = np.zeros((*shape.spatial_shape, shape.n_channels), np.int64)
    for offset, (inputs, _) in kernel_places(transform):
        counts[np.ix_(*inputs)] += _filters(kernel[offset], shape.n_channels, forward)
    if not shape.channels_last:
        counts = np.moveaxis(counts, -1, 0)
    return counts.ravel()


def kernel_places(transform: Any) -> Iterator[tuple[tuple[int, ...], list[Places]]]:
    """
    Yield what each place of a kernel connects.

    Yields the place, then positions of the input and positions of the output, along
    each axis.
    """
    forward = isinstance(transform, Convolution)
    wide, narrow = transform.input_shape, transform.output_shape
    if not forward:  # the transposed matrix of a convolution that goes the other way
        wide, narrow = narrow, wide
    axes = [
        _positions(*sizes, transform.padding)
        for sizes in zip(
            wide.spatial_shape,
            narrow.spatial_shape,
            transform.kernel_size,
            transform.strides,
            strict=True,
        )
    ]
    for offset in itertools.product(*(range(size) for size in transform.kernel_size)):
        pairs = [axis[k] for axis, k in zip(axes, offset, strict=True)]
        sides = [[pair[side] for pair in pairs] for side in (0, 1)]
        yield offset, sides if forward else sides[::-1]


def _positions(
    wide: int, narrow: int, size: int, stride: int, padding: str
) -> list[tuple[np.ndarray, np.ndarray]]:
    """
    Return what each element of a kernel connects along one axis.

    Returns positions on the wide side of a convolution, and those on the narrow side.
    """
    before = max((narrow - 1) * stride + size - wide, 0) // 2
    before = before if padding == "same" else 0
    outputs, found = np.arange(narrow), []
    for k in range(size):
        inputs = outputs * stride - before + k
        inside = (inputs >= 0) & (inputs < wide)
        found.append((inputs[inside], outputs[inside]))
    return found


def _filters(weights: np.ndarray, n_channels: int, forward: bool) -> np.ndarray:
    """Count the weights that each channel of the input meets at one place."""
    per_group, n_filters = weights.shape
    if not forward:
        return np.count_nonzero(weights, axis=1)
    groups = n_channels // per_group
    split = weights.reshape(per_group, groups, n_filters // groups)
    return np.count_nonzero(split, axis=2).T.ravel()
