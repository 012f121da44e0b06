"""Models of every form."""

import keras
import numpy as np
import pytest
from helpers import reference
from keras_models import L, agrees, converted, mlp, randomize
from nengo.exceptions import ValidationError

from nengo_dl_sim.converter import Converter


def test_sequential_models():
    model = keras.Sequential([keras.Input((4, 4, 1)), L.Conv2D(2, 3), L.Flatten()])
    model.add(L.Dense(2))
    converter = converted(randomize(model))
    assert agrees(converter)
    assert converter.layers[model.layers[-1]].label == model.layers[-1].name
    assert converter.outputs[model.outputs] is converter.outputs[model.layers[-1]]
    assert converter.inputs[model.inputs] is converter.net.nodes[0]


def test_compiled_models():
    model = mlp()
    model.compile("adam", lambda y_true, y_pred: y_pred)
    assert agrees(converted(model))


def test_nested_models():
    inner = mlp()
    nested = keras.Sequential([keras.Input((2,)), L.Dense(3, name="nested")])
    x = keras.Input((3,))
    y = inner(x)
    model = keras.Model(x, L.ReLU()(randomize(nested)(y)))
    converter = converted(randomize(model))
    assert agrees(converter)
    assert converter.layers[inner.get_layer("hidden")].ensemble.label == "hidden"
    assert converter.layers[inner] is converter.layers[inner.get_layer("out")]
    assert converter.layers[y] is converter.layers[inner]
    assert converter.layers[inner.get_layer("hidden").output].size_out == 4


def test_nested_models_that_are_called_twice():
    inner = keras.Sequential([keras.Input((3,)), L.ReLU(), L.Rescaling(2)])
    x = keras.Input((3,))
    first = inner(x)
    model = keras.Model(x, L.Subtract()([first, inner(L.Rescaling(-1)(first))]))
    converter = converted(model)
    assert agrees(converter)
    assert converter.layers[first].size_out == 3
    with pytest.raises(KeyError, match="called 2 times"):
        converter.layers[inner]


def test_subclassed_models():
    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.hidden = L.Dense(4, activation="relu")
            self.out = L.Dense(2)

        def call(self, x):
            return self.out(self.hidden(x))

    model = Model()
    x = np.random.RandomState(0).uniform(-1, 1, (5, 3))
    expected = np.asarray(model(x))
    converter = converted(model, allow_fallback=False)
    assert agrees(converter, inputs=x)
    np.testing.assert_array_equal(np.asarray(converter.model(x)), expected)
    assert converter.layers[model.hidden].ensemble.n_neurons == 4


def test_subclassed_models_that_need_numbers():
    class Model(keras.Model):
        def call(self, x):
            return x * float(np.asarray(x)[0, 0])

    model = Model()
    model(np.ones((1, 3)))
    with pytest.raises(ValidationError, match="symbolic"):
        Converter(model)


def test_inputs_by_name():
    inputs = {"a": keras.Input((2,), name="a"), "b": keras.Input((3,), name="b")}
    joined = L.Concatenate()([inputs["b"], inputs["a"]])
    model = keras.Model(inputs, {"y": L.Dense(2)(joined), "z": joined})
    converter = converted(randomize(model))
    assert agrees(converter)
    assert converter.inputs[inputs["b"]].size_out == 3


def test_an_output_that_is_an_input():
    x = keras.Input((2,))
    assert agrees(converted(keras.Model(x, [x, L.ReLU()(x)])))


def test_parts_of_other_models():
    model = mlp()
    part = keras.Model(model.input, model.get_layer("hidden").output)
    rest = keras.Model(model.get_layer("hidden").output, model.output)
    assert agrees(converted(part)) and agrees(converted(rest))


@pytest.mark.usefixtures("float32")
def test_models_in_float32():
    assert converted(mlp()).verify(atol=1e-5)


