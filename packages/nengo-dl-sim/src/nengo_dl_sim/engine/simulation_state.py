"""The state of a simulation: where it has got to, values of signals, probe data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import tensorflow as tf
from nengo.builder.signal import Signal
from nengo.exceptions import SimulationError, SimulatorClosed
from nengo.probe import Probe

from nengo_dl_ops.step.state import State
from nengo_dl_signals import stored_value

from ..execution.jit_policy import Mode
from ..recording.probe_store import ProbeStore
from .engine import Engine
from .specialized_program import SpecializedProgram


class SimulationState:
    """
    The state of a simulation, in whichever program's form it is.

    The simulator and its ``data`` share it. Neither needs to know the other: so a
    simulator that nobody refers to any more goes at once, while ``data`` lives on.

    Parameters
    ----------
    engine : Engine
        The engine of the simulator.
    seed : int
        The seed of the random numbers that are drawn in the steps.

    Attributes
    ----------
    n_steps : int
        The number of steps done since the start or the last reset.
    n_asked_for : int
        The number of steps asked for in all: on which it depends how they are run.
    closed : bool
        Whether the simulator was closed.
    """

    def __init__(self, engine: Engine, seed: int) -> None:
        self._engine = engine
        self._state = engine.initial.state(seed)
        self._specialized: SpecializedProgram | None = None
        self.n_steps = 0
        self.n_asked_for = 0
        self.closed = False

    @property
    def state(self) -> State:
        """The state after the last step."""
        if self._specialized is not None:
            self._state, self._specialized = self._specialized.leave(self._state), None
        return self._state

    @state.setter
    def state(self, value: State) -> None:
        self._move(value, None)

    def prepare(self, mode: Mode) -> tuple[Engine | SpecializedProgram, State]:
        """
        Choose what the next steps are run by.

        The specialized program costs time to compile: it pays where XLA compiles the
        loop, which it does for long runs only.
        """
        specialized = self._enter() if mode is Mode.XLA else None
        if specialized is None:
            return self._engine, self.state
        return specialized, self._state

    def advance(
        self, chosen: Engine | SpecializedProgram, state: State, n_steps: int
    ) -> None:
        """Go on by some steps."""
        self._move(state, chosen if isinstance(chosen, SpecializedProgram) else None)
        self.n_steps += n_steps

    def _enter(self) -> SpecializedProgram | None:
        """Bring the state into the form of the specialized program, if it can be."""
        specialized = self._engine.specialized_now
        if specialized is not None and self._specialized is None:
            state = specialized.entered(self._state)
            if state is None:
                return None
            self._state, self._specialized = state, specialized
        return specialized

    def _move(self, state: State, specialized: SpecializedProgram | None) -> None:
        """Go on to a state, in the form of a program."""
        self._state, self._specialized = state, specialized
        self._engine.current.notify()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Come back afterwards to where the simulation is now."""
        before = self._state, self._specialized, self.n_steps
        try:
            yield
        finally:
            self._state, self._specialized, self.n_steps = before
            self._engine.current.notify()

    @property
    def is_within_step(self) -> bool:
        """Whether Python code is called in a step."""
        return self._engine.current.n_steps is not None

    @property
    def has_started(self) -> bool:
        """Whether steps were done since the start or the last reset of the state."""
        return bool(self._state.key[1] != 0)

    def store(self, probe: Probe) -> ProbeStore:
        """
        Return where the values of a probe are kept.

        Raises a ``SimulationError`` if it is asked for in a step before which others
        are not recorded yet.
        """
        if self._engine.current.n_steps not in (None, self.n_steps):
            raise SimulationError(
                f"{probe}: its values were asked for within a run, which hands them "
                "over many steps at a time. Connect the node that needs them to the "
                "probed object, or run single steps with sim.step()"
            )
        return self._engine.probes[probe]

    def value(self, base: Signal) -> np.ndarray | None:
        """
        Return the current value of a signal.

        Returns an array of the signal's shape; state has a batch axis before, if the
        simulation shows one. None if the signal is neither a parameter nor state.
        Raises a ``SimulationError`` if it is asked for by a function that is called for
        a step before the steps that come before it are simulated.
        """
        within = self._engine.current.n_steps
        if within is not None and base is self._engine.model.step:
            return np.array(within + 1)
        if base in self._engine.learned:
            return self._sum(*self._engine.learned[base])
        if base in self._engine.scaled:
            return self._scaled(base)
        parameter = self._engine.parameters.value(base)
        if parameter is not None:
            return parameter
        value = self._start(base)
        if value is None:
            index = self._engine.program.state_index
            value = index.value(base, self._visible_state())
        if value is None:
            return None
        if self._engine.current.n_ahead:
            raise SimulationError(
                f"{base}: its value was asked for by a function of a node without "
                "input, which is called for many steps before these are simulated. Set "
                "configure_settings(pure_functions=False), so that it is called step "
                "by step"
            )
        return value if self._engine.shows_batch else value[0]

    def _visible_state(self) -> State:
        """Return the state, as Python code that is called in a step sees it."""
        arrays = self._engine.current.arrays
        if arrays is None:
            return self.state
        return State(list(arrays), [], tf.zeros(0))

    def start(self, base: Signal) -> np.ndarray | None:
        """Return what a state starts from; None if it is no state."""
        return self._engine.initial.value(base)

    def assign(self, base: Signal, value: np.ndarray) -> None:
        """Set the value of a signal, for the steps to come."""
        engine = self._engine
        if base in engine.learned:
            start, change = engine.learned[base]
            before, since = self.value(start), self.value(change)
            base = start if since is None else change
            value = value if since is None or before is None else value - before
        if base in engine.scaled:
            unscaled, gain, _ = engine.scaled[base]
            unconstrained = engine.parameters.value(gain.unconstrained)
            if unconstrained is not None:
                value = value / np.asarray(gain.value(unconstrained))[..., None]
            base = unscaled
        index = engine.program.state_index
        if self._start(base) is not None:  # from now on it is state like others
            begun = engine.starts[base].begun
            self.state = index.with_value(self.state, begun, np.ones(begun.shape))
        if engine.parameters.value(base) is None:
            self.state = index.with_value(self.state, base, value)
        else:
            engine.parameters.assign({base: value})

    def observe(self, method: Callable[[], None]) -> None:
        """Let a method be called whenever values of signals become others."""
        self._engine.current.observe(method)

    def check_settable(self) -> None:
        """Check that signals can be set now."""
        if self.closed:
            raise SimulatorClosed("Cannot set signals after simulator is closed")
        if self._engine.current.n_steps is not None:
            raise SimulationError(
                "signals can be set between runs, not by a function that is called "
                "within one: return the value from a node that is connected to where "
                "it is needed"
            )

    def _scaled(self, base: Signal) -> np.ndarray | None:
        """Return encoders with a gain of their own; exactly those that were built."""
        parts, parameters = self._engine.scaled[base], self._engine.parameters
        unscaled = parameters.value(parts.unscaled)
        unconstrained = parameters.value(parts.gain.unconstrained)
        if unscaled is None or unconstrained is None:
            return None
        if _is_built(unscaled, parts.unscaled) and _is_built(
            unconstrained, parts.gain.unconstrained
        ):
            return np.array(base.initial_value)
        return parts.value(unscaled, unconstrained)

    def _start(self, base: Signal) -> np.ndarray | None:
        """Return what a state starts from, as long as there was no step."""
        if base not in self._engine.starts:
            return None
        start, begun = self._engine.starts[base]
        state, index = self._visible_state(), self._engine.program.state_index
        before = index.value(base, state)
        unconstrained = self._engine.parameters.value(start.unconstrained)
        have_begun = index.value(begun, state)
        if before is None or have_begun is None or unconstrained is None:
            return None
        if np.all(have_begun):
            return None
        return np.where(have_begun > 0, before, start.value(unconstrained))

    def _sum(self, start: Signal, change: Signal) -> np.ndarray | None:
        """Return the current value of what is learned online."""
        before, since = self.value(start), self.value(change)
        if before is None or since is None:  # nothing reads it, or nothing changes it
            return before
        return before + since


def _is_built(value: np.ndarray, sig: Signal) -> bool:
    return np.array_equal(value, stored_value(sig).astype(value.dtype))
