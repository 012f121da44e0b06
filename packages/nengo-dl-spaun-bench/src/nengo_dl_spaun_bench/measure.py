"""Time the stages of a benchmark apart: construction, build, compile, steady state."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any, TypeVar

import nengo

from .benchmark import Benchmark, check_count
from .machine import Machine, this_machine
from .workloads import WORKLOADS

T = TypeVar("T")

N_REPETITIONS = 5
"""How often the steady state is timed, if nothing else is asked for."""


@dataclass(frozen=True)
class Spread:
    """
    Several measurements of the same time, in seconds.

    Parameters
    ----------
    median, min, max : float
        The middle, the shortest and the longest.
    n : int
        Number of measurements.
    """

    median: float
    min: float
    max: float
    n: int

    @classmethod
    def of(cls, times: Sequence[float]) -> Spread:
        """Return the spread of some times."""
        return cls(statistics.median(times), min(times), max(times), len(times))


@dataclass(frozen=True)
class Measurement:
    """
    How long each stage of a benchmark took, in seconds.

    Parameters
    ----------
    benchmark : Benchmark
        What was measured.
    n_neurons : int
        Neurons of the network.
    construction_s : float
        Making the ``nengo.Network``.
    build_s : float
        Making the ``Simulator`` of it.
    first_s : float
        The first run (or epoch), in which the step is traced and compiled.
    compile_s : float
        What the first run took longer than a later one.
    steady_s : Spread
        Each later run (or epoch).
    real_time_factor : float
        Simulated seconds of one example for each second of the steady state; above 1
        is faster than real time.
    machine : Machine
        Where it was measured.
    """

    benchmark: Benchmark
    n_neurons: int
    construction_s: float
    build_s: float
    first_s: float
    compile_s: float
    steady_s: Spread
    real_time_factor: float
    machine: Machine


def measure(benchmark: Benchmark, n_repetitions: int = N_REPETITIONS) -> Measurement:
    """
    Run a benchmark in NengoDL.

    Parameters
    ----------
    benchmark : Benchmark
        What to measure.
    n_repetitions : int, optional
        How often to time the steady state.

    Returns
    -------
    measurement : Measurement
        The time of each stage. Imports are not in any of them.

    Raises
    ------
    ValidationError
        If ``n_repetitions`` is not an integer above 0.
    BuildError
        If NengoDL has no builder for a part of the network.
    """
    check_count("n_repetitions", n_repetitions)
    # First of all, because it imports TensorFlow, which is not to be timed.
    machine = this_machine()
    net, construction_s = timed(benchmark.build_network)
    with without_decoder_cache():
        sim, build_s = timed(lambda: _simulator(net, benchmark))
    with sim:
        operation = WORKLOADS[benchmark.workload](sim, net, benchmark.n_steps)
        first_s, *later_s = [timed(operation)[1] for _ in range(1 + n_repetitions)]
    steady_s = Spread.of(later_s)
    return Measurement(
        benchmark=benchmark,
        n_neurons=net.n_neurons,
        construction_s=construction_s,
        build_s=build_s,
        first_s=first_s,
        # A first run that nothing was compiled in may by chance be the shorter one.
        compile_s=max(0.0, first_s - steady_s.median),
        steady_s=steady_s,
        real_time_factor=benchmark.n_steps * sim.dt / steady_s.median,
        machine=machine,
    )


def _simulator(net: nengo.Network, benchmark: Benchmark) -> Any:
    # Imported here, because TensorFlow takes seconds.
    import nengo_dl

    with net:
        # What only runs may be simplified by the values of its weights.
        nengo_dl.configure_settings(inference_only=benchmark.workload == "run")
    return nengo_dl.Simulator(
        net,
        dt=benchmark.dt,
        minibatch_size=benchmark.minibatch_size,
        progress_bar=False,
        seed=0,
        jit_compile=True,
    )


def timed(operation: Callable[[], T]) -> tuple[T, float]:
    """
    Time an operation.

    Parameters
    ----------
    operation : callable
        What to do.

    Returns
    -------
    result : object
        What it returns.
    seconds : float
        How long it took.
    """
    start = perf_counter()
    result = operation()
    return result, perf_counter() - start


@contextmanager
def without_decoder_cache() -> Iterator[None]:
    """Keep Nengo from reading decoders that an earlier build has solved for."""
    enabled = nengo.rc.get("decoder_cache", "enabled")
    nengo.rc.set("decoder_cache", "enabled", "False")
    try:
        yield
    finally:
        nengo.rc.set("decoder_cache", "enabled", enabled)
