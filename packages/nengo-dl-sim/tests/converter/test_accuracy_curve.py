"""Accuracy against steps."""

import importlib
import sys

import keras
import matplotlib.pyplot as plt
import nengo
import numpy as np
import pytest
from helpers import simulator
from keras_models import L, converted, mlp, randomize
from nengo.exceptions import ValidationError

from nengo_dl_sim.converter.accuracy_curve import AccuracyCurve

SPIKING = {"relu": nengo.SpikingRectifiedLinear()}
X = np.random.RandomState(0).uniform(-2, 1, (7, 3))
Y = np.array([0, 1, 0, 1, 1, 1, 0])


def curve_of(converter, x=X, y=Y, n_steps=18, **kwargs):
    """Compute a curve without a progress bar."""
    return converter.accuracy_curve(x, y, n_steps, progress_bar=False, **kwargs)


def spiking(scale):
    """Convert a model, whose classes are near, into spikes that are always the same."""
    model = mlp()
    bias = model.get_layer("out").bias
    bias.assign(np.asarray(bias - keras.ops.mean(model(X), axis=0)))
    converter = converted(model, swap_activations=SPIKING, scale_firing_rates=scale)
    converter.net.seed = 0
    return converter


@pytest.mark.parametrize("average", [True, False])
def test_each_step_is_that_of_a_run(average):
    converter = spiking(20)
    model = converter.model
    curve = curve_of(converter, average=average)
    with converter.net:
        probe = nengo.Probe(converter.net.ensembles[0].neurons)
    shown = {converter.inputs[model.input]: np.tile(X[:, None], (1, 18, 1))}
    with simulator(converter.net, minibatch_size=7) as sim:
        sim.run_steps(18, data=shown)
        scores = sim.data[converter.outputs[model.output]]
        spikes = sim.data[probe] * 20
    scores = np.cumsum(scores, axis=1) if average else scores
    expected = (scores.argmax(axis=2) == Y[:, None]).mean(axis=0)
    np.testing.assert_allclose(curve.accuracy, expected)
    assert len(set(expected)) > 1
    np.testing.assert_array_equal(curve.steps, np.arange(1, 19))
    rates = np.cumsum(spikes.mean(axis=(0, 2))) / curve.steps
    np.testing.assert_allclose(curve.firing_rates, rates)
    right = np.asarray(model(X)).argmax(axis=1) == Y
    np.testing.assert_allclose(curve.rate_accuracy, right.mean())


def test_copies_that_fill_minibatches_do_not_count():
    converter = converted(mlp())  # in rates: every step is the same
    for size in (2, 5, 32):
        curve = curve_of(converter, minibatch_size=size, n_steps=3)
        np.testing.assert_allclose(curve.accuracy, curve.rate_accuracy)
    assert not curve.firing_rates.any()


def test_labels_in_each_form():
    converter = converted(mlp())
    curves = [
        curve_of(converter, y=y, n_steps=1).accuracy
        for y in (Y, Y[:, None], Y.tolist(), np.eye(2)[Y], Y.astype(float))
    ]
    assert len({float(accuracy[0]) for accuracy in curves}) == 1


WRONG = {
    "number": (Y[:3], "each of 7 items.*got shape"),
    "class": (np.full(7, 2), "from 0 to 1.*got 2"),
    "fraction": (np.full(7, 0.5), "whole number.*got 0.5"),
    "nan": (np.full((7, 2), np.nan), "NaN"),
    "text": (["a"] * 7, "whole number.*got type"),
    "ragged": ([[1], [1, 2]], "whole number"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_labels(wrong):
    y, message = WRONG[wrong]
    with pytest.raises(ValidationError, match=f"y: .*{message}"):
        curve_of(converted(mlp()), y=y)


def test_wrong_items_and_numbers():
    converter = converted(mlp())
    with pytest.raises(ValidationError, match="x: .*got shape"):
        curve_of(converter, x=X[:, :2])
    with pytest.raises(ValidationError, match="x: .*NaN"):
        curve_of(converter, x=X * np.nan)
    with pytest.raises(ValidationError, match="n_steps"):
        curve_of(converter, n_steps=-1)
    with pytest.raises(ValidationError, match="average"):
        curve_of(converter, average="yes")


def test_models_that_are_no_classifiers():
    x = keras.Input((3,))
    for outputs in (L.Dense(1)(x), [x, L.ReLU()(x)]):
        converter = converted(randomize(keras.Model(x, outputs)))
        with pytest.raises(ValidationError, match="several classes"):
            curve_of(converter)


def test_pictures():
    curve = AccuracyCurve(np.array([0.25, 0.5]), 0.75, np.array([10.0, 20.0]))
    ax = curve.plot()
    in_spikes, rate_model = ax.get_lines()
    np.testing.assert_allclose(in_spikes.get_xydata(), [[1, 25], [2, 50]])
    assert set(rate_model.get_ydata()) == {75}
    (beside,) = (other for other in ax.figure.axes if other is not ax)
    np.testing.assert_allclose(beside.get_lines()[0].get_ydata(), [10, 20])
    assert curve.plot(ax) is ax
    plt.close(ax.figure)


def test_text():
    curve = AccuracyCurve(np.linspace(0, 1, 6), 0.75, np.arange(6.0))
    steps = [line.split()[0] for line in str(curve).splitlines()]
    assert steps == ["steps", "1", "2", "4", "6", "Keras"]


def test_matplotlib_is_only_imported_to_draw(monkeypatch):
    name = "nengo_dl_sim.converter.accuracy_curve"
    monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    curve = importlib.import_module(name).AccuracyCurve(np.ones(1), 1, np.ones(1))
    with pytest.raises(ImportError, match="pip install matplotlib"):
        curve.plot()
