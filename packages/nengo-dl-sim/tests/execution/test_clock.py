"""Time inside the loop, after any number of steps."""

import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import simulation_of

from nengo_dl_ops import TensorNode
from nengo_dl_sim import Simulator, configure_settings

N_STEPS = 6


def network(python, **settings):
    with nengo.Network() as net:
        configure_settings(**settings)
        nengo.Probe(TensorNode(lambda t: tf.reshape(t, (1, 1)), size_out=1))
        net.seen, net.seen_ahead = [], []
        kwargs = {"size_in": 1} if python else {}
        nengo.Node(lambda t, *x: net.seen.append(t), size_out=0, **kwargs)
        if python:
            process = nengo.processes.Piecewise({0.0: 0.0, 1e6: 1.0})
            nengo.Connection(nengo.Node(process), nengo.Node(size_in=1), synapse=None)
    return net


def counted(sim, start):
    """Let a simulator count on from a number of steps that nobody waits for."""
    simulation_of(sim).n_steps = start
    sim.soft_reset()


@pytest.mark.parametrize("start", [0, 2**24 - 2, 2**31 - 3, 10**10])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "python, jit_compile", [(True, False), (True, True), (False, True)]
)
def test_time_goes_on(python, jit_compile, dtype, start):
    """Exactly for Python code, and rounded once for what TensorFlow computes."""
    net = network(python, dtype=dtype)
    with Simulator(net, jit_compile=jit_compile, progress_bar=False) as sim:
        counted(sim, start)
        net.seen.clear()
        sim.run_steps(N_STEPS)
        times = np.arange(start + 1, start + N_STEPS + 1) * sim.dt
        np.testing.assert_array_equal(net.seen, times)
        (probe,) = net.all_probes
        np.testing.assert_array_equal(sim.data[probe].ravel(), times.astype(dtype))
        assert sim.n_steps == sim.signals[sim.model.step] == start + N_STEPS
        assert sim.time == sim.signals[sim.model.time] == times[-1]


def test_time_goes_on_after_a_checkpoint(tmp_path):
    net = network(python=True)
    start = 2**31 - 3
    with Simulator(net, progress_bar=False) as sim:
        counted(sim, start)
        sim.run_steps(2)
        sim.save_checkpoint(tmp_path)
    with Simulator(net, progress_bar=False) as sim:
        sim.restore_checkpoint(tmp_path)
        net.seen.clear()
        sim.run_steps(2)
        np.testing.assert_array_equal(
            net.seen, [(start + 3) * 0.001, (start + 4) * 0.001]
        )


def test_time_in_training():
    """Training begins at zero, whatever the simulation has got to."""
    net = network(python=True)
    with Simulator(net, progress_bar=False) as sim:
        counted(sim, 2**31 - 3)
        sim.run_steps(1)
        net.seen.clear()
        (probe,) = net.all_probes
        sim.loss({probe: np.zeros((1, N_STEPS, 1))})
        np.testing.assert_array_equal(net.seen, np.arange(1, N_STEPS + 1) * 0.001)
