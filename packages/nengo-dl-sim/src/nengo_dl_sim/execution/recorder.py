"""What a loop over steps keeps of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import tensorflow as tf

from nengo_dl_signals import TensorSignal

#: What a loop carries for a recorder.
Carried = list[tf.Tensor]


class Recorder(ABC):
    """
    Keeps something of each step of a loop, in tensors of fixed shapes.

    To be implemented by subclasses: `start`, `after` and `end`.

    Attributes
    ----------
    before : list of TensorSignal
        What it looks at before each step: state.
    outputs : list of TensorSignal
        What it looks at after each step.
    """

    before: Sequence[TensorSignal] = ()
    outputs: Sequence[TensorSignal] = ()

    @abstractmethod
    def start(self) -> Carried:
        """Return what the loop carries before the first step."""

    @abstractmethod
    def after(
        self, carried: Carried, values: Sequence[tf.Tensor], slot: tf.Tensor, i: int
    ) -> Carried:
        """
        Take notice of a step.

        ``values``: those of `before`, then those of `outputs`. ``slot``: what the
        caller says of each step, ``(n, capacity)``; ``i``: the number of the step.
        """

    @abstractmethod
    def end(self, carried: Carried) -> list[tf.Tensor]:
        """Return what leaves the loop: the batch axis is the last of each."""


class SlotRecorder(Recorder):
    """
    Keeps values of outputs in slots; the caller says which slot takes which step.

    Parameters
    ----------
    outputs : list of TensorSignal
        What is kept.
    slots : list of int
        How many slots there are for each.
    minibatch_size : int
        The number of items.
    """

    def __init__(
        self, outputs: Sequence[TensorSignal], slots: Sequence[int], minibatch_size: int
    ) -> None:
        self.outputs = outputs
        self._slots = slots
        self._minibatch_size = minibatch_size

    def start(self) -> Carried:
        """Make a place for the values of each output."""
        # Not a tf.TensorArray: that would not go through every form of the loop.
        return [
            tf.raw_ops.TensorListReserve(
                element_shape=self._shape(output),
                num_elements=size,
                element_dtype=output.dtype,
            )
            for output, size in zip(self.outputs, self._slots, strict=True)
        ]

    def after(
        self, carried: Carried, values: Sequence[tf.Tensor], slot: tf.Tensor, i: int
    ) -> Carried:
        """Put each value into its slot; what was in there is lost."""
        return [
            tf.raw_ops.TensorListSetItem(input_handle=buffer, index=slot[k, i], item=v)
            for k, (buffer, v) in enumerate(zip(carried, values, strict=True))
        ]

    def end(self, carried: Carried) -> list[tf.Tensor]:
        """Return the values, (n_slots, *shape, batch) of each output."""
        return [
            tf.raw_ops.TensorListStack(
                input_handle=buffer,
                element_shape=self._shape(output),
                element_dtype=output.dtype,
                num_elements=size,
            )
            for output, size, buffer in zip(
                self.outputs, self._slots, carried, strict=True
            )
        ]

    def _shape(self, output: TensorSignal) -> tuple[int, ...]:
        return (*output.shape, self._minibatch_size)
