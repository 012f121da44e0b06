"""The simulator: a network's life from build to close."""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import nengo
import numpy as np
import tensorflow as tf
from nengo.builder import Model
from nengo.builder.signal import Signal
from nengo.exceptions import ReadonlyError, SimulatorClosed, ValidationError
from nengo.probe import Probe

from . import saving
from .checks import (
    NetworkSnapshot,
    check_count,
    check_device,
    check_dt,
    check_duration,
    check_jit_compile,
    check_network,
    check_seed,
)
from .compile import Mode, choose_mode
from .construction import assemble, build_model, choose_seed
from .data import check_inputs
from .errors import python_errors
from .optimizers import check_optimizer
from .progress import ProgressBar, make_progress_bar
from .runner import Progress
from .signal_values import SignalValues
from .simulation_data import SimulationData
from .training import Objectives, Training, TrainingData

logger = logging.getLogger(__name__)


class Simulator:
    """
    Simulates and trains a Nengo network with TensorFlow.

    Takes the place of ``nengo.Simulator``: the same model gives the same answer.

    Parameters
    ----------
    network : nengo.Network or None
        The network to simulate. None if ``model`` holds a complete one.
    dt : float
        The length of a time step, in seconds.
    seed : int, optional
        The seed of all random processes of the simulation.
    model : nengo.builder.Model, optional
        A model to build the network into, or one that was built before.
    device : str, optional
        The TensorFlow device to run on, for example ``"/cpu:0"`` or ``"/gpu:0"``.
    minibatch_size : int, optional
        How many items are simulated at once. If None, one item is, and data has no
        batch axis.
    unroll_simulation : int
        How many steps are compiled as one iteration of the loop. More compile longer
        and may run faster. The number of steps that run is never rounded.
    progress_bar : bool
        Whether progress bars are shown.
    jit_compile : bool or "auto"
        Whether XLA compiles the simulation. ``"auto"`` compiles once so many steps
        have been asked for that it pays.

    Attributes
    ----------
    data : SimulationData
        What probes recorded, and the live parameters of the network's objects.
    model : nengo.builder.Model
        What Nengo built.
    minibatch_size : int or None
        The number of items that are simulated at once.
    seed : int
        The seed in use.
    closed : bool
        Whether the simulator was closed.

    Raises
    ------
    nengo.exceptions.ValidationError
        If an argument is not what is described here.
    nengo.exceptions.BuildError
        If the network cannot be built, or contains something that cannot be computed.

    Examples
    --------
    >>> with nengo.Network(seed=0) as net:
    ...     stimulus = nengo.Node(np.sin)
    ...     ens = nengo.Ensemble(20, 1)
    ...     connection = nengo.Connection(stimulus, ens)
    ...     probe = nengo.Probe(ens, synapse=0.01)
    >>> with Simulator(net, progress_bar=False) as sim:
    ...     sim.run(0.01)
    >>> sim.data[probe].shape
    (10, 1)
    """

    def __init__(
        self,
        network: nengo.Network | None,
        dt: float = 0.001,
        seed: int | None = None,
        model: Model | None = None,
        device: str | None = None,
        minibatch_size: int | None = None,
        unroll_simulation: int = 1,
        progress_bar: bool = True,
        jit_compile: bool | str = "auto",
    ) -> None:
        self.closed = True  # until everything is built
        if minibatch_size is not None:
            check_count("minibatch_size", minibatch_size, low=1)
        check_count("unroll_simulation", unroll_simulation, low=1)
        check_jit_compile(jit_compile)
        check_network(network)
        check_seed(seed)
        check_device(device)
        self.progress_bar = progress_bar
        self.minibatch_size = minibatch_size
        self.unroll = unroll_simulation
        self.device = device
        self.jit_compile = jit_compile
        self.seed = choose_seed(network, seed)
        with self._bar("Building", None), self._on_device():
            self.model = build_model(network, model, check_dt(dt))
            self._parts = assemble(
                network, self.model, self.seed, minibatch_size, unroll_simulation
            )
        self._snapshot = NetworkSnapshot(network)
        self._steps_asked_for = 0
        self.data = SimulationData(self.model, self._probe_data, self._live_value)
        self._training = Training(self._parts, network, self.seed, jit_compile)
        self._post_build()
        self.closed = False
        self.soft_reset(include_probes=True)

    @property
    def dt(self) -> float:
        """The length of a time step, in seconds."""
        return float(self.model.dt)

    @dt.setter
    def dt(self, value: Any) -> None:
        raise ReadonlyError(attr="dt", obj=self)

    @property
    def n_steps(self) -> int:
        """The number of steps done since the start or the last reset."""
        return self._n_steps

    @property
    def time(self) -> float:
        """The simulated time, in seconds."""
        return self._n_steps * self.dt

    @property
    def training_step(self) -> int | None:
        """The number of minibatches trained on; None if built for inference only."""
        return None if self._parts.inference_only else self._training.n_trained

    @property
    def signals(self) -> SignalValues:
        """The values of all signals, by base signal, for debugging."""
        return SignalValues(self._parts.program.layout, self._live_value)

    def run(self, time_in_seconds: float, **kwargs: Any) -> None:
        """
        Simulate for some time.

        Parameters
        ----------
        time_in_seconds : float
            How long, in seconds; rounded to the nearest time step.
        **kwargs
            Passed on to `run_steps`.

        Raises
        ------
        nengo.exceptions.ValidationError
            If the time is negative, or an argument of `run_steps` is wrong.
        nengo.exceptions.SimulatorClosed
            If the simulator was closed.

        Warns
        -----
        UserWarning
            If the time is less than half a step: nothing is run.
        """
        self._check_open("run")
        seconds = check_duration("time_in_seconds", time_in_seconds)
        n_steps = int(np.round(seconds / self.dt))
        if n_steps == 0:
            warnings.warn(
                f"{time_in_seconds} results in running for 0 timesteps. "
                f"Simulator still at time {self.time}.",
                stacklevel=2,
            )
        else:
            self.run_steps(n_steps, **kwargs)

    def step(self, **kwargs: Any) -> None:
        """
        Simulate one time step.

        Parameters
        ----------
        **kwargs
            Passed on to `run_steps`.
        """
        self.run_steps(1, **{"progress_bar": False, **kwargs})

    def run_steps(
        self,
        n_steps: int,
        data: Mapping[nengo.Node, np.ndarray] | None = None,
        progress_bar: bool | None = None,
    ) -> None:
        """
        Simulate a number of time steps.

        Parameters
        ----------
        n_steps : int
            How many steps.
        data : dict from nengo.Node to (minibatch_size, n_steps, size_out) array
            Values for nodes without input, in place of their own output.
        progress_bar : bool, optional
            Whether to show a progress bar. None: as the simulator was told.

        Raises
        ------
        nengo.exceptions.ValidationError
            If an argument is not what is described here. Nothing is run then.
        nengo.exceptions.SimulationError
            If a function of a node fails.
        nengo.exceptions.SimulatorClosed
            If the simulator was closed.
        """
        self._check_open("run_steps")
        check_count("n_steps", n_steps)
        self._snapshot.check()
        batch = self.minibatch_size or 1
        given = check_inputs(
            {} if data is None else data,
            self._parts.inputs.nodes,
            batch_size=batch,
            n_steps=n_steps,
            dtype=self._parts.config.dtype,
        )
        self._steps_asked_for += n_steps
        program = self._parts.program
        mode = choose_mode(
            self.jit_compile,
            len(program.groups),
            program.runs_python,
            self._steps_asked_for,
        )
        with self._on_device(), python_errors(program):
            self._run_steps(n_steps, given, mode, progress_bar)

    def _run_steps(
        self,
        n_steps: int,
        given: dict[nengo.Node, np.ndarray],
        mode: Mode,
        progress_bar: bool | None,
    ) -> None:
        """Compile if need be, then run chunk by chunk."""
        runner = self._parts.runner
        if not runner.is_compiled(given, mode):
            with self._bar("Compiling", None, progress_bar):
                runner.compile(self._state, given, mode)
        with self._bar("Simulating", n_steps, progress_bar) as bar:
            for chunk in runner.run(self._state, self._n_steps, n_steps, given, mode):
                self._keep(chunk)
                bar.step(chunk.n_steps)

    def train(
        self,
        data: TrainingData,
        optimizer: Any,
        n_epochs: int = 1,
        objective: Objectives | None = None,
        shuffle: bool = True,
        progress_bar: bool | None = None,
    ) -> None:
        """
        Optimise the trainable parameters.

        Spiking neurons take part as their rate approximation. The state of the
        simulation is not touched: every minibatch starts from the initial state.

        Parameters
        ----------
        data : dict or int
            Values for nodes and targets for probes,
            ``(n_items, n_steps, size) array``; or a number of steps, to train on the
            nodes' own output.
        optimizer : keras.optimizers.Optimizer or tf.compat.v1.train.Optimizer
            What turns gradients into changes. An optimizer that is used again
            continues from where it was.
        n_epochs : int
            How often to go through the data.
        objective : dict, optional
            For each probe, or tuple of probes, a function of the outputs
            ``(minibatch_size, n_steps, size) tf.Tensor`` and, if it takes two
            arguments, of the targets. It returns a scalar, or a value for each item,
            whose sum is minimised. ``None`` in place of a function: the target is the
            gradient itself. Default: the mean squared error of every probe in
            ``data``.
        shuffle : bool
            Whether items are put into minibatches in a new random order each epoch.
        progress_bar : bool, optional
            Whether to show a progress bar. None: as the simulator was told.

        Raises
        ------
        nengo.exceptions.ValidationError
            If an argument is not what is described here. Nothing is trained then.
        nengo.exceptions.SimulationError
            If the objective is not a finite number. The parameters keep the values
            of the minibatch before.
        nengo.exceptions.SimulatorClosed
            If the simulator was closed.

        Warns
        -----
        UserWarning
            If the number of items is not a multiple of the minibatch size: the rest
            is left out. If one step is trained through synapses.
        """
        self._check_open("train")
        check_optimizer(optimizer)
        check_count("n_epochs", n_epochs)
        self._snapshot.check()
        training_set = self._training.training_set(data, objective)
        bar = self._bar("Training", n_epochs * training_set.n_batches, progress_bar)
        program = self._parts.program
        with bar as shown, self._on_device(), python_errors(program):
            self._training.train(training_set, optimizer, n_epochs, shuffle, shown)

    def loss(
        self,
        data: TrainingData,
        objective: Objectives | None = None,
        combine: Callable = np.mean,
        training: bool = False,
        progress_bar: bool | None = None,
    ) -> float:
        """
        Compute the value of an objective, without changing anything.

        Parameters
        ----------
        data : dict or int
            As in `train`.
        objective : dict, optional
            As in `train`.
        combine : callable
            Makes one value from those of all minibatches.
        training : bool
            Whether spiking neurons are replaced by their rate approximation.
        progress_bar : bool, optional
            Whether to show a progress bar. None: as the simulator was told.

        Returns
        -------
        loss : float
            The sum over the objectives.

        Raises
        ------
        nengo.exceptions.ValidationError
            If an argument is not what is described here.
        nengo.exceptions.SimulatorClosed
            If the simulator was closed.
        """
        self._check_open("loss")
        self._snapshot.check()
        training_set = self._training.training_set(data, objective)
        bar = self._bar("Calculating loss", training_set.n_batches, progress_bar)
        program = self._parts.program
        with bar as shown, self._on_device(), python_errors(program):
            return self._training.loss(training_set, combine, training, shown)

    def reset(self, seed: int | None = None) -> None:
        """
        Return to the state after the build: parameters, state, probes, time.

        Parameters
        ----------
        seed : int, optional
            A new seed, kept for later resets.

        Raises
        ------
        nengo.exceptions.SimulatorClosed
            If the simulator was closed.
        """
        self._check_open("reset")
        check_seed(seed)
        if seed is not None:
            self.seed = seed
        self._training.reset(self.seed)
        self._parts.parameters.reset()
        self._post_build()
        self.soft_reset(include_probes=True)

    def soft_reset(
        self, include_trainable: bool = False, include_probes: bool = False
    ) -> None:
        """
        Return to the state before the first step, keeping what was learned.

        Parameters
        ----------
        include_trainable : bool
            Whether parameters return to their initial values, too.
        include_probes : bool
            Whether probe data and the step counter are cleared, too.

        Raises
        ------
        nengo.exceptions.SimulatorClosed
            If the simulator was closed.
        """
        self._check_open("soft_reset")
        if include_trainable:
            self._parts.parameters.reset()
        with self._on_device():
            self._state = self._parts.program.initial_state(self.seed)
        self._parts.inputs.reset(self.seed)
        for group in self._parts.program.groups:
            group.reset(self._parts.inputs.streams)
        if include_probes:
            self.clear_probes()
            self._n_steps = 0

    def clear_probes(self) -> None:
        """Forget what probes have recorded."""
        for probe in self._parts.probes:
            probe.clear()

    def trange(
        self, sample_every: float | None = None, dt: float | None = None
    ) -> np.ndarray:
        """
        Return the times of probe data.

        Parameters
        ----------
        sample_every : float, optional
            The sampling period of the probe, in seconds. None: every step.
        dt : float, optional
            The former name of ``sample_every``.

        Returns
        -------
        times : (n_values,) array
            In seconds; the first is ``dt``.

        Raises
        ------
        nengo.exceptions.ValidationError
            If both names are given.

        Warns
        -----
        DeprecationWarning
            If ``dt`` is given.
        """
        if dt is not None:
            if sample_every is not None:
                raise ValidationError(
                    "expected either sample_every or dt, got both (they are the same; "
                    "use sample_every)",
                    attr="dt",
                )
            warnings.warn(
                "`dt` is deprecated. Use `sample_every` instead.",
                DeprecationWarning,
                stacklevel=2,
            )
            sample_every = dt
        period = 1 if sample_every is None else sample_every / self.dt
        steps = np.arange(1, self.n_steps + 1)
        return self.dt * steps[steps % period < 1]

    def save_params(
        self,
        path: str | os.PathLike,
        include_global: bool = True,
        include_local: bool = False,
        include_state: bool | None = None,
    ) -> None:
        """
        Save parameters to a file, from which `load_params` gets them back.

        Parameters
        ----------
        path : str or path-like
            The file; gets the ending ``.npz`` if it has none.
        include_global : bool
            Whether to save parameters.
        include_local : bool
            Whether to save the state of the simulation.
        include_state : bool, optional
            Another name of ``include_local``.

        Raises
        ------
        nengo.exceptions.SimulatorClosed
            If the simulator was closed.
        OSError
            If the file cannot be written. A file that was there is not touched then.
        """
        self._check_open("save_params")
        state = include_local if include_state is None else include_state
        saving.save(path, self._parts, self._state, include_global, state)

    def load_params(
        self,
        path: str | os.PathLike,
        include_global: bool = True,
        include_local: bool = False,
        include_state: bool | None = None,
    ) -> None:
        """
        Load parameters from a file that `save_params` wrote.

        Parameters
        ----------
        path : str or path-like
            The file.
        include_global : bool
            Whether to load parameters.
        include_local : bool
            Whether to load the state of the simulation.
        include_state : bool, optional
            Another name of ``include_local``.

        Raises
        ------
        nengo.exceptions.SimulatorClosed
            If the simulator was closed.
        nengo.exceptions.ValidationError
            If the file is damaged or does not fit this network; the error names the
            parameter. Nothing is changed then.
        """
        self._check_open("load_params")
        state = include_local if include_state is None else include_state
        self._state = saving.load(path, self._parts, self._state, include_global, state)

    def close(self) -> None:
        """Close the simulator: it cannot run any more, its data stays readable."""
        self.closed = True

    def __enter__(self) -> Simulator:
        self._check_open("__enter__")
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self.close()

    def __del__(self) -> None:
        if not getattr(self, "closed", True):
            warnings.warn(
                f"Simulator with model={self.model} was deallocated while open. Please "
                "close simulators manually to ensure resources are properly freed.",
                ResourceWarning,
                stacklevel=2,
            )

    def __getstate__(self) -> Any:
        raise NotImplementedError(
            "A simulator cannot be pickled: its compiled functions cannot. Save the "
            "parameters with sim.save_params(path), and load them into a new "
            "simulator of the same network with sim.load_params(path)."
        )

    def _check_open(self, method: str) -> None:
        if self.closed:
            raise SimulatorClosed(f"Cannot call {method} after simulator is closed")

    def _bar(
        self, title: str, total: int | None, shown: bool | None = None
    ) -> ProgressBar:
        return make_progress_bar(
            title, total, self.progress_bar if shown is None else shown
        )

    def _on_device(self) -> contextlib.AbstractContextManager:
        return (
            contextlib.nullcontext() if self.device is None else tf.device(self.device)
        )

    def _post_build(self) -> None:
        """Let operators that bring variables along set them up."""
        rng = np.random.RandomState(self.seed)
        for group in self._parts.program.groups:
            group.post_build(rng)

    def _keep(self, chunk: Progress) -> None:
        """Take over the result of a chunk of steps."""
        for store, values in zip(self._parts.probes, chunk.probed, strict=True):
            store.add(self._n_steps, chunk.n_steps, values)
        self._state = chunk.state
        self._n_steps += chunk.n_steps

    def _probe_data(self, probe: Probe) -> np.ndarray:
        return self._parts.probes[self.model.probes.index(probe)].data()

    def _live_value(self, base: Signal) -> np.ndarray | None:
        value = self._parts.parameters.value(base)
        return self._state_value(base) if value is None else value

    def _state_value(self, base: Signal) -> np.ndarray | None:
        """Return what online learning made of a signal, batch axis first."""
        value = self._parts.program.state_value(base, self._state)
        if value is None or self.minibatch_size is None:
            return value if value is None else value[0]
        return value
