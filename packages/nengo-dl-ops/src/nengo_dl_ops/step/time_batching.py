"""What does not depend on the step before: computed for all steps at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from nengo.builder.signal import Signal

from nengo_dl_signals import SignalDict, SignalLayout, TensorSignal

from ..builder import Memoryless, OpBuilder
from .segments import Segment

#: What is computed at once is held for all steps: it may take so many bytes.
MAX_BYTES = 2**28


class Remainder(NamedTuple):
    """
    What is left to compute in a step.

    Parameters
    ----------
    segment : Segment
        The groups, in order.
    parts : list of (rows, array)
        What others have computed for this step; see `SignalDict.parts`.
    """

    segment: Segment
    parts: list[tuple[np.ndarray, tf.Tensor | None]]


@dataclass(frozen=True, eq=False)
class TimeSplit:
    """
    The groups of a step by whether they need the step before.

    Parameters
    ----------
    batched : list of OpBuilder
        Groups that do not: time is one more axis of the batch to them.
    stepped : list of OpBuilder
        Groups that do, directly or by what they read.
    handed : (n_rows,) array of bool
        What ``batched`` computes, and is read by ``stepped`` or at the end of a step.
    known : (n_rows,) array of bool
        What does not depend on any step before.
    n_bytes : int
        How much memory ``batched`` takes for one step of one item.
    """

    batched: list[OpBuilder]
    stepped: list[OpBuilder]
    handed: np.ndarray
    known: np.ndarray
    n_bytes: int


def split_time(
    groups: Sequence[OpBuilder],
    layout: SignalLayout,
    states: Sequence[TensorSignal],
    ends: Sequence[TensorSignal],
    training: bool,
) -> TimeSplit:
    """Tell groups that need the step before from those that do not."""
    # ``later`` grows group by group: what reads of it has to wait for its step. In the
    # beginning it is the state, which is all that a step has from the one before.
    state = _mask(layout, (signal.rows for signal in states))
    later, computed = state.copy(), np.zeros_like(state)
    batched, stepped = [], []
    for group in groups:
        memoryless = group.memoryless(training)
        if memoryless is not None and _is_known(layout, memoryless, later, state):
            batched.append(group)
            computed[_rows(layout, memoryless.writes)] = True
        else:
            stepped.append(group)
            later[_rows(layout, _written(group))] = True
    read = (_rows(layout, _all(group)) for group in stepped)
    needed = state | _mask(layout, read) | _mask(layout, (end.rows for end in ends))
    n_bytes = 8 * sum(sig.size for group in batched for sig in _written(group))
    return TimeSplit(batched, stepped, needed & computed, ~later, n_bytes)


class TimeBatch:
    """
    What does not need the step before, computed for all steps.

    Parameters
    ----------
    time_split : TimeSplit
        The groups.
    signals : SignalDict
        Parameters, and inputs with the steps as the slow part of the batch axis; the
        results are written to it.
    training : bool
        Whether to compute the differentiable approximation.
    n_steps : int
        The number of steps.
    """

    def __init__(
        self, time_split: TimeSplit, signals: SignalDict, training: bool, n_steps: int
    ) -> None:
        for group in time_split.batched:
            (group.build_training_step if training else group.build_step)(signals)
        self._time_split = time_split
        self._signals = signals
        self._n_steps = n_steps
        self._handed = [
            (rows, None if array is None else self._by_step(array))
            for rows, array in signals.parts(time_split.handed)
        ]

    def remainder(self, i: tf.Tensor | int) -> Remainder:
        """Return what is left to compute in a step."""
        parts = [
            # A first axis of one step stands for all of them: what does not change from
            # step to step was computed once.
            (rows, None if steps is None else steps[i if steps.shape[0] > 1 else 0])
            for rows, steps in self._handed
        ]
        nothing = np.zeros(0, dtype=bool)
        return Remainder(Segment(self._time_split.stepped, False, nothing), parts)

    def values(self, output: TensorSignal) -> tf.Tensor | None:
        """
        Return the values of an output in all steps.

        Returns (n_steps, *shape, batch), or None if they are not known before the steps
        are computed.
        """
        if not np.all(self._time_split.known[output.rows]):
            return None
        steps = self._by_step(self._signals.gather(output))
        return tf.broadcast_to(steps, (self._n_steps, *steps.shape[1:]))

    def _by_step(self, array: tf.Tensor) -> tf.Tensor:
        """
        Turn (..., n_steps * batch) into (n_steps, ..., batch).

        What is the same for all steps and items becomes (1, ..., 1).
        """
        *shape, size = array.shape
        n_steps = self._n_steps if size > 1 else 1
        apart = tf.reshape(array, (*shape, n_steps, size // n_steps))
        rank = len(shape)
        return tf.transpose(apart, (rank, *range(rank), rank + 1))


def join_steps(array: tf.Tensor) -> tf.Tensor:
    """Turn (n_steps, n, batch) into (n, n_steps * batch)."""
    n_steps, n, batch = array.shape
    return tf.reshape(tf.transpose(array, (1, 0, 2)), (n, n_steps * batch))


def _is_known(
    layout: SignalLayout, memoryless: Memoryless, later: np.ndarray, state: np.ndarray
) -> bool:
    """Tell whether a group reads nothing from before, and leaves nothing for after."""
    # What is left to the next step is computed in its step, with the rest of the state.
    reads, writes = _rows(layout, memoryless.reads), _rows(layout, memoryless.writes)
    return not (np.any(later[reads]) or np.any(state[writes]))


def _all(group: OpBuilder) -> list[Signal]:
    return [sig for op in group.ops for sig in op.all_signals]


def _written(group: OpBuilder) -> list[Signal]:
    return [s for op in group.ops for s in (*op.sets, *op.incs, *op.updates)]


def _rows(layout: SignalLayout, sigs: Iterable[Signal]) -> np.ndarray:
    found = [layout[sig].rows for sig in dict.fromkeys(sigs)]
    return np.concatenate(found) if found else np.zeros(0, int)


def _mask(layout: SignalLayout, rows: Iterable[np.ndarray]) -> np.ndarray:
    mask = np.zeros(layout.n_rows, dtype=bool)
    for some in rows:
        mask[some] = True
    return mask
