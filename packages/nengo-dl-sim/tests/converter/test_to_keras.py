"""Weights go back into a Keras model."""

import keras
import nengo
import numpy as np
import pytest
from helpers import simulator
from keras_models import L, converted, mlp, model_of, randomize
from nengo.exceptions import ValidationError

from nengo_dl_sim.converter import Converter
from nengo_dl_sim.converter.biases import bias_of

RNG = np.random.RandomState(0)


def train(sim, shapes, n_steps=1):
    """Change all parameters a little."""
    x = [RNG.uniform(-1, 1, (1, n_steps, int(np.prod(s)))) for s in shapes]
    probe = sim.model.probes[0]
    y = RNG.uniform(0, 1, (1, n_steps, probe.size_in))
    sim.compile(keras.optimizers.SGD(0.05), "mse")
    sim.fit(x, y, verbose=0)


def normalization():
    """Make a layer that knows the statistics of data."""
    layer = L.Normalization(name="own")
    layer.adapt(RNG.uniform(0, 1, (5, 3)))
    return layer


def check_both_ways(model, **kwargs):
    """Train a network; the model made of it must compute the same."""
    shapes = [tensor.shape[1:] for tensor in model.inputs]
    before = [np.array(w) for w in model.get_weights()]
    converter = Converter(model, **kwargs)
    with simulator(converter.net) as sim:
        train(sim, shapes)
        new = converter.to_keras(sim)
        x = [RNG.uniform(-1, 1, (1, *shape)) for shape in shapes]
        shown = {
            converter.inputs[tensor]: value.reshape(1, 1, -1)
            for tensor, value in zip(model.inputs, x, strict=True)
        }
        found = sim.predict(shown)[converter.outputs[model.outputs[0]]]
    expected = np.asarray(new(x if len(x) > 1 else x[0]))
    np.testing.assert_allclose(found.ravel(), expected.ravel(), atol=1e-9)
    after = model.get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    assert any(
        not np.array_equal(a, b) for a, b in zip(before, new.get_weights(), strict=True)
    )
    return new


LAYERS = {
    "Dense": (lambda: L.Dense(2, "relu"), (3,)),
    "Dense without bias": (lambda: L.Dense(2, use_bias=False), (3,)),
    "Dense over positions": (lambda: L.Dense(2), (4, 3)),
    "EinsumDense": (lambda: L.EinsumDense("abc,bcd->ad", output_shape=2), (2, 3)),
    "EinsumDense with bias": (
        lambda: L.EinsumDense("abc,cd->abd", output_shape=(4, 2), bias_axes="d"),
        (4, 3),
    ),
    "Conv1D": (lambda: L.Conv1D(2, 2, padding="causal"), (4, 3)),
    "Conv2D": (lambda: L.Conv2D(2, 2, strides=2, activation="relu"), (4, 4, 2)),
    "Conv2D in groups": (lambda: L.Conv2D(4, 2, groups=2), (3, 3, 2)),
    "Conv2DTranspose": (lambda: L.Conv2DTranspose(3, 2, strides=2), (2, 2, 2)),
    "DepthwiseConv2D": (lambda: L.DepthwiseConv2D(2, depth_multiplier=2), (3, 3, 2)),
    "SeparableConv2D": (lambda: L.SeparableConv2D(3, 2), (3, 3, 2)),
    "BatchNormalization": (lambda: L.BatchNormalization(), (3,)),
    "BatchNormalization of channels": (lambda: L.BatchNormalization(), (2, 2, 3)),
    "PReLU": (lambda: L.PReLU(), (3,)),
}


@pytest.mark.filterwarnings("ignore:.*mean and variance")
@pytest.mark.parametrize("name", LAYERS)
def test_layers(name):
    make, shape = LAYERS[name]
    check_both_ways(model_of(make(), shape))


def test_channels_first():
    # Keras on a CPU does not compute it.
    model = model_of(L.Conv2D(2, 2, data_format="channels_first"), (2, 3, 3))
    converter = Converter(model)
    x = RNG.uniform(-1, 1, (1, 1, 18))
    with simulator(converter.net) as sim:
        train(sim, [(2, 3, 3)])
        again = Converter(converter.to_keras(sim))
        found = sim.predict(x)[converter.outputs[model.output]]
    with simulator(again.net) as sim:
        expected = sim.predict(x)[again.outputs[again.model.output]]
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("scale", [None, 100])
def test_scales_change_nothing(scale):
    check_both_ways(mlp(), scale_firing_rates=scale)


@pytest.mark.filterwarnings("ignore:norm")
def test_models_are_of_the_same_shape():
    a, b = keras.Input((3,), name="a"), keras.Input((2,), name="b")
    inner = mlp()
    y = L.LayerNormalization(name="norm")(L.Add()([inner(a), b]))
    model = randomize(keras.Model([a, b], L.Dense(2, name="last")(y)))
    converter = Converter(model)
    with simulator(converter.net) as sim:
        train(sim, [(3,), (2,)])
        new = converter.to_keras(sim)
    assert [layer.name for layer in new.layers] == [x.name for x in model.layers]
    nested = new.get_layer(inner.name).get_layer("hidden")
    assert nested is not inner.get_layer("hidden")
    assert not np.array_equal(
        nested.get_weights()[0], inner.get_layer("hidden").get_weights()[0]
    )
    np.testing.assert_array_equal(
        new.get_layer("norm").get_weights(), model.get_layer("norm").get_weights()
    )


