"""Operators that run in Python, on arrays of the host."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from nengo.builder.operator import Operator
from nengo.builder.processes import SimProcess
from nengo.builder.signal import Signal
from nengo.exceptions import BuildError, SimulationError

from nengo_dl_signals import sparse_entries

from ..config import BuildConfig


class HostSignals:
    """
    The arrays that one operator reads and writes for one batch item.

    Takes the place of ``nengo.builder.signal.SignalDict`` in ``Operator.make_step``;
    every array can be written to, constants included, for training may change them.

    Parameters
    ----------
    signals : list of nengo.builder.Signal
        The signals of the operator.
    dtype : str
        The type of floating point values, as in the rest of the simulation.
    time : nengo.builder.Signal or None
        The signal that keeps double precision.
    """

    def __init__(
        self, signals: Sequence[Signal], dtype: str, time: Signal | None
    ) -> None:
        self._bases: dict[Signal, Any] = {}
        for sig in signals:
            value = sig.base.initial_value
            if sig.sparse:  # entries in the order in which a simulation holds them
                value = _sparse_matrix(sig)
            else:
                single = sig.base is not time and value.dtype.kind == "f"
                value = np.array(value, dtype if single else value.dtype)
            self._bases.setdefault(sig.base, value)

    def __getitem__(self, sig: Signal) -> Any:
        """Return the array of a signal: a view, if the signal is one."""
        base = self._bases[sig.base]
        if sig is sig.base:
            return base
        # Nengo counts bytes of its own type, which may be another one.
        n, mine = sig.dtype.itemsize, base.itemsize
        strides = [stride // n * mine for stride in sig.strides]
        offset = sig.offset // n * mine
        return np.ndarray(sig.shape, base.dtype, base, offset=offset, strides=strides)


def _sparse_matrix(sig: Signal) -> Any:
    """Make a matrix whose ``data`` are the entries that a simulation holds."""
    try:
        from scipy.sparse import coo_matrix
    except ImportError as error:
        raise BuildError(
            f"Signal '{sig.name}': a sparse matrix that an operator in Python reads "
            "needs SciPy: install scipy"
        ) from error
    rows, columns, values = sparse_entries(sig)
    return coo_matrix((np.array(values), (rows, columns)), sig.shape)


class HostOperator:
    """
    One operator for one batch item, stepped by Nengo's own implementation.

    Parameters
    ----------
    op : nengo.builder.Operator
        The operator.
    config : BuildConfig
        The settings of the simulation.
    rng : numpy.random.RandomState
        The random numbers of the operator.
    item : int
        Which batch item it is for.
    """

    def __init__(
        self, op: Operator, config: BuildConfig, rng: np.random.RandomState, item: int
    ) -> None:
        self.op = op
        self._dt = dt = config.dt
        self._time = getattr(op, "t", None)
        self._signals = HostSignals(op.all_signals, config.dtype, self._time)
        self._step = _make_step(_drawing_from(rng, op, item), self._signals, dt, rng)

    def writer(self, sig: Signal) -> Callable[[np.ndarray], None]:
        """Make a function that sets a signal to values in the order of its elements."""
        array, dt = self._signals[sig], self._dt
        if sig.sparse:
            array = array.data
        if sig is self._time:
            # As a multiple of dt, not as what is left of it in single precision.
            def write_time(values: np.ndarray) -> None:
                array[...] = round(float(values[0]) / dt) * dt

            return write_time

        def write(values: np.ndarray) -> None:
            array[...] = values.reshape(array.shape)

        return write

    def reader(self, sig: Signal) -> Callable[[], np.ndarray]:
        """Make a function that returns the elements of a signal in order."""
        array = self._signals[sig]
        return (array.data if sig.sparse else array).ravel

    def step(self) -> None:
        """Run one step."""
        try:
            self._step()
        except SimulationError:
            raise
        except Exception as error:
            raise SimulationError(
                f"{self.op}: its Python code raised {type(error).__name__}: {error}"
            ) from error


def _drawing_from(rng: np.random.RandomState, op: Operator, item: int) -> Operator:
    """
    Let neurons draw from random numbers of their own.

    Nengo keeps those of a neuron type in the model, where all batch items, runs and
    simulators would share them. The first item draws the same numbers as in Nengo.
    """
    built = getattr(op, "state_extra", {})
    if not built:
        return op
    if item == 0:
        rng.set_state(next(iter(built.values())).get_state())
    own = copy.copy(op)
    own.state_extra = dict.fromkeys(built, rng)
    return own


def _make_step(
    op: Operator, signals: HostSignals, dt: float, rng: np.random.RandomState
) -> Any:
    if not isinstance(op, SimProcess):
        return op.make_step(signals, dt, rng)
    # Not by the operator, which would draw the seed of a second generator from this.
    process, output = op.process, signals[op.output]
    x = None if op.input is None else signals[op.input]
    state = {name: signals[sig] for name, sig in op.state.items()}
    shape_in = (0,) if x is None else x.shape
    function = process.make_step(shape_in, output.shape, dt, rng, state)
    time = signals[op.t]

    def step() -> None:
        arguments = () if x is None else (x.copy(),)
        value = function(time.item(), *arguments)
        if value is None:
            return  # the process leaves its output as it is
        if op.mode == "inc":
            output[...] += value
        else:
            output[...] = value

    return step
