"""Checks of the items that a conversion is measured with, and minibatches of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import copy
from typing import Any

import numpy as np
from nengo.exceptions import ValidationError

from ..checks import check_count

#: How many items are looked at together when they are checked.
_PART = 1024


class Items:
    """
    Data for all inputs of a model.

    Parameters
    ----------
    converter : Converter
        Whose inputs they are for.
    name : str
        The argument, for messages.
    data : array_like or list of array_like or dict
        ``(n_items, ...)`` for each input of the model, or by input.
    minibatch_size : int
        How many items are computed at once, if there are so many.
    n_steps : int or None
        For how many steps each item is shown; of a model over time, as many as an
        item has.

    Attributes
    ----------
    n_steps : int
        The same.
    size : int
        The number of items of a minibatch.
    """

    def __init__(
        self, converter: Any, name: str, data: Any, minibatch_size: int, n_steps: Any
    ) -> None:
        size = check_count("minibatch_size", minibatch_size, low=1)
        self._over_time = converter.temporal_model
        tensors = converter.graph.inputs
        arrays = listed(converter, name, data)
        pairs = zip(tensors, arrays, strict=True)
        self.arrays = [_checked(name, tensor, array) for tensor, array in pairs]
        axes = 2 if self._over_time else 1
        if len({array.shape[:axes] for array in self.arrays}) > 1:
            raise ValidationError(
                f"expected as many items{' and steps' * self._over_time} for each "
                f"input of the model, got {_shapes(self.arrays)}",
                attr=name,
            )
        self.size = min(size, len(self))
        self.n_steps = self._check_steps(n_steps)

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self.arrays[0])

    def _check_steps(self, n_steps: Any) -> int:
        if not self._over_time:
            return check_count("n_steps", n_steps, low=1)
        found = int(self.arrays[0].shape[1])
        if n_steps is not None and check_count("n_steps", n_steps, low=1) != found:
            raise ValidationError(
                f"expected None, or {found}: of a model over time "
                f"(temporal_model=True) each item has its own steps; got {n_steps}",
                attr="n_steps",
            )
        return found

    def of(self, n_steps: int) -> Items:
        """Return the same items, shown for another number of steps."""
        other = copy(self)
        other.n_steps = n_steps
        return other

    def minibatches(self) -> Iterator[tuple[slice, list[np.ndarray]]]:
        """Yield which items they are, and those, filled up with copies of the last."""
        for start in range(0, len(self), self.size):
            rows = slice(start, min(start + self.size, len(self)))
            taken = np.arange(start, start + self.size).clip(max=len(self) - 1)
            yield rows, [array[taken] for array in self.arrays]

    def shown(self, array: np.ndarray, start: int, n_steps: int) -> np.ndarray:
        """
        Return what a node gives out in some steps, for an input of a minibatch.

        After the last step of an item that one goes on.
        """
        if self._over_time:
            taken = np.arange(start, start + n_steps).clip(max=array.shape[1] - 1)
            return array[:, taken].reshape(len(array), n_steps, -1).astype(float)
        flat = array.reshape(len(array), 1, -1).astype(float)
        return np.repeat(flat, n_steps, axis=1)


def listed(converter: Any, name: str, data: Any) -> list[Any]:
    """Return what is given for each input, in order."""
    tensors = converter.graph.inputs
    if isinstance(data, Mapping):
        return _of_mapping(converter, name, data)
    several = isinstance(data, (list, tuple)) and len(tensors) > 1
    arrays = list(data) if several else [data]
    if len(arrays) != len(tensors):
        raise ValidationError(
            f"expected a list of {len(tensors)} arrays, one for each input of the "
            f"model, or a dictionary, got {_shapes(arrays)}",
            attr=name,
        )
    return arrays


def _of_mapping(converter: Any, name: str, data: Mapping[Any, Any]) -> list[Any]:
    """Look the inputs up: by name, Keras tensor, input layer, or node."""
    tensors = converter.graph.inputs
    found: dict[int, Any] = {}
    names = [tensor.name for tensor in tensors]
    for key, array in data.items():
        places = [i for i, x in enumerate(tensors) if _means(converter, key, x)]
        if len(places) != 1 or places[0] in found:
            raise ValidationError(
                f"expected each input of the model once, by its name ({names}), Keras "
                f"tensor, or node in converter.inputs, got {key!r:.100}",
                attr=name,
            )
        found[places[0]] = array
    missing = [names[i] for i in range(len(tensors)) if i not in found]
    if missing:
        raise ValidationError(
            f"expected data for all inputs of the model, got none for {missing}",
            attr=name,
        )
    return [found[i] for i in range(len(tensors))]


def _means(converter: Any, key: Any, tensor: Any) -> bool:
    """Whether a key of a dictionary is an input."""
    if isinstance(key, str):
        return bool(key == tensor.name)
    node = converter.inputs[tensor]
    return key is node or (key in converter.inputs and converter.inputs[key] is node)


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
    _check_shape(name, tensor, array)
    parts = (array[i : i + _PART] for i in range(0, len(array), _PART))
    n_wrong = sum(np.count_nonzero(~np.isfinite(part)) for part in parts)
    if n_wrong:
        raise ValidationError(
            f"expected finite numbers, got {n_wrong} that are NaN or infinite in the "
            f"data of input {tensor.name!r}",
            attr=name,
        )
    return array


def _check_shape(name: str, tensor: Any, array: np.ndarray) -> None:
    wanted, found = tensor.shape[1:], array.shape[1:]
    same = len(wanted) == len(found) and array.ndim > 0
    if not same or any(n not in (None, m) for n, m in zip(wanted, found, strict=True)):
        text = ", ".join("n_steps" if n is None else str(n) for n in wanted)
        raise ValidationError(
            f"expected items of shape (n_items, {text}) for input {tensor.name!r}, got "
            f"shape {array.shape}",
            attr=name,
        )
    if not array.size:
        raise ValidationError(
            f"expected at least one item, got none: shape {array.shape}", attr=name
        )


def _shapes(arrays: list[Any]) -> str:
    return ", ".join(f"shape {np.shape(array)}" for array in arrays)
