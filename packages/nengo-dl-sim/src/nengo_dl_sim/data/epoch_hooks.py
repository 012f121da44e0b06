"""What data wants to be told of epochs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras


class EpochHooks:
    """
    Tells a ``keras.utils.PyDataset`` when epochs begin and end.

    Parameters
    ----------
    stream : iterable
        Where the elements come from. Those of other types want to know nothing.
    """

    def __init__(self, stream: Iterable) -> None:
        source = getattr(stream, "source", stream)
        self._dataset: Any = source if is_py_dataset(source) else None
        self._within = False

    def begin(self) -> None:
        """Tell that an epoch begins, unless it was told before."""
        if self._dataset is not None and not self._within:
            self._dataset.on_epoch_begin()
            self._within = True

    def end(self) -> None:
        """Tell that an epoch has come to its end."""
        if self._dataset is not None:
            self._within = False
            self._dataset.on_epoch_end()


def is_py_dataset(stream: Any) -> bool:
    """
    Tell whether data is a Keras data set with hooks.

    Returns whether it is.
    """
    return isinstance(stream, keras.utils.PyDataset)


def number_of_batches(dataset: Any) -> int | None:
    """
    Return how many elements a ``keras.utils.PyDataset`` has.

    Returns None if it goes on for ever.
    """
    try:
        return dataset.num_batches
    except NotImplementedError:  # what Keras takes for endless, too
        return None
