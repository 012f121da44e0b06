"""Where elements go when zeros are put around them."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

Pads = Sequence[tuple[int, int]]


def padded_shape(shape: tuple[int, ...], pads: Pads) -> tuple[int, ...]:
    """Return the shape with so many zeros before and after, for each axis."""
    return tuple(n + a + b for n, (a, b) in zip(shape, pads, strict=True))


def padding_rows(shape: tuple[int, ...], pads: Pads) -> np.ndarray:
    """Return the rows of the padded array that hold the elements, in order."""
    padded = padded_shape(shape, pads)
    inside = tuple(slice(a, a + n) for n, (a, _) in zip(shape, pads, strict=True))
    return np.arange(prod(padded)).reshape(padded)[inside].ravel()
