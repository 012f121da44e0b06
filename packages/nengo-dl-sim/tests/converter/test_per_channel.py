"""Scales of firing rates for each channel."""

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import reference, simulator
from keras_models import L, agrees, converted, mlp, randomize
from nengo.exceptions import ValidationError

SPIKING = {"relu": nengo.SpikingRectifiedLinear()}


def conv(data_format="channels_last"):
    """Make a model of a convolution, whose channels have axes around them."""
    first = data_format == "channels_first"
    x = keras.Input((1, 4, 4) if first else (4, 4, 1))
    y = L.Conv2D(3, 3, data_format=data_format, name="conv")(x)
    axis = 1 if first else -1
    y = L.Concatenate(axis)([y, L.BatchNormalization(axis)(y)])
    y = L.ReLU(name="act")(y)
    y = L.AveragePooling2D(2, data_format=data_format)(y)
    y = L.Concatenate()([L.Flatten()(y), L.Flatten()(y)])
    return randomize(keras.Model(x, L.Dense(2, name="out")(y)))


def sequence():
    """Make a model over time."""
    x = keras.Input((None, 3))
    y = L.SimpleRNN(4, activation="relu", return_sequences=True, name="act")(x)
    y = L.TimeDistributed(L.Dense(2, activation="relu"))(y)
    return randomize(keras.Model(x, y))


def prelu():
    """Make a model of a layer with two groups of neurons."""
    x = keras.Input((4,))
    return randomize(keras.Model(x, L.Dense(2)(L.PReLU(name="act")(x))))


#: Models, the shape of an item, and the axes but that of channels.
MODELS = {
    "dense": (mlp, (3,), "hidden", (0,)),
    "last": (conv, (4, 4, 1), "act", (0, 1, 2)),
    "first": (lambda: conv("channels_first"), (1, 4, 4), "act", (0, 2, 3)),
    "time": (sequence, (5, 3), "act", (0, 1)),
    "prelu": (prelu, (4,), "act", (0,)),
}


@pytest.mark.parametrize("name", MODELS)
def test_the_largest_activation_of_each_channel_becomes_a_spike_each_step(name):
    make, shape, layer, axes = MODELS[name]
    model = make()
    x = np.random.RandomState(1).uniform(0, 1, (9, *shape))
    converter = converted(
        model, swap_activations=SPIKING, temporal_model=name == "time"
    )
    converter.calibrate(x, "max", per_channel=True, progress_bar=False)
    kept = model.get_layer(layer)
    tensor = kept.input if name == "prelu" else kept.output
    largest = np.abs(outputs(model, tensor, x)).max(axis=axes)
    largest[largest == 0] = largest.max()
    scale = converter.report()[layer].scale
    np.testing.assert_allclose(scale, 1000 / largest, rtol=1e-6)
    assert f"{scale.min():g} to {scale.max():g}" in str(converter)
    assert agrees(converter, training=True)


def outputs(model, tensor, x):
    """Compute a tensor of a model; only XLA has all types with channels first."""
    part = tf.function(keras.Model(model.input, tensor), jit_compile=True)
    return np.asarray(part(tf.constant(x)))


def spiking(scale, neurons=SPIKING["relu"], **kwargs):
    """Convert a model into spikes that are always the same."""
    model = mlp()
    converter = converted(
        model,
        swap_activations={"relu": neurons},
        scale_firing_rates={model.get_layer("hidden"): scale},
        **kwargs,
    )
    converter.net.seed = 0
    return converter


def test_equal_channels_are_a_scale_of_the_layer():
    found = []
    for scale in (200, [200, 200, 200, 200]):
        converter = spiking(
            scale,
            nengo.SpikingRectifiedLinear(
                0.5, initial_state={"voltage": nengo.dists.Choice([0.3])}
            ),
        )
        x = np.ones((1, 30, 3))
        with simulator(converter.net) as sim:
            found.append(sim.predict(x)[converter.outputs[converter.model.output]])
    np.testing.assert_allclose(*found, atol=1e-12)


