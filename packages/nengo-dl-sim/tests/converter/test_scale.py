"""The scale of firing rates changes nothing that is computed in rates."""

import keras
import nengo
import numpy as np
import pytest
from helpers import simulator
from keras_models import L, agrees, converted, mlp, randomize

from nengo_dl_ops import LeakyReLU
from nengo_dl_sim.converter import Converter


def network():
    """Make a model with neurons, an affine map, a shared bias and a TensorNode."""
    x = keras.Input((4, 4, 2))
    y = L.Conv2D(2, 3, activation="relu")(x)
    y = L.BatchNormalization()(y)
    y = L.LeakyReLU(0.1)(y)
    y = L.PReLU()(L.Flatten()(y))
    y = L.LayerNormalization()(y)
    return randomize(keras.Model(x, L.Dense(3, activation="relu")(y)))


@pytest.mark.filterwarnings("ignore:layer_normalization")
@pytest.mark.parametrize("scale", [1, 10, 1000])
def test_rates_stay(scale):
    assert agrees(converted(network(), scale_firing_rates=scale), atol=1e-9)


def test_parameters_mean_the_same(tmp_path):
    converters = [converted(mlp(), scale_firing_rates=s) for s in (None, 7, 1000)]
    other = mlp()
    randomize(other, seed=1)
    with simulator(converted(other, scale_firing_rates=3).net) as sim:
        sim.save_params(tmp_path / "params")
    x = np.ones((1, 1, 3))
    for converter in converters:
        with simulator(converter.net) as sim:
            sim.load_params(tmp_path / "params")
            found = sim.predict(x)[converter.outputs[converter.model.output]]
        np.testing.assert_allclose(found[:, 0], np.asarray(other(x[:, 0])), rtol=1e-10)


def test_parameters_load_into_neurons_that_spike(tmp_path):
    with simulator(Converter(mlp()).net) as sim:
        sim.save_params(tmp_path / "params")
    swap = {keras.activations.relu: nengo.SpikingRectifiedLinear()}
    converter = Converter(
        mlp(), swap_activations=swap, scale_firing_rates=100, synapse=0.01
    )
    with simulator(converter.net) as sim:
        sim.load_params(tmp_path / "params")
    assert agrees(Converter(mlp(), swap_activations=swap), training=True)


def test_neurons_spike_more_often_with_smaller_spikes():
    swap = {keras.activations.relu: nengo.SpikingRectifiedLinear()}
    model = mlp()
    converter = converted(model, swap_activations=swap, scale_firing_rates=100)
    with converter.net:
        probe = nengo.Probe(converter.layers[model.get_layer("hidden")])
    x = np.ones((1, 200, 3))
    with simulator(converter.net) as sim:
        spikes = sim.predict(x)[probe]
    heights = np.unique(spikes[spikes > 0])
    np.testing.assert_allclose(heights / heights[0], np.rint(heights / heights[0]))
    np.testing.assert_allclose(heights[0], 1 / 100 / 0.001)
    rates = np.asarray(
        keras.Model(model.input, model.get_layer("hidden").output)(x[:, 0])
    )
    np.testing.assert_allclose(spikes.mean(axis=1), rates, atol=0.06)


def test_scale_by_layer():
    model = mlp()
    converter = converted(model, scale_firing_rates={model.get_layer("hidden"): 10})
    assert converter.net.ensembles[0].neuron_type.amplitude == 0.1
    assert agrees(converter)


def test_types_without_amplitude_are_not_scaled():
    with pytest.warns(UserWarning, match="Sigmoid has no amplitude"):
        converter = converted(mlp("sigmoid"), scale_firing_rates=10)
    assert agrees(converter)


def test_rates_that_are_not_proportional_are_reported():
    swap = {keras.activations.relu: nengo.LIF()}
    converter = converted(mlp(), swap_activations=swap, scale_firing_rates=10)
    assert "not proportional" in converter.report()["hidden"].remarks[0]
    assert converter.net.ensembles[0].neuron_type.amplitude == 0.1


def test_other_arguments_of_neurons_stay():
    swap = {keras.activations.relu: LeakyReLU(0.25, amplitude=2)}
    converter = converted(mlp(), swap_activations=swap, scale_firing_rates=10)
    assert converter.net.ensembles[0].neuron_type == LeakyReLU(0.25, amplitude=0.2)


def test_spikes_of_rates_are_scaled():
    spiking = nengo.PoissonSpiking(nengo.RectifiedLinear())
    converter = converted(
        mlp(), swap_activations={"relu": spiking}, scale_firing_rates=10
    )
    assert converter.net.ensembles[0].neuron_type.amplitude == 0.1
    assert not converter.report()["hidden"].remarks
