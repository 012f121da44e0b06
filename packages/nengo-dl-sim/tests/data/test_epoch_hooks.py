"""Keras data sets are told when epochs begin and end."""

import keras
import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError

from nengo_dl_sim import Simulator

SGD = keras.optimizers.SGD(0.0)
EPOCH = ["begin", 0, 1, "end"]


class Data(keras.utils.PyDataset):
    """Two minibatches, whose values say how many epochs have come to their end."""

    def __init__(self, length=2):
        super().__init__()
        self.length = length
        self.log = []

    @property
    def num_batches(self):
        return self.length

    def __getitem__(self, number):
        self.log.append(number)
        value = np.full((4, 1, 1), 10.0 * self.log.count("end") + number)
        return {"x": value}, {"p": np.zeros((4, 1, 1))}

    def on_epoch_begin(self):
        self.log.append("begin")

    def on_epoch_end(self):
        self.log.append("end")


@pytest.fixture(scope="module")
def sim():
    with nengo.Network(seed=0) as net:
        x = nengo.Node([0.0], label="x")
        y = nengo.Node(size_in=1)
        nengo.Connection(x, y, transform=1.0, synapse=None)
        p = nengo.Probe(y, label="p")
    with Simulator(net, minibatch_size=4, jit_compile=False, progress_bar=False) as sim:
        sim.compile(SGD, loss={p: lambda y_true, y_pred: y_pred})
        yield sim


def fit(sim, data):
    history = sim.fit(data, epochs=3, verbose=0).history
    np.testing.assert_allclose(history["loss"], [0.5, 10.5, 20.5])
    return 3


def validate(sim, data):
    history = sim.fit(Data(), epochs=3, validation_data=data, verbose=0).history
    np.testing.assert_allclose(history["val_loss"], [0.5, 10.5, 20.5])
    return 3


def validate_now_and_then(sim, data):
    options = {"validation_data": data, "validation_freq": 2, "validation_steps": 2}
    history = sim.fit(Data(), epochs=4, verbose=0, **options).history
    np.testing.assert_allclose(history["val_loss"], [0.5, 10.5])
    return 2


def evaluate(sim, data):
    assert sim.evaluate(data, verbose=0)["loss"] == pytest.approx(0.5)
    return 1


def predict(sim, data):
    (found,) = sim.predict(data, verbose=0).values()
    np.testing.assert_allclose(np.ravel(found), [0.0] * 4 + [1.0] * 4)
    return 1


def train(sim, data):
    sim.train(data, SGD, n_epochs=3)
    return 3


def loss(sim, data):
    assert sim.loss(data) == pytest.approx(0.5)  # of 0 and 1, squared
    return 1


@pytest.mark.parametrize(
    "method", [fit, validate, validate_now_and_then, evaluate, train, loss]
)
def test_epochs_are_announced(method, sim):
    data = Data()
    assert method(sim, data) * EPOCH == data.log


def test_prediction_is_announced(sim):
    data = Data()
    data.__class__ = type("Inputs", (Data,), {"__getitem__": _inputs})
    predict(sim, data)
    assert data.log == EPOCH


def _inputs(self, number):
    return Data.__getitem__(self, number)[0]


def test_parts_of_a_data_set_are_epochs(sim):
    data = Data(length=6)
    sim.fit(data, epochs=3, steps_per_epoch=2, verbose=0)
    assert data.log.count("begin") == data.log.count("end") == 3
    assert [n for n in data.log if isinstance(n, int)] == list(range(6))
    assert data.log[0] == "begin"
    assert data.log[-1] == "end"


def test_an_epoch_that_is_stopped_has_no_end(sim):
    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = True

    data = Data(length=9)
    sim.fit(data, epochs=3, callbacks=[Stop()], verbose=0)
    assert data.log.count("begin") == 1
    assert "end" not in data.log


class WithoutLength(Data):
    num_batches = property(lambda self: None)


class Undefined(keras.utils.PyDataset):
    def __getitem__(self, number):
        raise AssertionError("is not asked for")


@pytest.mark.parametrize("kind", [WithoutLength, Undefined])
def test_endless_data_sets_are_refused(kind, sim):
    with pytest.raises(ValidationError, match="with an end"):
        sim.fit(kind(), epochs=2, verbose=0)
