"""What only Python can compute: in the loop, in training, and when it fails."""

import keras
import nengo
import numpy as np
import pytest
from nengo.exceptions import SimulationError

from nengo_dl_ops.step.program import Program
from nengo_dl_sim import Simulator, configure_settings


class Halved(nengo.LIF):
    """A neuron type that only its own step knows."""

    def step(self, dt, J, output, voltage, refractory_time):
        super().step(dt, J, output, voltage, refractory_time)
        output *= 0.5


class Sum(nengo.Process):
    """A process with state that adds up its input."""

    def make_state(self, shape_in, shape_out, dt, dtype=None):
        return {"total": np.zeros(shape_in)}

    def make_step(self, shape_in, shape_out, dt, rng, state):
        def step(t, x):
            state["total"] += x * dt
            return state["total"]

        return step


def network():
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64")
        wave = nengo.Node(lambda t: np.sin(20 * t))
        noise = nengo.processes.WhiteNoise(nengo.dists.Gaussian(0, 0.1))
        ens = nengo.Ensemble(12, 1, neuron_type=Halved(), noise=noise)
        square = nengo.Node(lambda t, x: x**2 + t, size_in=1)
        direct = nengo.Ensemble(1, 2, neuron_type=nengo.Direct())
        total = nengo.Node(Sum(), size_in=1, size_out=1)
        nengo.Connection(wave, ens)
        nengo.Connection(ens, square)
        nengo.Connection(square, ens, transform=0.1, synapse=0.01)
        nengo.Connection(ens, direct[0], function=np.sin)
        nengo.Connection(wave, direct[1], synapse=None)
        nengo.Connection(direct, total, function=lambda x: x[0] * x[1])
        for obj in (wave, ens, ens.neurons, square, direct, total):
            nengo.Probe(obj)
    return net


@pytest.mark.parametrize("minibatch_size", [None, 2])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_equals_nengo(jit_compile, minibatch_size):
    net = network()
    with nengo.Simulator(net, seed=1, optimize=False, progress_bar=False) as ref:
        ref.run_steps(60)
    with Simulator(
        net,
        seed=1,
        jit_compile=jit_compile,
        minibatch_size=minibatch_size,
        progress_bar=False,
    ) as sim:
        for _ in range(2):  # a reset starts all state in Python anew
            sim.reset()
            sim.run_steps(60)
            for probe in net.all_probes:
                data = sim.data[probe] if minibatch_size is None else sim.data[probe][0]
                np.testing.assert_allclose(data, ref.data[probe], rtol=0, atol=1e-9)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_functions_that_return_nothing(jit_compile):
    """They are called for what they do: with every value, once for each item."""
    seen = []
    with nengo.Network() as net:
        wave = nengo.Node(lambda t: 1000 * t)
        sink = nengo.Node(lambda t, x: seen.append(x.item()), size_in=1, size_out=0)
        nengo.Connection(wave, sink, synapse=None)
    settings = {"jit_compile": jit_compile, "minibatch_size": 2, "progress_bar": False}
    with Simulator(net, **settings) as sim:
        sim.run_steps(3)
    np.testing.assert_allclose(seen, [1, 1, 2, 2, 3, 3], rtol=1e-6)


class Random(nengo.RectifiedLinear):
    """A neuron type that draws random numbers in each step."""

    state = {"rng": np.random.RandomState}

    def make_state(self, n_neurons, rng=np.random, dtype=None):
        return {"rng": rng}

    def step(self, dt, J, output, rng):
        output[...] = rng.uniform(size=J.shape)


def test_random_numbers_of_neurons():
    """Of its own for each item, anew after a reset; those of Nengo for the first."""
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64")
        probes = [
            nengo.Probe(nengo.Ensemble(3, 1, neuron_type=Random()).neurons)
            for _ in range(2)
        ]
    with Simulator(net, minibatch_size=3, progress_bar=False) as sim:
        sim.run_steps(4)
        first = [sim.data[probe] for probe in probes]
        sim.reset()
        sim.run_steps(4)
        for probe, values in zip(probes, first, strict=True):
            np.testing.assert_array_equal(sim.data[probe], values)
    assert len(np.unique(first)) == np.size(first)
    with nengo.Simulator(net, optimize=False, progress_bar=False) as ref:
        ref.run_steps(4)
    for probe, values in zip(probes, first, strict=True):
        np.testing.assert_array_equal(values[0], ref.data[probe])


