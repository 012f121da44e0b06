"""Run a network in Nengo's simulator and in ours, and compare all that was probed."""

import warnings
from dataclasses import dataclass

import nengo
import numpy as np
from hypothesis import assume, event, note
from hypothesis import strategies as st
from nengo.builder.processes import SimProcess

from nengo_dl_sim import Simulator, configure_settings

from .description import describe

N_STEPS = 25
SEED = 7

#: Of the largest value of a probe.
TOLERANCE = 1e-9

#: The disturbance that shows how much a network multiplies errors of rounding, and
#: how many times its effect is forgiven.
DISTURBANCE = 1e-13
FORGIVEN = 100

#: Larger than any value of a network that does not explode.
EXPLODED = 1e6


class Disagreement(AssertionError):
    """Two simulators give different answers."""


@dataclass(frozen=True)
class Settings:
    """How our simulator runs."""

    jit_compile: bool
    minibatch_size: int | None
    unroll_simulation: int


settings = st.builds(
    Settings,
    # Compiling takes seconds.
    st.sampled_from([False] * 9 + [True]),
    st.sampled_from([None, 1, 3]),
    st.sampled_from([1, 1, 3]),
)


def compare_with_nengo(net, settings):
    """
    Raise Disagreement if a probe's values differ by more than a tolerance.

    Some networks are chaotic: whatever error rounding makes, they multiply in every
    step. How much they do is seen where Nengo itself starts from slightly different
    values, and is added to the tolerance from that step on.
    """
    note(describe(net))
    expected, disturbed = _run_nengo(net)
    with net:
        configure_settings(dtype="float64")
    with Simulator(net, seed=SEED, progress_bar=False, **vars(settings)) as sim:
        for n_steps in (10, N_STEPS - 10):
            sim.run_steps(n_steps)
    same = not any(_draws_for_itself(op) for op in sim.model.operators)
    for probe, wanted, other in zip(net.all_probes, expected, disturbed, strict=True):
        items = sim.data[probe]
        items = items[None] if settings.minibatch_size is None else items
        for found in items if same else items[:1]:
            _compare(probe, found, wanted, _tolerance(wanted, other))


def _run_nengo(net):
    """Return the data of all probes, twice, unless Nengo cannot run the network."""
    data = []
    try:
        with warnings.catch_warnings(action="ignore"):
            for disturbance in (0, DISTURBANCE):
                data.append(_simulate(net, disturbance))
    except Exception as error:
        event(f"Nengo raises {type(error).__name__}")
        assume(False)
    # In a network that explodes the errors do so, too.
    assume(all(np.max(_largest(values), initial=0) < EXPLODED for values in data[0]))
    return data


def _simulate(net, disturbance):
    rng = np.random.RandomState(0)
    with nengo.Simulator(net, seed=SEED, optimize=False, progress_bar=False) as sim:
        for sig, value in sim.signals.items():
            if disturbance and value.dtype.kind == "f" and not sig.sparse:
                value.setflags(write=True)
                value *= 1 + rng.uniform(-disturbance, disturbance, value.shape)
        sim.run_steps(N_STEPS)
    return [sim.data[probe] for probe in net.all_probes]


def _draws_for_itself(op):
    """Say whether an operator draws other random numbers in each batch item."""
    return isinstance(op, SimProcess) and op.input is None and op.process.seed is None


def _largest(values):
    """Return the largest absolute value of each step."""
    return np.max(np.abs(values.reshape(len(values), -1)), axis=1, initial=0)


def _tolerance(expected, disturbed):
    """Return the allowed error of each step."""
    spread = np.maximum.accumulate(_largest(disturbed - expected))
    allowed = TOLERANCE * max(np.max(_largest(expected), initial=0), 1e-6)
    if np.any(FORGIVEN * spread > allowed):
        event("chaotic")
    return allowed + FORGIVEN * spread


def _compare(probe, found, expected, tolerance):
    if found.shape != expected.shape:
        raise Disagreement(f"{probe}: expected {expected.shape}, got {found.shape}")
    right = _largest(found - expected) <= tolerance
    if not np.all(right):
        step = int(np.argmin(right))
        raise Disagreement(
            f"{probe} of {probe.attr} in value {step}:\n"
            f"expected {expected[step]}\ngot      {found[step]}"
        )
