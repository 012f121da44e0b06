"""When the callbacks of Keras are called."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import keras
from nengo.exceptions import ValidationError

from nengo_dl_ops.step.state import State

from ..checks import described
from ..data.batches import Batch
from ..evaluation.batch_function import Result
from .callback_model import CallbackModel

#: For each kind of work, what a callback sets to stop it.
_STOPS = {
    "train": "stop_training",
    "test": "stop_evaluating",
    "predict": "stop_predicting",
}

#: Callbacks that write files, or send something.
_WRITERS = (
    keras.callbacks.CSVLogger,
    keras.callbacks.ModelCheckpoint,
    keras.callbacks.RemoteMonitor,
    keras.callbacks.TensorBoard,
)


def callback_list(
    callbacks: Any,
    model: CallbackModel,
    verbose: int,
    epochs: int,
    steps: int | None,
    history: bool = False,
) -> keras.callbacks.CallbackList:
    """
    Put callbacks into a list that calls them all.

    ``epochs``, ``steps``: how many epochs there are, and how many minibatches in each
    (or None). Where several workers compute, those that write are called in the chief.
    """
    listed = [] if callbacks is None else callbacks
    listed = list(listed) if isinstance(listed, (list, tuple)) else [listed]
    for callback in listed:
        _check(callback)
    # Those that add something to the logs come first, so that others find it there.
    listed.sort(key=lambda callback: not getattr(callback, "adds_logs", False))
    if not model.is_chief:
        listed = [callback for callback in listed if not _writes(callback)]
        verbose = 0
    return keras.callbacks.CallbackList(
        listed,
        add_history=history,
        add_progbar=verbose != 0,
        model=model,
        verbose=verbose,
        epochs=epochs,
        steps=steps,
    )


class Announcer:
    """
    Calls callbacks before and after each minibatch.

    Parameters
    ----------
    kind : {"train", "test", "predict"}
        What is done.
    callbacks : keras.callbacks.CallbackList
        What is called.
    model : CallbackModel
        Where they say that it shall stop.
    logs : callable
        Returns what there is to log after a minibatch.
    """

    def __init__(
        self,
        kind: str,
        callbacks: keras.callbacks.CallbackList,
        model: CallbackModel,
        logs: Callable[[Result], dict[str, Any]],
    ) -> None:
        self._model = model
        self._logs = logs
        self._stop = _STOPS[kind]
        self._begin = getattr(callbacks, f"on_{kind}_batch_begin")
        self._end = getattr(callbacks, f"on_{kind}_batch_end")
        self._number = 0

    def before(
        self, minibatches: Iterator[tuple[State, Batch]]
    ) -> Iterator[tuple[State, Batch]]:
        """Announce each minibatch, or let none pass when it shall stop."""
        self._number = 0
        while not getattr(self._model, self._stop):
            try:
                minibatch = next(minibatches)
            except StopIteration:
                return
            self._begin(self._number)
            yield minibatch
            self._number += 1

    def after(self, result: Result) -> None:
        """Announce that a minibatch is done with."""
        self._end(self._number, self._logs(result))


def _writes(callback: keras.callbacks.Callback) -> bool:
    """Tell whether a callback writes files, or sends what others would send, too."""
    return isinstance(callback, _WRITERS) or getattr(callback, "only_in_chief", False)


def _check(callback: Any) -> None:
    if not isinstance(callback, keras.callbacks.Callback):
        raise ValidationError(
            f"expected Keras callbacks, got {described(callback)}", attr="callbacks"
        )
    if isinstance(callback, keras.callbacks.BackupAndRestore):
        raise ValidationError(
            "expected callbacks that have something to do here, got BackupAndRestore, "
            "which is for sim.fit",
            attr="callbacks",
        )