def test_exactly_what_was_converted():
    model = mlp()
    converter = Converter(model)
    with simulator(converter.net) as sim:
        new = converter.to_keras(sim)
    for a, b in zip(model.get_weights(), new.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.filterwarnings("ignore:.*(max_pooling|dropout)")
def test_layers_without_parameters():
    x = keras.Input((4, 4, 2))
    y = L.Rescaling(0.5, offset=0.25)(x)
    y = L.MaxPooling2D()(L.Dropout(0.1)(L.ReLU(max_value=0.75)(y)))
    y = L.ZeroPadding2D()(L.AveragePooling2D(1)(L.UpSampling2D()(y)))
    y = L.Flatten()(L.Permute((2, 1, 3))(L.LeakyReLU()(y)))
    y = L.Average()([y, L.Subtract()([y, L.Activation("tanh")(y)])])
    check_both_ways(randomize(keras.Model(x, L.Dense(2)(y))))


@pytest.mark.parametrize(
    "make", [lambda: L.Rescaling(2.0, offset=1.0, name="own"), normalization]
)
def test_constants_of_keras_that_were_trained(make):
    converter = Converter(model_of(make(), (3,)))
    for conn in converter.net.all_connections:
        converter.net.config[conn].trainable = True
    with simulator(converter.net) as sim:
        train(sim, [(3,)])
        with pytest.raises(ValidationError, match="own .*trainable = False"):
            converter.to_keras(sim)


def test_statistics_of_a_normalization_are_kept():
    x = keras.Input((3,))
    model = keras.Model(x, L.Dense(2)(normalization()(x)))
    converter = Converter(model)
    with simulator(converter.net) as sim:
        new = converter.to_keras(sim)
    shown = RNG.uniform(0, 1, (2, 3))
    np.testing.assert_allclose(new(shown), model(shown), rtol=1e-6)


def test_shifted_biases_are_kept():
    model = mlp()
    swap = {"relu": nengo.SpikingRectifiedLinear()}
    converter = Converter(model, swap_activations=swap, scale_firing_rates=100)
    converter.net.seed = 0
    converter.calibrate(np.ones((1, 3)), "bias", n_steps=5, progress_bar=False)
    with simulator(converter.net) as sim:
        new = converter.to_keras(sim)
    before, after = (x.get_layer("hidden").get_weights() for x in (model, new))
    np.testing.assert_array_equal(before[0], after[0])
    hidden = converter.layers[model.get_layer("hidden")]
    np.testing.assert_array_equal(bias_of(converter, hidden).values, after[1])
    assert not np.array_equal(before[1], after[1])


@pytest.mark.parametrize(
    "make", [lambda: L.SimpleRNN(2), lambda: L.TimeDistributed(L.Dense(2))]
)
def test_layers_over_time(make):
    x = keras.Input((3, 2))
    model = randomize(keras.Model(x, make()(x)))
    converter = Converter(model, temporal_model=True)
    with simulator(converter.net) as sim:
        train(sim, [(2,)], n_steps=3)
        new = converter.to_keras(sim)
        x = RNG.uniform(0, 1, (1, 3, 2))
        found = sim.predict(x)[converter.outputs[model.output]]
    expected = np.asarray(new(x))
    np.testing.assert_allclose(found[0, -1], expected.reshape(1, -1, 2)[0, -1])


def test_copies_of_shared_weights():
    x = keras.Input((2,))
    shared = L.Dense(2, name="shared")
    model = randomize(keras.Model(x, shared(shared(x))))
    converter = Converter(model, split_shared_weights=True)
    with simulator(converter.net) as sim:
        converter.to_keras(sim)
        train(sim, [(2,)])
        with pytest.raises(ValidationError, match="'shared' is called several times"):
            converter.to_keras(sim)


def test_a_shifted_bias_becomes_beta():
    layer = L.BatchNormalization(name="norm")
    model = model_of(layer, (3,))
    converter = converted(model)  # gamma, beta and the statistics as one
    with simulator(converter.net) as sim:
        train(sim, [(3,)])
        new = converter.to_keras(sim)
        x = RNG.uniform(-1, 1, (1, 3))
        found = sim.predict(x[None])[converter.outputs[model.output]]
    np.testing.assert_allclose(found[0], new(x), atol=1e-9)
    np.testing.assert_array_equal(new.get_weights()[0], layer.gamma.value)
    assert not np.array_equal(new.get_weights()[1], layer.beta.value)


def test_zeros_between_elements_of_a_kernel_that_were_trained():
    layer = L.Conv1D(2, 2, dilation_rate=2, name="wide")
    converter = Converter(model_of(layer, (4, 2)))
    for conn in converter.net.all_connections:
        converter.net.config[conn].constraint = None
    with simulator(converter.net) as sim:
        train(sim, [(4, 2)])
        with pytest.raises(ValidationError, match="wide .*zeros between"):
            converter.to_keras(sim)


def test_layers_that_keras_cannot_clone():
    class Own(L.Layer):
        def __init__(self, factor):
            super().__init__(name="own")
            self.factor = factor

        def call(self, x):
            return self.factor * x

    x = keras.Input((2,))
    with pytest.warns(UserWarning, match="own"):
        converter = converted(keras.Model(x, Own(np.ones(2))(x)))
    with (
        simulator(converter.net) as sim,
        pytest.raises(ValidationError, match="own .*get_config"),
    ):
        converter.to_keras(sim)


def test_wrong_simulators():
    converter = converted(mlp())
    with pytest.raises(ValidationError, match="sim: expected a simulator"):
        converter.to_keras(converter.net)
    with simulator(converted(mlp()).net) as sim:
        with pytest.raises(ValidationError, match="another network"):
            converter.to_keras(sim)
