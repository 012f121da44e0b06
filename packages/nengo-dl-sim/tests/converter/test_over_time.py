"""Models over time: a step of the network is a step of the model."""

import keras
import nengo
import numpy as np
import pytest
from helpers import simulator
from keras_models import L, agrees, converted, randomize

from nengo_dl_sim import configure_settings

ROWS = {
    "TimeDistributed": lambda x: L.TimeDistributed(L.Dense(3, activation="relu"))(x),
    "TimeDistributed-flatten": lambda x: L.TimeDistributed(L.Reshape((2, 1)))(x),
    "Dense": lambda x: L.Dropout(0.5)(L.Dense(3, activation="relu")(x)),
    "Activation": lambda x: L.Add()([x, L.ReLU()(L.Rescaling(-1)(x))]),
    "TimeDistributed-maximum": lambda x: L.TimeDistributed(L.ReLU(max_value=0.5))(x),
    "SimpleRNN": lambda x: L.SimpleRNN(3, return_sequences=True)(x),
    "SimpleRNN-last": lambda x: L.Dense(2)(L.SimpleRNN(3, use_bias=False)(x)),
    "LSTM": lambda x: L.LSTM(3, return_sequences=True)(x),
    "LSTM-last": lambda x: L.Dense(2, activation="softmax")(L.LSTM(3)(x)),
    "GRU": lambda x: L.GRU(3, return_sequences=True)(x),
    "GRU-before": lambda x: L.GRU(3, return_sequences=True, reset_after=False)(x),
    "rows": lambda x: L.SimpleRNN(2)(L.LSTM(3, return_sequences=True)(x)),
}


@pytest.mark.parametrize("steps", [4, None])
@pytest.mark.parametrize("name", ROWS)
def test_every_step_equals_that_of_keras(name, steps):
    x = keras.Input((steps, 2))
    model = randomize(keras.Model(x, ROWS[name](x)))
    converter = converted(model, temporal_model=True, allow_fallback=False)
    assert agrees(converter)


@pytest.mark.parametrize("scale", [1, 10])
def test_scales_change_nothing_over_time(scale):
    x = keras.Input((4, 2))
    layer = L.SimpleRNN(3, activation="relu", name="rnn")
    model = randomize(keras.Model(x, layer(x)))
    converter = converted(model, temporal_model=True, scale_firing_rates=scale)
    assert agrees(converter)
    assert converter.report()[layer].neurons == 3


def test_scale_of_a_layer_that_another_one_holds():
    x = keras.Input((4, 2))
    layer = L.TimeDistributed(L.Dense(3, activation="relu"))
    model = randomize(keras.Model(x, layer(x)))
    converter = converted(model, temporal_model=True, scale_firing_rates={layer: 10})
    assert converter.net.ensembles[0].neuron_type.amplitude == 0.1
    assert converter.report()[layer].scale == 10
    assert len(converter.report().lines) == 1
    assert agrees(converter)


def test_recurrent_weights_are_trained_as_in_keras():
    x = keras.Input((3, 2))
    model = randomize(keras.Model(x, L.SimpleRNN(2)(x)))
    data, targets = np.ones((1, 3, 2)), np.zeros((1, 2))
    converter = converted(model, temporal_model=True)
    probe = converter.outputs[model.output]
    with converter.net:
        configure_settings(keep_history=False)
    with simulator(converter.net) as sim:
        sim.compile(keras.optimizers.SGD(0.1), "mse")
        sim.fit(data, {probe: targets[:, None]}, verbose=0)
        found = sim.predict(data)[probe][:, -1]
    model.compile(keras.optimizers.SGD(0.1), "mse")
    model.fit(data, targets, verbose=0)
    np.testing.assert_allclose(found, model.predict(data, verbose=0), rtol=1e-8)


def test_layers_that_mix_steps_are_named():
    x = keras.Input((4, 2))
    y = L.Flatten(name="flat")(L.Conv1D(2, 2, name="conv")(x))
    with pytest.raises(TypeError, match="conv, flat: .*TimeDistributed"):
        converted(keras.Model(x, y), temporal_model=True)


def test_recurrent_layers_need_a_model_over_time():
    x = keras.Input((3, 2))
    with pytest.raises(TypeError, match="temporal_model=True"):
        converted(keras.Model(x, L.SimpleRNN(3)(x)), allow_fallback=False)


def test_recurrent_layers_that_go_backwards_are_refused():
    x = keras.Input((3, 2))
    model = keras.Model(x, L.SimpleRNN(3, go_backwards=True, name="rnn")(x))
    with pytest.raises(TypeError, match="rnn"):
        converted(model, temporal_model=True)


def test_neurons_of_a_recurrent_layer_are_found():
    x = keras.Input((3, 2))
    layer = L.SimpleRNN(3, name="rnn")
    converter = converted(keras.Model(x, layer(x)), temporal_model=True)
    assert converter.layers[layer].ensemble.neuron_type == nengo.Tanh(tau_ref=1)
