"""Parameters, in the way that Keras shows and stores those of a layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np


class WeightEntries(keras.Layer):
    """
    Named arrays, in the way that Keras stores those of a layer.

    Parameters
    ----------
    arrays : dict from str to array
        The arrays.
    """

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        super().__init__(name="parameters")
        self.built = True
        self.arrays = arrays

    def save_own_variables(self, store: Any) -> None:
        """Put the arrays into a store."""
        for key, array in self.arrays.items():
            store[key] = array

    def load_own_variables(self, store: Any) -> None:
        """Take all arrays that are in a store."""
        self.arrays = {key: np.asarray(store[key]) for key in store.keys()}


class NamedWeights:
    """
    Parameters, in the way that Keras shows those of a layer.

    Parameters
    ----------
    arrays : dict from str to array
        Their values.
    """

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        self.name = "parameters"
        self.weights = [NamedWeight(name, array) for name, array in arrays.items()]


class NamedWeight:
    """
    The value of a parameter.

    Parameters
    ----------
    path : str
        Its name.
    value : array
        Its value.
    """

    def __init__(self, path: str, value: np.ndarray) -> None:
        self.path = path
        self.name = path  # what older versions of Keras ask for
        self._value = value

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""
        return self._value.shape

    @property
    def size(self) -> int:
        """The number of its elements."""
        return int(self._value.size)

    def numpy(self) -> np.ndarray:
        """Return its value."""
        return self._value

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self._value, dtype=dtype, copy=copy)


def summary_lines(
    trained: Sequence[NamedWeight], others: Sequence[NamedWeight]
) -> list[str]:
    """Describe parameters, one a line, and count them."""
    weights = [*trained, *others]
    width = max((len(weight.name) for weight in weights), default=0)
    lines = [f"{'Parameter':{width}}  {'Shape':>14}  {'Number':>9}  Trained"]
    for group, word in ((trained, "yes"), (others, "no")):
        lines += [
            f"{w.name:{width}}  {w.shape!s:>14}  {w.size:>9,}  {word}" for w in group
        ]
    n_trained, n_others = (sum(w.size for w in group) for group in (trained, others))
    return [
        *lines,
        f"Total params: {n_trained + n_others:,}",
        f"Trainable params: {n_trained:,}",
        f"Non-trainable params: {n_others:,}",
    ]
