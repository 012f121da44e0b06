"""Counts that decide how fast a simulation is, and that do not vary as times do."""

import functools
import re

import helpers
import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import (
    arguments_of,
    body_of,
    engine_of,
    program_of,
    run_functions_of,
    state_of,
)

from nengo_dl_ops.step.program import Program
from nengo_dl_sim import configure_settings


def integrator(n):
    array = nengo.networks.EnsembleArray(8, n)
    nengo.Connection(array.output, array.input, synapse=0.1)
    nengo.Connection(nengo.Node(np.ones(n)), array.input, transform=0.1)
    nengo.Probe(array.output, synapse=0.01)


def convolution(n):
    net = nengo.networks.CircularConvolution(8, n)
    nengo.Connection(nengo.Node(np.ones(n)), net.input_a)
    nengo.Connection(nengo.Node(lambda t: np.sin(t + np.arange(n))), net.input_b)
    nengo.Probe(net.output, synapse=0.01)


def selection(n):
    ganglia = nengo.networks.BasalGanglia(n, 8)
    thalamus = nengo.networks.Thalamus(n, 8)
    nengo.Connection(nengo.Node(np.ones(n)), ganglia.input)
    nengo.Connection(ganglia.output, thalamus.input)
    nengo.Probe(thalamus.output, synapse=0.01)


def gated_memories(n):
    memories = [nengo.networks.InputGatedMemory(8, 3) for _ in range(n)]
    for first, then in zip(memories[:-1], memories[1:], strict=True):
        nengo.Connection(first.output, then.input)
        nengo.Connection(first.output[0], then.gate)
    nengo.Probe(memories[-1].output, synapse=0.01)


def build(make, n=4, **settings):
    with nengo.Network(seed=0) as net:
        configure_settings(**settings)
        net.config[nengo.Ensemble].neuron_type = nengo.LIF()
        make(n)
    return net


simulator = functools.partial(helpers.simulator, seed=0, jit_compile="auto")


# The most groups that operators may be merged into.
GROUPS = {integrator: 12, convolution: 17, selection: 18, gated_memories: 14}


@pytest.mark.parametrize("make", GROUPS, ids=lambda make: make.__name__)
def test_groups_after_planning(make):
    """As many for large networks as for small ones."""
    counts = []
    for n in (6, 12):
        with simulator(build(make, n)) as sim:
            counts.append(len(program_of(sim).groups))
    assert counts[0] == counts[1] <= GROUPS[make]


def compiled_text(sim):
    """What XLA makes of the function that was last used to run."""
    (function,) = run_functions_of(sim)
    compiled = tf.function(body_of(function), jit_compile=True, autograph=False)
    arguments = arguments_of(sim, function)
    return compiled.experimental_get_compiler_ir(*arguments)(stage="optimized_hlo")


# The most kernels that XLA may make of them: those of TensorFlow 2.21, and some more.
KERNELS = {integrator: 28, convolution: 40, selection: 90, gated_memories: 41}


@pytest.mark.slow
@pytest.mark.parametrize("make", KERNELS, ids=lambda make: make.__name__)
def test_kernels_after_compilation(make):
    with simulator(build(make), jit_compile=True) as sim:
        sim.run_steps(1)
        text = compiled_text(sim)
    kernels = re.findall(r" (fusion|dot|gather|scatter|reduce|copy|convert)\(", text)
    assert GROUPS[make] < len(kernels) <= KERNELS[make]


@pytest.fixture
def traces(monkeypatch):
    """Counts how often a step was turned into a graph."""
    steps = []

    def counting(step):
        def count(self, *args, **kwargs):
            steps.append(self)
            return step(self, *args, **kwargs)

        return count

    for name in ("step", "stage_step"):
        monkeypatch.setattr(Program, name, counting(getattr(Program, name)))
    return steps


