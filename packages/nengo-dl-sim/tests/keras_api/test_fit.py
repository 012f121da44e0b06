"""The interface of NengoDL 3: compile, fit, evaluate, predict."""

import functools
import warnings

import helpers
import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from nengo.exceptions import (
    SimulationError,
    SimulatorClosed,
    ValidationError,
)
from weighted_sum import (
    N_ITEMS,
    N_STEPS,
    SIZE,
    TARGETS,
    WEIGHTS,
    A,
    B,
    filtered,
    linear,
    outputs,
    weights,
)

from nengo_dl_objectives import Regularize, mse
from nengo_dl_objectives.losses import nan_mse
from nengo_dl_ops import Layer
from nengo_dl_sim import configure_settings

simulator = functools.partial(helpers.simulator, seed=0)


# -- names, and forms of data


def test_names():
    labels = ["a", "A", "x y:z", None, None, "n_steps", "a_1"]
    expected = ["a", "A_1", "x_y_z", "node", "node_1", "n_steps_1", "a_1_1"]
    with nengo.Network() as net:
        nodes = [nengo.Node([0.0], label=label) for label in labels]
        inner = nengo.Node(size_in=1, label="inner")
        probes = [nengo.Probe(inner, label=label) for label in ("a", None, "Node")]
    with simulator(net) as sim:
        assert [sim.get_name(node) for node in nodes] == expected
        assert [sim.get_name(p) for p in probes] == ["a_2", "probe", "Node_2"]
        for wrong in (inner, net, "a", np.zeros(2)):
            with pytest.raises(ValidationError, match="obj.*Node.*Probe.*got"):
                sim.get_name(wrong)


def test_node_inputs(sim, net):
    found = sim.node_inputs
    assert list(found) == [net.a, net.b]
    assert [spec.shape for spec in found.values()] == [(2, None, 2), (2, None, 1)]
    assert [spec.name for spec in found.values()] == ["a", "b"]
    assert {spec.dtype for spec in found.values()} == {"float64"}


X_FORMS = {
    "nodes": (lambda net: {net.a: A, net.b: B}, A, B),
    "names": (lambda net: {"a": A, "b": B}, A, B),
    "both": (lambda net: {"a": A, net.b: tf.constant(B)}, A, B),
    "some": (lambda net: {"b": B}, np.ones((1, 1, 2)), B),
    "list": (lambda net: [A, B.tolist()], A, B),
    "tuple": (lambda net: (A, B), A, B),
    "one array": (lambda net: A, A, np.full((1, 1, 1), 0.5)),
    "one tensor": (lambda net: tf.constant(A), A, np.full((1, 1, 1), 0.5)),
}


def first_items(x):
    """Take the first minibatch out of any form of data."""
    if isinstance(x, dict):
        return {key: array[:SIZE] for key, array in x.items()}
    if isinstance(x, (list, tuple)):
        return type(x)(array[:SIZE] for array in x)
    return x[:SIZE]


@pytest.mark.parametrize("name", X_FORMS)
def test_forms_of_x(name, sim, net):
    make, a, b = X_FORMS[name]
    expected = np.broadcast_to(outputs(a, b), (N_ITEMS, N_STEPS, 1))
    single = name.startswith("one")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = sim.predict(make(net), verbose=0)
    assert [str(w.message)[:30] for w in caught] == ["x is one array, but there are "][
        :single
    ]
    assert list(found) == [net.p, net.q]
    np.testing.assert_allclose(found[net.p], expected, atol=1e-12)
    np.testing.assert_allclose(found[net.q], filtered(expected), atol=1e-12)
    # The other doors take the same forms.
    first = first_items(make(net))
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        again = sim.predict_on_batch(first)
        sim.run_steps(N_STEPS, first)
    np.testing.assert_array_equal(again[net.p], found[net.p][:SIZE])
    np.testing.assert_allclose(sim.data[net.p], expected[:SIZE], atol=1e-12)
    assert len(sim.data[net.q]) == SIZE


def test_x_may_be_none(sim, net):
    found = sim.predict(n_steps=4, verbose=0)
    np.testing.assert_allclose(found[net.p], np.full((SIZE, 4, 1), 5.5))
    with pytest.raises(ValidationError, match="n_steps.*number of steps.*got None"):
        sim.predict()
    sim.compile(loss={"out": "mse"})
    values = sim.evaluate(y={net.p: np.zeros((4, 3, 1))}, n_steps=3, verbose=0)
    assert values["loss"] == pytest.approx(5.5**2)
    with pytest.raises(ValidationError, match="number of steps"):
        sim.evaluate(y={net.p: np.zeros((4, 3, 1))})


