"""Random numbers of TensorFlow and Keras follow from the simulator's seed."""

import random

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from nengo.exceptions import ValidationError

from nengo_dl_ops import Layer, TensorNode
from nengo_dl_sim import Simulator
from nengo_dl_sim.settings.config import configure_settings

BATCH = 2


class Holder:
    def __init__(self):
        self.generator = keras.random.SeedGenerator()

    def __call__(self, t):
        return keras.random.normal((1, 2), seed=self.generator)


class Noisy(keras.layers.Layer):
    def call(self, x):
        return x + tf.random.normal(tf.shape(x), dtype=x.dtype)


def in_closure():
    generator = keras.random.SeedGenerator()
    return lambda t: keras.random.uniform((1, 2), seed=generator)


def of_time(draw):
    return lambda: TensorNode(lambda t: draw())


def of_layer(make):
    return lambda: Layer(make())(nengo.Node([1.0, 2.0]))


def of_input():
    node = TensorNode(lambda t, x: x + tf.random.normal(x.shape, 0, 1), 2, 2)
    nengo.Connection(nengo.Node([1.0, 2.0]), node, synapse=None)
    return node


#: Makes a node; and whether it draws anew in every step.
NODES = {
    "uniform": (of_time(lambda: tf.random.uniform((1, 2))), True),
    "normal": (of_time(lambda: tf.random.normal((BATCH, 2))), True),
    "integers": (
        of_time(
            lambda: tf.cast(tf.random.uniform((1, 2), 0, 999, tf.int32), "float32")
        ),
        True,
    ),
    "truncated": (of_time(lambda: tf.random.truncated_normal((1, 2))), True),
    "gamma": (of_time(lambda: tf.random.gamma((1, 2), 2.0)), True),
    "poisson": (of_time(lambda: tf.random.poisson((1, 2), 99.0)), True),
    "categorical": (
        of_time(
            lambda: tf.cast(tf.random.categorical(tf.zeros((1, 999)), 2), tf.float32)
        ),
        True,
    ),
    "seed of an operation": (of_time(lambda: tf.random.uniform((1, 2), seed=3)), True),
    "dropout of TensorFlow": (
        of_time(lambda: tf.nn.dropout(tf.ones((1, 64)), 0.5)[:, :8]),
        True,
    ),
    "several": (
        of_time(lambda: tf.random.uniform((1, 2)) - tf.random.uniform((1, 2))),
        True,
    ),
    "with input": (of_input, True),
    "layer of the user's": (of_layer(Noisy), True),
    "generator in an attribute": (lambda: TensorNode(Holder()), True),
    "generator in a closure": (lambda: TensorNode(in_closure()), True),
    "Dropout": (of_layer(lambda: keras.layers.Dropout(0.5)), True),
    "GaussianNoise": (of_layer(lambda: keras.layers.GaussianNoise(0.5)), True),
    "model": (
        of_layer(
            lambda: keras.Sequential(
                [keras.layers.Dense(8), keras.layers.GaussianDropout(0.5)]
            )
        ),
        True,
    ),
    "initial weights": (of_layer(lambda: keras.layers.Dense(3)), False),
}


#: Of each kind one, where both TensorFlow and XLA compile parts of a step.
HYBRID = {"uniform", "with input", "generator in a closure", "model", "initial weights"}


def make(names):
    """Make a new network of nodes, as another process would."""
    with nengo.Network() as net:
        configure_settings(learning_phase=True)
        net.outputs = {name: nengo.Probe(NODES[name][0]()) for name in names}
    return net


def run(sim, net, n_steps=5):
    sim.run_steps(n_steps)
    return {name: sim.data[p][:, -n_steps:] for name, p in net.outputs.items()}


def equal(one, other):
    return {name for name in one if np.array_equal(one[name], other[name])}


@pytest.mark.parametrize("mode", ["xla", "graph", "hybrid"])
def test_same_seed_same_numbers(mode):
    lacking = {"poisson", "gamma"} if mode == "xla" else set()  # which XLA cannot draw
    names = HYBRID if mode == "hybrid" else NODES.keys() - lacking
    found = []
    for seed in (1, 1, 2):
        net = make(sorted(names))
        if mode == "hybrid":
            with net:
                nengo.Node(lambda t, x: x, size_in=1)
        before = random.getstate()
        with Simulator(
            net,
            seed=seed,
            minibatch_size=BATCH,
            jit_compile=mode != "graph",
            progress_bar=False,
        ) as sim:
            of_numpy = np.random.get_state()[1].tolist()  # which Nengo's build uses
            first, later = run(sim, net), run(sim, net)
            sim.reset()
            assert equal(run(sim, net, 10), {n: None for n in names}) == set()
            again = {n: sim.data[p][:, :5] for n, p in net.outputs.items()}
            assert equal(first, again) == names  # also in another division of a run
            if seed == 2:
                sim.reset(seed=1)
                assert equal(found[0], run(sim, net)) == names
        assert before == random.getstate()
        assert of_numpy == np.random.get_state()[1].tolist()
        constant = {name for name in names if not NODES[name][1]}
        assert equal(first, later) == constant
        moving = {n for n in names if np.ptp(first[n], axis=1).any()}
        assert moving == names - constant
        found.append(first)
    assert equal(found[0], found[1]) == names
    assert equal(found[0], found[2]) == set()


