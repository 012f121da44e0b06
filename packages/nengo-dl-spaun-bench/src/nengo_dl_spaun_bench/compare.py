"""Compare the speed, and the results, of NengoDL with those of another backend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import entry_points
from time import sleep
from typing import Any

import nengo
import numpy as np
from nengo.exceptions import ValidationError

from .benchmark import Benchmark, check_count
from .machine import Machine, this_machine
from .measure import N_REPETITIONS, Spread, timed, without_decoder_cache

N_WARM_UP = 2
"""Runs before the first that is timed: NengoDL compiles in the first one."""

PAUSE = 0.1
"""Seconds before a run: threads of the other backend, which wait for work for a while,
keep cores busy until then."""


@dataclass(frozen=True)
class Comparison:
    """
    How fast two backends run the same network.

    Parameters
    ----------
    benchmark : Benchmark
        What was run.
    against : str
        The name of the other backend.
    n_neurons : int
        Neurons of the network.
    ours, theirs : Spread
        Seconds for each run of one item: the time of a minibatch is divided by its
        size.
    ratio : Spread
        How many times as fast NengoDL is, pair by pair.
    difference : float
        The largest difference of their outputs in the first run, next to the largest
        output.
    machine : Machine
        Where it was measured.
    """

    benchmark: Benchmark
    against: str
    n_neurons: int
    ours: Spread
    theirs: Spread
    ratio: Spread
    difference: float
    machine: Machine


def find_backend(name: str) -> Callable[..., Any]:
    """
    Return the simulator of an installed backend.

    Parameters
    ----------
    name : str
        Its name among the entry points ``nengo.backends``; "nengo" is its core.

    Returns
    -------
    simulator : type
        Its class.

    Raises
    ------
    ValidationError
        If no such backend is installed.
    """
    known = {entry.name: entry for entry in entry_points(group="nengo.backends")}
    if name == "nengo":
        return nengo.Simulator
    if name not in known:
        names = sorted({"nengo", *known})
        raise ValidationError(f"Must be one of {names} (got {name!r})", "against")
    return known[name].load()


def compare(
    benchmark: Benchmark,
    against: str = "nengo",
    n_pairs: int = N_REPETITIONS,
    inference_only: bool = False,
) -> Comparison:
    """
    Run a benchmark in NengoDL and in another backend, by turns.

    Parameters
    ----------
    benchmark : Benchmark
        What to run. The other backend runs one item, whatever its minibatch size.
    against : str, optional
        The other backend, see `find_backend`.
    n_pairs : int, optional
        How often each is timed.
    inference_only : bool, optional
        Whether to use NengoDL's setting of this name.

    Returns
    -------
    comparison : Comparison
        The times, and how far the results differ. What is timed is the steady state.

    Raises
    ------
    ValidationError
        If ``n_pairs`` is not an integer above 0, or the backend is not installed, or
        the benchmark is not one of running.
    """
    # First of all, because it imports TensorFlow, which is not to be timed.
    machine, simulator = this_machine(), find_backend(against)
    import nengo_dl

    check_count("n_pairs", n_pairs)
    if benchmark.workload != "run":
        raise ValidationError(
            f"Must be 'run' (got {benchmark.workload!r})", "workload", benchmark
        )
    net = benchmark.build_network()
    size = benchmark.minibatch_size
    options: dict[str, Any] = {"dt": benchmark.dt, "seed": 0, "progress_bar": False}
    with without_decoder_cache(), simulator(net, **options) as other:
        with net:
            nengo_dl.configure_settings(inference_only=inference_only)
        with nengo_dl.Simulator(
            net, minibatch_size=size, jit_compile=True, **options
        ) as sim:
            for one in (sim, other):
                one.run_steps(benchmark.n_steps)
            difference = relative_difference(sim.data[net.p][0], other.data[net.p])
            pairs = _time_pairs((sim, other), benchmark.n_steps, n_pairs)
    ours = [first / size for first, _ in pairs]
    theirs = [second for _, second in pairs]
    return Comparison(
        benchmark=benchmark,
        against=against,
        n_neurons=net.n_neurons,
        ours=Spread.of(ours),
        theirs=Spread.of(theirs),
        ratio=Spread.of([b / a for a, b in zip(ours, theirs, strict=True)]),
        difference=difference,
        machine=machine,
    )


def relative_difference(found: np.ndarray, expected: np.ndarray) -> float:
    """
    Return the largest difference of two arrays, next to the largest expected value.

    Parameters
    ----------
    found, expected : (...) array
        The arrays, of the same shape.

    Returns
    -------
    difference : float
        Zero if both are equal.
    """
    largest = np.max(np.abs(np.asarray(found) - expected), initial=0)
    peak = np.max(np.abs(expected), initial=0)
    return float(largest / peak) if peak else float(largest)


def _time_pairs(
    sims: Sequence[Any], n_steps: int, n_pairs: int
) -> list[tuple[float, float]]:
    """Run both by turns; return the seconds of each pair of runs."""
    for _ in range(N_WARM_UP - 1):
        for sim in sims:
            sim.run_steps(n_steps)
    first, second = ([] for _ in sims)  # type: tuple[list[float], list[float]]
    for _ in range(n_pairs):
        for sim, times in zip(sims, (first, second), strict=True):
            sleep(PAUSE)
            times.append(timed(partial(sim.run_steps, n_steps))[1])
    return list(zip(first, second, strict=True))