def test_the_node_behind_neurons_holds_the_output_of_the_layer():
    scale = np.array([100.0, 200.0, 400.0, 800.0])
    converter = spiking(scale, synapse=0.005)
    hidden = converter.layers[converter.model.get_layer("hidden")]
    converter.inputs[converter.model.input].output = np.ones(3)
    with converter.net:
        probe = nengo.Probe(hidden)
    with reference(converter.net) as sim, simulator(converter.net) as ours:
        for each in (sim, ours):
            each.run_steps(20)
        for p in (probe, converter.outputs[converter.model.output]):
            np.testing.assert_allclose(ours.data[p], sim.data[p], atol=1e-9)
        spikes = sim.data[probe] * scale * 0.001
    np.testing.assert_allclose(spikes, np.rint(spikes), atol=1e-9)
    assert (spikes.max(axis=0) >= 1).any()
    (conn,) = (c for c in converter.net.all_connections if c.pre_obj is hidden)
    assert conn.synapse == nengo.Lowpass(0.005)


def test_parameters_load_into_other_scales(tmp_path):
    trained = randomize(mlp(), seed=1)
    converter = converted(trained, swap_activations=SPIKING, scale_firing_rates=2)
    with simulator(converter.net) as sim:
        sim.save_params(tmp_path / "params")
    converter = spiking([1, 10, 100, 1000])
    x = np.ones((1, 1, 3))
    with simulator(converter.net) as sim:
        sim.load_params(tmp_path / "params")
        probe = converter.outputs[converter.model.output]
        found = sim.run_batch(
            {converter.inputs[converter.model.input]: x}, {probe: None}, training=True
        )[probe]
    np.testing.assert_allclose(np.ravel(found), np.ravel(trained(x[0])), rtol=1e-10)


def test_a_second_calibration_finds_the_same():
    converter = spiking(7.0)
    x = np.random.RandomState(0).uniform(0, 1, (5, 3))
    found = []
    for per_channel in (True, False, True, False):
        converter.calibrate(x, per_channel=per_channel, progress_bar=False)
        found.append(converter.report()["hidden"].scale)
    np.testing.assert_array_equal(found[0], found[2])
    assert found[1] == found[3] and found[0].min() < found[1] < found[0].max()


def test_biases_are_shifted_and_diagnosed_behind_the_neurons():
    converter = spiking([50, 100, 150, 200])
    x = np.random.RandomState(0).uniform(0, 1, (5, 3))
    diagnosis = converter.diagnose(x, 20, progress_bar=False)
    row = diagnosis["hidden"]
    assert (row.neurons, row.saturated) == (4, 0)
    largest = outputs(converter.model, converter.model.get_layer("hidden").output, x)
    wanted = (largest * [50, 100, 150, 200])[largest > 0].mean()
    np.testing.assert_allclose(row.rate, wanted, atol=25)  # half a spike in 20 steps
    curve = converter.accuracy_curve(x, np.zeros(5), 20, progress_bar=False)
    np.testing.assert_allclose(
        curve.firing_rates[-1], row.rate * np.mean(largest > 0), rtol=1e-6
    )
    converter.calibrate(x, "bias", n_steps=20, progress_bar=False)
    assert "shifted" in converter.report()["hidden"].remarks[0]
    assert converter.diagnose(x, 20, progress_bar=False)["hidden"].error < row.error


WRONG = {
    "number": ([1, 2, 3], "each of 4 channels of 'hidden', got 3"),
    "zero": ([1, 0, 1, 1], "positive number, got 0"),
    "text": (["a"] * 4, "positive number"),
    "axes": (np.ones((1, 4)), "positive number"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_scales(wrong):
    scale, message = WRONG[wrong]
    with pytest.raises(ValidationError, match=f"scale_firing_rates.*{message}"):
        spiking(scale)
