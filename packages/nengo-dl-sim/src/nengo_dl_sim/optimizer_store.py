"""The optimizers that a simulator was trained with, by the order of their first use."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .optimizers import Update, make_update
from .recent import Recent

#: How many optimizers' compiled updates are kept.
N_UPDATES = 16

_PREFIX = "optimizers/"


class OptimizerStore:
    """
    Keeps one update for each optimizer: its slots belong to parameters.

    Parameters
    ----------
    counter : tf.Variable of int64
        Counts the changes of parameters.
    """

    def __init__(self, counter: tf.Variable) -> None:
        self._counter = counter
        self._updates: Recent[Update] = Recent(N_UPDATES)
        self._numbers: dict[Update, int] = {}
        self._n_used = 0
        self._waiting: dict[int, dict[str, np.ndarray]] = {}

    def find(
        self, optimizer: Any, variables: Sequence[keras.Variable | tf.Variable]
    ) -> Update:
        """
        Find or make the update of an optimizer.

        Parameters
        ----------
        optimizer : keras.optimizers.Optimizer or tf.compat.v1.train.Optimizer
            What turns gradients into changes.
        variables : list of keras.Variable or tf.Variable
            What it changes.

        Returns
        -------
        update : Update
            Applies gradients; goes on from a checkpoint, if one was restored that an
            optimizer in this place was part of.

        Raises
        ------
        nengo.exceptions.ValidationError
            If that was of another kind.
        """
        return self._updates.get(
            id(optimizer), lambda: self._make(optimizer, variables)
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """
        Return what the optimizers go on from.

        Returns
        -------
        arrays : dict from str to array
            By name; the first part of a name is the number of the optimizer.
        """
        found = {number: update.arrays() for update, number in self._kept()}
        found.update(self._waiting)
        return {
            f"{_PREFIX}{number}/{name}": array
            for number, arrays in found.items()
            for name, array in arrays.items()
        }

    def check(self, arrays: Mapping[str, np.ndarray]) -> None:
        """
        Check that optimizers in use can go on from arrays.

        Parameters
        ----------
        arrays : dict from str to array
            What `arrays` returned.

        Raises
        ------
        nengo.exceptions.ValidationError
            If they are of other kinds.
        """
        numbered = _by_number(arrays)
        for update, number in self._kept():
            if number in numbered:
                update.check(numbered[number])

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """
        Let optimizers go on from arrays: those in use, and those to come.

        Parameters
        ----------
        arrays : dict from str to array
            What `arrays` returned, and `check` has found to fit.
        """
        self._waiting = _by_number(arrays)
        for update, number in self._kept():
            if number in self._waiting:
                update.assign(self._waiting.pop(number))

    def close(self) -> None:
        """Give up what was compiled."""
        self._updates.clear()
        self._numbers.clear()

    def _kept(self) -> list[tuple[Update, int]]:
        return [(update, self._numbers[update]) for update in self._updates.values()]

    def _make(self, optimizer: Any, variables: Sequence[Any]) -> Update:
        update = make_update(optimizer, variables, self._counter)
        if self._n_used in self._waiting:
            update.check(self._waiting[self._n_used])
            update.assign(self._waiting.pop(self._n_used))
        self._numbers[update] = self._n_used
        self._n_used += 1
        return update


def _by_number(arrays: Mapping[str, np.ndarray]) -> dict[int, dict[str, np.ndarray]]:
    numbered: dict[int, dict[str, np.ndarray]] = defaultdict(dict)
    for name, array in arrays.items():
        number, _, rest = name.removeprefix(_PREFIX).partition("/")
        numbered[int(number)][rest] = array
    return dict(numbered)
