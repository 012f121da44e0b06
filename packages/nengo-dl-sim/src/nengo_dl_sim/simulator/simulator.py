"""The simulator: a network's life from build to close."""

from __future__ import annotations

import contextlib
import os
from typing import Any

import nengo
from nengo.builder import Model

from nengo_dl_ops.user_warnings import warn_user

from ..calls import SIMULATOR_ARGUMENTS, check_seconds, explained
from ..checks import (
    check_boolean,
    check_count,
    check_count_or_none,
    check_dt,
    check_jit_compile,
    check_model,
    check_network,
    check_path,
    check_seed,
)
from ..data.names import Names
from ..engine.assemble import assemble
from ..engine.engine import Engine
from ..engine.nengo_model import build_model, choose_seed
from ..engine.simulation_state import SimulationState
from ..evaluation.evaluator import Evaluator
from ..execution.devices import announce_device, check_device
from ..execution.distributed_replicas import find_replicas
from ..execution.replicas import Replicas
from ..gc_paused import gc_paused
from ..inputs.shared_callables import warn_of_shared_callables
from ..inspection.raw_data import ProbeSamples
from ..inspection.signal_values import SignalValues
from ..inspection.simulation_data import SimulationData
from ..inspection.trained_values import CurrentParameters
from ..keras_api.callback_model import CallbackModel
from ..progress import ProgressBarLike
from ..settings.session_config import apply_session_config
from ..settings.settings import Settings, read_settings
from ..settings.table import find_setting
from ..tensorboard.directory import EventDirectory
from ..training.trainer import Trainer
from .count import CountMixin
from .export import ExportMixin
from .fit import FitMixin
from .guards import SingleUse
from .inspect import InspectMixin
from .predict import PredictMixin
from .run import RunMixin
from .train import TrainMixin


