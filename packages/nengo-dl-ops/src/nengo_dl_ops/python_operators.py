"""The builder of everything that only Python can compute."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from nengo.builder.operator import Operator, SimPyFunc
from nengo.builder.signal import Signal
from nengo.exceptions import SimulationError

from nengo_dl_signals import SignalDict, SignalLayout, TensorSignal, join

from .builder import Builder, OpBuilder
from .config import BuildConfig
from .host import HostOperator


class _Slot(NamedTuple):
    """A signal of an operator, and where its elements are in a joined array."""

    op: int
    sig: Signal
    array: int
    start: int
    stop: int


@Builder.register(Operator)
class PythonBuilder(OpBuilder):
    """
    Run operators by their own ``make_step``, in Python, once for each batch item.

    Serves every operator that has no other builder: functions of nodes, custom
    processes, neuron types, synapses, learning rules. All operators of a group share
    one call from TensorFlow to Python. No gradient flows through them.

    Notes
    -----
    Sets, incs, reads and updates what the operators do; every signal is passed to
    Python with its current value, and those written are passed back.
    """

    python = True

    def __init__(
        self, ops: Sequence[Operator], layout: SignalLayout, config: BuildConfig
    ) -> None:
        super().__init__(ops, layout, config)
        reads = [(i, sig) for i, op in enumerate(ops) for sig in self._inputs(op)]
        writes = [(i, sig) for i, op in enumerate(ops) for sig in _outputs(op)]
        self.sources, self._read = _join_slots(reads, layout)
        self.targets, self._write = _join_slots(writes, layout)
        self.failure: Exception | None = None
        self._items: list[list[HostOperator]] = []

    @classmethod
    def merge_key(cls, op: Operator) -> Hashable:
        """Operators of one type merge."""
        return (type(op),)

    @classmethod
    def previous(cls, op: Operator) -> list[Signal]:
        """What Python writes, it may also read."""
        return [*op.updates, *op.sets]

    def _inputs(self, op: Operator) -> list[Signal]:
        return [*dict.fromkeys([*op.reads, *op.incs, *self.previous(op)])]

    def reset(
        self, streams: Mapping[Operator, Sequence[np.random.RandomState]]
    ) -> None:
        """Make the operators' steps anew, one for each batch item."""
        self.failure = None
        self._items = [
            [HostOperator(op, self.config.dt, rng) for rng in streams[op]]
            for op in self.ops
        ]

    def take_failure(self) -> Exception:
        """
        Return the exception that the last call raised, and forget it.

        TensorFlow passes on no more than the text of an exception.
        """
        failure, self.failure = self.failure, None
        return failure or SimulationError("Python code failed for an unknown reason")

    def build_step(self, signals: SignalDict) -> None:
        """Call Python once for all operators and batch items."""
        types = [tf.as_dtype(target.dtype) for target in self.targets]
        inputs = [signals.gather(source) for source in self.sources]
        outputs = tf.numpy_function(self._call, inputs, types)
        for target, value in zip(self.targets, outputs, strict=True):
            shape = (target.size, self.config.minibatch_size)
            signals.scatter(target, tf.ensure_shape(value, shape))

    def _call(self, *inputs: np.ndarray) -> list[np.ndarray]:
        batch = self.config.minibatch_size
        outputs = [
            np.empty((target.size, batch), target.dtype) for target in self.targets
        ]
        try:
            for item in range(batch):
                self._step_item(item, inputs, outputs)
        except Exception as error:
            self.failure = error
            raise
        return outputs

    def _step_item(
        self, item: int, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray]
    ) -> None:
        for slot in self._read:
            values = inputs[slot.array][slot.start : slot.stop]
            own = values[:, item if values.shape[1] > 1 else 0]
            self._items[slot.op][item].write(slot.sig, own)
        for op in self._items:
            op[item].step()
        for slot in self._write:
            values = self._items[slot.op][item].read(slot.sig)
            outputs[slot.array][slot.start : slot.stop, item] = values


@Builder.register(SimPyFunc)
class SimPyFuncBuilder(PythonBuilder):
    """
    Call Python functions: ``output[...] = fn(t, x)``.

    Notes
    -----
    1. sets ``[output]``
    2. incs ``[]``
    3. reads ``[t, x]``
    4. updates ``[]``
    """

    @classmethod
    def previous(cls, op: Operator) -> list[Signal]:
        """A function does not see its previous output."""
        return []


def _outputs(op: Operator) -> list[Signal]:
    return [*dict.fromkeys([*op.sets, *op.incs, *op.updates])]


def _join_slots(
    signals: Sequence[tuple[int, Signal]], layout: SignalLayout
) -> tuple[list[TensorSignal], list[_Slot]]:
    """Join signals into as few arrays as their types allow."""
    parts: dict[Hashable, list[TensorSignal]] = defaultdict(list)
    slots = []
    for op, sig in signals:
        found = layout[sig]
        key = found.dtype, found.row_shape
        array = [*parts, key].index(key)
        start = sum(part.size for part in parts[key])
        parts[key].append(found)
        slots.append(_Slot(op, sig, array, start, start + found.size))
    joined = [join(same) for same in parts.values()]
    return [whole.reshape((whole.size,)) for whole in joined], slots
