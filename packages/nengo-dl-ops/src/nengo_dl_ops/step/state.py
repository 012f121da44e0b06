"""What lies together in one tensor: parameters, and what a step leaves to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from nengo.builder.signal import Signal

from nengo_dl_signals import SignalDict, TensorSignal, repeat_batch, stored_value

from .packed_forms import PackedForm


@dataclass(frozen=True, eq=False)
class ParameterArray:
    """
    Constant signals that one group of operators reads, in one array.

    Parameters
    ----------
    bases : list of nengo.builder.Signal
        The signals, in the order in which they lie in the array.
    rows : (n_rows,) array of int
        The addresses of their rows.
    dtype : str
        The type of the values.
    trainable : bool
        Whether training changes the array.
    """

    bases: list[Signal]
    rows: np.ndarray
    dtype: str
    trainable: bool

    def initial(self) -> np.ndarray:
        """Return the values that Nengo built, as a (n_rows, ...) array."""
        parts = [np.atleast_1d(stored_value(base)) for base in self.bases]
        return np.concatenate(parts).astype(self.dtype)


@dataclass(frozen=True, eq=False)
class StateArray:
    """
    Signals that a step passes on to the next one, in one array.

    Parameters
    ----------
    bases : list of nengo.builder.Signal
        The signals, in the order in which they lie in the array.
    signal : TensorSignal
        Their elements, in the order of the array.
    start : (n_elements,) array
        The initial values.
    batch : int
        The length of the batch axis: 1 if all batch items share the values.
    shape : tuple of int
        The shape in which a loop carries the array, but for the batch axis.
    batch_first : bool
        Whether the batch axis is the first, not the last.
    is_ring : bool
        Whether the first axis of ``shape`` is a ring: each step writes the next row.
    packing : PackedForm, optional
        Another form in which a loop may carry the values (`OpBuilder.packed`).
    is_packed : bool
        Whether loops do so.
    """

    bases: list[Signal]
    signal: TensorSignal
    start: np.ndarray
    batch: int
    shape: tuple[int, ...]
    batch_first: bool
    is_ring: bool = False
    packing: PackedForm | None = None
    is_packed: bool = False

    @property
    def n_in_step(self) -> int:
        """How many elements a step works on: of a ring, hardly more than a row."""
        n_elements: int = self.signal.size
        return n_elements // self.shape[0] if self.is_ring else n_elements

    def initial(self, start: np.ndarray | None = None) -> tf.Tensor:
        """Return the initial values, or others like `start`, as part of a `State`."""
        start = self.start if start is None else start
        return self.tensor(np.broadcast_to(start[:, None], (len(start), self.batch)))

    def tensor(self, elements: np.ndarray) -> tf.Tensor:
        """
        Make a part of a `State`.

        Parameters
        ----------
        elements : (n_elements, batch) array
            The values.
        """
        values = elements.T if self.batch_first else elements
        return tf.constant(values, self.signal.dtype)

    def elements(self, value: tf.Tensor | np.ndarray) -> np.ndarray:
        """Undo `tensor`."""
        array = np.asarray(value)
        return array.T if self.batch_first else array

    def of_size(self, minibatch_size: int) -> StateArray:
        """Return the same for another number of items, if they do not share it."""
        return self if self.batch == 1 else replace(self, batch=minibatch_size)

    def items(self, value: tf.Tensor, which: slice) -> tf.Tensor:
        """Return some items' part of a part of a `State`."""
        if self.batch == 1:
            return value
        return value[which] if self.batch_first else value[:, which]

    def joined(self, values: Sequence[tf.Tensor]) -> tf.Tensor:
        """Undo `items`."""
        if self.batch == 1:
            return values[-1]
        return tf.concat(values, axis=0 if self.batch_first else 1)

    def left_out(self, value: tf.Tensor, n_steps: tf.Tensor) -> tf.Tensor:
        """
        Return the values of items that some steps left out.

        They are as before; but if the next step writes another row of a ring, what was
        written last lies before that row.
        """
        if not self.is_ring:
            return value
        return self.listed(tf.roll(self.carried(value), n_steps, axis=0))

    def load(self, signals: SignalDict, value: tf.Tensor) -> None:
        """Give signals the values of a part of a `State`."""
        if self.is_packed:
            signals.packed[self.signal.rows.tobytes()] = self.carried(value)
        load = signals.load_batch_first if self.batch_first else signals.load
        load(self.signal.rows, self.unpacked(value))

    def taken(self, signals: SignalDict) -> tf.Tensor:
        """Take a part of a `State` from the values of signals."""
        if self.is_packed:
            return signals.packed[self.signal.rows.tobytes()]
        # Also where all items happen to have one value (as a rule, zero): what a loop
        # carries has the same shape before and after each step.
        if not self.batch_first:
            return repeat_batch(signals.gather(self.signal), self.batch)
        if signals.is_batch_first(self.signal):
            return signals.gather_batch_first(self.signal)
        # A transposition. As such, XLA would leave it to those who read the array, once
        # for each element of a matrix (16 ms a step, not 5, for 64 of 64 x 3200).
        value = repeat_batch(signals.gather(self.signal), self.batch)
        identity = tf.eye(self.batch, dtype=value.dtype)
        return tf.matmul(identity, value, transpose_b=True)

    def packed(self) -> StateArray:
        """Return the same, carried in another form if there is one."""
        if self.packing is None:
            return self
        return replace(self, is_packed=True, shape=self.packing.shape)

    def unpacked(self, value: tf.Tensor) -> tf.Tensor:
        """Return values as they are that a loop has carried."""
        if self.packing is None or not self.is_packed:
            return value
        return self.packing.unpack(value)

    def carried(self, value: tf.Tensor) -> tf.Tensor:
        """Give a part of a `State` the shape in which a loop carries it."""
        return self._reshaped(value, self.shape)

    def listed(self, value: tf.Tensor) -> tf.Tensor:
        """Undo `carried`."""
        return self._reshaped(value, self.signal.shape)

    def _reshaped(self, value: tf.Tensor, shape: tuple[int, ...]) -> tf.Tensor:
        first, last = ((self.batch,), ()) if self.batch_first else ((), (self.batch,))
        shape = (*first, *shape, *last)
        return value if value.shape == shape else tf.reshape(value, shape)


