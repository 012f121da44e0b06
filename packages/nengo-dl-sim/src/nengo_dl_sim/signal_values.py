"""A look at the values of signals, for debugging."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from nengo.builder.signal import Signal

from nengo_dl_signals import SignalLayout


class SignalValues(Mapping):
    """
    The values of a simulation's signals after the last step.

    Constants and state have their live values. A signal that every step sets anew
    before reading it is not kept between steps: it is shown with its initial value;
    probe it to see it.

    Parameters
    ----------
    layout : SignalLayout
        Knows the signals.
    live : callable
        Returns the current value of a base signal, or None.
    """

    def __init__(
        self, layout: SignalLayout, live: Callable[[Signal], np.ndarray | None]
    ) -> None:
        self._layout = layout
        self._live = live

    def __getitem__(self, sig: Signal) -> np.ndarray:
        """
        Return the value of a signal.

        Parameters
        ----------
        sig : nengo.builder.Signal
            A base signal.

        Returns
        -------
        value : array
            A copy; with a batch axis first if it is state and the simulation has one.
        """
        if sig.is_view or sig not in self._layout:
            raise KeyError(sig)
        value = self._live(sig)
        if value is None:
            return np.array(sig.initial_value, self._layout.type_of(sig))
        return value

    def __iter__(self) -> Iterator[Signal]:
        return iter(self._layout.bases)

    def __len__(self) -> int:
        return len(self._layout.bases)