def test_global_generators_are_left_alone():
    numbers = []
    for simulate in (False, True):
        tf.random.set_seed(3)
        values = [float(tf.random.uniform(()))]
        if simulate:
            net = make(["uniform", "Dropout"])
            with Simulator(net, seed=1, minibatch_size=2, progress_bar=False) as sim:
                run(sim, net)
        numbers.append([*values, float(tf.random.uniform(()))])
    assert numbers[0] == numbers[1]


def test_explicit_seeds_and_chosen_weights_are_kept():
    dense = keras.layers.Dense(2)
    seeded = keras.layers.Dense(
        2, kernel_initializer=keras.initializers.GlorotNormal(3)
    )
    with nengo.Network() as net:
        configure_settings(learning_phase=True)
        x = nengo.Node([1.0, 2.0])
        Layer(dense)(x)
        Layer(seeded)(x)
        dropout = Layer(keras.layers.Dropout(0.5, seed=4))(x)
        net.outputs = {"dropout": nengo.Probe(dropout)}
    dense.set_weights([np.eye(2), np.ones(2)])
    kernel = seeded.get_weights()[0]
    found = []
    for seed in (1, 2):
        with Simulator(net, seed=seed, minibatch_size=2, progress_bar=False) as sim:
            np.testing.assert_array_equal(dense.get_weights()[0], np.eye(2))
            np.testing.assert_array_equal(seeded.get_weights()[0], kernel)
            found.append(run(sim, net))
    assert equal(*found) == {"dropout"}


def test_trained_weights_are_kept_by_the_next_simulator():
    dense = keras.layers.Dense(1)
    with nengo.Network(seed=0) as net:
        p = nengo.Probe(Layer(dense)(nengo.Node([1.0, 2.0])))
    with Simulator(net, progress_bar=False, jit_compile=False) as sim:
        sim.train(1, keras.optimizers.SGD(0.1), objective={p: lambda y: y})
    trained = dense.get_weights()
    with Simulator(net, progress_bar=False, seed=5):
        for one, other in zip(dense.get_weights(), trained, strict=True):
            np.testing.assert_array_equal(one, other)


def test_training_draws_anew_and_repeats():
    with nengo.Network() as net:
        x = nengo.Node([1.0, 1.0, 1.0, 1.0])
        y = nengo.Node(size_in=4)
        conn = nengo.Connection(x, y, transform=np.zeros((4, 4)), synapse=None)
        p = nengo.Probe(Layer(keras.layers.Dropout(0.5))(y, transform=None))
    found = []
    for seed in (1, 1, 2):
        with Simulator(net, seed=seed, progress_bar=False, jit_compile=False) as sim:
            for _ in range(2):
                sim.reset()
                sim.train(
                    1,
                    keras.optimizers.SGD(0.1),
                    n_epochs=9,
                    objective={p: lambda y: tf.reduce_sum(y)},
                )
                found.append(sim.data[conn].weights)
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])
    assert not np.array_equal(found[0], found[4])
    assert len(np.unique(found[0])) > 1  # not always the same was dropped


def global_generator(t):
    return keras.random.uniform((1, 1))


def test_keras_without_a_generator_is_refused():
    with nengo.Network() as net:
        TensorNode(global_generator, size_out=1, label="noise")
    with pytest.raises(ValidationError, match="'noise'.*SeedGenerator.*every step"):
        Simulator(net, progress_bar=False)


def test_what_cannot_be_seeded_is_named():
    def func(t):
        return tf.cond(
            t > 0, lambda: tf.random.uniform((1, 1)), lambda: tf.zeros((1, 1))
        )

    for draw in (func, lambda t: tf.random.shuffle(tf.ones((1, 1)))):
        with nengo.Network() as net:
            TensorNode(draw, size_out=1, label="noise")
        with pytest.warns(UserWarning, match="'noise'.*Random.*does not follow"):
            Simulator(net, progress_bar=False).close()
