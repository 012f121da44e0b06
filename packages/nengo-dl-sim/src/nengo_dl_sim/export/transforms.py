"""Transforms with other weights: the same but for the values in them."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np
from nengo.rc import rc
from nengo.transforms import (
    Convolution,
    ConvolutionTranspose,
    Dense,
    NoTransform,
    Sparse,
    SparseMatrix,
)

_OF_CONVOLUTIONS = (
    "n_filters",
    "input_shape",
    "kernel_size",
    "strides",
    "padding",
    "channels_last",
)


# Not methods: transforms are Nengo's, or the user's, who registers theirs in the same
# way.
@singledispatch
def with_weights(transform: Any, weights: Any) -> Any:
    """
    Return what gives a connection the same transform with other weights.

    Returns what `nengo.Connection` takes as ``transform``. Shares no memory with
    ``weights``. Raises a ``NotImplementedError`` if the transform is of a type that is
    not known; see `functools.singledispatch` on how to register it.
    """
    raise NotImplementedError(
        f"expected a transform of a known type, got {transform}: register how it takes "
        f"weights with `with_weights.register({type(transform).__name__})`"
    )


@with_weights.register(NoTransform)
def _no_transform(transform: NoTransform, weights: None) -> None:
    del transform, weights


@with_weights.register(Dense)
def _dense(transform: Dense, weights: np.ndarray) -> np.ndarray:
    del transform
    return np.array(weights, dtype=rc.float_dtype)


@with_weights.register(Sparse)
def _sparse(transform: Sparse, weights: Any) -> Sparse:
    if not isinstance(weights, SparseMatrix):
        return Sparse(transform.shape, init=weights.copy())
    indices, entries = np.array(weights.indices), np.array(weights.data)
    return Sparse(transform.shape, indices=indices, init=entries)


@with_weights.register(Convolution)
def _convolution(transform: Convolution, weights: np.ndarray) -> Convolution:
    same = {name: getattr(transform, name) for name in _OF_CONVOLUTIONS}
    kernel = np.array(weights, dtype=rc.float_dtype)
    return Convolution(**same, groups=transform.groups, init=kernel)


@with_weights.register(ConvolutionTranspose)
def _convolution_transpose(
    transform: ConvolutionTranspose, weights: np.ndarray
) -> ConvolutionTranspose:
    same = {name: getattr(transform, name) for name in _OF_CONVOLUTIONS}
    kernel = np.array(weights, dtype=rc.float_dtype)
    return ConvolutionTranspose(
        **same, output_shape=transform.output_shape, init=kernel
    )
