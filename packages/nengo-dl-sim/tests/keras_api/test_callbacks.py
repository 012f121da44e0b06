"""Keras callbacks, and ours, in fit, evaluate and predict."""

import csv

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import engine_of, weight
from nengo.exceptions import ValidationError

from nengo_dl_ops import Layer
from nengo_dl_sim import Simulator, configure_settings
from nengo_dl_sim.callbacks import IsolateState, NengoSummaries, TensorBoard
from nengo_dl_sim.keras_api.callback_model import CallbackModel

X = np.ones((6, 1, 1))
RATE = 0.125  # what every minibatch takes from the weight


@pytest.fixture(scope="module")
def shared():
    """A weight of 1 to a probe: its gradient, and the output, are known."""
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64", trainable=None)
        net.a, net.b = nengo.Node([1.0]), nengo.Node(size_in=1)
        net.conn = nengo.Connection(net.a, net.b, transform=1.0, synapse=None)
        net.p = nengo.Probe(net.b, label="out")
        net.ens = nengo.Ensemble(5, 1, label="ens")
        net.config[net.ens].trainable = False
    options = {"minibatch_size": 2, "progress_bar": False, "jit_compile": False}
    with Simulator(net, seed=0, **options) as sim:
        yield sim, net


@pytest.fixture
def sim(shared):
    shared[0].reset()
    shared[0].compile(keras.optimizers.SGD(RATE), loss=mean)
    return shared[0]


@pytest.fixture
def net(shared):
    return shared[1]


def mean(outputs):
    return tf.reduce_mean(outputs)


def fit(sim, *callbacks, **kwargs):
    return sim.fit(X, callbacks=list(callbacks), **{"verbose": 0, **kwargs})


# -- what is called, and when