def test_batch_items_do_not_share_state():
    with nengo.Network() as net:
        node = nengo.Node([0.0])
        total = nengo.Node(Sum(), size_in=1, size_out=1)
        nengo.Connection(node, total, synapse=None)
        probe = nengo.Probe(total)
    given = np.arange(3.0)[:, None, None] * np.ones((3, 4, 1))
    with Simulator(net, minibatch_size=3, progress_bar=False) as sim:
        sim.run_steps(4, data={node: given})
    np.testing.assert_allclose(sim.data[probe][:, -1, 0], 0.004 * np.arange(3))


def test_python_runs_between_compiled_clusters(monkeypatch):
    """jit_compile=True compiles all but what runs in Python."""
    clusters = []
    step = Program.step

    def spy(self, *args, **kwargs):
        clusters.append(kwargs["clusters"])
        return step(self, *args, **kwargs)

    monkeypatch.setattr(Program, "step", spy)
    with Simulator(network(), jit_compile=True, progress_bar=False) as sim:
        sim.run_steps(2)
    assert clusters and all(clusters)


@pytest.mark.parametrize(
    "function, match",
    [
        (lambda t, x: [1, 2][5], "IndexError"),
        (lambda t, x: None, "non-finite|None"),
        (lambda t, x: np.nan, "non-finite"),
        (lambda t, x: "text", "text|TypeError|UFunc|ufunc"),
    ],
)
@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_function_that_fails(function, match, jit_compile):
    switch = {"fails": True}

    def node_function(t, x):
        return function(t, x) if switch["fails"] else 2 * x

    with nengo.Network() as net:
        one = nengo.Node([1.0])
        node = nengo.Node(node_function, size_in=1, size_out=1, label="culprit")
        nengo.Connection(one, node, synapse=None)
        probe = nengo.Probe(node)
    with Simulator(net, jit_compile=jit_compile, progress_bar=False) as sim:
        with pytest.raises(SimulationError, match=match):
            sim.run_steps(3)
        assert sim.n_steps == 0
        switch["fails"] = False
        sim.reset()
        sim.run_steps(3)
    np.testing.assert_array_equal(sim.data[probe], np.full((3, 1), 2))


def test_training_beside_python():
    """Gradients do not pass through Python, but around it."""
    with nengo.Network(seed=0) as net:
        one = nengo.Node([1.0])
        ens = nengo.Ensemble(10, 1, neuron_type=nengo.RectifiedLinear())
        node = nengo.Node(lambda t, x: 2 * x, size_in=1)
        nengo.Connection(one, ens, synapse=None)
        nengo.Connection(ens, node, synapse=None)
        probe = nengo.Probe(ens)
        nengo.Probe(node)
    data = {probe: np.full((1, 5, 1), 0.5)}
    with Simulator(net, jit_compile=True, progress_bar=False) as sim:
        before = sim.loss(data)
        with pytest.warns(UserWarning, match="reaches .*parameters: connections/1/we"):
            sim.train(data, keras.optimizers.SGD(1e-3), n_epochs=5)
        assert sim.loss(data) < before


def test_equal_objectives_are_compiled_once():
    """A function that is written inside a loop is the same each time."""
    traced = []

    def objective(scale):
        def function(outputs):
            traced.append(scale)
            return scale * outputs[0, 0, 0]

        return function

    with nengo.Network() as net:
        probe = nengo.Probe(nengo.Node([2.0]))
    scales = (1.0, 3.0)
    with Simulator(net, progress_bar=False) as sim:
        for _ in range(3):
            losses = [sim.loss(1, objective={probe: objective(s)}) for s in scales]
            assert losses == [2, 6]
    assert traced == [1, 3]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("part", [np.s_[1], np.s_[1:3], np.s_[::-2], np.s_[[3, 0]]])
def test_functions_of_parts_of_nodes(part, dtype):
    """Whatever the type of the simulation is, which Nengo's signals do not have."""
    with nengo.Network(seed=0) as net:
        configure_settings(dtype=dtype)
        node = nengo.Node([0.1, 0.2, 0.4, 0.8])
        out = nengo.Node(size_in=np.arange(4)[part].size)
        nengo.Connection(node[part], out, function=lambda x: 2 * x, synapse=None)
        probe = nengo.Probe(out)
    with Simulator(net, progress_bar=False) as sim:
        sim.run_steps(2)
    with nengo.Simulator(net, progress_bar=False) as reference:
        reference.run_steps(2)
    np.testing.assert_allclose(sim.data[probe], reference.data[probe], rtol=1e-6)
