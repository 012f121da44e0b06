"""Checks of the items that a conversion is measured with, and minibatches of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from nengo.exceptions import ValidationError

from ..checks import check_count


class Items:
    """
    Data for all inputs of a model.

    Parameters
    ----------
    converter : Converter
        Whose inputs they are for.
    name : str
        The argument, for messages.
    data : array_like or list of array_like
        ``(n_items, ...)`` for each input of the model.
    minibatch_size : int
        How many items are computed at once, if there are so many.
    """

    def __init__(
        self, converter: Any, name: str, data: Any, minibatch_size: int
    ) -> None:
        if converter.temporal_model:
            raise ValidationError(
                "expected a model whose items are shown for a number of steps, got one "
                "over time (temporal_model=True)",
                attr="model",
            )
        size = check_count("minibatch_size", minibatch_size, low=1)
        tensors = converter.graph.inputs
        several = isinstance(data, (list, tuple)) and len(tensors) > 1
        arrays = list(data) if several else [data]
        if len(arrays) != len(tensors):
            raise ValidationError(
                f"expected a list of {len(tensors)} arrays, one for each input of the "
                f"model, got {_shapes(arrays)}",
                attr=name,
            )
        pairs = zip(tensors, arrays, strict=True)
        self.arrays = [_checked(name, tensor, array) for tensor, array in pairs]
        if len({len(array) for array in self.arrays}) > 1:
            raise ValidationError(
                "expected as many items for each input of the model, got "
                f"{_shapes(self.arrays)}",
                attr=name,
            )
        self.size = min(size, len(self))

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self.arrays[0])

    def minibatches(self) -> Iterator[tuple[slice, list[np.ndarray]]]:
        """Yield which items they are, and those, filled up with copies of the last."""
        for start in range(0, len(self), self.size):
            rows = slice(start, min(start + self.size, len(self)))
            taken = np.arange(start, start + self.size).clip(max=len(self) - 1)
            yield rows, [array[taken] for array in self.arrays]


def _checked(name: str, tensor: Any, array: Any) -> np.ndarray:
    try:
        array = np.asarray(array)
    except ValueError as error:
        raise ValidationError(
            f"expected arrays of numbers, got {array!r:.100}", attr=name
        ) from error
    if array.dtype.kind not in "biuf":
        raise ValidationError(
            f"expected arrays of numbers, got one of type {array.dtype}", attr=name
        )
    wanted = tuple(tensor.shape[1:])
    if array.shape[1:] != wanted or array.ndim != len(wanted) + 1:
        raise ValidationError(
            f"expected items of shape (n_items, {', '.join(map(str, wanted))}) for "
            f"input {tensor.name!r}, got shape {array.shape}",
            attr=name,
        )
    if not len(array):
        raise ValidationError("expected at least one item, got none", attr=name)
    if not np.isfinite(array).all():
        n_wrong = np.count_nonzero(~np.isfinite(array))
        raise ValidationError(
            f"expected finite numbers, got {n_wrong} that are NaN or infinite in the "
            f"data of input {tensor.name!r}",
            attr=name,
        )
    return array


def _shapes(arrays: list[Any]) -> str:
    return ", ".join(f"shape {np.shape(array)}" for array in arrays)