@pytest.mark.parametrize("jit_compile", [False, True])
def test_runs_compile_once(jit_compile, traces, tmp_path):
    net = build(integrator)
    (node,) = [node for node in net.all_nodes if node.size_in == 0]
    with simulator(net, jit_compile=jit_compile) as sim:
        sim.run_steps(20)
        assert traces
        compiled = len(traces)
        sim.save_params(tmp_path / "params")
        for n_steps in (1, 16, 20, 300, 2500):
            sim.run_steps(n_steps)
        sim.step()
        sim.reset()
        sim.load_params(tmp_path / "params")
        store = engine_of(sim).parameters
        store.assign({sig: 1.1 * store.value(sig) for sig in store.signals})
        sim.run_steps(20)
        assert len(traces) == compiled
        sim.run_steps(5, data={node: np.zeros((1, 5, 4))})
        compiled = len(traces)
        for n_steps in (5, 16, 40):
            values = np.random.RandomState(0).randn(1, n_steps, 4)
            sim.run_steps(n_steps, data={node: values})
        assert len(traces) == compiled


def test_training_compiles_once(traces):
    net = build(integrator)
    (node,) = [node for node in net.all_nodes if node.size_in == 0]
    (probe,) = net.probes
    with simulator(net, minibatch_size=2) as sim:
        optimizer = tf.keras.optimizers.SGD(1e-5)
        compiled = None
        for scale, n_items in ((1, 2), (2, 2), (3, 6)):
            data = {obj: scale * np.ones((n_items, 7, 4)) for obj in (node, probe)}
            sim.train(data, optimizer, n_epochs=scale)
            compiled = compiled or len(traces)
        assert len(traces) == compiled > 0


@pytest.mark.parametrize("minibatch_size", [1, 3])
def test_the_loop_carries_the_state_alone(minibatch_size):
    """Of each neuron two values, of each synapse two, the count of steps, the key."""
    n = 5
    with simulator(build(integrator, n), minibatch_size=minibatch_size) as sim:
        carried = [tuple(array.shape) for array in tf.nest.flatten(state_of(sim))]
        sizes = sorted(int(np.prod(shape)) for shape in carried)
        types = [array.dtype for array in state_of(sim).arrays]
        assert all(dtype.size == (8 if dtype.is_integer else 4) for dtype in types)
    neurons, synapses = 8 * n, n  # those of the loop, of the input, and of the probe
    per_item = 2 * neurons + 3 * 2 * synapses
    assert sum(sizes) == minibatch_size * per_item + 1 + 2


def test_what_runs_only_carries_less():
    """A population that silences many is filtered once."""

    def silence(n):
        gate = nengo.Ensemble(10, 1)
        for _ in range(n):
            ens = nengo.Ensemble(10, 1, neuron_type=nengo.RectifiedLinear())
            nengo.Connection(gate, ens.neurons, transform=-np.ones((10, 1)))
            nengo.Probe(ens.neurons)

    sizes = []
    for inference_only in (False, True):
        with simulator(build(silence, 6, inference_only=inference_only)) as sim:
            arrays = program_of(sim).states
            sizes.append(sum(len(array.start) for array in arrays))
    neurons, step = 2 * 10, 1
    assert sizes == [neurons + step + 2 * 6 * 10, neurons + step + 2]


@pytest.mark.parametrize(
    "minibatch_size, probed, n_first", [(1, False, 0), (3, False, 3), (3, True, 0)]
)
def test_matrices_that_are_learned_are_not_transposed(minibatch_size, probed, n_first):
    """PES adds a product of two vectors, and only products read the weights."""

    def learn(n):
        pre, post = nengo.Ensemble(n, 1), nengo.Node(size_in=1)
        conn = nengo.Connection(pre, post, learning_rule_type=nengo.PES())
        nengo.Connection(post, conn.learning_rule)
        nengo.Probe(post)
        if probed:
            nengo.Probe(conn, "weights")

    with simulator(build(learn, 10), minibatch_size=minibatch_size) as sim:
        arrays = program_of(sim).states
        assert sum(array.batch_first for array in arrays) == n_first
