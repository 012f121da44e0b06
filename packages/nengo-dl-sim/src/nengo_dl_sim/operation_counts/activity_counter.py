"""Counts of what happens in a step, in the loop over steps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from nengo.builder.signal import Signal

from nengo_dl_ops.step.program import Program
from nengo_dl_signals import TensorSignal, join

from ..execution.recorder import Carried, Recorder
from .products import Product
from .watched import Watch, Watched

#: Counts of a chunk of steps take little memory: there are at most 1,024 of them.
_COUNTS = tf.uint16

#: Two counts in one number take one pass through memory: the second begins at this bit.
_TWO_COUNTS, _BITS = tf.int32, 16
_SECOND = 1 << _BITS


class Block(NamedTuple):
    """
    Watched signals that are looked at in one go: all of one size, or all that spike.

    Parameters
    ----------
    watches : list of Watch
        What they are.
    signal : TensorSignal
        Their elements, joined.
    heights : (n, n_heights, 1, 1) array
        The absolute values of spikes, for each. None: whatever is not zero is one.
    is_whole : bool
        Whether elements are 0, 1, 2, ... spikes, and nothing else.
    """

    watches: Sequence[Watch]
    signal: TensorSignal
    heights: np.ndarray | None
    is_whole: bool


class ChunkCounts(NamedTuple):
    """
    What was counted in some steps.

    Parameters
    ----------
    nonzero : dict from nengo.builder.Signal to (size, batch) array of int
        In how many steps each element was not zero.
    multiplied : dict from nengo.builder.Signal to (size, batch) array of int
        In how many of these there was something else in the signal than spikes. Signals
        that never hold anything else are missing.
    updates : dict from nengo.builder.Signal to (batch,) array of int
        How often a voltage became another one.
    learned : list of (2, batch) array of int
        For each product with learned weights, the accumulations and the products.
    """

    nonzero: dict[Signal, np.ndarray]
    multiplied: dict[Signal, np.ndarray]
    updates: dict[Signal, np.ndarray]
    learned: list[np.ndarray]


class ActivityCounter(Recorder):
    """
    Counts, step by step, elements that are not zero and voltages that change.

    A layer of which all inputs are 0 or a spike accumulates, else it multiplies: as
    NeuroBench has it, for each item by itself.

    Parameters
    ----------
    program : Program
        What is computed in each step.
    watched : Watched
        What is looked at; all of it is in ``program.outputs``.
    """

    def __init__(self, program: Program, watched: Watched) -> None:
        self._program, self._watched = program, watched
        self._blocks = _blocks(program.outputs, watched.inputs.values())
        self._membranes = [program.outputs[sig] for sig in watched.membranes]
        self._learned = watched.learned
        together = [join(self._membranes)] if self._membranes else []
        weights = [program.outputs[each.weights] for each in self._learned]
        self.before = together
        self.outputs = [*(block.signal for block in self._blocks), *together, *weights]

    def start(self) -> Carried:
        """Return zeros."""
        batch = self._program.minibatch_size
        kinds = [_COUNTS if b.heights is None else _TWO_COUNTS for b in self._blocks]
        sizes = [block.signal.size for block in self._blocks]
        pairs = [*zip(sizes, kinds, strict=True)]
        pairs += [(signal.size, _COUNTS) for signal in self.before]
        zeros = [tf.zeros((size, batch), kind) for size, kind in pairs]
        return zeros + [tf.zeros((2, batch), tf.int64) for _ in self._learned]

    def after(
        self, carried: Carried, values: Sequence[tf.Tensor], slot: tf.Tensor, i: int
    ) -> Carried:
        """Count in a step; ``slot[0, i]`` tells whether it is the first of an item."""
        counts, given = iter(carried), iter(values)
        before = [next(given) for _ in self.before]
        inputs = [next(given) for _ in self._blocks]
        voltages = [next(given) for _ in self.before]
        nonzero = [tf.not_equal(value, 0) for value in inputs]
        mixed = list(map(_mixed, self._blocks, inputs))
        found = [next(counts) + one for one in map(_in_step, nonzero, mixed)]
        for old, new in zip(before, voltages, strict=True):
            changed = tf.not_equal(old, new) | tf.equal(slot[0, i], 1)
            found.append(next(counts) + tf.cast(changed, _COUNTS))
        places = self._places if self._learned else {}
        for product, weights in zip(self._learned, given, strict=True):
            number, row, elements = places[product.inputs]
            met = _met(product, weights, nonzero[number][elements])
            others = mixed[number]
            of_macs = 0 if others is None else tf.cast(others[row, 0], met.dtype)
            found.append(next(counts) + tf.stack([met * (1 - of_macs), met * of_macs]))
        return found

    def end(self, carried: Carried) -> list[tf.Tensor]:
        """Return the counts."""
        return carried

    @property
    def _places(self) -> dict[Signal, tuple[int, int, slice]]:
        """Return the block of each signal, and its place there."""
        found = {}
        for number, block in enumerate(self._blocks):
            end = 0
            for row, sig in enumerate(_signals(block)):
                start, end = end, end + sig.size
                found[sig] = number, row, slice(start, end)
        return found

    def counts(self, recorded: Sequence[np.ndarray]) -> ChunkCounts:
        """Sort what `end` returned by signals."""
        arrays = iter([np.asarray(each, np.int64) for each in recorded])
        nonzero, multiplied = {}, {}
        for block in self._blocks:
            both = next(arrays)
            nonzero.update(_split(_signals(block), both & (_SECOND - 1)))
            if block.heights is not None:
                multiplied.update(_split(_signals(block), both >> _BITS))
        changed = next(arrays) if self.before else np.zeros((0, 0), np.int64)
        parts = _split(self._watched.membranes, changed)
        updates = {sig: part.sum(axis=0) for sig, part in parts.items()}
        return ChunkCounts(nonzero, multiplied, updates, list(arrays))


def _blocks(places: Mapping, watches) -> list[Block]:  # type: ignore[no-untyped-def]
    """Put signals together that are looked at alike."""
    alike: dict[tuple, list[Watch]] = defaultdict(list)
    for watch in watches:
        size = watch.signal.size if watch.heights else None
        dtype = places[watch.signal].dtype
        alike[dtype, size, len(watch.heights), watch.is_whole].append(watch)
    found = []
    for (_, size, _, is_whole), group in alike.items():
        parts = [places[watch.signal] for watch in group]
        joined = join([part.reshape((part.size,)) for part in parts])
        heights = np.array([watch.heights for watch in group])[:, :, None, None]
        found.append(Block(group, joined, heights if size else None, is_whole))
    return found


def _signals(block: Block) -> list[Signal]:
    return [watch.signal for watch in block.watches]


def _mixed(block: Block, value: tf.Tensor) -> tf.Tensor | None:
    """Tell whether signals hold anything but spikes of a height, (n, 1, batch)."""
    if block.heights is None:
        return None
    n = len(block.watches)
    heights = np.abs(block.heights).astype(value.dtype.as_numpy_dtype)
    tolerance = 4 * np.finfo(heights.dtype).eps
    value = tf.reshape(value, (n, -1, value.shape[-1]))
    if block.is_whole:  # then XLA has one plain reduction to compute
        return tf.reduce_max(value, axis=1, keepdims=True) > 1.5 * heights[:, 0]
    value = tf.abs(value)
    is_one = tf.equal(value, 0)
    for k in range(heights.shape[1]):
        is_one |= tf.abs(value - heights[:, k]) <= tolerance * heights[:, k]
    return tf.reduce_any(~is_one, axis=1, keepdims=True)


def _in_step(there: tf.Tensor, mixed: tf.Tensor | None) -> tf.Tensor:
    """Count elements that are not zero; a second time where signals are mixed."""
    if mixed is None:
        return tf.cast(there, _COUNTS)
    n, _, batch = mixed.shape
    one = 1 + _SECOND * tf.cast(mixed, _TWO_COUNTS)
    found = tf.where(tf.reshape(there, (n, -1, batch)), one, tf.zeros_like(one))
    return tf.reshape(found, there.shape)


def _met(product: Product, weights: tf.Tensor, there: tf.Tensor) -> tf.Tensor:
    """Count the learned weights, (..., batch), that nonzero elements meet."""
    nonzero = tf.cast(tf.not_equal(weights, 0), tf.int64)
    if len(nonzero.shape) == 3:
        nonzero = tf.reduce_sum(nonzero, axis=0)
    return tf.reduce_sum(nonzero * tf.cast(there, tf.int64), axis=0)


def _split(signals: Sequence[Signal], array: np.ndarray) -> dict[Signal, np.ndarray]:
    ends = np.cumsum([sig.size for sig in signals])[:-1]
    return dict(zip(signals, np.split(array, ends), strict=True))