Y_FORMS = {
    "probe": lambda net: {net.p: TARGETS},
    "name": lambda net: {"out": tf.constant(TARGETS)},
    "one array": lambda net: TARGETS,
}


@pytest.mark.parametrize("name", Y_FORMS)
def test_forms_of_y(name, sim, net):
    sim.compile(loss={net.p: "mse"})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = sim.evaluate([A, B], Y_FORMS[name](net), verbose=0)
    assert len(caught) == (name == "one array")
    expected = np.mean((outputs() - TARGETS) ** 2)
    assert found == pytest.approx({"loss": expected, "out_loss": expected})


def test_a_list_of_targets(sim, net):
    sim.compile(loss="mse")
    found = sim.evaluate([A, B], [TARGETS, 2 * TARGETS], verbose=0)
    direct = np.mean((outputs() - TARGETS) ** 2)
    memory = np.mean((filtered(outputs()) - 2 * TARGETS) ** 2)
    assert found == pytest.approx(
        {"loss": direct + memory, "out_loss": direct, "probe_loss": memory}
    )


def test_targets_of_another_length_and_size(sim, net):
    """The loss sees them as they are."""
    seen = []

    def loss(y_true, y_pred):
        seen.append((tuple(y_true.shape), tuple(y_pred.shape)))
        return tf.reduce_mean(y_pred[:, -1]) * tf.reduce_mean(y_true[:, 0, 3])

    labels = np.arange(N_ITEMS * 1 * 4).reshape(N_ITEMS, 1, 4)
    sim.compile(keras.optimizers.SGD(0.0), loss={net.p: loss})
    sim.fit([A, B], {"out": labels}, verbose=0)
    found = sim.evaluate([A, B], {"out": labels}, verbose=0)["loss"]
    assert set(seen) == {((SIZE, 1, 4), (SIZE, N_STEPS, 1))}
    parts = [slice(i, i + SIZE) for i in range(0, N_ITEMS, SIZE)]
    expected = [outputs()[i, -1].mean() * labels[i, 0, 3].mean() for i in parts]
    assert found == pytest.approx(np.mean(expected))


def test_labels_of_classes():
    """As in the examples of NengoDL 3: one number of a class for each item."""
    with nengo.Network(seed=0) as net:
        a = nengo.Node(np.zeros(4))
        nengo.Probe(Layer(keras.layers.Dense(3))(a))
    x = np.eye(4)[[0, 1, 2, 3] * 4][:, None]
    y = np.array([0, 1, 2, 0] * 4)[:, None, None]
    with simulator(net, minibatch_size=4) as sim:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        sim.compile(keras.optimizers.Adam(0.1), loss=loss, metrics=["accuracy"])
        history = sim.fit(x, y, epochs=20, verbose=0).history
        assert history["probe_accuracy"][0] < history["probe_accuracy"][-1] == 1
        assert sim.evaluate(x, y, verbose=0)["probe_accuracy"] == 1


# -- what is compiled


def penalty(y):
    return tf.abs(y)


def squared(target, output):
    return (target - output) ** 2


def error(outputs, targets):
    return outputs - targets


