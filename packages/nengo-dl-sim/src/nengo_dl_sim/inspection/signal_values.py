"""A look at the values of signals, for debugging."""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, Mapping, ValuesView
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
from nengo.builder import Model
from nengo.builder.signal import Signal
from nengo.exceptions import ReadonlyError, SimulationError, ValidationError
from nengo.transforms import SparseMatrix
from numpy.typing import ArrayLike

from nengo_dl_signals import SignalLayout

from ..engine.simulation_state import SimulationState
from .live_values import live_value, with_part


class SignalValues(Mapping):
    """
    The values of a simulation's signals, as Nengo shows them.

    All signals of the model are there, views of others too. Constants and state have
    their live values: those after the last step, and for Python code that is called in
    a step those that they have at this point of it. A signal that every step sets anew
    before reading it is not kept between steps. Once steps have been done, asking for
    it is an error; in `items` and `values` it is NaN then.

    ``signals[sig] = value`` sets constants and state, between runs.

    Parameters
    ----------
    model : nengo.builder.Model
        What Nengo built.
    layout : SignalLayout
        Knows the type that floating point signals have.
    simulation : SimulationState
        The state of the simulation.
    """

    def __init__(
        self, model: Model, layout: SignalLayout, simulation: SimulationState
    ) -> None:
        self._model = model
        self._layout = layout
        self._simulation = simulation
        used = [sig for op in model.operators for sig in op.all_signals]
        self._signals = dict.fromkeys([*(sig.base for sig in used), *used])
        # Arrays that somebody keeps follow the simulation, as in Nengo.
        self._kept: WeakValueDictionary[Signal, SignalArray] = WeakValueDictionary()
        simulation.observe(self._refresh)
        self._changing = {
            sig.base for op in model.operators for sig in (*op.sets, *op.updates)
        }

    def __getitem__(self, sig: Signal) -> np.ndarray | SparseMatrix:
        """
        Return the value of a signal.

        The value is read-only; with a batch axis first if it is state and the
        simulation shows one. An array that is kept follows the simulation, as in Nengo
        (copy it to have what it is now); a SparseMatrix does not. Raises a
        ``SimulationError`` if its value is not kept between steps; if it is state, and
        a function asks for it that is called before the steps until there are
        simulated.
        """
        if sig not in self._signals:
            raise KeyError(sig)
        value = self._value(sig)
        if value is None:
            raise SimulationError(
                f"{sig}: its value is computed anew in each step, and not kept. To see "
                "it, probe the object that it belongs to; within a run, connect a node "
                "to that"
            )
        if isinstance(value, SparseMatrix):
            return value
        kept = self._kept.get(sig)
        if kept is None or kept.shape != np.shape(value):
            kept = self._kept[sig] = SignalArray(np.shape(value), self._type(sig))
        kept.show(value)
        return kept

    def _refresh(self) -> None:
        """Show the current values in all arrays that somebody keeps."""
        for sig, array in list(self._kept.items()):
            try:
                array.show(self._known(sig))
            except SimulationError:  # of steps that are not simulated yet
                array.show(_unknown(sig))

    def __setitem__(self, sig: Signal, value: ArrayLike) -> None:
        """
        Set a signal, for the steps to come.

        ``sig``: a signal of the model: a constant (such as a bias), or state (such as a
        voltage, or what a learning rule changes). ``value``: finite numbers of the
        signal's shape, or of one that NumPy broadcasts to it; state may have a batch
        axis before, if the simulation shows one. Raises a ``ValidationError`` if this
        is not a value for the signal, or the signal cannot be set.
        """
        if sig not in self._signals:
            raise ValidationError(
                f"expected a signal of the model, got {sig!r}", attr="signals"
            )
        self._simulation.check_settable()
        if sig.base in (self._model.step, self._model.time):
            raise ValidationError(
                f"{sig}: expected a signal that can be set, got the clock of the "
                "simulation, which sim.reset() sets to zero",
                attr="signals",
            )
        base = self._simulation.value(sig.base)
        if base is None:
            raise ValidationError(
                f"{sig}: expected a constant or a state, got a signal that every step "
                "computes anew, or that is the output of a node, or was simplified "
                "away. Values for nodes: sim.run_steps(n, data={node: values}); "
                "against the latter: configure_settings(simplifications=[])",
                attr="signals",
            )
        self._simulation.assign(sig.base, with_part(base, sig, value))

    def __iter__(self) -> Iterator[Signal]:
        return iter(self._signals)

    def __len__(self) -> int:
        return len(self._signals)

    def __str__(self) -> str:
        return "".join(f"{sig!r} {value!r}\n" for sig, value in self.items())

    def items(self) -> ItemsView:
        """Return all signals with their values; NaN if it is not kept."""
        return ItemsView(_Overview(self, self._known))

    def values(self) -> ValuesView:
        """Return the values of all signals; NaN if it is not kept."""
        return ValuesView(_Overview(self, self._known))

    def _known(self, sig: Signal) -> np.ndarray | SparseMatrix:
        value = self._value(sig)
        if isinstance(value, SparseMatrix):
            return value
        array = np.array(_unknown(sig) if value is None else value, self._type(sig))
        array.setflags(write=False)
        return array

    def _type(self, sig: Signal) -> Any:
        exact = sig.base in self._layout.exact or sig.dtype.kind != "f"
        return sig.dtype if exact else self._layout.dtype

    def _value(self, sig: Signal) -> Any:
        """Return a current value; None if there is none."""
        if sig is self._model.time:  # which follows from the count of steps
            return self[self._model.step] * float(self._model.dt)
        value = live_value(sig, self._simulation.value)
        if value is not None:
            return value
        begun = self._simulation.has_started or self._simulation.is_within_step
        return None if begun and sig.base in self._changing else sig.initial_value


def _unknown(sig: Signal) -> np.ndarray:
    return np.full(sig.shape, np.nan if sig.dtype.kind == "f" else 0)


class _Overview(Mapping):
    """The same signals, with values that another function returns."""

    def __init__(self, signals: SignalValues, value: Callable[[Signal], Any]) -> None:
        self._signals = signals
        self._value = value

    def __getitem__(self, sig: Signal) -> Any:
        return self._value(sig)

    def __iter__(self) -> Iterator[Signal]:
        return iter(self._signals)

    def __len__(self) -> int:
        return len(self._signals)


class SignalArray(np.ndarray):
    """
    The value of a signal: read-only; what is computed from it is a plain array.

    The values are undefined until `show` is called.
    """

    def show(self, value: ArrayLike) -> None:
        """Take over a value."""
        self.setflags(write=True)
        np.copyto(self, value)
        self.setflags(write=False)

    def __setitem__(self, index: Any, value: Any) -> None:
        self._check_writeable()
        super().__setitem__(index, value)

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any
    ) -> Any:
        for out in kwargs.get("out", ()):
            if isinstance(out, SignalArray):
                out._check_writeable()
        if "out" in kwargs:
            kwargs["out"] = tuple(map(_plain, kwargs["out"]))
        return getattr(ufunc, method)(*map(_plain, inputs), **kwargs)

    def _check_writeable(self) -> None:
        if not self.flags.writeable:
            raise ReadonlyError(
                "signals",
                msg="an array of sim.signals shows a value, and cannot be changed. To "
                "set the signal between runs: sim.signals[sig] = value",
            )


def _plain(array: Any) -> Any:
    return array.view(np.ndarray) if isinstance(array, SignalArray) else array
