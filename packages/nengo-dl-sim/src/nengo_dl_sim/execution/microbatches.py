"""A large minibatch in parts that fit into the processor's cache."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil

import tensorflow as tf

from nengo_dl_ops.step.program import Program
from nengo_dl_ops.step.state import State

from .run_function import Chunk, RunFunction

#: Items do not depend on each other. Where a step works on more bytes than the first of
#: these, all steps are taken with some of the items, of about as many bytes as
#: the second, then with the next. Measured with 32 MiB of cache, us a step and item:
#:
#: network             MiB an item  items: 8   16   32   64  128  256  512  1024
#: pes, relu                  0.83        19   20   33   45
#: random_network, LIF        0.37                 106  112  107  106  133
#: basal_ganglia, relu        0.14        10   17   10  5.2  4.7  6.1  9.4    13
#: cconv, LIF                 0.16                  17   14   15   21   22
#: cconv, relu                0.06        13  6.3  6.0  4.8  4.3  2.9  5.1   6.8
MAX_BYTES = 20 * 2**20
MICROBATCH_BYTES = 16 * 2**20

#: A microbatch has at least so many items, unless most bytes are matrices of each item.
_MIN_ITEMS = 64

#: Arrays of a multiple of so many items are computed faster than others.
_EVEN = 8

#: To divide the state takes as long as some steps.
MIN_STEPS = 32


def microbatch_size(program: Program, n_steps: int) -> int:
    """
    Decide how many items are simulated at once.

    Returns the size of the minibatch, unless it pays to divide it.
    """
    whole = program.minibatch_size
    if whole == 1 or n_steps < MIN_STEPS or not _are_independent(program):
        return whole
    n_bytes = _n_bytes(program)
    if n_bytes <= MAX_BYTES or tf.config.list_logical_devices("GPU"):
        return whole
    least = 2 if 2 * _n_bytes_of_matrices(program) > n_bytes else _MIN_ITEMS
    fitting = max(MICROBATCH_BYTES * whole // n_bytes, least)
    size = ceil(whole / ceil(whole / fitting))
    return min(size if size < _EVEN else ceil(size / _EVEN) * _EVEN, whole)


def _are_independent(program: Program) -> bool:
    """Tell whether items get the same whichever others are simulated with them."""
    mixed = any(group.mixes_items for group in program.groups)
    return program.is_self_contained and not mixed


def _n_bytes(program: Program) -> int:
    """How much memory a step works on: all state, and a half of what is in between."""
    own = [array for array in program.states if array.batch > 1]
    n_state = sum(array.n_in_step * array.batch for array in own)
    return (n_state + program.n_values) // 2 * _itemsize(program)


def _n_bytes_of_matrices(program: Program) -> int:
    """How much of it are matrices of which each item has one of its own."""
    own = [array for array in program.states if array.batch_first]
    return sum(array.signal.size * array.batch for array in own) * _itemsize(program)


def _itemsize(program: Program) -> int:
    itemsize: int = tf.as_dtype(program.layout.dtype).size
    return itemsize


class Microbatches:
    """
    Runs a program as a `RunFunction` does, for one microbatch at a time.

    Parameters
    ----------
    program : Program
        What to compute in each step, for all items.
    size : int
        How many items are simulated at once.
    make : callable
        Makes a function that runs a program.

    Attributes
    ----------
    capacity : int
        The largest number of steps in one call.
    """

    def __init__(
        self, program: Program, size: int, make: Callable[[Program], RunFunction]
    ) -> None:
        self.program = program
        self.size = size
        self.function = make(program.of_size(size))
        self.capacity = self.function.capacity

    def __call__(
        self,
        state: State,
        held: tf.Tensor,
        stepped: tf.Tensor,
        slot: tf.Tensor,
        n_steps: tf.Tensor,
    ) -> Chunk:
        """Run some steps."""
        chunks, n_items = [], self.program.minibatch_size
        for start in range(0, n_items, self.size):
            # All microbatches have one size, so the last one may repeat some items.
            first = min(start, n_items - self.size)
            items = slice(first, first + self.size)
            some = held[..., items] if held.shape[-1] > 1 else held
            chunk = self.function(
                self._part(state, items), some, stepped[..., items], slot, n_steps
            )
            chunks.append(self._without(chunk, start - first))
        return self._joined(chunks)

    def _part(self, state: State, items: slice) -> State:
        pairs = zip(self.program.states, state.arrays, strict=True)
        return state._replace(arrays=[a.items(value, items) for a, value in pairs])

    def _without(self, chunk: Chunk, n_repeated: int) -> Chunk:
        """Leave out the items that the one before had, too."""
        new = slice(n_repeated, None)
        probed = [values[..., new] for values in chunk.probed]
        return Chunk(self._part(chunk.state, new), probed)

    def _joined(self, chunks: list[Chunk]) -> Chunk:
        states = [chunk.state for chunk in chunks]
        values = zip(*(state.arrays for state in states), strict=True)
        pairs = zip(self.program.states, values, strict=True)
        probed = zip(*(chunk.probed for chunk in chunks), strict=True)
        return Chunk(
            states[-1]._replace(arrays=[array.joined(v) for array, v in pairs]),
            [tf.concat(values, axis=-1) for values in probed],
        )
