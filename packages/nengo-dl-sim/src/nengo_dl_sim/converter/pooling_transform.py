"""Sums and averages of neighbours as a transform that remembers what they are."""

from __future__ import annotations

from typing import Any

import nengo


class PoolingTransform(nengo.Sparse):
    """
    A sparse matrix that adds up windows of its input, with one weight for all.

    Parameters
    ----------
    shape, indices, init
        As in ``nengo.Sparse``.
    input_shape, output_shape : tuple of int
        The shapes of an item, before and after.
    pool_size, strides : tuple of int
        The windows, along each spatial axis.
    padding : tuple of int
        How far windows begin before the input and end behind it, where zeros are.
    channels_last : bool
        Whether channels are the last axis.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        indices: Any,
        init: Any,
        input_shape: tuple[int, ...],
        output_shape: tuple[int, ...],
        pool_size: tuple[int, ...],
        strides: tuple[int, ...],
        padding: tuple[int, ...],
        channels_last: bool,
    ) -> None:
        super().__init__(shape, indices=indices, init=init)
        self.input_shape = input_shape
        self.output_shape = output_shape
        self.pool_size = pool_size
        self.strides = strides
        self.padding = padding
        self.channels_last = channels_last
