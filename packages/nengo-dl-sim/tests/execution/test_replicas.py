"""Variables, minibatches and gradients go by one object that may divide them."""

from contextlib import contextmanager

import keras
import nengo
import numpy as np
import pytest
from helpers import simulator

from nengo_dl_sim import configure_settings
from nengo_dl_sim.engine import assemble
from nengo_dl_sim.execution.replicas import Replicas

X = np.arange(1.0, 5.0)[:, None, None]


class Recording(Replicas):
    """Notes what it is asked for, and doubles what is summed."""

    def __init__(self):
        self.scopes = self.shared = 0

    @contextmanager
    def scope(self):
        self.scopes += 1
        yield

    def share(self, batch):
        self.shared += 1
        return batch

    def sum(self, tensors):
        return [None if tensor is None else 2 * tensor for tensor in tensors]


@pytest.fixture
def net():
    with nengo.Network(seed=0) as net:
        configure_settings(trainable=None, dtype="float64")
        net.a, b = nengo.Node([0.0]), nengo.Node(size_in=1)
        net.conn = nengo.Connection(net.a, b, transform=1.0, synapse=None)
        net.p = nengo.Probe(b)
    return net


def train(net):
    """Take two steps down a slope that is the sum of the minibatch's inputs."""
    with simulator(net, minibatch_size=2) as sim:
        sim.train(
            {net.a: X, net.p: X},
            keras.optimizers.SGD(0.125),
            objective={net.p: lambda y, t: y[:, 0, 0]},
            shuffle=False,
        )
        return sim.data[net.conn].weights.item()


def test_one_replica_is_the_default(net):
    assert train(net) == pytest.approx(1 - 0.125 * (3 + 7))


def test_all_that_is_divided_goes_by_it(net, monkeypatch):
    replicas = Recording()
    monkeypatch.setattr(assemble, "Replicas", lambda: replicas)
    assert train(net) == pytest.approx(1 - 2 * 0.125 * (3 + 7))
    assert replicas.shared == 2
    assert replicas.scopes == 3  # of parameters, the count of steps, and slots