ERRORS = outputs() - TARGETS
LOSSES = {
    "name": ("mse", np.mean(ERRORS**2)),
    "name of a class": ("MeanAbsoluteError", np.mean(np.abs(ERRORS))),
    "object": (keras.losses.MeanSquaredError(dtype="float64"), np.mean(ERRORS**2)),
    "sum": (
        keras.losses.MeanSquaredError(reduction="sum", dtype="float64"),
        np.mean(np.sum(ERRORS.reshape(3, -1) ** 2, axis=1)),
    ),
    "function": (squared, np.mean(ERRORS**2)),
    "of outputs": (penalty, np.mean(np.abs(outputs()))),
    "outputs first": (error, np.mean(ERRORS)),
    "objective": (mse, np.mean(ERRORS**2)),
    "regularizer": (Regularize(order=1), np.mean(np.abs(outputs()))),
    "loss of ours": (nan_mse, np.mean(ERRORS**2)),
    "configuration": (
        {"class_name": "MeanSquaredError", "config": {"dtype": "float64"}},
        np.mean(ERRORS**2),
    ),
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses(name, sim, net):
    loss, expected = LOSSES[name]
    y = None if loss is penalty or isinstance(loss, Regularize) else {"out": TARGETS}
    sim.compile(keras.optimizers.SGD(0.0), loss={net.p: loss})
    found = sim.evaluate([A, B], y, verbose=0)
    assert found == pytest.approx({"loss": expected, "out_loss": expected}, rel=1e-7)
    history = sim.fit([A, B], y, verbose=0, shuffle=False).history
    assert history["loss"] == pytest.approx([expected], rel=1e-7)


def test_several_losses_and_their_weights(sim, net):
    direct = np.mean((outputs() - TARGETS) ** 2)
    memory = np.mean(np.abs(filtered(outputs())))
    losses = {
        "list": [squared, penalty],
        "dict": {"probe": penalty, net.p: squared},
    }
    given = {
        None: (1, 1),
        0.5: (0.5, 0.5),
        (2, 3): (2, 3),
    }
    for loss in losses.values():
        for loss_weights, (v, w) in given.items():
            sim.compile(loss=loss, loss_weights=loss_weights)
            found = sim.evaluate([A, B], {net.p: TARGETS}, verbose=0)
            assert found == pytest.approx(
                {"loss": v * direct + w * memory, "out_loss": direct}
                | {"probe_loss": memory}
            )
    sim.compile(loss=losses["list"], loss_weights={"probe": 4})
    found = sim.evaluate([A, B], {net.p: TARGETS}, verbose=0)
    assert found["loss"] == pytest.approx(direct + 4 * memory)
    sim.compile(loss=[None, penalty])
    assert sim.evaluate([A, B], verbose=0) == pytest.approx(
        {"loss": memory, "probe_loss": memory}
    )


def absolute(y_true, y_pred):
    return tf.abs(y_true - y_pred)


MAE = np.mean(np.abs(ERRORS))
METRICS = {
    "name": (lambda net: {net.p: "mae"}, {"out_mae": MAE}),
    "function": (lambda net: {"out": absolute}, {"out_absolute": MAE}),
    "object": (
        lambda net: [keras.metrics.MeanAbsoluteError(name="m"), None],
        {"out_m": MAE},
    ),
    "several": (
        lambda net: {net.p: ["mae", absolute]},
        {"out_mae": MAE, "out_absolute": MAE},
    ),
    "for all probes": (
        lambda net: "mae",
        {"out_mae": MAE, "probe_mae": np.mean(np.abs(filtered(outputs())))},
    ),
}


@pytest.mark.parametrize("name", METRICS)
def test_metrics(name, sim, net):
    make, expected = METRICS[name]
    metrics = make(net)
    sim.compile(keras.optimizers.SGD(0.0), loss={net.p: "mse"}, metrics=metrics)
    y = {net.p: TARGETS}
    if "probe_mae" in expected:
        y[net.q] = 0 * TARGETS
    found = sim.evaluate([A, B], y, verbose=0)
    assert list(found) == ["loss", "out_loss", *expected]
    assert {k: found[k] for k in expected} == pytest.approx(expected, rel=1e-6)
    for _ in range(2):  # they begin anew
        history = sim.fit([A, B], y, epochs=2, verbose=0).history
        for key, value in expected.items():
            assert history[key] == pytest.approx([value, value], rel=1e-6)
    sim.compile(metrics=metrics)  # without a loss
    found = sim.evaluate([A, B], y, verbose=0)
    assert found == pytest.approx({"loss": 0.0} | expected, rel=1e-6)


@pytest.mark.parametrize(
    "width, labels, kind",
    [
        (1, 1, "BinaryAccuracy"),
        (4, 1, "SparseCategoricalAccuracy"),
        (4, 4, "CategoricalAccuracy"),
    ],
)
def test_accuracy_suits_the_targets(width, labels, kind):
    with nengo.Network() as net:
        a = nengo.Node(np.zeros(width))
        p = nengo.Probe(a)
    rng = np.random.RandomState(0)
    x = rng.uniform(0, 1, (4, 2, width))
    y = rng.randint(2, size=(4, 2, labels)).astype(float)
    metric = getattr(keras.metrics, kind)()
    metric.update_state(y, x)
    with simulator(net, minibatch_size=2) as sim:
        sim.compile(metrics=["accuracy"])
        found = sim.evaluate(x, {p: y}, verbose=0)["probe_accuracy"]
    assert found == pytest.approx(float(metric.result()))


# -- training


def descend(w, rate, epochs, batches, a=A, b=B, targets=TARGETS):
    """Train the linear network in NumPy; also the mean loss of each epoch."""
    history = []
    for _ in range(epochs):
        losses = []
        for items in batches:
            e = outputs(a[items], b[items], w) - targets[items]
            losses.append(np.mean(e**2))
            w = w - rate * np.mean(2 * e * a[items], axis=(0, 1))
        history.append(np.mean(losses))
    return w, history


def test_fit_is_gradient_descent(sim, net):
    sim.compile(keras.optimizers.SGD(0.125), loss={net.p: "mse"})
    result = sim.fit([A, B], {net.p: TARGETS}, epochs=3, shuffle=False, verbose=0)
    batches = [slice(i, i + SIZE) for i in range(0, N_ITEMS, SIZE)]
    w, losses = descend(WEIGHTS, 0.125, 3, batches)
    np.testing.assert_allclose(weights(sim, net), w, rtol=1e-9)
    assert isinstance(result, keras.callbacks.History)
    assert result.epoch == [0, 1, 2]
    assert result.params == {"verbose": 0, "epochs": 3, "steps": 3}
    assert result.history["loss"] == pytest.approx(losses)
    assert result.history["out_loss"] == pytest.approx(losses)
    assert sim.training_step == 9
    assert sim.n_steps == 0
    assert sim.data[net.p].size == 0


def test_fit_does_what_train_does(sim, net):
    found = {}
    for door in ("fit", "train"):
        sim.reset()
        optimizer = keras.optimizers.Adam(0.1)
        if door == "fit":
            sim.compile(optimizer, loss={net.p: nan_mse})
            sim.fit([A, B], {net.p: TARGETS}, epochs=4, verbose=0)
        else:
            data = {net.a: A, net.b: B, net.p: TARGETS}
            sim.train(data, optimizer, n_epochs=4)
        found[door] = weights(sim, net)
    np.testing.assert_allclose(found["fit"], found["train"], rtol=1e-12)
    assert np.all(np.abs(found["fit"] - WEIGHTS) > 0.1)


def test_loss_weights_scale_gradients(sim, net):
    sim.compile(keras.optimizers.SGD(0.125), {net.p: "mse"}, loss_weights=0.5)
    batches = [slice(0, SIZE)]
    sim.fit([A[:SIZE], B[:SIZE]], {net.p: TARGETS[:SIZE]}, verbose=0)
    w, _ = descend(WEIGHTS, 0.0625, 1, batches)
    np.testing.assert_allclose(weights(sim, net), w, rtol=1e-9)


def test_an_optimizer_goes_on(sim, net):
    """Also in a second fit; compile with a new one begins anew."""
    found = []
    for epochs in ((2,), (1, 1)):
        sim.reset()
        optimizer = keras.optimizers.SGD(0.1, momentum=0.5)
        for n in epochs:
            sim.compile(optimizer, loss={net.p: "mse"}, metrics=None)
            sim.fit([A, B], {net.p: TARGETS}, epochs=n, shuffle=False, verbose=0)
        found.append(weights(sim, net))
    np.testing.assert_allclose(*found, rtol=1e-12)
    sim.compile(tf.compat.v1.train.GradientDescentOptimizer(0.1), {net.p: "mse"})
    sim.fit([A, B], {net.p: TARGETS}, verbose=0)
    assert np.all(weights(sim, net) != found[0])


def test_validation(sim, net):
    sim.compile(keras.optimizers.SGD(0.125), {net.p: "mse"}, metrics={net.p: "mae"})
    x, y, z = [A[:4], B[:4]], {net.p: TARGETS[:4]}, {net.p: TARGETS[4:]}
    batches = [slice(0, 2), slice(2, 4)]
    histories = {}
    for name, arguments in {
        "data": (x, y, {"validation_data": ([A[4:], B[4:]], z)}),
        "split": ([A, B], {net.p: TARGETS}, {"validation_split": 1 / 3}),
        "freq": (x, y, {"validation_data": ([A[4:], B[4:]], z), "validation_freq": 2}),
        "late": (x, y, {"validation_data": ([A[4:], B[4:]], z), "initial_epoch": 1}),
    }.items():
        sim.reset()
        x_, y_, options = arguments
        result = sim.fit(x_, y_, epochs=3, shuffle=False, verbose=0, **options)
        histories[name] = result.history
        assert result.epoch == [[0, 1, 2], [1, 2]][name == "late"]
    expected = [
        np.mean((outputs(A[4:], B[4:], descend(WEIGHTS, 0.125, n, batches)[0])
                 - TARGETS[4:]) ** 2)
        for n in (1, 2, 3)
    ]  # fmt: skip
    for name, values in {
        "data": expected,
        "split": expected,
        "freq": expected[1:2],
        "late": expected[:2],
    }.items():
        assert histories[name]["val_loss"] == pytest.approx(values), name
        assert list(histories[name])[-3:] == ["val_loss", "val_out_loss", "val_out_mae"]


def test_spikes_are_trained_as_rates():
    with nengo.Network(seed=0) as net:
        a = nengo.Node([0.5])
        ens = nengo.Ensemble(10, 1, neuron_type=nengo.LIF())
        nengo.Connection(a, ens, synapse=None)
        p = nengo.Probe(ens.neurons)
    x = np.full((1, 20, 1), 0.5)
    objective = {p: lambda y: tf.reduce_mean(y**2)}
    with simulator(net) as sim:
        rates = sim.loss({a: x}, objective, training=True)
        spikes = sim.loss({a: x}, objective)
        sim.compile(keras.optimizers.SGD(0.0), loss=objective)
        history = sim.fit(x, validation_data=(x, None), verbose=0).history
        assert history["loss"] == pytest.approx([rates])
        assert history["val_loss"] == pytest.approx([spikes])
        assert sim.evaluate(x, verbose=0)["loss"] == pytest.approx(spikes)
    assert abs(spikes - rates) > 0.1 * rates


def test_layers_remember_what_they_learned():
    """Mean values: those of training count in validation, and afterwards."""
    layer = keras.layers.BatchNormalization(momentum=0.5, epsilon=1e-6)
    with nengo.Network(seed=0) as net:
        a = nengo.Node([0.0])
        p = nengo.Probe(Layer(layer)(a))
    x = np.array([1.0, 3.0])[:, None, None]
    with simulator(net, minibatch_size=2) as sim:
        sim.compile(keras.optimizers.SGD(0.0), loss=lambda y: tf.reduce_sum(y[0]))
        history = sim.fit(x, epochs=2, validation_data=(x, None), verbose=0).history
        mean, variance, expected = 0.0, 1.0, []
        for _ in range(2):
            mean, variance = (mean + 2) / 2, (variance + 1) / 2
            expected.append((1 - mean) / np.sqrt(variance))
        assert history["val_loss"] == pytest.approx(expected, abs=1e-5)
        found = sim.predict(x, verbose=0)[p]
        assert found[0, 0, 0] == pytest.approx(expected[-1], abs=1e-5)
        sim.run_steps(1, x)
        np.testing.assert_allclose(sim.data[p], found)


def test_layers_in_subnetworks_are_trained():
    """Their weights, but not the connections to them."""
    with nengo.Network(seed=0) as net:
        a = nengo.Node([1.0, 1.0])
        with nengo.Network():
            with nengo.Network():
                dense = keras.layers.Dense(1, kernel_initializer="ones")
                hidden, conn = Layer(dense)(a, transform=np.eye(2), return_conn=True)
        configure_settings(trainable=None)
        p = nengo.Probe(hidden)
    with simulator(net) as sim:
        sim.compile(keras.optimizers.SGD(0.25), loss=lambda y: tf.reduce_sum(y))
        sim.fit(n_steps=1, verbose=0)
        assert sim.predict(n_steps=1, verbose=0)[p] == pytest.approx(2 - 3 * 0.25)
        np.testing.assert_array_equal(sim.data[conn].weights, np.eye(2))
    net.config[conn].trainable = True
    with simulator(net) as sim:
        sim.compile(keras.optimizers.SGD(0.25), loss=lambda y: tf.reduce_sum(y))
        sim.fit(n_steps=1, verbose=0)
        assert np.all(np.diag(sim.data[conn].weights) < 1)


# -- warnings and errors


@pytest.mark.parametrize("stateful", [False, True])
@pytest.mark.parametrize("n_steps", [1, 2])
def test_one_step_through_synapses(n_steps, stateful):
    net = linear()
    x, y = {net.a: A[:1, :n_steps]}, [TARGETS[:1, :n_steps]] * 2
    with simulator(net) as sim:
        sim.compile(keras.optimizers.SGD(0.0), loss="mse")
        for method in (sim.fit, sim.evaluate):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                method(x, y, stateful=stateful, verbose=0)
            found = [w for w in caught if "one timestep, but <Probe" in str(w.message)]
            assert len(found) == len(caught) == (n_steps == 1 and not stateful)


def test_batch_size_is_not_used(sim, net):
    sim.compile(keras.optimizers.SGD(0.0), loss={net.p: "mse"})
    x, y = [A, B], {net.p: TARGETS}
    for use in (
        lambda: sim.fit(x, y, batch_size=3, verbose=0),
        lambda: sim.fit(x, y, validation_batch_size=3, verbose=0),
        lambda: sim.evaluate(x, y, batch_size=3, verbose=0),
        lambda: sim.predict(x, batch_size=3, verbose=0),
    ):
        with pytest.warns(UserWarning, match="batch_size is not used") as caught:
            use()
        assert len(caught) == 1


def test_items_that_are_left_over(sim, net):
    sim.compile(keras.optimizers.SGD(0.0), loss={net.p: "mse"})
    x, y = [A[:5], B[:5]], {net.p: TARGETS[:5]}
    np.testing.assert_allclose(sim.predict(x, verbose=0)[net.p], outputs()[:5])
    found = sim.evaluate(x, y, verbose=0)["loss"]
    assert found == pytest.approx(np.mean(ERRORS[:5] ** 2))
    match = "5.*multiple of minibatch_size.*1 of them"
    with pytest.warns(UserWarning, match=match) as caught:
        history = sim.fit(x, y, validation_data=(x, y), verbose=0).history
    assert [warning.filename for warning in caught] == [__file__]
    assert history["val_loss"] == pytest.approx([found])
    with pytest.warns(UserWarning, match="3.*multiple.*1 of them"):
        history = sim.fit(*X_AND_Y, validation_split=0.5, verbose=0).history
    assert history["val_loss"] == pytest.approx([np.mean(ERRORS[3:] ** 2)])


X_AND_Y = [A, B], {"out": TARGETS}


class NeedsScale(keras.losses.Loss):
    """A loss of which Keras cannot make one without arguments."""

    def __init__(self, scale):
        super().__init__()
        self.scale = scale


def test_classes_of_keras(sim, net):
    """As in Keras, a class stands for an object that is made without arguments."""
    sim.compile(
        keras.optimizers.SGD(0.0),
        loss={net.p: keras.losses.MeanSquaredError},
        metrics={net.p: keras.metrics.MeanAbsoluteError},
    )
    found = sim.evaluate([A, B], {net.p: TARGETS}, verbose=0)
    assert found["loss"] == pytest.approx(np.mean(ERRORS**2))
    assert found["out_mean_absolute_error"] == pytest.approx(np.mean(abs(ERRORS)))


X, Y = [A, B], {"out": TARGETS}
REFUSED = {
    # compile
    "optimizer": ("c", {"optimizer": "nope"}, "optimizer.*got 'nope'"),
    "class of optimizers": (
        "c",
        {"optimizer": keras.optimizers.Adam},
        r"optimizer.*or its name, got the class Adam: .*example Adam\(0.001\)$",
    ),
    "optimizer of another kind": ("c", {"optimizer": 3}, "optimizer.*got 3"),
    "loss": ("c", {"loss": "nope"}, "loss.*Keras loss.*got 'nope'"),
    "loss of three": ("c", {"loss": lambda a, b, c: a}, "loss.*y_true, y_pred.*lambda"),
    "loss of nothing": ("c", {"loss": lambda: 0}, "loss.*y_true, y_pred.*lambda"),
    "class": ("c", {"loss": Regularize}, "loss.*got the class Regularize: make an obj"),
    "class of losses": ("c", {"loss": NeedsScale}, "loss.*class NeedsScale: make"),
    "class in place of a metric": (
        "c",
        {"metrics": {"out": Regularize}},
        "metrics.*got the class Regularize: make an object",
    ),
    "class of metrics": (
        "c",
        {"metrics": {"out": keras.metrics.MeanMetricWrapper}},
        "metrics.*the class MeanMetricWrapper: make",
    ),
    "unknown probe": ("c", {"loss": {"nope": "mse"}}, "loss.*names.*out.*got 'nope'"),
    "node": ("c", {"loss": {"a": "mse"}}, "loss.*probes.*as keys, got <Node 'a'"),
    "list": ("c", {"loss": ["mse"] * 3}, "loss.*each of up to 2 probes, got 3"),
    "metric": ("c", {"metrics": "nope"}, "metrics.*Keras metric.*got 'nope'"),
    "shared metric": (
        "c",
        {"metrics": keras.metrics.AUC()},
        "metrics.*a metric of its own.*AUC",
    ),
    "weight": ("c", {"loss": "mse", "loss_weights": "x"}, "loss_weights.*number.*'x'"),
    "infinite weight": ("c", {"loss": "mse", "loss_weights": np.inf}, "weights.*inf"),
    "weight of no loss": ("c", {"loss_weights": {"out": 1}}, "weights for probes with"),
    "compile: more": ("c", {"run_eagerly": True}, "run_eagerly.*sim.compile, got True"),
    # fit
    "no y": ("f", {"x": X}, 'y.*targets for <Probe "out".*got none'),
    "y too many": ("f", {"x": X, "y": [TARGETS, TARGETS]}, "y.*not a valid target"),
    "y of a node": ("f", {"x": X, "y": {"a": A}}, "y: .*a Probe as key.*Node"),
    "y in a long list": ("f", {"x": X, "y": [TARGETS] * 3}, "y.*up to 2 arrays.*got 3"),
    "y of rank 2": ("f", {"x": X, "y": {"out": TARGETS[0]}}, "rank 3.*got rank 2"),
    "y too short": ("f", {"x": X, "y": {"out": TARGETS[:4]}}, "batch size of 6.*got 4"),
    "y infinite": (
        "f",
        {"x": X, "y": {"out": TARGETS * np.inf}},
        "finite numbers or NaN",
    ),
    "x in a long list": ("f", {"x": [A, B, B], "y": Y}, "x.*up to 2 arrays.*got 3"),
    "n_steps twice": ("f", {"x": [A, B, 3], "y": Y, "n_steps": 4}, "in x, 3, got 4"),
    "x of a wrong width": ("f", {"x": [B, B], "y": Y}, "Node 'a'.*2 dimensions.*got 1"),
    "x and n_steps": ("f", {"x": X, "y": Y, "n_steps": 4}, "4 steps.*got 3"),
    "n_steps": ("f", {"y": Y, "n_steps": 0}, "n_steps.*at least 1, got 0"),
    "few items": (
        "f",
        {"x": [A[:1], B[:1]], "y": {"out": TARGETS[:1]}},
        "=2 items, got 1",
    ),
    "no items": ("p", {"x": [A[:0], B[:0]]}, "x.*at least one item, got none"),
    "epochs": ("f", {"x": X, "y": Y, "epochs": 1.5}, "epochs.*got 1.5"),
    "initial_epoch": ("f", {"x": X, "y": Y, "initial_epoch": -1}, "initial_epoch.*-1"),
    "verbose": ("f", {"x": X, "y": Y, "verbose": 3}, "verbose.*got 3"),
    "stateful": ("f", {"x": X, "y": Y, "stateful": 1}, "stateful.*got 1"),
    "split of a number": (
        "f",
        {"x": [A[:, 0], B[:, 0]], "y": Y, "validation_split": 1 / 3},
        "x: expected values of shape .n_items, n_steps, size.*got .6, 2",
    ),
    "split of y": (
        "f",
        {"x": X, "y": {"out": 5.0}, "validation_split": 1 / 3},
        "y: expected values of shape .*got ..$",
    ),
    "split of all": ("f", {"x": X, "y": Y, "validation_split": 1}, "split.*got 1"),
    "validation": (
        "f",
        {"x": X, "y": Y, "validation_data": (X, Y, [1], 2)},
        "validation_data.*or .x, y, sample_weight.*got tuple",
    ),
    "validation without targets": (
        "f",
        {"x": X, "y": Y, "validation_data": (X, None)},
        "y.*targets for",
    ),
    "validation_freq": ("f", {"x": X, "y": Y, "validation_freq": 0}, "freq.*got 0"),
    "class of callbacks": (
        "f",
        {"x": X, "y": Y, "callbacks": [keras.callbacks.History]},
        "callbacks.*got the class History: make an object",
    ),
    "callbacks": ("f", {"x": X, "y": Y, "callbacks": [3]}, "callbacks.*got 3"),
    "steps_per_epoch": (
        "f",
        {"x": X, "y": Y, "steps_per_epoch": 0},
        "steps_per_epoch.*at least 1, got 0",
    ),
    "validation_steps": (
        "f",
        {"x": X, "y": Y, "validation_data": (X, Y), "validation_steps": "a"},
        "validation_steps.*got 'a'",
    ),
    "validation_freq in a list": (
        "f",
        {"x": X, "y": Y, "validation_freq": [1, 0.5]},
        "validation_freq.*got 0.5",
    ),
    "validation_neurons": (
        "f",
        {"x": X, "y": Y, "validation_neurons": "spike"},
        "validation_neurons.*'spikes', 'rates' or 'both', got 'spike'",
    ),
    "unknown": ("f", {"x": X, "y": Y, "workers": 2}, "workers.*sim.fit, got 2"),
    # evaluate, predict
    "return_dict": ("e", {"x": X, "y": Y, "return_dict": False}, "always a dictionary"),
    "evaluate: steps": ("e", {"x": X, "y": Y, "steps": 0}, "steps.*at least 1, got 0"),
    "evaluate: neurons": ("e", {"x": X, "y": Y, "neurons": True}, "neurons.*got True"),
    "evaluate: both": (
        "e",
        {"x": X, "y": Y, "neurons": "both", "stateful": True},
        "neurons.*goes on.*got 'both'",
    ),
    "predict: both": ("p", {"x": X, "neurons": "both"}, "'spikes' or 'rates', got"),
    "predict: more": ("p", {"x": X, "y": Y}, "y: expected no such argument"),
    "predict on batch": ("b", {"x": X}, "x.*exactly minibatch_size=2 items, got 6"),
    "predict stream on batch": ("b", {"x": iter([])}, "x.*expected arrays"),
}
METHODS = {"c": "compile", "f": "fit", "e": "evaluate"}
METHODS |= {"p": "predict", "b": "predict_on_batch"}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name, sim, net):
    method, arguments, match = REFUSED[name]
    sim.compile(keras.optimizers.SGD(0.1), loss={net.p: "mse"})
    before = dict(sim.signals.items())
    with pytest.raises(ValidationError, match=match):
        getattr(sim, METHODS[method])(**arguments)
    for signal, value in sim.signals.items():
        np.testing.assert_array_equal(value, before[signal])
    assert sim.training_step == 0
    # What was compiled is left alone.
    assert "out_loss" in sim.evaluate(X, Y, verbose=0)


