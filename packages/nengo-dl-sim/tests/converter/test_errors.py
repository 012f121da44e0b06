"""What is wrong is said before anything is computed."""

import keras
import nengo
import pytest
from keras_models import L, mlp
from nengo.exceptions import ValidationError

from nengo_dl_sim.converter import Converter


def test_a_model_is_expected():
    with pytest.raises(ValidationError, match="expected a Keras model"):
        Converter(L.Dense(3))


def test_unbuilt_models():
    with pytest.raises(ValidationError, match="expected a built model"):
        Converter(keras.Sequential([L.Dense(3)]))

    class Model(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(ValidationError, match="expected a built model"):
        Converter(Model())


def test_inputs_without_fixed_shape():
    x = keras.Input((None, 3))
    with pytest.raises(ValidationError, match=r"fixed shape.*None, None, 3"):
        Converter(keras.Model(x, L.Dense(2)(x)))


@pytest.mark.parametrize(
    "swap", [{"rellu": nengo.LIF()}, {3: nengo.LIF()}, {"relu": 3}, {"relu": "lif"}]
)
def test_unknown_activations(swap):
    with pytest.raises(ValidationError, match="swap_activations: expected each"):
        Converter(mlp(), swap_activations=swap)


def test_exchanges_are_a_dictionary():
    with pytest.raises(ValidationError, match="swap_activations: expected a dict"):
        Converter(mlp(), swap_activations=nengo.LIF())


def test_a_scale_for_a_layer_without_neurons():
    model = mlp()
    with pytest.raises(ValidationError, match="'out' has none"):
        Converter(model, scale_firing_rates={model.get_layer("out"): 10})


def test_a_scale_for_a_layer_of_another_model():
    with pytest.raises(ValidationError, match="scale_firing_rates: expected layers"):
        Converter(mlp(), scale_firing_rates={L.Dense(3): 10})


@pytest.mark.parametrize("scale", [0, -1, float("nan"), float("inf"), "10", True, [1]])
def test_scales_are_positive_numbers(scale):
    with pytest.raises(ValidationError, match="scale_firing_rates: expected"):
        Converter(mlp(), scale_firing_rates=scale)


def test_all_unsupported_layers_are_named_at_once():
    x = keras.Input((4, 2))
    y = L.LayerNormalization(name="norm")(L.MaxPooling1D(2, name="pool")(x))
    y = L.Dense(2, activation="softplus", name="plus")(y)
    with pytest.raises(TypeError, match="pool .*norm .*plus .*softplus"):
        Converter(keras.Model(x, L.Dense(2)(y)), allow_fallback=False)


@pytest.mark.parametrize(
    "name", ["allow_fallback", "inference_only", "max_to_avg_pool", "temporal_model"]
)
def test_switches(name):
    with pytest.raises(ValidationError, match=name):
        Converter(mlp(), **{name: 1})


def test_a_synapse_is_expected():
    with pytest.raises(ValidationError, match="synapse"):
        Converter(mlp(), synapse="fast")


def test_lines_of_layers_that_join_items():
    x = keras.Input((2,))
    with pytest.raises(TypeError, match="axis=0"):
        Converter(keras.Model(x, L.Concatenate(axis=0)([x, x])), allow_fallback=False)


def test_models_of_text_are_refused():
    x = keras.Input((1,), dtype="string")
    layer = L.Hashing(3, dtype="int64")
    with pytest.raises(ValidationError, match="numbers, got .* string"):
        Converter(keras.Model(x, layer(x)))
