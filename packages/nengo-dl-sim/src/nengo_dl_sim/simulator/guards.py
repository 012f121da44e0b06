"""What a simulator refuses: fixed or removed attributes, and two uses at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from nengo.exceptions import ReadonlyError, SimulationError

from ..checks import check_jit_compile, check_seed
from ..legacy import REPLACEMENTS, RemovedError

#: What a simulator is built with, or of: another value would have no effect.
_SET_ONCE = frozenset(
    {"data", "device", "minibatch_size", "model", "signals", "unroll"}
)

#: What may be set at any time.
_CHECKS = {"jit_compile": check_jit_compile, "seed": check_seed}


class ReadOnlyAttributes:
    """Explains removed attributes; refuses to set what would have no effect."""

    if not TYPE_CHECKING:  # so that type checkers go on finding misspelled names

        def __getattr__(self, name: str) -> Any:
            if name in REPLACEMENTS:
                raise RemovedError(name, self)
            # Again, for the error of what was not found (in a property: its own).
            return super().__getattribute__(name)

        def __setattr__(self, name: str, value: Any) -> None:
            place = getattr(type(self), name, None)
            is_set = name in _SET_ONCE and name in self.__dict__
            if is_set or (isinstance(place, property) and place.fset is None):
                raise ReadonlyError(attr=name, obj=self)
            if name in _CHECKS:
                _CHECKS[name](value)
            super().__setattr__(name, value)


class SingleUse:
    """
    Refuses what would use a simulator while another thread, or a step, uses it.

    A run reads the state at its start and sets it at its end: of two at once, one
    would be lost.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._user = ""
        self._stepping = False

    @contextmanager
    def held(self) -> Iterator[None]:
        """
        Use the simulator; a callback in the same thread may use it, too.

        Raises
        ------
        nengo.exceptions.SimulationError
            If another thread uses it; if it is in the middle of a run.
        """
        here = threading.current_thread().name
        if not self._lock.acquire(blocking=False):
            raise SimulationError(
                f"expected a simulator to be used by one thread at a time, got a call "
                f"from thread {here!r} while thread {self._user!r} uses it: give each "
                f"thread a simulator of its own, or let it wait for the other (if this "
                f"is a function of a node: it cannot use the simulator that calls it)"
            )
        try:
            if self._stepping:
                raise SimulationError(
                    "expected no call of a simulator's methods from within its own "
                    "run, such as from a function of a node, got one: run another "
                    "simulator there"
                )
            self._user = here
            yield
        finally:
            self._lock.release()

    @contextmanager
    def stepping(self) -> Iterator[None]:
        """Refuse every use until the steps of a run are done."""
        self._stepping = True
        try:
            yield
        finally:
            self._stepping = False
