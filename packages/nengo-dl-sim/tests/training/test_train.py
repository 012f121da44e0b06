"""Training: what is learned, with which optimizers and objectives, and what stays."""

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import sgd, simulator, total, weight
from nengo.exceptions import SimulationError, ValidationError

from nengo_dl_objectives import Regularize, mse
from nengo_dl_ops import SoftLIFRate, tensor_layer
from nengo_dl_sim import configure_settings

TF1 = tf.compat.v1.train


def linear(transform=1.0, **settings):
    """One trainable weight from an input to a probe."""
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64", **settings)
        net.a = nengo.Node([0.0])
        net.b = nengo.Node(size_in=1)
        net.conn = nengo.Connection(net.a, net.b, transform=transform, synapse=None)
        net.p = nengo.Probe(net.b)
    return net


def data(net, n_items=4, n_steps=2, factor=3.0, noise=0.0):
    rng = np.random.RandomState(0)
    x = rng.uniform(0.5, 1, (n_items, n_steps, 1))
    return {net.a: x, net.p: factor * x + noise * rng.randn(*x.shape)}


@pytest.mark.parametrize("jit_compile", [False, True])
def test_xor(jit_compile):
    with nengo.Network(seed=0) as net:
        inputs, output = nengo.Node(np.zeros(2)), nengo.Node(size_in=1)
        hidden = nengo.Ensemble(
            16,
            1,
            neuron_type=nengo.Tanh(tau_ref=1),
            gain=np.ones(16),
            bias=np.zeros(16),
        )
        weights = nengo.dists.Uniform(-1, 1)
        nengo.Connection(inputs, hidden.neurons, transform=weights, synapse=None)
        nengo.Connection(hidden.neurons, output, transform=weights, synapse=None)
        probe = nengo.Probe(output)
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])[:, None]
    y = np.array([0, 1, 1, 0])[:, None, None]
    with simulator(net, minibatch_size=4, seed=0, jit_compile=jit_compile) as sim:
        untrained = sim.loss({inputs: x, probe: y})
        sim.train({inputs: x, probe: y}, keras.optimizers.Adam(0.05), n_epochs=200)
        assert sim.loss({inputs: x, probe: y}) < 2e-3 < untrained
        assert sim.training_step == 200
        sim.run_steps(1, data={inputs: x})
    np.testing.assert_allclose(sim.data[probe][:, 0, 0], [0, 1, 1, 0], atol=0.2)


# One step from weight 1 with gradient g: the weight afterwards.
def adam(g):
    return 1 - 0.1 * np.sign(g)


