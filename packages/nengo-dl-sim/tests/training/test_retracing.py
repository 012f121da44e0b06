"""TensorFlow warns of functions that are compiled again and again; ours are not."""

import subprocess
import sys

import pytest

# In a process of its own: TensorFlow counts calls, and stops warning, per process.
PROCESS = """
import logging

import keras
import nengo
import numpy as np
import tensorflow as tf

from nengo_dl_sim import Simulator

logged = []
handler = logging.Handler()
handler.emit = lambda record: logged.append(record.getMessage())
tf.get_logger().addHandler(handler)

with nengo.Network(seed=0) as net:
    node, ens = nengo.Node([0.5]), nengo.Ensemble(3, 1)
    nengo.Connection(node, ens)
    probe = nengo.Probe(ens, synapse=0.01)
sgd = keras.optimizers.SGD(0.1)
sgd_1 = tf.compat.v1.train.GradientDescentOptimizer(0.1)
sim = Simulator(net, minibatch_size=1, progress_bar=False, jit_compile=False)
sim.compile(sgd, loss="mse", metrics=["mae"])
for n_steps in range(2, 8):
    x = np.zeros((1, n_steps, 1))
    sim.run_steps(n_steps, {node: x})
    sim.run_batch({node: x}, {probe: tf.reduce_sum})
    sim.loss({node: x, probe: x})
    sim.train({node: x, probe: x}, sgd)
    sim.train({node: x, probe: x}, sgd_1)
    sim.fit({node: x}, {probe: x}, verbose=0)
    sim.evaluate({node: x}, {probe: x}, verbose=0)
    sim.predict({node: x}, verbose=0)
sim.close()
assert not logged, logged

for _ in range(6):
    with Simulator(net, progress_bar=False, jit_compile=False) as sim:
        sim.check_gradients()
assert not logged, logged

again = tf.function(lambda x: x)
for n in range(6):
    again(tf.zeros(n))
assert any("retracing" in message for message in logged)  # it would be seen
"""


@pytest.mark.slow
def test_no_warning_of_retracing():
    command = [sys.executable, "-W", "ignore", "-c", PROCESS]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
