"""Regularizers of activities, as settings of ensembles and nodes."""

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import linear, sgd, simulator, total, weight
from nengo.exceptions import ValidationError

from nengo_dl_sim import configure_settings, get_setting

L2 = keras.regularizers.L2(1e-3)


def spread(x):
    """A penalty that is not the sum of those of items."""
    return tf.sqrt(tf.reduce_sum(x**2) + 1)


def network(**settings):
    """Make a network of two ensembles and a node, with settings."""
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64", activity_regularizer=None, **settings)
        net.a = nengo.Node([0.5])
        net.ens = nengo.Ensemble(5, 1, seed=1, label="ens")
        with nengo.Network() as net.sub:
            configure_settings()
            net.other = nengo.Ensemble(4, 1, neuron_type=nengo.Tanh(), seed=2)
        net.b = nengo.Node(size_in=2, label="b")
        nengo.Connection(net.a, net.ens, synapse=None)
        nengo.Connection(net.ens, net.other, synapse=0.01, seed=3)
        nengo.Connection(net.ens, net.b[0], synapse=None, seed=4)
        nengo.Connection(net.other, net.b[1], synapse=None, seed=5)
        net.p = nengo.Probe(net.b)
        net.activities = nengo.Probe(net.ens.neurons, synapse=None)
        net.others = nengo.Probe(net.other.neurons, synapse=None)
    return net


def values(net, sim):
    """Return all values that training may change."""
    found = [sim.data[conn].weights for conn in net.all_connections]
    found = [weights for weights in found if weights is not None]
    for ens in net.all_ensembles:
        found += [sim.data[ens].scaled_encoders, sim.data[ens].bias]
    return found


def penalty(regularizer):
    """Return the same as an objective of a probe."""

    def objective(outputs):
        parts = [regularizer(x) for x in tf.unstack(outputs, axis=1)]
        return tf.add_n(parts) / len(parts) / outputs.shape[0]

    return objective


def mean(outputs):
    """Another objective."""
    return tf.reduce_mean((outputs - 0.3) ** 2)


def of_network(net):
    with net:
        configure_settings(activity_regularizer=L2)


def own(name, regularizer=L2):
    def setup(net):
        obj = net.ens.neurons if name == "neurons" else getattr(net, name)
        net.config[obj].activity_regularizer = regularizer

    return setup


def of_types(*types):
    def setup(net):
        for kind in types:
            net.config[kind].activity_regularizer = L2

    return setup


def but_one(net):
    of_network(net)
    net.sub.config[net.other].activity_regularizer = lambda x: 0.0


#: What is set, and what of the probes that means.
SETTINGS = {
    "an ensemble": (own("ens"), {"activities": L2}),
    "neurons": (own("neurons", spread), {"activities": spread}),
    "a node": (own("b", spread), {"p": spread}),
    "the type of ensembles": (
        of_types(nengo.Ensemble),
        {"activities": L2, "others": L2},
    ),
    "a network": (of_network, {"activities": L2, "others": L2}),
    "a network in it": (own("sub"), {"others": L2}),
    "all but one": (but_one, {"activities": L2}),
}

#: Steps, options of the network, and of the simulator.
RUNS = {
    "one by one": (3, {}, {}),
    "in a loop": (6, {}, {}),
    "in blocks": (6, {"remat_steps": 2}, {}),
    "by XLA": (6, {}, {"jit_compile": True}),
    "in spikes": (3, {"training_mode": "spike_aware"}, {}),
}


def train_both(setup, expected, n_steps, settings, options):
    """Train with a setting, and with objectives that mean the same."""
    data = {"a": np.linspace(-1, 1, 4 * n_steps).reshape(4, n_steps, 1)}
    found = []
    for name in ("setting", "objectives"):
        net = network(**settings)
        objectives = {net.p: [mean]}
        if name == "setting":
            setup(net)
        else:
            for probe, regularizer in expected.items():
                objectives.setdefault(getattr(net, probe), []).append(
                    penalty(regularizer)
                )
        functions = {
            probe: lambda y, parts=parts: tf.add_n([part(y) for part in parts])
            for probe, parts in objectives.items()
        }
        with simulator(net, minibatch_size=2, **options) as sim:
            sim.train(
                {net.a: data["a"]},
                sgd(1e-2),
                n_epochs=2,
                objective=functions,
                shuffle=False,
            )
            found.append(values(net, sim))
    return found


