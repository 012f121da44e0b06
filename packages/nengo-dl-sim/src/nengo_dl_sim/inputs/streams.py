"""Values of processes, which can be taken back when their steps did not take place."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from nengo.exceptions import SimulationError

from nengo_dl_ops.ranges import describe_range

from .current_step import CurrentStep
from .operators import Source


class Calls(NamedTuple):
    """
    Steps, one after the other, for which a process was asked for a value.

    Parameters
    ----------
    first : int
        The number of the first step, which is 1 at the beginning of a simulation.
    n_steps : int
        How many steps they are.
    """

    first: int
    n_steps: int


class ProcessStream:
    """
    The values of one process for one batch item, step by step.

    A process has state: it cannot be asked for the same step again. So values that
    were computed for steps that were not simulated in the end are kept for the next
    time.

    Parameters
    ----------
    step : callable
        Returns the next value for a time.

    Attributes
    ----------
    calls : list of Calls
        When the process was asked for values, in order.
    """

    def __init__(self, step: Callable[[float], Any]) -> None:
        self._step = step
        self._ready: deque[np.ndarray] = deque()
        self._n_ready = 0  # how many there were before the last steps
        self.calls: list[Calls] = []

    @property
    def n_ready(self) -> int:
        """How many values are kept for the next time."""
        return len(self._ready)

    def __call__(self, time: float) -> Any:
        """Return the next value."""
        return self._ready.popleft() if self._ready else self._step(time)

    def note(self, first: int, n_steps: int) -> None:
        """Take note of the steps for which values were taken."""
        n_kept = self._n_ready - len(self._ready)
        self._n_ready = len(self._ready)
        first, count = first + n_kept, n_steps - n_kept
        if count and self.calls and sum(self.calls[-1]) == first:
            self.calls[-1] = Calls(self.calls[-1].first, self.calls[-1].n_steps + count)
        elif count:
            self.calls.append(Calls(first, count))

    def replay(self, calls: Sequence[Calls], n_ready: int, dt: float) -> None:
        """
        Ask the process for values as it was asked before.

        ``dt`` in seconds.
        """
        n_taken = sum(call.n_steps for call in calls) - n_ready
        steps = chain.from_iterable(range(a, a + count) for a, count in calls)
        for number, step in enumerate(steps):
            value = self._step(step * dt)
            if number >= n_taken:
                self._ready.append(np.array(value))  # which may be the state itself
        self._n_ready, self.calls = n_ready, list(calls)

    def put_back(self, values: np.ndarray) -> None:
        """
        Let the last values be the next ones.

        Shapes: ``values`` (n_steps, size).
        """
        self._ready.extendleft(values[::-1])
        self._n_ready = len(self._ready)


class Sink(NamedTuple):
    """
    Where the values of a source go.

    Parameters
    ----------
    source : nengo.Node or Noise
        The source.
    step : ProcessStream or callable
        Returns the next value for a time.
    values : (n_steps, size) array
        Takes the values.
    """

    source: Source
    step: Callable[[float], Any]
    values: np.ndarray


class Generation:
    """
    The computation of values for a number of steps.

    Parameters
    ----------
    sinks : list of Sink
        In the order in which they are computed in each step.
    """

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks = sinks
        self._n_values = 0

    def compute(
        self, start_step: int, n_steps: int, dt: float, current: CurrentStep
    ) -> None:
        """
        Compute all values.

        ``dt`` in seconds. Raises a ``SimulationError`` if a source raises an exception,
        or returns something else than values of its size.
        """
        n_values = 0
        try:
            for i in range(n_steps):
                time = (start_step + i + 1) * dt
                current.enter_ahead(start_step + i, i)
                for source, step, values in self._sinks:
                    value = _call(source, step, time)
                    if values.shape[1]:
                        _store(source, values, i, value)
                    n_values += 1
        finally:
            current.leave()
            self._n_values = n_values
            for number, (_, step, _) in enumerate(self._sinks):
                if isinstance(step, ProcessStream):
                    step.note(start_step + 1, self._n_computed(number))

    def take_back(self) -> None:
        """Let processes give the same values again."""
        for number, (_, step, values) in enumerate(self._sinks):
            if isinstance(step, ProcessStream):
                step.put_back(values[: self._n_computed(number)])
        self._n_values = 0

    def _n_computed(self, number: int) -> int:
        """Return how many values there are for one of the sinks."""
        n_steps, n_more = divmod(self._n_values, len(self._sinks))
        return n_steps + (number < n_more)


def check_finite(source: Source, values: np.ndarray, dtype: str) -> None:
    """
    Check the values of a source.

    Shapes: ``values`` (n_steps, size, batch).
    """
    good = np.abs(values) <= np.finfo(dtype).max  # which NaN is not, either
    if not good.all():
        step, _, item = np.argwhere(~good)[0]
        held = "" if dtype == "float64" else f" ({describe_range(dtype)})"
        raise SimulationError(
            f"{source}: expected its output to return finite numbers{held}, got "
            f"{values[step, :, item]}"
        )


def _call(source: Source, step: Callable[[float], Any], time: float) -> Any:
    try:
        return step(time)
    except Exception as error:
        raise SimulationError(
            f"{source}: its output raised {type(error).__name__} at t={time:g}: {error}"
        ) from error


def _store(source: Source, values: np.ndarray, i: int, value: Any) -> None:
    if value is None:  # which NumPy would take for NaN
        raise _wrong_output(source, values, value)
    try:
        values[i] = value
    except (TypeError, ValueError) as error:
        raise _wrong_output(source, values, value) from error


def _wrong_output(source: Source, values: np.ndarray, value: Any) -> SimulationError:
    shape = getattr(value, "shape", None)
    return SimulationError(
        f"{source}: expected its output to return finite numbers of shape "
        f"({values.shape[1]},), got {value!r} of type {type(value).__name__}"
        + ("" if shape is None else f" and shape {shape}")
    )
