"""Operators that run in Python, on arrays of the host."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from nengo.builder.operator import Operator
from nengo.builder.processes import SimProcess
from nengo.builder.signal import Signal, is_sparse
from nengo.exceptions import SimulationError


class HostSignals:
    """
    The arrays that one operator reads and writes for one batch item.

    Takes the place of ``nengo.builder.signal.SignalDict`` in ``Operator.make_step``;
    every array can be written to, constants included, for training may change them.

    Parameters
    ----------
    signals : list of nengo.builder.Signal
        The signals of the operator.
    """

    def __init__(self, signals: Sequence[Signal]) -> None:
        self._bases: dict[Signal, Any] = {}
        for sig in signals:
            value = sig.base.initial_value
            sparse = is_sparse(sig)
            self._bases.setdefault(sig.base, value if sparse else np.array(value))

    def __getitem__(self, sig: Signal) -> Any:
        """Return the array of a signal: a view, if the signal is one."""
        base = self._bases[sig.base]
        if sig is sig.base or is_sparse(sig):
            return base
        return np.ndarray(
            sig.shape, base.dtype, base, offset=sig.offset, strides=sig.strides
        )


class HostOperator:
    """
    One operator for one batch item, stepped by Nengo's own implementation.

    Parameters
    ----------
    op : nengo.builder.Operator
        The operator.
    dt : float
        The length of a time step, in seconds.
    rng : numpy.random.RandomState
        The random numbers of the operator.
    """

    def __init__(self, op: Operator, dt: float, rng: np.random.RandomState) -> None:
        self.op = op
        self._dt = dt
        self._signals = HostSignals(op.all_signals)
        self._time = getattr(op, "t", None)
        self._step = _make_step(op, self._signals, dt, rng)

    def write(self, sig: Signal, values: np.ndarray) -> None:
        """Set a signal to values in the order of its elements."""
        if sig is self._time:
            # As a multiple of dt, not as what is left of it in single precision.
            values = np.round(np.asarray(values, float) / self._dt) * self._dt
        self._signals[sig][...] = np.reshape(values, sig.shape)

    def read(self, sig: Signal) -> np.ndarray:
        """Return the elements of a signal in order."""
        return np.ravel(self._signals[sig])

    def step(self) -> None:
        """
        Run one step.

        Raises
        ------
        nengo.exceptions.SimulationError
            If the operator's Python code raises an exception; its cause.
        """
        try:
            with np.errstate(invalid="raise", divide="ignore"):
                self._step()
        except SimulationError:
            raise
        except Exception as error:
            raise SimulationError(
                f"{self.op}: its Python code raised {type(error).__name__}: {error}"
            ) from error


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
