"""What is remembered of optimizers, and what is made only once."""

import keras
import nengo
import pytest
import tensorflow as tf
from helpers import linear, n_updates_kept, sgd, simulator, total, weight

from nengo_dl_sim import Simulator
from nengo_dl_sim.training.optimizer_store import N_UPDATES

TF1 = tf.compat.v1.train


@pytest.mark.parametrize("make", [
    lambda: keras.optimizers.SGD(0.1, momentum=0.5),
    lambda: TF1.MomentumOptimizer(0.1, 0.5),
], ids=["keras", "tf1"])  # fmt: skip
@pytest.mark.row("S072")
def test_state_belongs_to_the_optimizer(make):
    net = linear()
    others = {"one": total, "two": lambda y: 2 * tf.reduce_sum(y)}

    def run(same):
        optimizer, speed, expected = make(), 0.0, 1.0
        with simulator(net) as sim:
            for name in ("one", "two", "one", "two"):  # two compilations
                if not same:
                    optimizer, speed = make(), 0.0
                sim.train(1, optimizer, objective={net.p: others[name]})
                speed = 0.5 * speed + (0.5 if name == "one" else 1.0)
                expected -= 0.1 * speed
                assert weight(sim, net) == pytest.approx(expected, rel=1e-6)
        return expected

    assert abs(run(same=True) - run(same=False)) > 0.1


@pytest.mark.row("S124")
def test_built_once():
    net, traced = linear(), []

    def objective(outputs):
        traced.append(0)
        return total(outputs)

    with simulator(net) as sim:
        optimizer = sgd(0.01)
        for _ in range(3):
            sim.train(2, optimizer, objective={net.p: objective}, n_epochs=2)
            sim.train(2, sgd(0.01), objective={net.p: objective})
            sim.loss(2, {net.p: objective})
        assert len(traced) == 2  # one for training, one for the loss
        sim.reset()
        sim.train(2, optimizer, objective={net.p: objective})
        assert len(traced) == 2


def test_new_optimizers_do_not_pile_up():
    """How to apply the oldest is forgotten, not its state, which is its own."""
    with nengo.Network(seed=0) as net:
        b = nengo.Node(size_in=1)
        conn = nengo.Connection(nengo.Node([1.0]), b, transform=1.0, synapse=None)
        p = nengo.Probe(b)
    first = keras.optimizers.SGD(0.1, momentum=0.5)
    others = [keras.optimizers.SGD(0.0) for _ in range(N_UPDATES)]
    with Simulator(net, progress_bar=False, jit_compile=False) as sim:
        for optimizer in (first, *others, first):
            sim.train(1, optimizer, objective={p: lambda y: tf.reduce_sum(y)})
            assert n_updates_kept(sim) <= N_UPDATES
        expected = 1 - 0.1 - 0.1 * (0.5 + 1)
        assert sim.data[conn].weights == pytest.approx(expected, rel=1e-6)