class Difference(keras.losses.Loss):
    """A loss of a user."""

    def call(self, y_true, y_pred):
        return abs(y_true - y_pred)


USERS_LOSSES = {"object": Difference(), "function": lambda t, y: t - y}


@pytest.mark.parametrize("loss", USERS_LOSSES.values(), ids=USERS_LOSSES)
@pytest.mark.parametrize("method", ["fit", "evaluate"])
def test_what_a_loss_of_the_user_raises(loss, method, sim, net):
    sim.compile(keras.optimizers.SGD(0.1), loss={net.p: loss})
    with pytest.raises(ValueError, match="^Dimensions must be equal") as caught:
        getattr(sim, method)(X, {"out": TARGETS[:, :2]}, verbose=0)
    assert not isinstance(caught.value, ValidationError)
    assert sim.training_step == 0


def test_compile_comes_first():
    with simulator(linear()) as sim:
        for method in (sim.fit, sim.evaluate):
            with pytest.raises(SimulationError, match="needs a loss: call sim.compile"):
                method(n_steps=2)
        sim.compile(metrics={"out": "mae"})
        with pytest.raises(SimulationError, match="sim.fit needs a loss"):
            sim.fit(n_steps=2, y={"out": np.zeros((1, 2, 1))})


def test_a_loss_that_is_not_finite(sim, net):
    sim.compile(keras.optimizers.SGD(0.1), loss={net.p: "mse"})
    targets = TARGETS.copy()
    targets[3] = np.nan
    with pytest.raises(SimulationError, match="Objective of .*out.*finite.*got nan"):
        sim.fit(X, {net.p: targets}, shuffle=False, verbose=0)
    w, _ = descend(WEIGHTS, 0.1, 1, [slice(0, 2)])
    np.testing.assert_allclose(weights(sim, net), w, rtol=1e-6)


def test_inference_only():
    net = linear()
    with net:
        configure_settings(inference_only=True)
    with simulator(net) as sim:
        sim.compile(loss={net.p: "mse"})
        assert sim.evaluate(X, Y, verbose=0)["loss"] == pytest.approx(
            np.mean(ERRORS**2)
        )
        for kind in (ValidationError, SimulationError):
            with pytest.raises(kind, match="inference_only"):
                sim.fit(X, Y, verbose=0)


def test_closed():
    sim = simulator(linear())
    sim.close()
    for name in METHODS.values():
        with pytest.raises(SimulatorClosed, match=f"Cannot call {name} after"):
            getattr(sim, name)()
    with pytest.raises(SimulatorClosed), sim:
        pass