# Keras's own way to read what it saved.
@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")
def test_saved_models(tmp_path):
    mlp().save(tmp_path / "model.keras")
    assert agrees(converted(keras.models.load_model(tmp_path / "model.keras")))


def test_a_residual_network():
    x = keras.Input((6, 6, 2))
    y = L.Conv2D(4, 3, padding="same", use_bias=False)(x)
    for _ in range(2):
        z = L.ReLU()(L.BatchNormalization()(y))
        y = L.Add()([y, L.Conv2D(4, 3, padding="same")(z)])
    out = L.Dense(3, activation="softmax")(L.GlobalAveragePooling2D()(y))
    assert agrees(converted(randomize(keras.Model(x, out)), allow_fallback=False))


def test_an_autoencoder():
    x = keras.Input((4, 4, 1))
    code = L.Conv2D(2, 3, strides=2, padding="same", activation="relu")(x)
    code = L.Dense(3, activation="tanh")(L.Flatten()(code))
    y = L.Reshape((2, 2, 2))(L.Dense(8, activation="relu")(code))
    y = L.Conv2DTranspose(2, 3, strides=2, padding="same", activation="relu")(y)
    y = L.Conv2D(1, 3, padding="same", activation="sigmoid")(y)
    model = randomize(keras.Model(x, [y, code]))
    assert agrees(converted(model, allow_fallback=False))


def test_two_inputs_of_different_shape():
    image, facts = keras.Input((4, 4, 1)), keras.Input((3,))
    seen = L.GlobalAveragePooling2D()(L.Conv2D(2, 2, activation="relu")(image))
    joined = L.Concatenate()([seen, L.Dense(2, activation="relu")(facts)])
    model = randomize(keras.Model([image, facts], L.Dense(2)(joined)))
    converter = converted(model, allow_fallback=False)
    assert agrees(converter)
    assert converter.inputs[image].size_out == 16


def test_twins_that_share_a_model():
    a, b = keras.Input((3,)), keras.Input((3,))
    twin = randomize(keras.Sequential([keras.Input((3,)), L.Dense(2), L.ReLU()]))
    model = keras.Model([a, b], L.Dense(1)(L.Subtract()([twin(a), twin(b)])))
    converter = converted(model, split_shared_weights=True, allow_fallback=False)
    assert agrees(converter)


def test_a_model_of_spoken_words():
    x = y = keras.Input((12, 3))
    for channels in (4, 2):
        y = L.SeparableConv1D(channels, 3, padding="same", use_bias=False)(y)
        y = L.ReLU()(L.BatchNormalization()(y))
        y = L.AveragePooling1D(2, padding="same")(y)
    y = L.Conv1D(2, 2, dilation_rate=2, padding="causal", activation="relu")(y)
    words = L.Dense(3, activation="softmax")(L.GlobalAveragePooling1D()(y))
    model = randomize(keras.Model(x, words))
    assert agrees(converted(model, allow_fallback=False))


def test_verify_finds_what_differs():
    model = mlp()
    converter = converted(model)
    model.get_layer("hidden").bias.assign([9, 9, 9, 9])
    with pytest.raises(ValueError, match="differ in"):
        converter.verify()
    with pytest.raises(ValueError, match="expected inputs of shape"):
        converter.verify(inputs=np.ones((2, 4)))


def test_the_network_runs_in_nengo():
    x = keras.Input((4, 4, 1))
    y = L.AveragePooling2D(2)(L.Conv2D(2, 3, activation="relu")(x))
    model = randomize(keras.Model(x, L.Dense(3)(L.Flatten()(y))))
    converter = converted(model, scale_firing_rates=10)
    values = np.random.RandomState(0).uniform(-1, 1, 16)
    converter.inputs[x].output = values
    with reference(converter.net) as sim:
        sim.run_steps(1)
        found = sim.data[converter.outputs[model.output]]
    expected = np.asarray(model(values.reshape(1, 4, 4, 1)))
    np.testing.assert_allclose(found, expected, atol=1e-10)
