"""Weights of samples and of classes, compared with Keras."""

import functools

import helpers
import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from nengo.exceptions import ValidationError

from nengo_dl_objectives.losses import Regularize, nan_mse
from nengo_dl_ops import TensorNode
from nengo_dl_sim import configure_settings

N_ITEMS, N_STEPS, SIZE, N_CLASSES = 8, 3, 4, 3

RNG = np.random.RandomState(0)
X = RNG.normal(size=(N_ITEMS, N_STEPS, 2)).astype(np.float32)
Y = RNG.normal(size=(N_ITEMS, N_STEPS, N_CLASSES)).astype(np.float32)
LABELS = np.array([0, 1, 2, 1, 1, 0, 2, 2])[:, None, None]
OF_ITEMS = RNG.uniform(0, 2, N_ITEMS)
OF_STEPS = RNG.uniform(0, 2, (N_ITEMS, N_STEPS))


def dense():
    return keras.layers.Dense(
        N_CLASSES, kernel_initializer=keras.initializers.RandomNormal(seed=1)
    )


def network():
    with nengo.Network(seed=0) as net:
        node = nengo.Node([0.0, 0.0])
        net.layer = dense()
        out = TensorNode(net.layer, shape_in=(2,))
        nengo.Connection(node, out, synapse=None)
        net.p = nengo.Probe(out, label="out")
        net.q = nengo.Probe(node, label="other")
    return net


simulator = functools.partial(helpers.simulator, minibatch_size=SIZE)


