"""What was computed of minibatches, kept until all of it is asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np
from nengo.exceptions import ValidationError

from ..execution.replicas import Replicas
from ..measures.measure import Measure
from .batch_function import Result


class KeptValues:
    """
    The values of measures, minibatch by minibatch.

    If several processes divide the items, and what is computed has an axis of items,
    each keeps that of its own ones until the end.

    Parameters
    ----------
    replicas : Replicas
        Who computes which items.
    measures : list of Measure
        What is computed.
    minibatch_size : int
        How many items go together.
    gather_to : {"all", "chief"}
        Which processes get the values.
    """

    def __init__(
        self,
        replicas: Replicas,
        measures: Sequence[Measure],
        minibatch_size: int,
        gather_to: str,
    ) -> None:
        self._replicas = replicas
        self._share = minibatch_size // replicas.n_processes
        self._gathers = replicas.n_processes > 1 and are_of_items(measures)
        self._receives = replicas.is_chief or gather_to == "all"
        self._kept: deque[tuple[Any, int]] = deque()

    def add(self, result: Result) -> None:
        """Keep what came out of a minibatch, if it is needed."""
        if self._gathers or self._receives:
            self._kept.append((result.values, result.n_items))

    def everything(self) -> list[Any] | None:
        """Return all values; None if this process does not get them."""
        found = []
        while self._kept:  # what was handed on is not kept
            values, n_items = self._kept.popleft()
            if self._gathers:
                values = self._gathered(values, n_items)
            if self._receives:
                found.append(values)
        return found if self._receives else None

    def _gathered(self, values: Sequence[np.ndarray], n_items: int) -> list[np.ndarray]:
        """Put the items of all processes one after another."""
        tables = self._replicas.gather([self._whole(value) for value in values])
        return [np.concatenate(list(table))[:n_items] for table in tables]

    def _whole(self, value: np.ndarray) -> np.ndarray:
        """Give an array as many items as a process has in a whole minibatch."""
        n_missing = self._share - len(value)
        return np.pad(value, [(0, n_missing), *[(0, 0)] * (value.ndim - 1)])


def are_of_items(measures: Sequence[Measure]) -> bool:
    """Tell whether all values have an axis of items, each of which is of one item."""
    return all(measure.of_items for measure in measures)


def check_gather_to(value: Any) -> str:
    """Check the argument ``gather_to``."""
    if value not in ("all", "chief"):
        raise ValidationError(
            f"expected 'all' or 'chief', got {value!r}", attr="gather_to"
        )
    return str(value)
