"""Running a simulation: steps, and their times."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import nengo
import numpy as np
from nengo.exceptions import ValidationError

from nengo_dl_ops.step.program import Program
from nengo_dl_ops.user_warnings import warn_user

from ..calls import RUN_ARGUMENTS, explained
from ..checks import (
    check_count,
    check_duration,
    check_period,
)
from ..data.arrays import check_inputs, leave_targets
from ..data.keras_forms import is_stream, read_values
from ..execution.jit_policy import Mode, check_xla, choose_mode
from ..execution.runner import Progress
from ..legacy import refuse
from ..progress import ProgressBarLike
from ..tensorboard.profiling import profiler
from .reset import ResetMixin


class RunMixin(ResetMixin):
    """The methods of a simulator that simulate."""

    @property
    def n_steps(self) -> int:
        """
        The number of steps done since the start or the last reset.

        For a function that is called in a step, those done before that step.
        """
        within = self._engine.current.n_steps
        return self._n_steps if within is None else within

    @property
    def time(self) -> float:
        """The simulated time, in seconds."""
        return self.n_steps * self.dt

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
            warn_user(
                f"{time_in_seconds} results in running for 0 timesteps. "
                f"Simulator still at time {self.time}."
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

    @explained(RUN_ARGUMENTS)
    def run_steps(
        self,
        n_steps: int,
        data: Any = None,
        input_feeds: Mapping[nengo.Node, np.ndarray] | None = None,
        profile: bool | str = False,
        progress_bar: ProgressBarLike = None,
        extra_feeds: Mapping | None = None,
        stateful: bool | None = None,
    ) -> None:
        """
        Simulate a number of time steps.

        Parameters
        ----------
        n_steps : int
            How many steps.
        data : dict from nengo.Node to (minibatch_size, n_steps, size_out) array
            Values for nodes without input, in place of their own output. Names of
            nodes may serve as keys (see `get_name`). Also a list of arrays for all
            nodes, in order; or one array, for the first node. Targets for probes,
            which `train` takes in the same dictionary, are not used.
        input_feeds : dict, optional
            The former name of ``data``.
        profile : bool or str
            A directory for a trace that TensorBoard opens; True for
            ``"nengo_dl_profile"``.
        progress_bar : bool or nengo.utils.progress.ProgressBar, optional
            Whether to show a progress bar, or which one of Nengo's. None: as the
            simulator was told.
        extra_feeds : None
            There are no placeholders to feed in TensorFlow 2.
        stateful : bool, optional
            Whether the simulation goes on from where this run ends. If False, probes
            record, but state and time are afterwards what they were before; processes
            of nodes begin anew for the run. None: True, unless the network has
            ``configure_settings(stateful=False)``.

        Raises
        ------
        nengo.exceptions.ValidationError
            If an argument is not what is described here. Nothing is run then.
        nengo.exceptions.SimulationError
            If a function of a node, or other Python code, fails; its own exception is
            the cause. The simulation then stands where it stood some steps before
            (steps run in chunks of up to 1,024), with state, processes, probe data
            and time of that step, and can go on from there: functions of nodes are
            called again for the steps that are run again.
        nengo.exceptions.SimulatorClosed
            If the simulator was closed.

        Warns
        -----
        DeprecationWarning
            If ``input_feeds`` is given.
        UserWarning
            If there is one array for several nodes; if ``stateful`` has no effect.
        """
        self._check_open("run_steps")
        n_steps = check_count("n_steps", n_steps)
        self._engine.runner.check_length(n_steps)
        refuse("extra_feeds", extra_feeds)
        data = _renamed(data, input_feeds)
        goes_on = self._is_stateful(self.stateful if stateful is None else stateful)
        node_values = self._check_data(data, n_steps)
        self._simulation.n_asked_for += n_steps
        program = self._engine.program
        mode = choose_mode(
            self.jit_compile,
            program.step_size,
            program.runs_python,
            self._simulation.n_asked_for,
        )
        if mode is not Mode.GRAPH and not self._xla_compiles(program):
            mode = Mode.GRAPH
        context = contextlib.nullcontext() if goes_on else self._undone()
        with self._working(), profiler(profile), context:
            self._run_steps(n_steps, node_values, mode, progress_bar)

    def _xla_compiles(self, program: Program) -> bool:
        with self._on_device():
            return check_xla(self.jit_compile, program.unknown_to_xla)

    def _check_data(self, data: Any, n_steps: int) -> dict[nengo.Node, np.ndarray]:
        nodes, config = self._engine.inputs.nodes, self._engine.config
        if is_stream(data):
            raise ValidationError(f"expected arrays, got {data!r}", attr="data")
        probes = self.model.probes
        values = read_values("data", data, None, nodes, probes, self._names)
        leave_targets(values.targets, probes)
        if values.n_steps not in (None, n_steps):
            raise ValidationError(
                f"expected the number of steps that is in data, {values.n_steps}, got "
                f"{n_steps}",
                attr="n_steps",
            )
        size, dtype = config.minibatch_size, config.dtype
        return check_inputs(values.inputs, nodes, size, n_steps, dtype)

    @contextlib.contextmanager
    def _undone(self) -> Iterator[None]:
        """Go back to the current state afterwards."""
        with self._simulation.kept(), self._evaluator.fresh_inputs():
            yield

    def _run_steps(
        self,
        n_steps: int,
        node_values: dict[nengo.Node, np.ndarray],
        mode: Mode,
        progress_bar: ProgressBarLike,
    ) -> None:
        """Compile if need be, then run chunk by chunk."""
        stepping = self._single_use.stepping()
        with self._bar("Simulating", n_steps, progress_bar) as bar, stepping:
            chosen, state = self._simulation.prepare(mode)
            runner = chosen.runner
            feed = runner.feed(node_values)
            if not runner.is_compiled(n_steps, feed, mode):
                with bar.stage("Compiling"):
                    runner.compile(state, n_steps, feed, mode)
            start = self._n_steps
            for chunk in runner.run(state, start, n_steps, node_values, feed, mode):
                self._record(chunk)
                self._simulation.advance(chosen, chunk.state, chunk.n_steps)
                bar.step(chunk.n_steps)

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
            If it is not a number above 0, or both names are given.

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
            warn_user(
                "`dt` is deprecated. Use `sample_every` instead.", DeprecationWarning
            )
            sample_every = dt
        period = 1.0
        if sample_every is not None:
            period = check_period("sample_every", sample_every) / self.dt
        steps = np.arange(1, self.n_steps + 1)
        return self.dt * steps[steps % period < 1]

    def _record(self, chunk: Progress) -> None:
        """Keep what was probed in a chunk of steps."""
        for probe, values in chunk.probed.items():
            self._engine.probes[probe].add(self._n_steps, chunk.n_steps, values)


def _renamed(data: Any, input_feeds: Any) -> Any:
    """Return the data that was given, under whichever name."""
    if input_feeds is None:
        return data
    if data is not None:
        raise ValidationError(
            "expected either data or input_feeds, got both (they are the same; use "
            "data)",
            attr="input_feeds",
        )
    warn_user("`input_feeds` is deprecated. Use `data` instead.", DeprecationWarning)
    return input_feeds
