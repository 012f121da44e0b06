"""The optimizers that a simulator was trained with, by the order of their first use."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from ..lru_cache import LRUCache
from .optimizers import make_update
from .trainable_parameters import TrainableParameter
from .update import Update

#: How many optimizers' compiled updates are kept.
N_UPDATES = 16

_PREFIX = "optimizers/"


class Numbered(NamedTuple):
    """
    An update, and the place of its optimizer among those that were used.

    Parameters
    ----------
    number : int
        The place.
    update : Update
        Applies gradients.
    """

    number: int
    update: Update


class _Counterpart(NamedTuple):
    """What an optimizer of a checkpoint goes on from, and its number."""

    number: int
    arrays: dict[str, np.ndarray]


class OptimizerStore:
    """
    Keeps one update for each optimizer: its slots belong to parameters.

    Parameters
    ----------
    counter : tf.Variable of int64
        Counts the changes of parameters.

    Attributes
    ----------
    last : int
        The number of the optimizer that was used last; -1 before the first.
    """

    def __init__(self, counter: tf.Variable) -> None:
        self._counter = counter
        self._updates: LRUCache[Numbered] = LRUCache(N_UPDATES)
        self.last = -1
        self._waiting: dict[int, dict[str, np.ndarray]] = {}
        self._resumed: _Counterpart | None = None

    def find(
        self,
        optimizer: Any,
        variables: Sequence[keras.Variable | tf.Variable],
        parameters: Callable[[], Iterable[TrainableParameter]],
    ) -> Update:
        """
        Find or make the update of an optimizer.

        The update applies gradients; it goes on from a checkpoint, if one was restored
        that a counterpart of the optimizer was part of.
        """
        number, update = self._updates.get(
            id(optimizer), lambda: self._make(optimizer, variables, list(parameters()))
        )
        self._waiting.pop(number, None)
        self._resumed = None
        self.last = number
        return update

    def arrays(self) -> dict[str, np.ndarray]:
        """
        Return what the optimizers go on from.

        Returns arrays by name; the first part of a name is the number of the optimizer.
        """
        kept = self._updates.values()
        found = {number: update.arrays() for number, update in kept} | self._waiting
        return {
            f"{_PREFIX}{number}/{name}": array
            for number, arrays in found.items()
            for name, array in arrays.items()
        }

    def check(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Check that optimizers in use can go on from arrays."""
        numbered = _by_number(arrays)
        for number, update in self._updates.values():
            if number in numbered:
                update.check(numbered[number])

    def restore(self, arrays: Mapping[str, np.ndarray], interrupted: int) -> None:
        """
        Let optimizers go on from arrays: those in use, and those to come.

        ``interrupted``: the number of the optimizer that is to be used next; -1 if that
        is open.
        """
        self.forget()
        numbered = _by_number(arrays)
        if interrupted in numbered:
            self._resumed = _Counterpart(interrupted, numbered[interrupted])
        self._waiting = numbered.copy()
        for number, update in self._updates.values():
            if number in numbered:
                update.assign(self._waiting.pop(number))

    def forget(self) -> None:
        """Let optimizers to come start from their own beginning."""
        self._waiting = {}
        self._resumed = None

    def close(self) -> None:
        """Give up what was compiled."""
        self._updates.clear()

    def _make(
        self,
        optimizer: Any,
        variables: Sequence[Any],
        parameters: Sequence[TrainableParameter],
    ) -> Numbered:
        update = make_update(optimizer, variables, self._counter, parameters)
        counterpart = self._counterpart()
        if counterpart is None:
            used = [number for number, _ in self._updates.values()]
            return Numbered(max(used, default=-1) + 1, update)
        update.check(counterpart.arrays)
        update.assign(counterpart.arrays)
        return Numbered(counterpart.number, update)

    def _counterpart(self) -> _Counterpart | None:
        """Return what a new optimizer goes on from, if there is something."""
        if self._resumed is not None or not self._waiting:
            return self._resumed
        return _Counterpart(*min(self._waiting.items()))


def _by_number(arrays: Mapping[str, np.ndarray]) -> dict[int, dict[str, np.ndarray]]:
    numbered: dict[int, dict[str, np.ndarray]] = defaultdict(dict)
    for name, array in arrays.items():
        number, _, slot = name.removeprefix(_PREFIX).partition("/")
        numbered[int(number)][slot] = array
    return dict(numbered)
