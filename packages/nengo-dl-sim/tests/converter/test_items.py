"""Data for a conversion in each form, and how much memory it takes."""

import tracemalloc

import keras
import nengo
import numpy as np
import pytest
from keras_models import L, converted, mlp, randomize
from nengo.exceptions import ValidationError

from nengo_dl_sim import configure_settings, get_setting

SPIKING = {"relu": nengo.SpikingRectifiedLinear()}
A = np.random.RandomState(0).uniform(0, 1, (5, 3))
B = np.random.RandomState(1).uniform(0, 1, (5, 2))


@pytest.fixture(scope="module")
def two():
    """Convert a model of two inputs."""
    a, b = keras.Input((3,), name="a"), keras.Input((2,), name="b")
    y = L.Dense(4, "relu", name="hidden")(L.Concatenate()([a, b]))
    model = randomize(keras.Model([a, b], L.Dense(2, name="out")(y)))
    converter = converted(model, swap_activations=SPIKING, scale_firing_rates=100)
    converter.net.seed = 0
    return converter


def forms(converter):
    """Return the same data in several forms."""
    tensors = converter.model.inputs
    return {
        "list": [A, B],
        "names": {"b": B, "a": A},
        "tensors": dict(zip(tensors, [A.tolist(), B], strict=True)),
        "nodes": {converter.inputs[x]: y for x, y in zip(tensors, [A, B], strict=True)},
        "layers": {converter.model.get_layer("a"): A, "b": B},
    }


def test_forms_of_data_mean_the_same(two):
    found = {
        name: two.diagnose(data, 4, progress_bar=False)["hidden"].error
        for name, data in forms(two).items()
    }
    assert len(found) == 5 and len(set(found.values())) == 1
    curve = two.accuracy_curve({"a": A, "b": B}, np.ones(5), 4, progress_bar=False)
    assert curve.accuracy.shape == (4,)
    two.calibrate({"a": A, "b": B}, progress_bar=False)
    assert two.verify(inputs={"a": A, "b": B}, training=True)


WRONG = {
    "missing": ({"a": A}, "data for all inputs of the model, got none for .'b'"),
    "unknown": ({"a": A, "c": B}, r"by its name \(\['a', 'b'\]\).*got 'c'"),
    "number": ({1: A, "b": B}, "each input of the model once.*got 1"),
    "items": ({"a": A, "b": B[:2]}, "as many items"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_dictionaries(wrong, two):
    data, message = WRONG[wrong]
    with pytest.raises(ValidationError, match=f"data: .*{message}"):
        two.diagnose(data, 4)


def test_an_input_that_is_given_twice(two):
    data = {"a": A, two.model.inputs[0]: A, "b": B}
    with pytest.raises(ValidationError, match="each input of the model once"):
        two.diagnose(data, 4)


def test_dictionaries_for_one_input():
    converter = converted(mlp(), swap_activations=SPIKING)
    (row, _) = converter.diagnose({"x": A}, 2, progress_bar=False).rows
    assert row.layer == "hidden"


def test_channels_first_on_any_device():
    x = keras.Input((1, 5, 5))
    y = L.Conv2D(2, 2, activation="relu", data_format="channels_first", name="conv")(x)
    y = L.MaxPooling2D(2, padding="same", data_format="channels_first")(y)
    y = L.Conv2DTranspose(2, 2, data_format="channels_first", name="up")(y)
    model = randomize(keras.Model(x, L.Dense(2)(L.Flatten()(y))))
    with pytest.warns(UserWarning, match="maximum"):
        converter = converted(model)
    assert converter.verify()
    items = np.random.RandomState(0).uniform(0, 1, (3, 1, 5, 5))
    diagnosis = converter.diagnose(items, 2, progress_bar=False)
    assert all(row.error < 1e-10 for row in diagnosis.rows)


def test_settings_of_the_network_change_no_result_and_stay():
    found = []
    for settings in ({}, {"keep_history": False, "stateful": False, "use_loop": False}):
        converter = converted(mlp(), swap_activations=SPIKING, scale_firing_rates=90)
        converter.net.seed = 0
        with converter.net:
            configure_settings(**settings)
        if settings:
            converter.net.config[nengo.Probe].sample_every = 0.004
            converter.outputs[converter.model.output].sample_every = 0.004
        curve = converter.accuracy_curve(A, np.ones(5), 20, progress_bar=False)
        found.append(curve.firing_rates)
        for name, value in settings.items():
            assert get_setting(converter.net, name) is value
    np.testing.assert_array_equal(*found)
    assert found[0].any()


def peak(function):
    """Return how much more memory is held at the same time than before."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


METHODS = {
    "accuracy_curve": lambda c, x, n: c.accuracy_curve(
        x, np.ones(len(x)), n, minibatch_size=4, progress_bar=False
    ),
    "diagnose": lambda c, x, n: c.diagnose(x, n, minibatch_size=4, progress_bar=False),
    "calibrate": lambda c, x, n: c.calibrate(
        x, ["max", "bias"], n_steps=n, minibatch_size=4, progress_bar=False
    ),
}


@pytest.mark.parametrize("method", METHODS)
def test_memory_does_not_grow_with_items_and_steps(method):
    x = keras.Input((200,))
    y = L.Dense(200, "relu", name="hidden")(x)
    model = randomize(keras.Model(x, L.Dense(2)(y)))
    converter = converted(model, swap_activations=SPIKING)
    items = np.zeros((48, 200))
    call = METHODS[method]
    call(converter, items[:4], 16)  # what is imported and traced once
    few = peak(lambda: call(converter, items[:4], 16))
    # All outputs of a layer over all items and steps would be 60 times as much.
    assert peak(lambda: call(converter, items, 80)) < few + 1e6
    assert 48 * 80 * 200 * 8 > 6e6
