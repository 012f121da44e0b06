"""Models over time in spikes: what is compared, and with what."""

import keras
import nengo
import numpy as np
import pytest
from helpers import simulator
from keras_models import L, converted, randomize
from nengo.exceptions import ValidationError

SPIKING = {"relu": nengo.SpikingRectifiedLinear()}
X = np.random.RandomState(0).uniform(0, 1, (6, 7, 3))
Y = np.array([0, 1, 0, 1, 1, 0])


@pytest.fixture(autouse=True)
def short_blocks(monkeypatch):
    """Let items have several blocks of steps, of which the last is not full."""
    monkeypatch.setattr("nengo_dl_sim.converter.stepwise._BLOCK", 4)


def model_of(recurrent, **kwargs):
    """Make a classifier of sequences."""
    x = keras.Input((None, 3), name="x")
    y = recurrent(4, name="memory", **kwargs)(x)
    y = L.Dense(5, "relu", name="hidden")(y)
    return randomize(keras.Model(x, L.Dense(2, name="out")(y)))


MODELS = {
    "every step": lambda: model_of(L.LSTM, return_sequences=True),
    "last step": lambda: model_of(L.GRU),
    "neurons": lambda: model_of(L.SimpleRNN, activation="tanh"),
}


def converter_of(name, model=None, **kwargs):
    """Convert a model into spikes that are always the same."""
    model = model or MODELS[name]()
    if "scale" in kwargs:
        scales = {model.get_layer("hidden"): kwargs.pop("scale")}
        kwargs |= {"scale_firing_rates": scales, "swap_activations": SPIKING}
    converter = converted(model, temporal_model=True, **kwargs)
    converter.net.seed = 0
    return converter


@pytest.mark.parametrize("name", MODELS)
def test_nothing_is_lost_in_rates(name):
    diagnosis = converter_of(name).diagnose(X, minibatch_size=4, progress_bar=False)
    assert {"hidden", "out"} <= {row.layer for row in diagnosis.rows}
    assert all(row.error < 1e-9 for row in diagnosis.rows)
    assert diagnosis.n_steps == 7


@pytest.mark.parametrize("name", MODELS)
def test_the_error_is_that_of_means_over_the_steps(name):
    converter = converter_of(name, scale=500)
    row = converter.diagnose(X, 7, progress_bar=False)["out"]
    expected = every_step(converter.model)
    error = run(converter).mean(axis=1) - expected.mean(axis=1)
    relative = np.sqrt(np.square(error).sum() / np.square(expected.mean(axis=1)).sum())
    np.testing.assert_allclose(row.error, relative, rtol=1e-6)
    assert row.error > 1e-3


def every_step(model, tensor=None):
    """Compute the output for the beginnings of all sequences, each as a whole."""
    tensor = model.output if tensor is None else tensor
    part = keras.Model(model.input, tensor)
    n_steps = X.shape[1]
    found = [np.asarray(part(X[:, : i + 1])) for i in range(n_steps)]
    return np.stack([x[:, -1] if x.ndim == 3 else x for x in found], axis=1)


def run(converter):
    """Run the network on all items."""
    probe = converter.outputs[converter.model.output]
    with simulator(converter.net, minibatch_size=len(X)) as sim:
        return sim.predict({converter.inputs[converter.model.input]: X})[probe]


@pytest.mark.parametrize(
    "name, average", [("every step", True), ("every step", False), ("last step", True)]
)
def test_accuracy_after_each_step(name, average):
    model = MODELS[name]()
    bias = model.get_layer("out").bias
    bias.assign(np.asarray(bias - every_step(model).mean(axis=(0, 1))))
    converter = converter_of(name, model, scale=300)
    curve = converter.accuracy_curve(X, Y, average=average, progress_bar=False)
    scores = run(converter)
    scores = np.cumsum(scores, axis=1) if average else scores
    expected = (scores.argmax(axis=2) == Y[:, None]).mean(axis=0)
    np.testing.assert_allclose(curve.accuracy, expected)
    values = every_step(model)
    wanted = values.mean(axis=1) if average and name == "every step" else values[:, -1]
    np.testing.assert_allclose(curve.rate_accuracy, (wanted.argmax(axis=1) == Y).mean())


@pytest.mark.parametrize("name", ["every step", "last step"])
def test_scales_and_biases_are_fitted_over_all_steps(name):
    converter = converter_of(name, swap_activations=SPIKING)
    hidden = converter.model.get_layer("hidden")
    converter.calibrate(X, ["max", "bias"], target_rate=500, progress_bar=False)
    largest = every_step(converter.model, hidden.output).max()
    np.testing.assert_allclose(converter.report()["hidden"].scale, 500 / largest)
    assert "in 7 steps" in converter.report()["hidden"].remarks[0]
    found = run(converter).mean(axis=(0, 1))
    expected = every_step(converter.model).mean(axis=(0, 1))
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_each_item_has_its_own_number_of_steps():
    converter = converter_of("last step")
    for method, data in (("diagnose", (X,)), ("accuracy_curve", (X, Y))):
        with pytest.raises(ValidationError, match="n_steps: expected None, or 7"):
            getattr(converter, method)(*data, 20)
    with pytest.raises(ValidationError, match=r"\(n_items, n_steps, 3\).*\(7, 3\)"):
        converter.diagnose(X[0])
    with pytest.raises(ValidationError, match=r"at least one item.*\(6, 0, 3\)"):
        converter.diagnose(X[:, :0])


def test_inputs_have_as_many_steps():
    a, b = keras.Input((None, 3), name="a"), keras.Input((None, 3), name="b")
    converter = converted(keras.Model([a, b], L.Add()([a, b])), temporal_model=True)
    with pytest.raises(ValidationError, match="as many items and steps"):
        converter.diagnose({"a": X, "b": X[:, :4]})


def test_other_models_need_a_number_of_steps():
    x = keras.Input((3,))
    converter = converted(randomize(keras.Model(x, L.Dense(2)(x))))
    with pytest.raises(ValidationError, match="n_steps.*None"):
        converter.diagnose(X[0])
