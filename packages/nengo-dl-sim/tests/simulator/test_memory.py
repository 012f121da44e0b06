"""A simulator that is closed and dropped leaves nothing behind."""

import gc
import warnings
import weakref
from pathlib import Path

import keras
import nengo
import numpy as np
import pytest
from helpers import engine_of, run_functions_of, simulation_of, state_of

from nengo_dl_sim import Simulator

STATM = Path("/proc/self/statm")


@pytest.fixture
def no_gc():
    """Python's garbage collector may come late: nothing has to wait for it."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def network(n_neurons=10, python=False):
    with nengo.Network(seed=0) as net:
        noise = nengo.Node(nengo.processes.WhiteNoise(), size_out=1)
        ens = nengo.Ensemble(n_neurons, 1, neuron_type=nengo.RectifiedLinear())
        nengo.Connection(noise, ens)
        weights = np.full((n_neurons, n_neurons), 1e-6)
        net.recurrent = nengo.Connection(
            ens.neurons, ens.neurons, transform=weights, synapse=0.1
        )
        if python:
            node = nengo.Node(lambda t, x: x, size_in=1, size_out=1)
            nengo.Connection(ens.neurons[0], node)
        net.probe = nengo.Probe(ens.neurons[:1], synapse=0.01)
    return net


def run(net, jit_compile):
    sim = Simulator(net, progress_bar=False, jit_compile=jit_compile)
    sim.run_steps(3)
    sim.run_steps(2, data={net.all_nodes[0]: np.zeros((1, 2, 1))})
    return sim


def references(sim):
    """Return weak references to all that is large, by name."""
    parts = engine_of(sim)
    found = {
        "simulator": sim,
        "model": sim.model,
        "data": sim.data,
        "now": simulation_of(sim),
    }
    found |= {"parts": parts, "program": parts.program, "runner": parts.runner}
    found |= {"parameters": parts.parameters, "inputs": parts.inputs}
    found |= {f"group {i}": group for i, group in enumerate(parts.program.groups)}
    found |= {f"state {i}": array for i, array in enumerate(state_of(sim).arrays)}
    found |= {f"variable {i}": v for i, v in enumerate(parts.parameters.variables)}
    return {name: weakref.ref(obj) for name, obj in found.items()}


def alive(refs):
    return [name for name, ref in refs.items() if ref() is not None]


@pytest.mark.parametrize("python", [False, True])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_closed_and_dropped(jit_compile, python, no_gc):
    net = network(python=python)
    sim = run(net, jit_compile)
    refs = references(sim)
    assert alive(refs) == list(refs)
    sim.close()
    del sim
    assert alive(refs) == []


def test_after_training(no_gc):
    net = network()
    with run(net, jit_compile=False) as sim:
        data = {net.probe: np.zeros((1, 3, 1))}
        sim.train(data, keras.optimizers.SGD(1e-3))
        sim.loss(data)
        refs = references(sim)
    del sim
    gc.collect()
    assert alive(refs) == []


def test_compiled_functions_go_when_it_is_closed(no_gc):
    """Though the simulator is still there, for its data."""
    net = network()
    with run(net, jit_compile=False) as sim:
        functions = run_functions_of(sim)
        refs = {str(i): weakref.ref(f) for i, f in enumerate(functions)}
        del functions
        assert len(alive(refs)) == 2
        weights = sim.data[net.recurrent].weights
    assert alive(refs) == []
    np.testing.assert_array_equal(sim.data[net.recurrent].weights, weights)


def test_data_outlives_the_simulator(no_gc):
    net = network()
    with run(net, jit_compile=False) as sim:
        data, signals, model = sim.data, sim.signals, sim.model
    reference = weakref.ref(sim)
    del sim
    assert reference() is None
    assert data[net.probe].shape == (5, 1)
    assert data[net.recurrent].weights.shape == (10, 10)
    assert signals[model.step] == 5


def test_a_simulator_that_is_dropped_open_warns_at_once(no_gc):
    sim = run(network(), jit_compile=False)
    with pytest.warns(ResourceWarning, match="deallocated while open"):
        del sim


def resident_bytes():
    return int(STATM.read_text().split()[1]) * 4096


@pytest.mark.slow
@pytest.mark.skipif(not STATM.exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("jit_compile", [False, True])
def test_memory_of_a_process_does_not_grow(jit_compile, no_gc):
    """A little does: XLA keeps what it has compiled; TensorFlow's graphs wait."""
    n_neurons, n_simulators = 3000, 6
    weight_bytes = 4 * n_neurons**2
    used = []
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        for _ in range(n_simulators):
            net = network(n_neurons)
            with Simulator(net, progress_bar=False, jit_compile=jit_compile) as sim:
                sim.run_steps(2)
            del sim
            used.append(resident_bytes())
    growth = (used[-1] - used[1]) / (n_simulators - 2)
    assert growth < weight_bytes / 2