class LastStep(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return tf.reduce_mean((y_true - y_pred)[:, -1] ** 2, axis=-1)


LOSSES = {
    "name": "mse",
    "object": keras.losses.MeanAbsoluteError(),
    "sum": keras.losses.MeanSquaredError(reduction="sum"),
    "function": lambda y_true, y_pred: tf.reduce_mean((y_true - y_pred) ** 2, axis=-1),
    "mean": keras.losses.Huber(delta=0.5, reduction="mean_with_sample_weight"),
    "last step": LastStep(),
}


def spread(weights, x):
    """Weights of items for each step, as Keras wants them."""
    return np.tile(weights[:, None], x.shape[1]) if weights.ndim == 1 else weights


def in_keras(loss, x, y, **kwargs):
    """Two epochs in Keras: the losses, and the weights at the end."""
    if "sample_weight" in kwargs:
        kwargs["sample_weight"] = spread(kwargs["sample_weight"], x)
    model = keras.Sequential([keras.Input(x.shape[1:]), dense()])
    model.compile(keras.optimizers.SGD(0.1), loss=loss, jit_compile=False)
    options = {"batch_size": SIZE, "shuffle": False, "verbose": 0, "epochs": 2}
    history = model.fit(x, y, **options, **kwargs).history
    weights = kwargs.get("sample_weight")
    value = model.evaluate(x, y, SIZE, 0, sample_weight=weights)
    return history, value, model.get_weights()


def in_nengo(loss, x, y, **kwargs):
    """The same in a simulator."""
    net = network()
    with simulator(net) as sim:
        sim.compile(keras.optimizers.SGD(0.1), loss={net.p: loss})
        options = {"shuffle": False, "verbose": 0, "epochs": 2}
        history = sim.fit(x, {net.p: y}, **options, **kwargs).history
        weights = kwargs.get("sample_weight")
        value = sim.evaluate(x, {net.p: y}, sample_weight=weights, verbose=0)["loss"]
        return history, value, net.layer.get_weights()


def assert_same(found, expected):
    for key, values in expected[0].items():
        assert found[0][key] == pytest.approx(values, rel=1e-6), key
    assert found[1] == pytest.approx(expected[1], rel=1e-6)
    for mine, others in zip(found[2], expected[2], strict=True):
        np.testing.assert_allclose(mine, others, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("weights", [OF_ITEMS, OF_STEPS], ids=["items", "steps"])
@pytest.mark.parametrize("name", [name for name in LOSSES if name != "last step"])
def test_sample_weights_are_those_of_keras(name, weights):
    arguments = LOSSES[name], X, Y
    expected = in_keras(*arguments, sample_weight=weights)
    assert_same(in_nengo(*arguments, sample_weight=weights), expected)
    unweighted = in_nengo(*arguments)
    assert unweighted[1] != pytest.approx(expected[1], rel=1e-3)


def test_weights_of_items_for_a_loss_without_steps():
    """It has a value for each item."""
    net, loss = network(), LOSSES["last step"]
    with simulator(net) as sim:
        outputs = sim.predict(X, verbose=0)[net.p]
        sim.compile(loss={net.p: loss})
        found = sim.evaluate(X, {net.p: Y}, sample_weight=OF_ITEMS, verbose=0)["loss"]
    expected = loss(Y, outputs, sample_weight=OF_ITEMS)
    assert found == pytest.approx(float(expected), rel=1e-6)


def test_validation_with_weights():
    validation = X[:4], Y[:4], OF_STEPS[:4]
    weights = {"sample_weight": OF_ITEMS}
    expected = in_keras("mse", X, Y, **weights, validation_data=validation)
    assert "val_loss" in expected[0]
    validation = X[:4], {"out": Y[:4]}, OF_STEPS[:4]
    assert_same(in_nengo("mse", X, Y, **weights, validation_data=validation), expected)
    expected = in_keras("mse", X, Y, **weights, validation_split=0.5)
    assert_same(in_nengo("mse", X, Y, **weights, validation_split=0.5), expected)


@pytest.mark.parametrize("one_hot", [False, True])
def test_class_weights_are_those_of_keras(one_hot):
    kind = "Categorical" if one_hot else "SparseCategorical"
    loss = getattr(keras.losses, f"{kind}Crossentropy")(from_logits=True)
    y = np.eye(N_CLASSES)[LABELS[..., 0]] if one_hot else LABELS
    weights = {"class_weight": {0: 0.5, 2: 3.0}}
    expected = in_keras(loss, X[:, 0], y[:, 0], **weights)
    assert_same(in_nengo(loss, X[:, :1], y, **weights), expected)
    split = {**weights, "validation_split": 0.5}  # there classes do not count
    expected = in_keras(loss, X[:, 0], y[:, 0], **split)
    assert_same(in_nengo(loss, X[:, :1], y, **split), expected)


def test_classes_of_steps():
    """Each step has a class of its own."""
    y = RNG.randint(N_CLASSES, size=(N_ITEMS, N_STEPS, 1))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    by_class = np.array([0.5, 1.0, 3.0])
    expected = in_nengo(loss, X, y, sample_weight=by_class[y[..., 0]])
    found = in_nengo(loss, X, y, class_weight={0: 0.5, 2: 3.0})
    assert found[0] == pytest.approx(expected[0])


def test_forms():
    """One array for all losses, a list, a dictionary of probes or names."""
    net, other = network(), X - 1
    y = {net.p: Y, net.q: other}
    for_p, for_q = OF_ITEMS, OF_STEPS
    with simulator(net) as sim:
        outputs = sim.predict(X, verbose=0)

        def mean(probe, weights):
            values = np.mean((outputs[probe] - y[probe]) ** 2, axis=-1)
            weights = np.reshape(weights, (N_ITEMS, -1))
            return np.mean(values * weights)

        sim.compile(loss="mse", metrics={net.p: "mse"})
        unweighted = mean(net.p, np.ones(N_ITEMS))
        for given, (p, q) in (
            (for_p, (for_p, for_p)),
            ([for_p, None], (for_p, np.ones(N_ITEMS))),
            ({"other": for_q, net.p: for_p}, (for_p, for_q)),
            ({net.q: for_q.tolist()}, (np.ones(N_ITEMS), for_q)),
        ):
            found = sim.evaluate(X, y, sample_weight=given, verbose=0)
            expected = {"out_loss": mean(net.p, p), "other_loss": mean(net.q, q)}
            expected["loss"] = sum(expected.values())
            expected["out_mse"] = unweighted  # as in Keras, metrics have no weights
            assert found == pytest.approx(expected, rel=1e-6)


def test_weights_of_a_loss_without_targets():
    net = network()
    with simulator(net) as sim:
        outputs = sim.predict(X, verbose=0)[net.p]
        sim.compile(loss={net.p: tf.abs})
        found = sim.evaluate(X, sample_weight=OF_STEPS, verbose=0)["loss"]
    expected = np.mean(np.abs(outputs) * OF_STEPS[..., None])
    assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("weights", [OF_ITEMS, OF_STEPS], ids=["items", "steps"])
def test_weights_of_the_last_step(weights):
    net = network()
    with net:
        configure_settings(keep_history=False)
    with simulator(net) as sim:
        last = sim.predict(X, verbose=0)[net.p]
        assert last.shape == (N_ITEMS, 1, N_CLASSES)
        sim.compile(loss={net.p: "mse"})
        found = sim.evaluate(X, {net.p: Y}, sample_weight=weights, verbose=0)["loss"]
    values = np.mean((last - Y[:, -1:]) ** 2, axis=(1, 2))
    weights = weights if weights.ndim == 1 else weights[:, -1]
    assert found == pytest.approx(np.mean(values * weights), rel=1e-6)


REFUSED = {
    "a number": ({"sample_weight": 1.0}, r"sample_weight.*shape \(8,\) or \(8, 3\)"),
    "items": ({"sample_weight": OF_ITEMS[:4]}, r"sample_weight.*got \(4,\)"),
    "steps": ({"sample_weight": OF_STEPS[:, :2]}, r"sample_weight.*got \(8, 2\)"),
    "split": (
        {"sample_weight": OF_ITEMS[0], "validation_split": 0.5},
        r"sample_weight.*got \(",
    ),
    "text": ({"sample_weight": "heavy"}, "sample_weight.*expected an array of numbers"),
    "nan": ({"sample_weight": OF_ITEMS * np.nan}, "sample_weight.*finite numbers"),
    "no loss": ({"sample_weight": {"other": OF_ITEMS}}, "sample_weight.*with a loss"),
    "a name": ({"sample_weight": {"none": OF_ITEMS}}, "sample_weight.*'none'"),
    "list": (
        {"sample_weight": [OF_ITEMS] * 3},
        "sample_weight.*each of up to 2 probes",
    ),
    "classes": ({"class_weight": [1.0, 2.0]}, "class_weight.*dictionary"),
    "class": ({"class_weight": {"a": 1.0}}, "class_weight.*numbers of classes"),
    "weight": ({"class_weight": {0: np.inf}}, "class_weight.*finite"),
    "both": (
        {"class_weight": {0: 1.0}, "sample_weight": OF_ITEMS},
        "class_weight.*either.*got both",
    ),
}


@pytest.fixture(scope="module")
def shared():
    net = network()
    with simulator(net) as sim:
        sim.compile(keras.optimizers.SGD(0.1), loss={net.p: "mse"})
        yield sim, net


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name, shared):
    (sim, net), (arguments, match) = shared, REFUSED[name]
    with pytest.raises(ValidationError, match=match):
        sim.fit(X, {net.p: Y}, verbose=0, **arguments)
    assert sim.training_step == 0


@pytest.mark.parametrize(
    ("loss", "y"),
    [(nan_mse, Y), (LastStep(), Y), (Regularize(), Y), (tf.reduce_sum, None)],
)
def test_refused_of_what_cannot_be_weighed(loss, y):
    net = network()
    with simulator(net) as sim:
        sim.compile(loss={net.p: loss})
        y = None if y is None else {net.p: y}
        with pytest.raises(ValidationError, match=r"sample_weight.*weigh.*\(4, 3\)"):
            sim.evaluate(X, y, sample_weight=OF_STEPS, verbose=0)


def test_classes_of_one_probe_only():
    net = network()
    with simulator(net) as sim:
        sim.compile(loss="mse")
        with pytest.raises(ValidationError, match="class_weight.*got those of 2"):
            sim.fit(X, {net.p: Y, net.q: X}, class_weight={0: 1.0}, verbose=0)
