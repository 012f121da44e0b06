"""A step that fails leaves the simulation as it was, and it can go on."""

import functools

import helpers
import nengo
import numpy as np
import pytest
from nengo.exceptions import SimulationError

from nengo_dl_sim import configure_settings
from nengo_dl_sim.execution import run_function as loop

# Of the object that fails: it is called for one item after another, as it should be.
pytestmark = pytest.mark.filterwarnings("ignore:.*is one object for all")

CHUNK = 5
N_STEPS = 14  # in three chunks


class Walk(nengo.Process):
    """A random walk, with input or without."""

    def make_state(self, shape_in, shape_out, dt, dtype=None):
        return {"position": np.zeros(shape_out)}

    def make_step(self, shape_in, shape_out, dt, rng, state):
        def step(t, *x):
            state["position"] += rng.normal(size=shape_out) + sum(x)
            return state["position"]

        return step


class Silent(nengo.Process):
    """A process of which nobody sees more than that it runs."""

    seen = []

    def make_state(self, shape_in, shape_out, dt, dtype=None):
        return {}

    def make_step(self, shape_in, shape_out, dt, rng, state):
        return lambda t: self.seen.append(rng.randint(10**6))


class Noisy(nengo.RectifiedLinear):
    """A neuron type that only its own step knows, and that draws random numbers."""

    state = {"rng": np.random.RandomState}

    def make_state(self, n_neurons, rng=np.random, dtype=None):
        return {"rng": rng}

    def step(self, dt, J, output, rng=None):
        noise = 0 if rng is None else rng.uniform(size=J.shape)
        output[...] = np.maximum(J, 0) + noise


class Fault:
    """Fails at some step, until it is mended."""

    def __init__(self, step, error):
        self.step, self.error, self.mended = step, error, False

    def __call__(self, t, *x):
        if round(t / 0.001) == self.step and not self.mended:
            if self.error is None:
                return np.nan
            raise self.error("broken")
        return [t + np.sum(x)]


def network(fault, with_input):
    """Processes before and after a function that fails, and in the loop."""
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64")
        before = nengo.Node(Walk(), size_out=2)
        noise = nengo.Node(nengo.processes.WhiteSignal(1, high=100, seed=5), size_out=1)
        nengo.Node(Silent(), size_out=0)
        node = nengo.Node(fault, size_in=1 if with_input else 0, size_out=1)
        after = nengo.Node(Walk(), size_out=1)
        inner = nengo.Node(Walk(), size_in=1, size_out=1)
        ens = nengo.Ensemble(5, 1, neuron_type=Noisy())
        ens.noise = nengo.processes.WhiteNoise(nengo.dists.Gaussian(0, 0.1))
        nengo.Connection(noise, inner, synapse=None)
        nengo.Connection(inner, ens)
        nengo.Connection(before[0], ens)
        if with_input:
            nengo.Connection(inner, node, synapse=None)
        for obj in (before, noise, node, after, inner, ens, ens.neurons):
            nengo.Probe(obj)
    return net


simulator = functools.partial(helpers.simulator, seed=1)


@pytest.fixture(autouse=True)
def short_chunks(monkeypatch):
    monkeypatch.setattr(loop, "MAX_CHUNK_STEPS", CHUNK)
    monkeypatch.setattr(Silent, "seen", [])


def recorded(sim, net):
    return [sim.data[probe] for probe in net.all_probes]


def slow(*values):
    return pytest.param(*values, marks=pytest.mark.slow)


@pytest.mark.parametrize("failing_step", [1, CHUNK + 1, slow(CHUNK), slow(13)])
@pytest.mark.parametrize(
    "with_input, error",
    [
        (False, ValueError),
        slow(False, KeyboardInterrupt),
        slow(False, None),
        (True, ValueError),
        slow(True, None),
    ],
)
@pytest.mark.parametrize(
    "options",
    [{"jit_compile": False}, {"jit_compile": True, "minibatch_size": 2}],
    ids=str,
)
def test_goes_on_as_if_nothing_had_happened(options, with_input, error, failing_step):
    fault = Fault(failing_step, error)
    fault.mended = True
    with simulator(network(fault, with_input), **options) as sim:
        sim.run_steps(N_STEPS)
        expected = recorded(sim, sim.model.toplevel)
    silent, Silent.seen[:] = list(Silent.seen), []

    fault.mended = False
    net = network(fault, with_input)
    stopped = error is KeyboardInterrupt
    with simulator(net, **options) as sim:
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt if stopped else SimulationError):
                sim.run_steps(N_STEPS - sim.n_steps)
            assert sim.n_steps == (failing_step - 1) // CHUNK * CHUNK
            for found, wanted in zip(recorded(sim, net), expected, strict=True):
                wanted = wanted[..., : sim.n_steps, :]
                assert np.array_equal(found, wanted) or not sim.n_steps
        fault.mended = True
        sim.run_steps(N_STEPS - sim.n_steps)
        for found, wanted in zip(recorded(sim, net), expected, strict=True):
            np.testing.assert_array_equal(found, wanted)
    assert Silent.seen == silent
