"""The count of minibatches: who sees it, and when."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import linear, sgd, simulator, total, weight

from nengo_dl_sim import configure_settings

TF1 = tf.compat.v1.train


@pytest.mark.row("S030")
def test_training_step():
    net = linear()
    with simulator(net, minibatch_size=2) as sim:
        x = np.ones((6, 4, 1))
        data, objective = {net.a: x}, {net.p: total}
        assert sim.training_step == 0
        sim.train(data, sgd(0.0), objective=objective, n_epochs=2)
        assert sim.training_step == 6
        sim.train(data, sgd(0.0), objective=objective, truncation=2)
        assert sim.training_step == 12
        sim.loss(data, objective)
        sim.run_batch(data, objective, training=True)
        assert sim.training_step == 12
        sim.reset()
        assert int(sim.training_step) == 0
    with net:
        configure_settings(inference_only=True)
    with simulator(net) as sim:
        assert sim.training_step is None


SCHEDULES = {
    "Keras, by its own count": lambda sim: keras.optimizers.SGD(
        keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)
    ),
    "Keras, by sim.training_step": lambda sim: keras.optimizers.SGD(
        lambda: 0.1 * 0.5 ** tf.cast(sim.training_step, tf.float32)
    ),
    "TensorFlow 1": lambda sim: TF1.GradientDescentOptimizer(
        TF1.exponential_decay(0.1, sim.training_step, 1, 0.5)
    ),
}


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.row("S030")
def test_schedules_see_the_step(name):
    net = linear()
    with simulator(net) as sim:
        optimizer, expected = SCHEDULES[name](sim), 1.0
        for step in range(4):
            sim.train(1, optimizer, objective={net.p: total})
            expected -= 0.1 * 0.5**step * 0.5
            assert weight(sim, net) == pytest.approx(expected, rel=1e-6)


@pytest.mark.row("S033")
def test_first_the_change_then_the_count_then_summaries(tmp_path):
    net, seen = linear(), []
    with simulator(net, tensorboard=tmp_path) as sim:

        def look():
            seen.append((int(sim.training_step), weight(sim, net)))

        sim.train(1, sgd(0.1), objective={net.p: total}, n_epochs=3, summaries=[look])
    assert [step for step, _ in seen] == [1, 2, 3]
    np.testing.assert_allclose([w for _, w in seen], [0.95, 0.9, 0.85])