OPTIMIZERS = {
    "SGD": (lambda: keras.optimizers.SGD(0.125), lambda g: 1 - 0.125 * g),
    "RMSprop": (
        lambda: keras.optimizers.RMSprop(0.1, rho=0.75, epsilon=1e-12),
        lambda g: 1 - 0.1 * np.sign(g) / 0.5,
    ),
    "Adam": (lambda: keras.optimizers.Adam(0.1, epsilon=1e-12), adam),
    "GradientDescentOptimizer": (
        lambda: TF1.GradientDescentOptimizer(0.1),
        lambda g: 1 - 0.1 * g,
    ),
    "AdamOptimizer": (lambda: TF1.AdamOptimizer(0.1, epsilon=1e-12), adam),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(name):
    make, expected = OPTIMIZERS[name]
    net = linear()
    values = data(net)
    x, y = values[net.a], values[net.p]
    gradient = np.mean(2 * (x - y) * x)
    with simulator(net, minibatch_size=4) as sim:
        sim.train(values, make())
        assert weight(sim, net) == pytest.approx(expected(gradient), rel=1e-6)
        before = sim.loss(values)
        sim.train(values, make(), n_epochs=3)
        assert sim.loss(values) < before


@pytest.mark.parametrize(
    "make",
    [lambda: keras.optimizers.Adam(0.1), lambda: TF1.AdamOptimizer(0.1)],
    ids=["keras", "tf1"],
)
def test_an_optimizer_that_is_used_again_continues(make):
    net, results = linear(), []
    values = data(net, noise=1.0)
    for pieces in ([6], [1, 3, 2], [1] * 6):
        with simulator(net, minibatch_size=4, seed=0) as sim:
            optimizer = make()
            for n_epochs in pieces:
                sim.train(values, optimizer, n_epochs=n_epochs)
                # Another objective is another compilation, not another optimizer.
                sim.loss(values, {net.p: lambda y, t: tf.reduce_sum(y)})
            results.append(weight(sim, net))
    np.testing.assert_allclose(results, results[0], rtol=1e-12)
    with simulator(net, minibatch_size=4, seed=0) as sim:
        for _ in range(6):
            sim.train(values, make())
        assert abs(weight(sim, net) - results[0]) > 1e-3


def test_an_optimizer_serves_several_objectives():
    net = linear()
    values = data(net)
    optimizer = keras.optimizers.SGD(0.05, momentum=0.9)
    objective = {net.p: lambda y, t: mse(y, t)}
    with simulator(net, minibatch_size=4) as sim:
        for _ in range(40):
            sim.train(values, optimizer)
            sim.train(values, optimizer, objective=objective)
        assert weight(sim, net) == pytest.approx(3, abs=0.1)


@pytest.mark.parametrize("smoothing", [None, 0.5])
@pytest.mark.parametrize(
    "spiking, rate",
    [
        (nengo.LIF(tau_rc=0.03, amplitude=0.5), None),
        (nengo.SpikingRectifiedLinear(), nengo.RectifiedLinear()),
    ],
    ids=["LIF", "SpikingRectifiedLinear"],
)
def test_spiking_neurons_are_trained_as_rates(spiking, rate, smoothing):
    if rate is None:
        options = {"tau_rc": 0.03, "amplitude": 0.5}
        rate = nengo.LIFRate(**options)
        rate = rate if smoothing is None else SoftLIFRate(sigma=smoothing, **options)

    def run(neuron_type, training):
        with nengo.Network(seed=0) as net:
            configure_settings(dtype="float64", lif_smoothing=smoothing)
            a = nengo.Node([0.5])
            ens = nengo.Ensemble(
                20,
                1,
                neuron_type=neuron_type,
                max_rates=nengo.dists.Uniform(50, 150),
            )
            nengo.Connection(a, ens, synapse=None)
            nengo.Connection(ens.neurons, ens.neurons, transform=-0.003 * np.eye(20))
            p = nengo.Probe(ens.neurons)
        objective = {p: lambda y: tf.reduce_mean(y**2)}
        optimizer = keras.optimizers.SGD(1e-5)
        with simulator(net, minibatch_size=1) as sim:
            loss, bias = sim.loss(6, objective, training=training), sim.data[ens].bias
            if training:
                sim.train(6, optimizer, objective=objective)
            return loss, sim.data[ens].bias - bias

    expected, wanted_change = run(rate, True)
    loss, change = run(spiking, True)
    assert loss == pytest.approx(expected, rel=1e-10)
    assert np.any(change != 0)
    np.testing.assert_allclose(change, wanted_change, rtol=1e-9)
    spikes, _ = run(spiking, False)
    assert abs(spikes - expected) > 0.1 * expected


def test_direct_gradients():
    """With None in place of a function the target is the gradient of the output."""
    net = linear()
    values = data(net)
    with simulator(net, minibatch_size=4) as sim:
        sim.train(values, keras.optimizers.SGD(0.125), objective={net.p: None})
        expected = 1 - 0.125 * np.sum(values[net.a] * values[net.p])
        assert weight(sim, net) == pytest.approx(expected, rel=1e-12)


def test_tuples_of_probes():
    net = linear()
    with net:
        net.q = nengo.Probe(net.a)
    values = data(net)
    x, y = values[net.a], values[net.p]
    values[net.q] = z = 0.5 * np.ones_like(x)

    def product(outputs, targets):
        (p, q), (target_p, target_q) = outputs, targets
        return tf.reduce_sum((p - target_p) * (q - target_q))

    def without_targets(outputs):
        return tf.reduce_sum(outputs[0] * outputs[1], axis=(1, 2))

    with simulator(net, minibatch_size=4) as sim:
        loss = sim.loss(values, {(net.p, net.q): product})
        assert loss == pytest.approx(np.sum((x - y) * (x - z)), rel=1e-12)
        loss = sim.loss({net.a: x}, {(net.q, net.p): without_targets})
        assert loss == pytest.approx(np.sum(x * x), rel=1e-12)
        loss = sim.loss(
            values, {(net.p, net.q): product, net.p: lambda y: tf.reduce_sum(y)}
        )
        assert loss == pytest.approx(np.sum((x - y) * (x - z) + x), rel=1e-12)
        sim.train(values, keras.optimizers.SGD(0.125), objective={(net.p, net.q): None})
        expected = 1 - 0.125 * np.sum(x * y)
        assert weight(sim, net) == pytest.approx(expected, rel=1e-12)


def test_regularize():
    with nengo.Network(seed=0) as net:
        a = nengo.Node([1.0])
        ens = nengo.Ensemble(10, 1, neuron_type=nengo.RectifiedLinear())
        conn = nengo.Connection(a, ens.neurons, transform=np.ones((10, 1)))
        rates, weights = nengo.Probe(ens.neurons), nengo.Probe(conn, "weights")
    objective = {rates: Regularize(weight=1e-3), weights: Regularize(order=1)}
    with simulator(net) as sim:
        sim.train(5, keras.optimizers.RMSprop(0.05), n_epochs=100, objective=objective)
        sim.train(5, keras.optimizers.RMSprop(0.002), n_epochs=50, objective=objective)
        sim.run_steps(5)
    assert np.max(np.abs(sim.data[weights])) < 1e-2
    assert np.max(np.abs(sim.data[conn].weights)) < 1e-2


def test_nan_targets_are_no_targets():
    net = linear()
    values = data(net)
    x, y = values[net.a], values[net.p].copy()
    y[::2, 0] = np.nan
    with simulator(net, minibatch_size=4) as sim:
        loss = sim.loss({net.a: x, net.p: y})
        assert loss == pytest.approx(np.nansum((x - y) ** 2) / y.size, rel=1e-12)
        sim.train({net.a: x, net.p: y}, keras.optimizers.SGD(0.125))
        gradient = np.nansum(2 * (x - y) * x) / y.size
        assert weight(sim, net) == pytest.approx(1 - 0.125 * gradient, rel=1e-12)


@pytest.mark.parametrize("with_targets", [True, False])
def test_a_number_of_steps_in_place_of_data(with_targets):
    net = linear()
    net.a.output = [0.5]
    with simulator(net, minibatch_size=3) as sim:
        objective = {net.p: lambda y: tf.reduce_sum((y - 2) ** 2)}
        if with_targets:
            values = {net.p: np.full((3, 4, 1), 2.0)}
            objective = {net.p: lambda y, t: tf.reduce_sum((y - t) ** 2)}
        else:
            values = 4
        assert sim.loss(values, objective) == pytest.approx(12 * 1.5**2)
        sim.train(values, keras.optimizers.SGD(0.01), objective=objective)
        assert weight(sim, net) == pytest.approx(1 + 0.01 * 12 * 1.5)


def test_minibatches_and_epochs():
    net = linear()
    values = data(net, n_items=7, noise=1.0)
    x, y = values[net.a], values[net.p]
    with simulator(net, minibatch_size=2) as sim:
        loss = sim.loss(values)
        assert loss == pytest.approx(np.mean((x - y) ** 2), rel=1e-12)
        loss = sim.loss(values, combine=np.max)
        wanted = max(np.mean((x - y)[i : i + 2] ** 2) for i in (0, 2, 4, 6))
        assert loss == pytest.approx(wanted, rel=1e-12)

        w = 1.0
        with pytest.warns(UserWarning, match="not a multiple"):
            sim.train(values, keras.optimizers.SGD(0.125), n_epochs=2, shuffle=False)
        for i in (0, 2, 4, 0, 2, 4):
            part = slice(i, i + 2)
            w -= 0.125 * np.mean(2 * (w * x[part] - y[part]) * x[part])
        assert weight(sim, net) == pytest.approx(w, rel=1e-12)
        assert sim.training_step == 6
        sim.train({k: v[:2] for k, v in values.items()}, keras.optimizers.SGD(0.125), 0)
        assert sim.training_step == 6
        sim.reset()
        assert sim.training_step == 0
        assert weight(sim, net) == 1


def test_shuffling_follows_the_seed():
    net, results = linear(), {}
    values = data(net, n_items=12, noise=1.0)
    for name, seed in (("a", 0), ("same", 0), ("other", 1)):
        with simulator(net, minibatch_size=2, seed=seed) as sim:
            for again in ("", " again"):
                sim.train(values, keras.optimizers.SGD(0.3), n_epochs=2)
                results[name + again] = weight(sim, net)
                sim.reset()
    assert results["a"] == results["same"]
    assert results["a"] == results["a again"]
    assert results["a"] != results["other"]


@pytest.mark.parametrize("process", [nengo.processes.WhiteNoise, None])
def test_training_leaves_the_simulation_alone(process):
    def run(train):
        with nengo.Network(seed=0) as net:
            a = nengo.Node(process(seed=None) if process else np.sin, size_out=1)
            ens = nengo.Ensemble(10, 1)
            nengo.Connection(a, ens, synapse=0.1)
            probes = [nengo.Probe(a), nengo.Probe(ens), nengo.Probe(ens.neurons)]
        objective = {probes[1]: lambda y: tf.reduce_sum(y)}
        with simulator(net, minibatch_size=2, seed=0, jit_compile=False) as sim:
            sim.run_steps(5)
            if train:
                sim.loss(6, objective)
                sim.train(6, keras.optimizers.SGD(0.0), objective=objective)
            assert sim.n_steps == 5
            sim.run_steps(5)
            return [sim.data[probe] for probe in probes]

    for trained, untrained in zip(run(True), run(False), strict=True):
        np.testing.assert_array_equal(trained, untrained)


def test_inference_only():
    net = linear(inference_only=True)
    with simulator(net, minibatch_size=4) as sim:
        assert sim.training_step is None
        for kind in (ValidationError, SimulationError):
            with pytest.raises(kind, match="inference_only"):
                sim.train(data(net), keras.optimizers.SGD(0.125))
        assert sim.loss(data(net)) > 0
        assert weight(sim, net) == 1


def test_nothing_to_train():
    net = linear(trainable=False)
    with simulator(net, minibatch_size=4) as sim:
        with pytest.raises(ValidationError, match="trainable parameters, got none"):
            sim.train(data(net), keras.optimizers.SGD(0.125))


def test_a_loss_that_is_not_finite_changes_nothing():
    net = linear()
    values = data(net)

    def diverges(y, t):
        return mse(y, t) / tf.cast(tf.reduce_mean(y) > 0.1, y.dtype)

    with simulator(net, minibatch_size=4) as sim:
        optimizer = keras.optimizers.SGD(1.0)
        # The first step makes the weight negative, the second one fails.
        values[net.p] = np.full_like(values[net.p], -1)
        with pytest.raises(SimulationError, match=r"Probe.*finite number, got inf"):
            sim.train(values, optimizer, n_epochs=5, objective={net.p: diverges})
        x, y = values[net.a], values[net.p]
        expected = 1 - np.mean(2 * (x - y) * x)
        assert expected < 0.1
        assert weight(sim, net) == pytest.approx(expected, rel=1e-12)
        assert sim.training_step == 1
        with pytest.raises(SimulationError, match="got nan"):
            sim.train(2, optimizer, objective={net.p: lambda y: np.nan * y[:, 0, 0]})
        assert weight(sim, net) == pytest.approx(expected, rel=1e-12)


def test_trainable_settings_are_respected():
    with nengo.Network(seed=0) as net:
        configure_settings(trainable=None, dtype="float64")
        a = nengo.Node([0.5])
        first = nengo.Ensemble(8, 1, neuron_type=nengo.RectifiedLinear())
        second = nengo.Ensemble(8, 1, neuron_type=nengo.RectifiedLinear())
        conns = [
            nengo.Connection(a, first, transform=2, synapse=None),
            nengo.Connection(first, second, synapse=None),
            nengo.Connection(first, second, function=np.square, synapse=None),
        ]
        p = nengo.Probe(second)
    net.config[first].trainable = False
    net.config[second.neurons].trainable = False
    net.config[conns[2]].trainable = False
    wanted = [
        (first, "scaled_encoders"),
        (first, "bias"),
        (second, "scaled_encoders"),
        (second, "bias"),
        *((conn, "weights") for conn in conns),
    ]
    with simulator(net) as sim:
        before = sim.data.get_params(*wanted)
        objective = {p: lambda y: tf.reduce_sum((y - 3) ** 2)}
        sim.train(3, keras.optimizers.SGD(1e-4), objective=objective)
        after = sim.data.get_params(*wanted)
    changed = [not np.array_equal(x, y) for x, y in zip(before, after, strict=True)]
    assert changed == [False, False, True, False, True, True, False]


def test_layers_are_trained_and_keep_their_state():
    """Batch normalisation learns mean values beside its parameters."""
    keras.utils.set_random_seed(0)
    with nengo.Network(seed=0) as net:
        a = nengo.Node(np.zeros(3))
        norm = keras.layers.BatchNormalization(momentum=0.5)
        dense = keras.layers.Dense(1)
        p = nengo.Probe(tensor_layer(tensor_layer(a, norm), dense))
    x = np.random.RandomState(0).normal(2, 3, (32, 1, 3))
    y = np.sum(x, axis=-1, keepdims=True)
    with simulator(net, minibatch_size=16) as sim:
        before = sim.loss({a: x, p: y})
        kernel = dense.kernel.numpy()
        sim.train({a: x, p: y}, keras.optimizers.Adam(0.1), n_epochs=50)
        assert sim.loss({a: x, p: y}) < 0.1 * before
        assert np.any(dense.kernel.numpy() != kernel)


@pytest.mark.parametrize("truncation, limit", [(None, 0.0025), (5, 0.007)])
def test_recurrent_network(truncation, limit):
    """Ten steps of an integrator."""
    with nengo.Network(seed=0) as net:
        inputs = nengo.Node([0.0])
        ens = nengo.Ensemble(
            20,
            1,
            neuron_type=nengo.RectifiedLinear(),
            max_rates=nengo.dists.Uniform(0.5, 1),
        )
        nengo.Connection(inputs, ens, synapse=None)
        nengo.Connection(ens, ens, transform=0.5, synapse=0)
        probe = nengo.Probe(ens)
    x = np.random.RandomState(0).uniform(-0.2, 0.2, (16, 10, 1))
    data = {inputs: x, probe: np.cumsum(x, axis=1)}
    with simulator(net, minibatch_size=8, jit_compile=True) as sim:
        untrained = sim.loss(data)
        optimizer = keras.optimizers.Adam(0.01)
        sim.train(data, optimizer, n_epochs=80, truncation=truncation)
        assert sim.loss(data) < limit < untrained


@pytest.mark.row("S045")
def test_gradients_of_several_uses_add_up():
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64", trainable=False)
        a, b, c = nengo.Node([2.0]), nengo.Node(size_in=1), nengo.Node(size_in=1)
        net.conn = nengo.Connection(a, b, transform=1.0, synapse=None)
        net.config[net.conn].trainable = True
        for factor in (1.0, 3.0, -0.5):
            nengo.Connection(b, c, transform=factor, synapse=None)
        p, q = nengo.Probe(c), nengo.Probe(b)
    with simulator(net) as sim:
        sim.train(2, sgd(0.01), objective={p: total, q: total})
        assert weight(sim, net) == pytest.approx(1 - 0.01 * 2 * 2 * (3.5 + 1))