class Recorder(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.calls = []


def _recording(name):
    def record(self, *arguments, logs=None):
        number = arguments[0] if arguments and isinstance(arguments[0], int) else None
        self.calls.append((name.removeprefix("on_"), number))

    return record


for kind in ("train", "test", "predict"):
    for when in ("begin", "end", "batch_begin", "batch_end"):
        setattr(Recorder, f"on_{kind}_{when}", _recording(f"on_{kind}_{when}"))
for when in ("begin", "end"):
    setattr(Recorder, f"on_epoch_{when}", _recording(f"on_epoch_{when}"))


def batches(kind, n):
    return [
        (f"{kind}_batch_{when}", number)
        for number in range(n)
        for when in ("begin", "end")
    ]


def test_order_of_calls(sim):
    recorder = Recorder()
    validation = (X[:4], None)
    fit(sim, recorder, epochs=2, validation_data=validation)
    test = [("test_begin", None), *batches("test", 2), ("test_end", None)]
    epochs = [
        call
        for epoch in range(2)
        for call in (
            ("epoch_begin", epoch),
            *batches("train", 3),
            *test,
            ("epoch_end", epoch),
        )
    ]
    assert recorder.calls == [("train_begin", None), *epochs, ("train_end", None)]
    recorder.calls = []
    sim.evaluate(X[:4], callbacks=recorder, verbose=0)
    assert recorder.calls == test
    recorder.calls = []
    sim.predict(X[:4], callbacks=[recorder], verbose=0)
    assert recorder.calls == [
        ("predict_begin", None),
        *batches("predict", 2),
        ("predict_end", None),
    ]


def test_logs(sim, net):
    found = {}

    class Logs(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            found.setdefault("batches", []).append(logs["loss"])
            found["weight"] = weight(sim, net)

        def on_epoch_end(self, epoch, logs=None):
            found["epoch"] = logs

        def on_train_end(self, logs=None):
            found["end"] = logs

        def on_predict_batch_end(self, batch, logs=None):
            found["outputs"] = logs["outputs"]

    history = fit(sim, Logs(), validation_data=(X, None))
    values = 1 - RATE * np.arange(4)
    expected = np.cumsum(values[:3]) / np.arange(1, 4)
    assert found["batches"] == pytest.approx(expected)
    assert found["weight"] == pytest.approx(values[3])
    assert found["epoch"] == pytest.approx(
        {"loss": expected[-1], "out_loss": expected[-1]}
        | {"val_loss": values[3], "val_out_loss": values[3]}
    )
    assert found["end"] == found["epoch"]
    assert history.history == {key: [v] for key, v in found["epoch"].items()}
    sim.predict(X[:2], callbacks=Logs(), verbose=0)
    (output,) = found["outputs"]
    np.testing.assert_allclose(output, np.full((2, 1, 1), values[3]))


def test_progress_is_printed(sim, capsys):
    for verbose, kind in ((0, None), (1, "3/3"), (2, "3/3 - "), ("auto", None)):
        fit(sim, verbose=verbose, epochs=2)
        out = capsys.readouterr().out
        assert ("Epoch 2/2" in out and "out_loss" in out) == (kind is not None)
        assert kind is None or kind in out
    sim.evaluate(X, verbose=1)
    assert "loss" in capsys.readouterr().out
    sim.predict(X, verbose=1)
    assert "3/3" in capsys.readouterr().out


# -- callbacks of Keras


class Stop(keras.callbacks.Callback):
    def __init__(self, name, after):
        super().__init__()
        self.name, self.after = name, after

    def on_batch_end(self, batch, logs=None):
        if batch + 1 == self.after:
            setattr(self.model, self.name, True)

    on_train_batch_end = on_test_batch_end = on_predict_batch_end = on_batch_end


def test_stopping(sim, net):
    for _ in range(2):  # it does not stay stopped
        sim.soft_reset(include_trainable=True)
        result = fit(sim, Stop("stop_training", 2), epochs=3)
        assert weight(sim, net) == pytest.approx(1 - 2 * RATE)
        assert result.epoch == [0]
    assert sim.training_step == 4
    found = sim.predict(X, callbacks=Stop("stop_predicting", 1), verbose=0)[net.p]
    assert found.shape == (2, 1, 1)
    recorder = Recorder()
    sim.evaluate(X, callbacks=[recorder, Stop("stop_evaluating", 2)], verbose=0)
    assert recorder.calls[1:-1] == batches("test", 2)

    def stop(logs):
        at_once.model.stop_predicting = True

    at_once = keras.callbacks.LambdaCallback(on_predict_begin=stop)
    assert sim.predict(X, callbacks=at_once, verbose=0) == {}


def test_early_stopping(sim, net):
    """The output falls by a step each time; as a loss to rise it is worse each time."""
    monitor = keras.callbacks.EarlyStopping("loss", patience=1)
    assert fit(sim, monitor, epochs=3).epoch == [0, 1, 2]
    sim.reset()
    monitor = keras.callbacks.EarlyStopping(
        "val_out_loss", mode="max", patience=2, restore_best_weights=True
    )
    result = fit(sim, monitor, epochs=10, validation_data=(X, None))
    assert result.epoch == [0, 1, 2]
    assert weight(sim, net) == pytest.approx(1 - 3 * RATE)  # of the first epoch
    sim.run_steps(1)
    np.testing.assert_allclose(sim.data[net.p], 1 - 3 * RATE)


def test_early_stopping_restores_what_layers_learned():
    layer = keras.layers.BatchNormalization(momentum=0.5)
    with nengo.Network(seed=0) as net:
        p = nengo.Probe(Layer(layer)(nengo.Node([0.0])))
    with Simulator(net, minibatch_size=2, progress_bar=False) as sim:
        sim.compile(keras.optimizers.SGD(1.0), loss=lambda y: tf.reduce_mean(y))
        monitor = keras.callbacks.EarlyStopping(
            "loss", mode="max", patience=1, restore_best_weights=True
        )
        x = np.array([1.0, 3.0])[:, None, None]
        fitted = sim.fit(x, epochs=5, callbacks=monitor, verbose=0)
        assert len(fitted.epoch) == 2
        # After one minibatch: mean 1, variance 1; scale as it was, bias down by one.
        found = sim.predict(x, verbose=0)[p]
        np.testing.assert_allclose(found.ravel(), [-1, 1], atol=2e-3)


# Keras 3.15 makes arrays of its variables in the way of NumPy 1.
old_arrays = pytest.mark.filterwarnings("ignore:__array__ impl:DeprecationWarning")


@old_arrays
def test_schedules_of_learning_rates(sim, net):
    schedule = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    history = fit(sim, schedule, epochs=2).history
    assert weight(sim, net) == pytest.approx(1 - 3 * RATE / 2 - 3 * RATE / 4)
    assert history["learning_rate"] == pytest.approx([RATE / 2, RATE / 4])
    sim.reset()
    sim.compile(keras.optimizers.SGD(RATE), loss=mean)
    plateau = keras.callbacks.ReduceLROnPlateau("loss", 0.5, patience=1, mode="max")
    fit(sim, plateau, epochs=4)
    rates = [RATE, RATE, RATE / 2, RATE / 4]
    assert weight(sim, net) == pytest.approx(1 - 3 * np.sum(rates))


def test_model_checkpoint(sim, net, tmp_path):
    path = str(tmp_path / "{epoch}.weights.h5")
    checkpoint = keras.callbacks.ModelCheckpoint(path, save_weights_only=True)
    fit(sim, checkpoint, epochs=2)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "1.weights.h5",
        "2.weights.h5",
    ]
    model = CallbackModel(engine_of(sim))
    for epoch in (1, 2):
        sim.soft_reset(include_trainable=True)
        model.load_weights(path.format(epoch=epoch))
        assert weight(sim, net) == pytest.approx(1 - 3 * RATE * epoch)
    best = keras.callbacks.ModelCheckpoint(
        str(tmp_path / "best.weights.h5"),
        monitor="loss",
        mode="max",
        save_best_only=True,
        save_weights_only=True,
    )
    sim.soft_reset(include_trainable=True)
    fit(sim, best, epochs=2)
    model.load_weights(tmp_path / "best.weights.h5")
    assert weight(sim, net) == pytest.approx(1 - 3 * RATE)


def test_weights_of_another_network(sim, net, tmp_path):
    path = str(tmp_path / "one.weights.h5")
    CallbackModel(engine_of(sim)).save_weights(path)
    for transform, match in (
        (
            np.ones((1, 2)),
            r"expected connections/0/weights of shape \(1, 2\), got \(\)",
        ),
        (None, "expected the parameters .* got .*connections:0:weights"),
    ):
        with nengo.Network() as other:
            a = nengo.Node([1.0] * (1 if transform is None else 2))
            b = nengo.Node(size_in=1)
            conn = nengo.Connection(a, b, transform=transform, synapse=None)
            nengo.Probe(b)
            if transform is not None:
                nengo.Ensemble(5, 1, label="ens")
        with Simulator(other, progress_bar=False, seed=0) as unlike:
            before = unlike.data[conn].weights
            with pytest.raises(ValidationError, match=match):
                CallbackModel(engine_of(unlike)).load_weights(path)
            np.testing.assert_array_equal(unlike.data[conn].weights, before)


def test_a_network_is_no_keras_model(sim, tmp_path):
    checkpoint = keras.callbacks.ModelCheckpoint(str(tmp_path / "model.keras"))
    with pytest.raises(ValidationError, match="expected save_weights_only=True"):
        fit(sim, checkpoint)


def test_logger_lambda_and_averages(sim, net, tmp_path):
    path, epochs = tmp_path / "log.csv", []
    fit(
        sim,
        keras.callbacks.CSVLogger(str(path)),
        keras.callbacks.LambdaCallback(on_epoch_begin=lambda e, logs: epochs.append(e)),
        keras.callbacks.TerminateOnNaN(),
        epochs=2,
    )
    assert epochs == [0, 1]
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert [float(row["out_loss"]) for row in rows] == pytest.approx(
        [1 - RATE, 1 - 4 * RATE]
    )
    sim.reset()
    optimizer = keras.optimizers.SGD(RATE, use_ema=True, ema_momentum=0.5)
    sim.compile(optimizer, loss=mean)
    fit(sim, keras.callbacks.SwapEMAWeights(swap_on_epoch=True), epochs=1)
    average, value = None, 1.0
    for _ in range(3):
        value -= RATE
        average = value if average is None else (average + value) / 2
    assert weight(sim, net) == pytest.approx(average)
    assert average != value


def test_a_list_of_callbacks(sim):
    recorder = Recorder()
    result = sim.fit(X, callbacks=keras.callbacks.CallbackList([recorder]), verbose=0)
    assert recorder.calls[-2:] == [("epoch_end", 0), ("train_end", None)]
    assert recorder.model.history is result
    mine = keras.callbacks.History()
    assert fit(sim, mine) is mine


# -- TensorBoard


def events(directory):
    """Read what was written, by tag: a list of (step, array)."""
    found = {}
    for path in sorted(directory.rglob("events*")):
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                array = tf.make_ndarray(value.tensor)
                found.setdefault(value.tag, []).append((event.step, array))
    return found


@old_arrays
def test_tensorboard(sim, tmp_path):
    pytest.importorskip("tensorboard", reason="Keras's callback needs it")
    board = TensorBoard(tmp_path, histogram_freq=1, profile_batch=(1, 2))
    fit(sim, board, epochs=2, validation_data=(X, None))
    found = events(tmp_path / "train")
    assert [float(value) for _, value in found["epoch_loss"]] == pytest.approx(
        [1 - RATE, 1 - 4 * RATE]
    )
    assert len(found["connections/0/weights/histogram"]) == 2
    assert "epoch_out_loss" in events(tmp_path / "validation")
    assert not (tmp_path / "inference").exists()
    sim.predict(X, callbacks=board, verbose=0)
    assert list((tmp_path / "inference").rglob("*.xplane.pb"))
    other = TensorBoard(tmp_path / "test", profile_batch=2)
    sim.evaluate(X, callbacks=other, verbose=0)
    assert list((tmp_path / "test" / "inference").rglob("*.xplane.pb"))


def test_nengo_summaries(sim, net, tmp_path):
    objects = [net.conn, net.ens, net.ens.neurons]
    fit(sim, NengoSummaries(tmp_path, sim, objects), epochs=2)
    found = events(tmp_path)
    assert set(found) == {
        "Connection_0_weights",
        "Ensemble_ens_encoders",
        "Ensemble.neurons_ens_bias",
    }
    weights = found["Connection_0_weights"]
    assert [step for step, _ in weights] == [0, 1]
    for (_, buckets), value in zip(weights, (1 - 3 * RATE, 1 - 6 * RATE), strict=True):
        filled = buckets[buckets[:, 2] > 0]
        assert filled[:, 2].sum() == 1
        assert filled[0, 0] <= value <= filled[0, 1]


def test_wrong_summaries(sim, net, tmp_path):
    with nengo.Network():
        stranger = nengo.Ensemble(5, 1)
        plain = nengo.Node([0.0])
    for wrong in (stranger, plain, "loss", print):
        with pytest.raises(ValidationError, match="objects.*expected.*got"):
            NengoSummaries(tmp_path, sim, [wrong])
    assert not list(tmp_path.iterdir())


# -- state


def test_isolated_state(sim, net):
    sim.run_steps(2)
    for use in (
        lambda calls: sim.predict(X, stateful=True, callbacks=calls, verbose=0),
        lambda calls: sim.evaluate(X, stateful=True, callbacks=calls, verbose=0),
        lambda calls: fit(sim, *calls, stateful=True, validation_data=(X, None)),
    ):
        use([])
        moved = sim.n_steps
        assert moved > 2
        before = dict(sim.signals.items())
        trained = weight(sim, net)
        use([IsolateState(sim)])
        assert sim.n_steps == moved
        for signal, value in sim.signals.items():
            if not np.array_equal(value, before[signal], equal_nan=True):
                assert value == pytest.approx(weight(sim, net))
                assert weight(sim, net) != trained
