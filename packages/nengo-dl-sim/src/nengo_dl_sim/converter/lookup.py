"""Finds objects of a network by Keras tensors and layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras


class Lookup(Mapping):
    """
    Objects by Keras tensor, by layer, or by a list of tensors.

    Parameters
    ----------
    what : str
        What is looked up, for messages.
    tensors : list of keras.KerasTensor
        What iteration yields.
    find : callable
        From a tensor or layer to the object; raises KeyError.
    """

    def __init__(
        self, what: str, tensors: list[Any], find: Callable[[Any], Any]
    ) -> None:
        self._what = what
        self._tensors = tensors
        self._find = find

    def __getitem__(self, key: Any) -> Any:
        """Return one object, or a list of them for a list of several tensors."""
        if isinstance(key, (list, tuple)):
            found = [self[k] for k in key]
            return found[0] if len(found) == 1 else found
        if not isinstance(key, (keras.KerasTensor, keras.Operation)):
            raise KeyError(
                f"expected a Keras tensor or layer as key of {self._what}, got "
                f"{key!r:.100}"
            )
        return self._find(key)

    def __iter__(self) -> Iterator[Any]:
        """Iterate over the tensors."""
        return iter(self._tensors)

    def __len__(self) -> int:
        """Return the number of tensors."""
        return len(self._tensors)

    def __contains__(self, key: Any) -> bool:
        """Whether there is an object for a tensor or a layer."""
        try:
            self[key]
        except KeyError:
            return False
        return True