class State(NamedTuple):
    """
    What one step hands to the next.

    Parameters
    ----------
    arrays : list of (n_elements, batch) or (batch, n_elements) tf.Tensor
        The values of the program's state arrays (see `StateArray`).
    variables : list of tf.Tensor
        The values of variables that operators brought along and may change.
    key : (2,) tf.Tensor of int
        What random numbers are drawn from: the seed, and a counter of steps.
    """

    arrays: list[tf.Tensor]
    variables: list[tf.Tensor]
    key: tf.Tensor


def state_of_items(
    arrays: Sequence[StateArray], n_items: int, state: State, before: State
) -> State:
    """
    Leave the state of all items but the first ones as it was.

    Parameters
    ----------
    arrays : list of StateArray
        What the state is made of.
    n_items : int
        How many items there are.
    state : State
        What became of all.
    before : State
        What the others keep.

    Returns
    -------
    state : State
        What the items share is that of ``state``.
    """
    n_steps = state.key[1] - before.key[1]
    parts = zip(arrays, state.arrays, before.arrays, strict=True)
    values = [
        new if array.batch == 1 else _of_items(n_items, array, new, old, n_steps)
        for array, new, old in parts
    ]
    return state._replace(arrays=values)


def _of_items(
    n_items: int,
    array: StateArray,
    new: tf.Tensor,
    old: tf.Tensor,
    n_steps: tf.Tensor,
) -> tf.Tensor:
    """Join the first items after some steps with those that these left out."""
    others = array.items(array.left_out(old, n_steps), slice(n_items, None))
    return array.joined([array.items(new, slice(0, n_items)), others])
