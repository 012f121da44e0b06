"""A simulator that was closed and dropped leaves little behind."""

import gc
import weakref
from collections import Counter

import keras
import nengo
import numpy as np
import pytest
from helpers import program_of, trainer_of

from nengo_dl_sim import Simulator

DATA = np.ones((8, 5, 1))


def use(how):
    """Make, use and close a simulator; return weak references to what it held."""
    with nengo.Network(seed=0) as net:
        node = nengo.Node([0.5])
        ens = nengo.Ensemble(20, 1)
        nengo.Connection(node, ens)
        probe = nengo.Probe(ens, synapse=0.01)
    optimizer = keras.optimizers.SGD(1e-3)
    with Simulator(net, minibatch_size=2, progress_bar=False, jit_compile=False) as sim:
        if how == "train":
            sim.train({node: DATA, probe: DATA}, optimizer)
        elif how == "fit":
            sim.compile(optimizer, loss="mse")
            sim.fit({node: DATA}, {probe: DATA}, verbose=0)
        elif how == "loss":
            sim.loss({node: DATA, probe: DATA})
        else:
            sim.run_steps(5)
    held = [sim, program_of(sim), trainer_of(sim), optimizer, net]
    return [weakref.ref(part) for part in held]


def n_graph_objects():
    gc.collect()
    kinds = Counter(type(obj).__name__ for obj in gc.get_objects())
    return kinds["Operation"] + kinds["SymbolicTensor"]


@pytest.mark.parametrize("how", ["run", "loss", "train", "fit"])
def test_graphs_and_parts_go(how):
    """TensorFlow keeps for ever what gradients for Keras's optimizers come from."""
    use(how)
    before = n_graph_objects()
    parts = use(how)
    after = n_graph_objects()
    assert [part() for part in parts] == [None] * len(parts)
    assert after - before <= 100  # a training step has more than a thousand
