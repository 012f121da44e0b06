"""What all methods of a simulator share: its engine, its state, its life."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf
from nengo.builder import Model
from nengo.exceptions import SimulatorClosed, ValidationError

from nengo_dl_ops.step.state import State
from nengo_dl_ops.user_warnings import warn_user

from ..data.names import Names
from ..engine.engine import Engine, StateLost
from ..engine.simulation_state import SimulationState
from ..evaluation.evaluator import Evaluator
from ..evaluation.minibatch_source import StartState
from ..evaluation.state_policy import StatePolicy
from ..execution.step_errors import python_errors
from ..gc_paused import gc_paused
from ..keras_api.callback_model import CallbackModel
from ..keras_api.compile_spec import CompileSpec
from ..progress import ProgressBar, ProgressBarLike, make_progress_bar
from ..tensorboard.directory import EventDirectory
from ..training.trainer import Trainer
from .guards import ReadOnlyAttributes, SingleUse


class SimulatorBase(ReadOnlyAttributes):
    """
    What all methods of a simulator stand on.

    `.Simulator` is put together from mixins. Each has the methods of one kind (running,
    training, saving, exporting); they check arguments and hand them to what does the
    work: the engine, the evaluator, the trainer.

    Attributes
    ----------
    model : nengo.builder.Model
        What Nengo built.
    minibatch_size : int or None
        The number of items that are simulated at once.
    seed : int
        The seed in use.
    closed : bool
        Whether the simulator was closed.
    """

    model: Model
    minibatch_size: int | None
    seed: int
    closed: bool
    progress_bar: ProgressBarLike
    jit_compile: bool | str
    device: str | None
    _engine: Engine
    _simulation: SimulationState
    _names: Names
    _model: CallbackModel
    _compiled: CompileSpec | None
    _evaluator: Evaluator
    _trainer: Trainer
    _tensorboard: EventDirectory | None
    _exit_stack: contextlib.ExitStack
    _single_use: SingleUse

    @property
    def dt(self) -> float:
        """The length of a time step, in seconds."""
        return float(self.model.dt)

    @property
    def _state(self) -> State:
        """The state after the last step."""
        return self._simulation.state

    @_state.setter
    def _state(self, value: State) -> None:
        self._simulation.state = value

    @property
    def _n_steps(self) -> int:
        """The number of steps done."""
        return self._simulation.n_steps

    @_n_steps.setter
    def _n_steps(self, value: int) -> None:
        self._simulation.n_steps = value

    def close(self) -> None:
        """
        Close the simulator: it cannot run any more.

        ``data`` and ``signals`` stay readable, with the values that they have.
        Compiled functions and TensorFlow's variables are given up.
        """
        if not self.closed:
            self.closed = self._simulation.closed = True
            self._evaluator.close()
            self._trainer.close()
            self._engine.close()
            if self._tensorboard is not None:
                self._tensorboard.close()

    def __enter__(self) -> Self:
        self._check_open("__enter__")
        self._exit_stack.enter_context(self._on_device())
        self._exit_stack.enter_context(_keras_floats(self._engine.config.dtype))
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self._exit_stack.close()
        try:
            self.close()
        except OSError:
            if not exc_info or exc_info[0] is None:  # else the first error is shown
                raise

    def __del__(self) -> None:
        if not getattr(self, "closed", True):
            try:
                warnings.warn(
                    f"Simulator with model={self.model} was deallocated while open. "
                    "Please close simulators manually to ensure resources are properly "
                    "freed.",
                    ResourceWarning,
                    stacklevel=2,
                )
            finally:  # also if warnings are errors
                self.close()

    def __getstate__(self) -> Any:
        raise NotImplementedError(
            "A simulator cannot be pickled: its compiled functions cannot. Save the "
            "parameters with sim.save_params(path), and load them into a new "
            "simulator of the same network with sim.load_params(path)."
        )

    def _post_build(self) -> None:
        """Let operators that bring variables along set them up."""
        rng = np.random.RandomState(self.seed)
        for group in self._engine.program.groups:
            group.post_build(rng)

    def _replan(self, state: State) -> State:
        """
        Plan anew, so that any parameters can be loaded, and take a state over.

        StateLost tells what would be lost; nothing is changed then.
        """
        if int(self._trainer.step) > 0:
            raise StateLost("the momenta of optimizers")
        with self._on_device(), gc_paused():
            state = self._engine.replan(state)
        self._evaluator.close()
        self._trainer.close()
        self._post_build()
        for group in self._engine.program.groups:
            group.reset(self._engine.inputs.streams)
        self._state = state
        return state

    def _initial_state(self) -> State:
        """Return the state before the first step, at the current time."""
        with self._on_device():
            state = self._engine.initial.state(self.seed)
            step = self.model.step
            return self._engine.program.state_index.with_value(
                state, step, self._n_steps
            )

    def _check_open(self, method: str) -> None:
        """Check that a method may be called: now, and by this thread."""
        if self.closed:
            raise SimulatorClosed(f"Cannot call {method} after simulator is closed")
        with self._single_use.held():
            pass

    def _bar(
        self, title: str, total: int | None, form: ProgressBarLike = None
    ) -> ProgressBar:
        """Make a progress bar; None: as the simulator was told."""
        if hasattr(self, "_engine") and not self._engine.replicas.is_chief:
            form = False
        return make_progress_bar(
            title, total, self.progress_bar if form is None else form
        )

    @contextlib.contextmanager
    def _working(self) -> Iterator[None]:
        """Compute on the simulator's device, with errors of Python code as such."""
        with (
            self._single_use.held(),
            self._on_device(),
            self._engine.replicas.scope(),
            python_errors(self._engine.program),
        ):
            yield

    @property
    def stateful(self) -> bool:
        """Whether runs may change the state of the simulation."""
        return self._engine.settings.stateful

    def _state_policy(self, stateful: bool) -> StatePolicy:
        """Let minibatches go on from each other, or all start from the same state."""
        if self._is_stateful(stateful):
            return self._evaluator.stateful_policy(self._simulation)
        return self._evaluator.isolated_policy(StartState(self._state, self._n_steps))

    def _is_stateful(self, stateful: bool) -> bool:
        """Tell whether the simulation goes on, if it is asked to."""
        if not isinstance(stateful, (bool, np.bool_)):
            raise ValidationError(
                f"expected True or False, got {stateful!r}", attr="stateful"
            )
        if stateful and not self.stateful:
            warn_user(
                "stateful=True has no effect: the network has "
                "configure_settings(stateful=False)"
            )
        return bool(stateful) and self.stateful

    def _on_device(self) -> contextlib.AbstractContextManager:
        return (
            contextlib.nullcontext() if self.device is None else tf.device(self.device)
        )


@contextlib.contextmanager
def _keras_floats(dtype: str) -> Iterator[None]:
    """Let layers, losses and metrics of Keras compute in some type by default."""
    floats, policy = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx(dtype)
    # Keras keeps the policy that it made of the type when it was first asked for one.
    if policy.name == floats:
        keras.config.set_dtype_policy(dtype)
    try:
        yield
    finally:
        keras.config.set_floatx(floats)
        keras.config.set_dtype_policy(policy)
