"""What was traced for training goes with its simulator, however neurons are trained."""

import gc

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import simulator

from nengo_dl_ops import surrogates
from nengo_dl_sim import configure_settings

DATA = np.ones((1, 3, 1))
N_SIMULATORS = 2


def train(mode):
    with nengo.Network(seed=0) as net:
        configure_settings(training_mode=mode)
        node = nengo.Node([0.5])
        ens = nengo.Ensemble(4, 1)
        nengo.Connection(node, ens)
        probe = nengo.Probe(ens)
    with simulator(net) as sim:
        sim.train({node: DATA, probe: DATA}, keras.optimizers.SGD(0.1))


def n_graphs():
    gc.collect()
    return sum(issubclass(type(thing), tf.Graph) for thing in gc.get_objects())


@pytest.mark.parametrize("mode", ["rate", "spike_aware", surrogates.ATan()], ids=str)
def test_a_loop_over_simulators_keeps_no_graphs(mode):
    train(mode)  # graphs of runs are kept, for simulators that compute the same
    before = n_graphs()
    for _ in range(N_SIMULATORS):
        train(mode)
    # TensorFlow keeps one, which Keras makes to apply the gradients of an optimizer.
    assert n_graphs() - before <= N_SIMULATORS
