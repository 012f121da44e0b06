"""One use of a simulator at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from nengo.exceptions import SimulationError


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
