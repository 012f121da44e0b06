"""What Keras layers remember beside their weights: mean values, seeds, last outputs."""

import functools

import helpers
import keras
import nengo
import numpy as np
import pytest
from helpers import engine_of, state_of

from nengo_dl_ops import Layer

N_ITEMS, SIZE, N_STEPS = 8, 4, 3


class Counting(keras.layers.Layer):
    """Adds up what it is given, from step to step, in simulations as in training."""

    def build(self, shape):
        self.sum = self.add_weight(
            shape=(SIZE, shape[-1]), initializer="zeros", trainable=False
        )

    def call(self, x):
        self.sum.assign_add(x)
        return x + 0.1 * self.sum


def network(seed):
    """A network with all kinds of state, other weights and seeds for another seed."""
    keras.utils.set_random_seed(seed)
    with nengo.Network(seed=0) as net:
        net.node = nengo.Node([0.5, 0.2], label="node")
        x = Layer(keras.layers.Dense(3))(net.node)
        x = Layer(keras.layers.Dropout(0.5, seed=seed))(x)
        x = Layer(Counting())(x)
        net.norm = keras.layers.BatchNormalization(momentum=0.5)
        net.p = nengo.Probe(Layer(net.norm)(x), label="p")
    return net


simulator = functools.partial(helpers.simulator, minibatch_size=SIZE, seed=0)


def make_data(net):
    rng = np.random.RandomState(0)
    x = rng.normal(3, 1, (N_ITEMS, N_STEPS, 2))
    return {net.node: x, net.p: np.ones((N_ITEMS, N_STEPS, 3))}


def train(sim, net, optimizer, n_epochs):
    sim.train(make_data(net), optimizer, n_epochs)


def fit(sim, net, optimizer, n_epochs):
    data = make_data(net)
    sim.compile(optimizer, loss="mse")
    y = {net.p: data.pop(net.p)}
    sim.fit(data, y, epochs=n_epochs, verbose=0)


def everything(sim):
    """All variables, and a run from the present on."""
    variables = [
        np.array(v) for v in map(np.asarray, engine_of(sim).parameters.variables)
    ]
    state = [value.numpy() for value in state_of(sim).variables]
    sim.run_steps(2)
    return [*variables, *state, *(sim.data[p] for p in sim.model.probes)]


def assert_equal(found, expected):
    for mine, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(mine, other)


def assert_other(found, expected):
    assert any(np.any(a != b) for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize("before", [0, 2], ids=["at the start", "in the middle"])
@pytest.mark.parametrize("state", [False, True])
def test_loaded_parameters_count_at_once(before, state, tmp_path):
    """Without a reset, what layers remember is what was loaded."""
    net, path = network(1), tmp_path / "layers"
    with simulator(net) as sim:
        train(sim, net, keras.optimizers.SGD(0.01), 2)
        sim.save_params(path, include_state=state)
        mean = net.norm.moving_mean.numpy()
        expected = everything(sim)
    net = network(2)
    with simulator(net) as sim:
        sim.run_steps(before)
        sim.load_params(path, include_state=state)
        sim.clear_probes()
        np.testing.assert_array_equal(net.norm.moving_mean.numpy(), mean)
        assert_equal(everything(sim), expected)


@pytest.mark.parametrize(
    "learn, jit_compile", [(train, False), (train, True), (fit, False)]
)
def test_checkpoints_have_what_layers_remember(learn, jit_compile, tmp_path):
    """Two epochs end alike, bit for bit, with and without a restart between them."""
    options = {"jit_compile": jit_compile}
    net, adam = network(1), keras.optimizers.Adam(0.01)
    with simulator(net, **options) as sim:
        learn(sim, net, adam, 1)
        sim.run_steps(2)
        sim.save_checkpoint(tmp_path / "between")
        sim.clear_probes()
        learn(sim, net, adam, 1)
        expected = everything(sim)
    net, adam = network(2), keras.optimizers.Adam(0.01)
    with simulator(net, **options) as sim:
        untrained = [v.numpy() for v in state_of(sim).variables]
        sim.restore_checkpoint(tmp_path / "between")
        assert_other([v.numpy() for v in state_of(sim).variables], untrained)
        learn(sim, net, adam, 1)
        assert_equal(everything(sim), expected)
