"""Data sets and generators, read in the background while something is computed."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable, Iterator
from queue import Empty, Full, Queue
from typing import Any

import tensorflow as tf

#: How many elements are made in advance.
N_AHEAD = 2

#: How often, in seconds, the thread looks whether it is still needed.
_PATIENCE = 0.1

#: How long, in seconds, is waited for the thread when its elements are not needed.
_GRACE = 1.0

_END = object()


def prefetched(stream: Iterable, n_elements: int | None = None) -> Iterator[Any]:
    """
    Go through a stream, and make its next elements in the background.

    ``stream``: where the elements come from. What it raises is raised here.
    ``n_elements``: how many are wanted; no more than that are made. None: all.
    """
    if isinstance(stream, tf.data.Dataset):
        return _of_thread(_of_dataset(stream, n_elements))
    return _of_thread(itertools.islice(stream, n_elements))


def _of_dataset(dataset: tf.data.Dataset, n_elements: int | None) -> Iterator[Any]:
    options = tf.data.Options()
    # Its thread sleeps for up to seconds when the iterator is given up.
    options.autotune.enabled = False
    if n_elements is not None:
        dataset = dataset.take(n_elements)
    return dataset.with_options(options).as_numpy_iterator()


def _of_thread(elements: Iterator[Any]) -> Iterator[Any]:
    made: Queue = Queue(N_AHEAD)
    unwanted = threading.Event()
    thread = threading.Thread(
        target=_make, args=(elements, made, unwanted), daemon=True
    )
    thread.start()
    try:
        while True:
            element, error = _take(made)
            if error is not None:
                raise error
            if element is _END:
                return
            yield element
    finally:
        unwanted.set()
        _empty(made)
        # What waits for a socket or a disk cannot be ended from here. It ends as soon
        # as it has its element.
        thread.join(_GRACE)


def _take(made: Queue) -> tuple[Any, BaseException | None]:
    """Wait for an entry, in a way that Ctrl-C ends on every system."""
    while True:
        try:
            entry: tuple[Any, BaseException | None] = made.get(timeout=_GRACE)
        except Empty:
            continue
        return entry


def _make(elements: Iterator[Any], made: Queue, unwanted: threading.Event) -> None:
    try:
        for element in elements:
            if not _put(made, (element, None), unwanted):
                return
    except BaseException as error:
        _put(made, (None, error), unwanted)
    else:
        _put(made, (_END, None), unwanted)


def _put(made: Queue, entry: tuple, unwanted: threading.Event) -> bool:
    """Wait for a place; return whether the entry was still wanted."""
    while not unwanted.is_set():
        try:
            made.put(entry, timeout=_PATIENCE)
        except Full:
            continue
        return not unwanted.is_set()
    return False


def _empty(made: Queue) -> None:
    """Let a thread that waits for a place see at once that it is not needed."""
    try:
        while True:
            made.get_nowait()
    except Empty:
        pass
