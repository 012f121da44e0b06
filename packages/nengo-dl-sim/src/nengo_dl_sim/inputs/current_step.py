"""What Python code sees of the step that it is called in."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import get_ident

import numpy as np
import tensorflow as tf
from nengo.builder.signal import Signal

from nengo_dl_ops import PythonBuilder
from nengo_dl_ops.step.program import Program
from nengo_dl_signals import SignalDict


class CurrentStep:
    """
    The step in which Python code is called, while it is.

    Other threads, which may look at the simulation at any time, see none of it.
    """

    def __init__(self) -> None:
        self._thread: int | None = None
        self._n_steps: int | None = None
        self._arrays: Sequence[np.ndarray] | None = None
        self._n_ahead = 0
        self._observers: list[weakref.WeakMethod] = []

    @property
    def n_steps(self) -> int | None:
        """The number of steps done before it. None: no Python code is called."""
        return self._n_steps if self._is_here() else None

    @property
    def arrays(self) -> Sequence[np.ndarray] | None:
        """
        The program's state arrays, at this point of the step.

        None: the step is not computed yet, or there is none.
        """
        return self._arrays if self._is_here() else None

    @property
    def n_ahead(self) -> int:
        """How many steps before this one are not computed yet."""
        return self._n_ahead if self._is_here() else 0

    def _is_here(self) -> bool:
        """Tell whether it is the Python code that is called who asks."""
        return self._thread == get_ident()

    def observe(self, method: Callable[[], None]) -> None:
        """Let a method be called whenever values become others; keep it not alive."""
        self._observers.append(weakref.WeakMethod(method))

    def notify(self) -> None:
        """Tell observers that values have become others."""
        for reference in self._observers:
            method = reference()
            if method is not None:
                method()

    def leave(self) -> None:
        """No Python code is called any more."""
        was_ahead = self._n_ahead
        self._thread = self._n_steps = self._arrays = None
        self._n_ahead = 0
        if was_ahead:
            self.notify()

    def enter_ahead(self, n_steps: int, n_ahead: int) -> None:
        """Python code is called before the step is simulated."""
        self._thread = get_ident()
        self._n_steps, self._n_ahead = n_steps, n_ahead
        if n_ahead == 1:  # from now on nobody knows the values that there will be
            self.notify()

    @contextmanager
    def shown(self, values: Sequence[np.ndarray]) -> Iterator[None]:
        """
        Show a step that is being computed, for as long as the context lasts.

        ``values``: the count of steps, which counts this one already; then the state
        arrays.
        """
        self._thread = get_ident()
        count, *self._arrays = values
        self._n_steps = int(count.ravel()[0]) - 1
        self.notify()
        try:
            yield
        finally:
            self.leave()

    def watch(self, program: Program, clock: Signal) -> None:
        """Let Python code in a program see the step that it is called in."""
        if clock in program.layout and clock not in program.layout.constants:
            take = _taker(program, clock)
            for group in program.groups:
                if isinstance(group, PythonBuilder):
                    group.observe(take, self.shown)


def _taker(program: Program, clock: Signal) -> Callable[[SignalDict], list[tf.Tensor]]:
    count, states = program.layout[clock], program.states

    def take(signals: SignalDict) -> list[tf.Tensor]:
        arrays = [array.taken(signals) for array in states]
        return [signals.gather(count), *arrays]

    return take
