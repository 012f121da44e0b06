"""The elements of data sets and generators, epoch by epoch."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import tensorflow as tf
from nengo.exceptions import SimulationError, ValidationError

from nengo_dl_ops.user_warnings import warn_user

from .epoch_hooks import EpochHooks, is_py_dataset, number_of_batches
from .prefetch import prefetched

_NONE = object()


class StreamEpochs:
    """
    Goes through a stream a number of times, or some elements at a time.

    A ``keras.utils.PyDataset`` is told when epochs begin and end.

    Parameters
    ----------
    stream : tf.data.Dataset or iterable
        Where the elements come from.
    n_epochs : int
        How often `epoch` will be called.
    per_epoch : int, optional
        How many elements make an epoch; the next one goes on where it ended, or from
        the beginning if there are no more. None: every epoch is all of the stream,
        from its beginning.
    n_expected : int, optional
        How many elements all of the stream shall be.

    Attributes
    ----------
    first : object
        The first element.

    Raises
    ------
    nengo.exceptions.ValidationError
        If there is no element; if an iterator would be needed more than once; if an
        epoch would never end.
    """

    def __init__(
        self,
        stream: Iterable,
        n_epochs: int = 1,
        per_epoch: int | None = None,
        n_expected: int | None = None,
    ) -> None:
        self._stream = stream
        self._n_wanted = None if per_epoch is None else per_epoch * n_epochs
        self._n_expected = n_expected
        self.per_epoch = per_epoch
        self._check(n_epochs)
        self._hooks = EpochHooks(stream)
        self._hooks.begin()
        begun = self._begin()
        try:
            self.first = next(begun)
        except StopIteration:
            raise ValidationError(
                f"expected at least one element, got none from {stream!r}", attr="data"
            ) from None
        self._begun: Iterator | None = itertools.chain([self.first], begun)

    @property
    def n_batches(self) -> int | None:
        """The number of elements of an epoch; None if that is not known beforehand."""
        if self.per_epoch is not None:
            return self.per_epoch
        if isinstance(self._stream, tf.data.Dataset):
            known = int(self._stream.cardinality())
            return known if known >= 0 else None
        is_known = is_py_dataset(self._stream)
        return number_of_batches(self._stream) if is_known else None

    def epoch(self) -> Iterator[Any]:
        """
        Go through an epoch.

        Yields
        ------
        element : object
            The next element.

        Raises
        ------
        nengo.exceptions.SimulationError
            If an iterator ended with the epoch before.

        Warns
        -----
        UserWarning
            If the stream ends before the epoch does.
        """
        self._hooks.begin()
        if self.per_epoch is None:
            begun, self._begun = self._begun, None
            elements = self._begin() if begun is None else begun
            yield from _counted(elements, self._n_expected)
        else:
            yield from _counted(self._part(self.per_epoch), self.per_epoch)
        self._hooks.end()

    def _part(self, n_elements: int) -> Iterator[Any]:
        elements = itertools.islice(self._begun or (), n_elements)
        first = next(elements, _NONE)
        if first is _NONE and not isinstance(self._stream, Iterator):
            self._begun = self._begin()
            elements = itertools.islice(self._begun, n_elements)
            first = next(elements, _NONE)
        if first is _NONE:
            raise SimulationError(
                f"data: expected {n_elements} minibatches in every epoch, got none: "
                "the data came to its end with the epoch before"
            )
        for element in itertools.chain([first], elements):
            if self._n_wanted is not None:
                self._n_wanted -= 1
            yield element

    def _begin(self) -> Iterator[Any]:
        return prefetched(self._stream, self._n_wanted)

    def _check(self, n_epochs: int) -> None:
        if self.per_epoch is not None:
            return
        if isinstance(self._stream, Iterator) and n_epochs > 1:
            raise ValidationError(
                f"expected data that can be gone through {n_epochs} times, such as a "
                f"tf.data.Dataset, got {self._stream!r}, which can be once",
                attr="data",
            )
        if _is_infinite(self._stream):
            raise ValidationError(
                "expected a data set with an end, got one without: say how many "
                "minibatches to take with dataset.take(n)",
                attr="data",
            )


def _counted(elements: Iterator[Any], n_expected: int | None) -> Iterator[Any]:
    """Warn if there are fewer elements than expected."""
    count = 0
    for element in elements:
        yield element
        count += 1
    if n_expected is not None and count < n_expected:
        warn_user(f"Data came to its end after {count} minibatches, not {n_expected}")


def first_elements(stream: Iterable, n_elements: int | None) -> Iterable:
    """
    Return the beginning of a stream, as a stream of the same kind.

    ``n_elements``: how many to take. None: all.
    """
    if n_elements is None:
        return stream
    if isinstance(stream, tf.data.Dataset):
        return stream.take(n_elements)
    if isinstance(stream, Iterator):
        return itertools.islice(stream, n_elements)
    return _Beginning(stream, n_elements)


def _is_infinite(stream: Iterable) -> bool:
    if is_py_dataset(stream):
        return number_of_batches(stream) is None
    if not isinstance(stream, tf.data.Dataset):
        return False
    return int(stream.cardinality()) == tf.data.INFINITE_CARDINALITY


class _Beginning:
    def __init__(self, stream: Iterable, n_elements: int) -> None:
        self.source = stream
        self._n_elements = n_elements

    def __iter__(self) -> Iterator[Any]:
        return itertools.islice(self.source, self._n_elements)
