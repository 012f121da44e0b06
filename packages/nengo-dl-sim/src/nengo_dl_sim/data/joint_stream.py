"""Data sets and generators of which each worker reads items of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from nengo.exceptions import SimulationError

from nengo_dl_ops.user_warnings import warn_user

from ..execution.replicas import Replicas
from .batches import Order, filled
from .data_adapter import Items
from .stream_data import Element, StreamData, compared

#: In place of a number of items: the data could not be read.
_FAILED = -1


class JointStreamData(StreamData):
    """
    Inputs and targets of which each worker reads a part of every minibatch.

    Minibatches have the items of the first worker first. Inputs stay where they were
    read; targets go to all workers, which compute losses of all items. Data comes to
    its end for all workers at once: in training with the first one that has no more,
    else with the last one.

    Parameters
    ----------
    *arguments
        Those of `.StreamData`; the reader reads elements of one worker.
    replicas : Replicas
        The workers.
    **options
        Those of `.StreamData`.
    """

    def __init__(self, *arguments: Any, replicas: Replicas, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._replicas = replicas

    def fingerprint(self) -> bytes:
        """Return what all workers have in common."""
        return repr((self.n_steps, self.target_shapes)).encode()

    def epoch(self, order: Order | None) -> Iterator[Items]:
        """Go through the data once, until there is no whole minibatch, or nothing."""
        del order
        elements = self._elements()
        while (items := self._together(elements)) is not None:
            yield items

    def _together(self, elements: Iterator[Element]) -> Items | None:
        """Read an element in each worker; None if that was the end."""
        element, failure = _next(elements)
        alike, dtype = compared(self._first), self.dtype
        own = [None] * len(alike) if element is None else compared(element)
        mine = [self._padded(*pair, dtype) for pair in zip(own, alike, strict=True)]
        status = _FAILED if failure else 0 if element is None else element.n_items
        counts, *targets = self._replicas.gather([np.array(status), *mine])
        if failure is not None:
            raise failure
        if (counts == _FAILED).any():
            worker = int(np.argmax(counts == _FAILED))
            raise SimulationError(
                "data: expected another element in all workers, got an error in "
                f"worker {worker}: see what that one says"
            )
        if element is not None and (counts == self.element_size).all():
            inputs = {node: self._placed(a) for node, a in element.inputs.items()}
            return Items(inputs, [_joined(target, counts) for target in targets])
        return self._rest(element, counts, targets)

    def _rest(
        self, element: Element | None, counts: np.ndarray, targets: Sequence[np.ndarray]
    ) -> Items | None:
        """Return items that are no whole minibatch to all workers; None if left out."""
        if not counts.any():
            return None
        if not self.keep_remainder:
            warn_user(
                f"Data came to its end with a minibatch of {counts.sum()} items, not "
                f"minibatch_size={self.minibatch_size} ({_listed(counts)}): it is left "
                "out"
            )
            return None
        own = {} if element is None else element.inputs
        alike = self._first.inputs
        mine = [self._padded(own.get(n), a, a.dtype) for n, a in alike.items()]
        inputs = [_joined(table, counts) for table in self._replicas.gather(mine)]
        joined = [_joined(table, counts) for table in targets]
        return self._filled(dict(zip(alike, inputs, strict=True)), joined)

    def _padded(
        self, array: np.ndarray | None, alike: np.ndarray, dtype: Any
    ) -> np.ndarray:
        """Give an array as many items as this worker has in a whole minibatch."""
        if array is None:
            return np.zeros((self.element_size, *alike.shape[1:]), dtype)
        return filled(np.asarray(array, dtype), self.element_size)

    def _placed(self, array: np.ndarray) -> np.ndarray:
        """Put items of this worker in their place in the minibatch."""
        start = self._replicas.process * self.element_size
        whole = np.zeros((self.minibatch_size, *array.shape[1:]), array.dtype)
        whole[start : start + len(array)] = array
        return whole


def _next(elements: Iterator[Element]) -> tuple[Element | None, Exception | None]:
    """Return an element, or None; and what went wrong."""
    try:
        return next(elements, None), None
    except Exception as error:  # is raised when the others know
        return None, error


def _joined(table: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Put items of all workers one after another."""
    return np.concatenate([a[:n] for a, n in zip(table, counts, strict=True)])


def _listed(counts: np.ndarray) -> str:
    return ", ".join(f"{n} in worker {worker}" for worker, n in enumerate(counts))
