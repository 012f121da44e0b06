"""The builder of everything that only Python can compute."""

from __future__ import annotations

import weakref
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from nengo.builder.operator import Operator, SimPyFunc
from nengo.builder.signal import Signal
from nengo.exceptions import SimulationError

from nengo_dl_signals import SignalDict, SignalLayout, TensorSignal, join

from ..builder import Builder
from ..config import BuildConfig
from ..op_builder import OpBuilder
from ..ranges import describe_range
from .host import HostOperator


class _Slot(NamedTuple):
    """A signal of an operator, and where its elements are in a joined array."""

    op: int
    sig: Signal
    array: int
    place: slice


#: Reads, at this point of a step, what is shown to others while Python code runs.
Take = Callable[[SignalDict], Sequence[tf.Tensor]]

#: Shows values, for as long as the context that it returns.
Show = Callable[[Sequence[np.ndarray]], AbstractContextManager]


class _Item(NamedTuple):
    """What Python does for one batch item in each step."""

    writes: list[tuple[int, slice, Callable[[np.ndarray], None]]]
    steps: list[Callable[[], None]]
    reads: list[tuple[int, slice, Callable[[], np.ndarray]]]


@Builder.register(Operator)
class PythonBuilder(OpBuilder):
    """
    Run operators by their own ``make_step``, in Python, once for each batch item.

    Serves every operator that has no other builder: functions of nodes, custom
    processes, neuron types, synapses, learning rules. All operators of a group share
    one call from TensorFlow to Python, of whatever types they are; they are stepped in
    the order of the group, for one batch item after another. No gradient flows through
    them.

    A function of nothing but time is called once in a step, with the first item: its
    value is that of all items. It is not called if its output is given.

    Notes
    -----
    Sets, incs, reads and updates what the operators do; every signal is passed to
    Python with its current value, and those written are passed back.

    The builder has to be kept for as long as its step is run.
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
        self._once = {i for i, op in enumerate(ops) if _is_function_of_time(op)}
        self._functions = {
            i: layout[ops[i].output] for i in self._once if ops[i].output is not None
        }
        self.failure: BaseException | None = None
        self._items: list[_Item] = []
        self._take: Take = lambda signals: []
        self._show: Show = lambda values: nullcontext()

    @classmethod
    def merge_key(cls, op: Operator) -> Hashable:
        """Operators of one type merge."""
        return (type(op),)

    @classmethod
    def previous(cls, op: Operator) -> list[Signal]:
        """What Python writes, it may also read."""
        return [*op.updates, *op.sets]

    def _inputs(self, op: Operator) -> list[Signal]:
        previous = Builder.of(op).previous(op)
        return [*dict.fromkeys([*op.reads, *op.incs, *previous])]

    def observe(self, take: Take, show: Show) -> None:
        """
        Let others see the simulation while Python code runs.

        Parameters
        ----------
        take : callable
            Takes the values so far of the step that is built, and returns tensors.
        show : callable
            Takes their arrays, and returns the context in which Python code runs.
        """
        self._take, self._show = take, show

    def reset(
        self, streams: Mapping[Operator, Sequence[np.random.RandomState]]
    ) -> None:
        """Make the operators' steps anew, one for each batch item."""
        self.failure = None
        hosts: list[HostOperator] = []
        self._items = []
        for i in range(self.config.minibatch_size):
            hosts = [
                hosts[number]
                if i and number in self._once
                else HostOperator(op, self.config, streams[op][i], i)
                for number, op in enumerate(self.ops)
            ]
            self._items.append(self._item(hosts))

    def _item(self, ops: Sequence[HostOperator]) -> _Item:
        return _Item(
            [(s.array, s.place, ops[s.op].writer(s.sig)) for s in self._read],
            [op.step for op in ops],
            [(s.array, s.place, ops[s.op].reader(s.sig)) for s in self._write],
        )

    @contextmanager
    def isolated(self) -> Iterator[None]:
        """Keep the operators' steps, to go on with them after the context."""
        kept = self._items
        try:
            yield
        finally:
            self._items = kept

    def take_failure(self) -> BaseException:
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
        given = {
            number: signals.gather(output)
            for number, output in self._functions.items()
            if signals.is_given(output)
        }
        call = _weakly(self._call, frozenset(given))
        outputs = tf.numpy_function(call, [*inputs, *self._take(signals)], types)
        if not self.targets:
            return  # functions that return nothing: TensorFlow gives no tensors
        for target, value in zip(self.targets, outputs, strict=True):
            shape = (target.size, self.config.minibatch_size)
            signals.scatter(target, tf.ensure_shape(value, shape))
        for number, value in given.items():
            signals.scatter(self._functions[number], value)

    def _call(self, given: Collection[int], *inputs: np.ndarray) -> list[np.ndarray]:
        batch, n_own = self.config.minibatch_size, len(self.sources)
        outputs = [
            np.empty((target.size, batch), target.dtype) for target in self.targets
        ]
        done = self._once.union(given)  # for all items but the first
        try:
            with self._show(inputs[n_own:]):
                with np.errstate(invalid="raise", divide="ignore"):
                    for i, item in enumerate(self._items):
                        _step_item(item, i, done if i else given, inputs, outputs)
                    self._check_functions(outputs)
        except BaseException as error:
            self.failure = error
            raise
        return outputs

    def _check_functions(self, outputs: Sequence[np.ndarray]) -> None:
        """Check for numbers that were finite only until they got their type."""
        if all(np.isfinite(array).all() for array in outputs):
            return
        for slot in self._write:
            op, values = self.ops[slot.op], outputs[slot.array][slot.place]
            if isinstance(op, SimPyFunc) and not np.isfinite(values).all():
                raise SimulationError(
                    f"{op}: expected {describe_range(self.config.dtype)}, got larger "
                    "ones from its function"
                )


def _is_function_of_time(op: Operator) -> bool:
    """Tell whether an operator calls a function of nothing but time."""
    return isinstance(op, SimPyFunc) and op.x is None


def _weakly(method: Callable, *arguments: Any) -> Callable:
    """
    Call a method without keeping its object alive.

    TensorFlow's graphs may wait long for Python's garbage collector; the operators,
    and all that they refer to, do not wait with them.
    """
    reference = weakref.WeakMethod(method)

    def call(*inputs: np.ndarray) -> Any:
        found = reference()
        if found is None:
            raise SimulationError("expected the builder of this step to be kept")
        return found(*arguments, *inputs)

    return call


def _step_item(
    item: _Item,
    i: int,
    done: Collection[int],
    inputs: Sequence[np.ndarray],
    outputs: Sequence[np.ndarray],
) -> None:
    for array, place, write in item.writes:
        values = inputs[array][place]
        write(values[:, i if values.shape[1] > 1 else 0])
    for number, step in enumerate(item.steps):
        if number not in done:
            step()
    for array, place, read in item.reads:
        outputs[array][place, i] = read()


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
    numbers: dict[Hashable, int] = {}
    parts: dict[int, list[TensorSignal]] = defaultdict(list)
    lengths: dict[int, int] = defaultdict(int)
    slots = []
    for op, sig in signals:
        found = layout[sig].reshape((-1,))  # whatever its rank is
        array = numbers.setdefault((found.dtype, found.row_shape), len(numbers))
        parts[array].append(found)
        start, lengths[array] = lengths[array], lengths[array] + found.size
        slots.append(_Slot(op, sig, array, slice(start, lengths[array])))
    return [join(same) for same in parts.values()], slots