class Simulator(
    RunMixin,
    TrainMixin,
    FitMixin,
    PredictMixin,
    CountMixin,
    ExportMixin,
    InspectMixin,
):
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
        A model to build the network into, or one that was built before. Its
        operators are not changed: it may be used again.
    dtype : {"float16", "float32", "float64"} or tf.DType, optional
        Deprecated: use ``configure_settings(dtype=...)``.
    device : str, optional
        The TensorFlow device to run on, for example ``"/cpu:0"`` or ``"/gpu:0"``; the
        log says which kinds are used. None: a GPU if there is one.
        In a ``with sim:`` block, everything else that TensorFlow computes runs there,
        too. (There the type of the simulation is Keras's default type, too.)
    unroll_simulation : int
        How many steps are compiled as one iteration of the loop. More compile longer
        and may run faster. The number of steps that run is never rounded.
    minibatch_size : int, optional
        How many items are simulated at once. If None, one item is, and data has no
        batch axis. In the scope of a ``tf.distribute.MultiWorkerMirroredStrategy`` or
        ``MirroredStrategy``, these are all items of a step of training; each worker
        or device takes an equal part of them.
    tensorboard : str or path-like, optional
        A directory for TensorBoard; a new one in it (``run_0``, ``run_1``, ...) gets
        the graph of a step, and the summaries of `train`.
    progress_bar : bool or nengo.utils.progress.ProgressBar or subclass of it or None
        Whether progress bars are shown (None: they are not). A progress bar of Nengo
        shows everything; of a class of such there is a new one for each task.
    jit_compile : bool or "auto"
        Whether XLA compiles the simulation. ``"auto"`` compiles once so many steps
        have been asked for that it pays.
    optimize : bool
        Nengo's argument: whether operators are simplified before they are planned. If
        False, none is, whatever ``configure_settings(simplifications=...)`` says; the
        results are the same to rounding.

    Attributes
    ----------
    data : SimulationData
        What probes recorded, and the live parameters of the network's objects.
    signals : SignalValues
        The values of all signals of the model, for debugging.
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
        If an argument is not what is described here; if the items of a minibatch need
        more memory than the machine has; if the strategy in whose scope this is cannot
        divide them.
    nengo.exceptions.BuildError
        If the network cannot be built, or contains something that cannot be computed.
    nengo.exceptions.SimulationError
        If the network's ``session_config`` comes too late.

    Warns
    -----
    DeprecationWarning
        If ``dtype`` is given.
    UserWarning
        If no device is given and there is no GPU (once in a process).
    nengo.exceptions.NengoWarning
        If a model is given that has another ``dt``, or no network; if items of a
        minibatch share an object that is the output of a node with input.
    ResourceWarning
        If the simulator is dropped without having been closed.

    Notes
    -----
    A simulator is used by one thread at a time: what another thread calls meanwhile
    raises a ``SimulationError``, and so does what a function of a node calls in a run
    of its own simulator. Data and signals may be read at any time.

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

    @explained(SIMULATOR_ARGUMENTS, check_seconds)
    def __init__(
        self,
        network: nengo.Network | None,
        dt: float = 0.001,
        seed: int | None = None,
        model: Model | None = None,
        dtype: Any = None,
        device: str | None = None,
        unroll_simulation: int = 1,
        minibatch_size: int | None = None,
        tensorboard: str | os.PathLike | None = None,
        progress_bar: ProgressBarLike = True,
        jit_compile: bool | str = "auto",
        optimize: bool = True,
    ) -> None:
        self.closed = True  # until everything is built
        self._single_use = SingleUse()
        size = check_count_or_none("minibatch_size", minibatch_size, low=1)
        unroll = check_count("unroll_simulation", unroll_simulation, low=1)
        check_jit_compile(jit_compile)
        check_network(network)
        check_model(model)
        dt = check_dt(dt)
        if tensorboard is not None:
            check_path("tensorboard", tensorboard, "folder")
        settings = read_settings(
            model.toplevel if network is None and model is not None else network,
            _check_dtype(dtype),
            check_boolean("optimize", optimize),
        )
        # Before TensorFlow does anything, such as looking for devices.
        apply_session_config(settings.session_config)
        seed = check_seed(seed)
        check_device(device)
        self.progress_bar = progress_bar
        self.minibatch_size = size
        self.unroll = unroll
        self.device = device
        self.jit_compile = jit_compile
        announce_device(device)
        replicas = find_replicas(
            size or 1, settings.worker_timeout, settings.reduction_dtype
        )
        if not replicas.is_chief:
            self.progress_bar, tensorboard = False, None
        scope = replicas.scope()
        with self._bar("Building", None), self._on_device(), gc_paused(), scope:
            self._build(network, model, dt, seed, settings, replicas)
            self._tensorboard = _make_tensorboard(tensorboard, self._engine)
        if self.model.toplevel is not None:
            warn_of_shared_callables(self.model.toplevel.all_nodes, size)
        self._exit_stack = contextlib.ExitStack()
        self._show_data()
        with replicas.scope():
            self._prepare_training(network)
        self._post_build()
        self.closed = False
        self.soft_reset(include_probes=True)

    def _build(
        self,
        network: nengo.Network | None,
        model: Model | None,
        dt: float,
        seed: int | None,
        settings: Settings,
        replicas: Replicas,
    ) -> None:
        """Build the network, and all that a simulation of it needs."""
        self.model = build_model(network, model, dt)
        # After the build, as Nengo does, which may draw from the same numbers.
        self.seed = choose_seed(network, seed)
        self._engine = assemble(
            network,
            self.model,
            settings,
            self.seed,
            self.minibatch_size,
            self.unroll,
            self._shows_batch(),
            replicas,
        )
        self._simulation = SimulationState(self._engine, self.seed)

    def _show_data(self) -> None:
        """Make what shows a user the data of probes, parameters and signals."""
        for probe, store in self._engine.probes.items():
            self.model.params[probe] = ProbeSamples(store)
        self.data = SimulationData(
            self.model,
            self._simulation.store,
            self._simulation.value,
            CurrentParameters(
                self.model,
                self._engine.trained,
                self._simulation.value,
                self._simulation.start,
            ),
        )
        layout = self._engine.program.layout
        self.signals = SignalValues(self.model, layout, self._simulation)

    def _prepare_training(self, network: nengo.Network | None) -> None:
        """Make what trains and evaluates; nothing is compiled yet."""
        self._names = Names(self._engine.inputs.nodes, self.model.probes)
        self._model = CallbackModel(self._engine)
        self._compiled = None
        self._evaluator = Evaluator(self._engine, self.seed, self.jit_compile)
        self._trainer = Trainer(self._engine, self._evaluator, network)

    def __repr__(self) -> str:
        if not hasattr(self, "_trainer"):  # it could not be built
            return super().__repr__()
        size = self.minibatch_size
        batch = "" if size is None else f", minibatch_size={size}"
        state = "closed" if self.closed else f"at step {self.n_steps}"
        return f"<{type(self).__name__} of {self.model.toplevel}{batch}, {state}>"

    def _shows_batch(self) -> bool:
        """Tell whether data has a batch axis."""
        return self.minibatch_size is not None


def _check_dtype(dtype: Any) -> str | None:
    if dtype is None:
        return None
    warn_user(
        "Simulator(dtype=...) is deprecated: use configure_settings(dtype=...)",
        DeprecationWarning,
    )
    return str(find_setting("dtype").check(dtype))


def _make_tensorboard(directory: Any, engine: Engine) -> EventDirectory | None:
    if directory is None:
        return None
    board = EventDirectory(directory)
    board.write_graph(engine)
    return board
