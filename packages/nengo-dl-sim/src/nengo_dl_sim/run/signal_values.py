"""A look at the values of signals, for debugging."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from nengo.builder import Model
from nengo.builder.signal import Signal
from nengo.transforms import SparseMatrix

from nengo_dl_signals import SignalLayout, elements, sparse_entries, stored_value

#: Returns the live value of a base signal, or None if it has no live value.
LiveValue = Callable[[Signal], "np.ndarray | None"]


class SignalValues(Mapping):
    """
    The values of a simulation's signals after the last step, as Nengo shows them.

    All signals of the model are there, views of others too. Constants and state have
    their live values. A signal that every step sets anew before reading it is not
    kept between steps: it is shown with its initial value; probe it to see it.

    Parameters
    ----------
    model : nengo.builder.Model
        What Nengo built.
    layout : SignalLayout
        Knows the type that floating point signals have.
    live : callable
        Returns the current value of a base signal, or None.
    """

    def __init__(self, model: Model, layout: SignalLayout, live: LiveValue) -> None:
        self._model = model
        self._layout = layout
        self._live = live
        used = [sig for op in model.operators for sig in op.all_signals]
        self._signals = dict.fromkeys([*(sig.base for sig in used), *used])

    def __getitem__(self, sig: Signal) -> np.ndarray | SparseMatrix:
        """
        Return the value of a signal.

        Parameters
        ----------
        sig : nengo.builder.Signal
            A signal of the model.

        Returns
        -------
        value : array or nengo.transforms.SparseMatrix
            A read-only copy; with a batch axis first if it is state and the
            simulation shows one.

        Raises
        ------
        KeyError
            If the model has no such signal.
        """
        if sig not in self._signals:
            raise KeyError(sig)
        value = self._value(sig)
        if isinstance(value, SparseMatrix):
            return value
        dtype = self._layout.dtype if sig.dtype.kind == "f" else sig.dtype
        copy = np.array(value, dtype)
        copy.setflags(write=False)
        return copy

    def __iter__(self) -> Iterator[Signal]:
        return iter(self._signals)

    def __len__(self) -> int:
        return len(self._signals)

    def __str__(self) -> str:
        return "".join(f"{sig!r} {value!r}\n" for sig, value in self.items())

    def _value(self, sig: Signal) -> Any:
        if sig is self._model.time:  # which follows from the count of steps
            return self[self._model.step] * float(self._model.dt)
        value = live_value(sig, self._live)
        return sig.initial_value if value is None else value


def live_value(sig: Signal, live: LiveValue) -> np.ndarray | SparseMatrix | None:
    """
    Return the current value of a signal or of a view of one.

    Parameters
    ----------
    sig : nengo.builder.Signal
        A signal.
    live : callable
        Returns the current value of a base signal, or None.

    Returns
    -------
    value : array or nengo.transforms.SparseMatrix or None
        None if the signal has no live value.
    """
    value = live(sig.base)
    if value is None:
        return None
    if sig.is_view:
        batch = value.shape[: value.ndim - sig.base.ndim]
        value = value.reshape((*batch, -1))[..., elements(sig)]
    if not sig.sparse:
        return value
    rows, columns, _ = sparse_entries(sig)
    return SparseMatrix(np.stack([rows, columns], axis=1), value, sig.shape)


def is_as_built(value: np.ndarray | SparseMatrix, sig: Signal) -> bool:
    """Tell whether a signal still has the value that it was built with."""
    entries = value.data if isinstance(value, SparseMatrix) else value
    return np.array_equal(entries, stored_value(sig).astype(entries.dtype))