def check(found):
    """Compare what was trained in both ways."""
    for x, y in zip(*found, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_training_minimises_penalties(run):
    check(train_both(*SETTINGS["neurons"], *run))


def evaluated(net, expected, n_steps):
    """Return the loss of an evaluation, and what it should be by what probes record."""
    x = np.linspace(-1, 1, 5 * n_steps).reshape(5, n_steps, 1)
    targets = np.zeros((5, n_steps, 2))  # the last minibatch is not full
    with simulator(net, minibatch_size=2) as sim:
        sim.compile(sgd(), loss={net.p: lambda y_true, y: 0 * y})
        found = sim.evaluate(x, {net.p: targets}, verbose=0)["loss"]
        outputs = sim.predict(x)
    parts = [
        float(regularizer(tf.constant(batch[:, step])))
        for probe, regularizer in expected.items()
        for batch in np.split(outputs[getattr(net, probe)], [2, 4])
        for step in range(n_steps)
    ]
    return found, sum(parts) / n_steps / 5


@pytest.mark.parametrize("setup, expected", SETTINGS.values(), ids=SETTINGS)
def test_the_nearest_setting_counts(setup, expected):
    net = network()
    setup(net)
    found, expected = evaluated(net, expected, 3)
    assert found > 0
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_gradients_are_those_of_finite_differences():
    net = linear()
    net.config[net.b].activity_regularizer = lambda x: tf.reduce_sum(tf.exp(3 * x))
    found = []
    for value in (1.0, 1.0 + 1e-6, 1.0 - 1e-6):
        net.conn.transform = [[value]]
        with simulator(net) as sim:
            sim.compile(sgd(1.0), loss=lambda y_true, y: 0 * y)
            data = {"n_steps": 2, "y": np.zeros((1, 2, 1)), "verbose": 0}
            found.append(sim.evaluate(**data)["loss"])
            if value == 1.0:
                sim.fit(**data)
                trained = weight(sim, net)
    np.testing.assert_allclose(found[0], np.exp(1.5), rtol=1e-12)
    np.testing.assert_allclose(1 - trained, (found[1] - found[2]) / 2e-6, rtol=1e-6)


@pytest.mark.parametrize("neuron_type", [nengo.LIF(), nengo.Direct()])
def test_evaluation_is_of_what_a_run_gives(neuron_type):
    net = network()
    net.ens.neuron_type = neuron_type
    net.config[net.ens].activity_regularizer = spread
    if isinstance(neuron_type, nengo.Direct):
        net.probes.remove(net.activities)
        with net:
            net.activities = nengo.Probe(net.ens, synapse=None)
    found, expected = evaluated(net, {"activities": spread}, 20)
    assert found > 0.7  # that of nothing is 0.6
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_a_run_is_what_it_was():
    found = []
    for setup in (lambda net: None, of_types(nengo.Ensemble, nengo.Node)):
        net = network()
        setup(net)
        with simulator(net) as sim:
            sim.run_steps(20)
            assert sim.loss(20, {net.p: total}) != 0
            found.append([sim.data[net.p], sim.loss(20, {net.p: total})])
    np.testing.assert_array_equal(found[0][0], found[1][0])
    assert found[0][1] == found[1][1]


def test_what_counts_is_told():
    net = network()
    of_network(net)
    net.config[net.a].activity_regularizer = "l1"
    assert get_setting(net, "activity_regularizer", obj=net.other) is L2
    assert get_setting(net, "activity_regularizer", obj=net.ens.neurons) is L2
    assert get_setting(net, "activity_regularizer", obj=net.b) is None
    found = get_setting(net, "activity_regularizer", obj=net.a)
    assert isinstance(found, keras.regularizers.L1)


BAD = {
    "a penalty for each element": (lambda x: x**2, "returns a number for <Node.*b"),
    "a penalty of NumPy": (lambda x: np.sum(x), "TensorFlow"),
}


@pytest.mark.parametrize("function, message", BAD.values(), ids=BAD)
@pytest.mark.parametrize("n_steps", [2, 6])
def test_functions_that_do_not_fit(function, message, n_steps):
    net = network()
    net.config[net.b].activity_regularizer = function
    message = f"activity_regularizer: expected .*{message}"
    with simulator(net) as sim:
        before = values(net, sim)
        with pytest.raises(ValidationError, match=message):
            sim.train(n_steps, sgd(), objective={net.p: total})
        sim.compile(sgd(), loss={net.p: "mse"})
        targets = {net.p: np.zeros((1, n_steps, 2))}
        for method in (sim.evaluate, sim.fit):
            with pytest.raises(ValidationError, match=message):
                method(n_steps=n_steps, y=targets, verbose=0)
        for x, y in zip(before, values(net, sim), strict=True):
            np.testing.assert_array_equal(x, y)


def test_a_penalty_that_is_not_finite():
    net = linear()
    net.config[net.b].activity_regularizer = lambda x: tf.math.log(-x[0, 0])
    with simulator(net) as sim:
        message = "the regularizers of activities"
        with pytest.raises(nengo.exceptions.SimulationError, match=message):
            sim.train(1, sgd(), objective={net.p: total})
        assert weight(sim, net) == 1
