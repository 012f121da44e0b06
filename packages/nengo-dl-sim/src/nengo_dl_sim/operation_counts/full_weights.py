"""Weights of a connection to an ensemble, with the encoders that are behind them."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from nengo.builder.operator import ElementwiseInc, Operator
from nengo.builder.transforms import ConvInc, ConvTransposeInc
from nengo.transforms import SparseMatrix

from .fan_out import FanOut, counted, kernel_places


def full_fan_out(
    encoders: np.ndarray, op: Operator | None, weights: Any, size: int
) -> FanOut:
    """
    Count the products of full weights.

    Parameters
    ----------
    encoders : (n_neurons, size_out) array
        Encoders of the dimensions that a connection goes to, with gains.
    op : nengo.builder.Operator or None
        What multiplies by the weights of the connection. None: nothing does.
    weights : array or nengo.transforms.SparseMatrix or None
        These weights. None: steps change them, so that none is taken for zero.
    size : int
        How many elements are multiplied.

    Returns
    -------
    fan_out : FanOut
        By element of what is multiplied.
    """
    if op is not None and weights is None:
        reached = np.any(encoders != 0, axis=1)
        matrix = np.broadcast_to(reached[:, None], (len(reached), size))
        return counted(matrix)
    return counted(encoders @ _matrix(op, weights, size) != 0)


def _matrix(op: Operator | None, weights: Any, size: int) -> np.ndarray:
    """Return the matrix of a product."""
    if op is None:
        return np.eye(size)
    if isinstance(op, (ConvInc, ConvTransposeInc)):
        return _of_convolution(op.conv, np.asarray(weights))
    if isinstance(weights, SparseMatrix):
        return np.asarray(weights.toarray())
    if isinstance(op, ElementwiseInc):
        return np.diag(np.broadcast_to(np.ravel(weights), size))
    return np.atleast_2d(np.asarray(weights))


def _of_convolution(transform: Any, kernel: np.ndarray) -> np.ndarray:
    """Add each weight wherever it connects two elements."""
    shapes = transform.input_shape, transform.output_shape
    numbers = [_numbered(shape) for shape in shapes]
    matrix = np.zeros((transform.size_out, transform.size_in))
    for offset, places in kernel_places(transform):
        inputs, outputs = (
            number[np.ix_(*place)].reshape(-1, number.shape[-1])
            for number, place in zip(numbers, places, strict=True)
        )
        weights = kernel[offset]
        per_group, n_filters = weights.shape
        groups = shapes[0].n_channels // per_group
        for channel, filter_ in itertools.product(range(per_group), range(n_filters)):
            group = filter_ // (n_filters // groups)
            columns = inputs[:, group * per_group + channel]
            matrix[outputs[:, filter_], columns] += weights[channel, filter_]
    return matrix


def _numbered(shape: Any) -> np.ndarray:
    """Number elements, (*spatial_shape, n_channels)."""
    numbers = np.arange(shape.size).reshape(shape.shape)
    return numbers if shape.channels_last else np.moveaxis(numbers, 0, -1)
