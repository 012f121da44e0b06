"""Every layer: in rates a network computes what the Keras model does."""

import keras
import nengo
import numpy as np
import pytest
from helpers import simulator
from keras_models import L, agrees, converted, model_of, randomize

from nengo_dl_sim.converter import Converter

FIRST = {"data_format": "channels_first"}
relu = {"activation": "relu"}

NATIVE = {
    "Dense": (lambda: L.Dense(3, **relu), (4,)),
    "Dense-linear": (lambda: L.Dense(3, use_bias=False), (4,)),
    "Dense-axes": (lambda: L.Dense(3, **relu), (2, 2, 4)),
    "Dense-sigmoid": (lambda: L.Dense(3, activation="sigmoid"), (4,)),
    "Dense-tanh": (lambda: L.Dense(3, activation="tanh"), (4,)),
    "Dense-leaky": (lambda: L.Dense(3, activation="leaky_relu"), (4,)),
    "Dense-layer": (lambda: L.Dense(3, activation=L.LeakyReLU(0.1)), (4,)),
    "Dense-softmax": (lambda: L.Dense(3, activation="softmax"), (4,)),
    "EinsumDense": (lambda: L.EinsumDense("ab,bc->ac", 3, bias_axes="c"), (4,)),
    "EinsumDense-axes": (
        lambda: L.EinsumDense("abcd,cdef->abef", (2, 2, 3), bias_axes="ef"),
        (2, 3, 2),
    ),
    "EinsumDense-dots": (
        lambda: L.EinsumDense("...x,xy->...y", 3, bias_axes="y"),
        (2, 4),
    ),
    "Conv1D": (lambda: L.Conv1D(2, 3, **relu), (6, 3)),
    "Conv1D-causal": (
        lambda: L.Conv1D(2, 2, padding="causal", dilation_rate=2),
        (6, 3),
    ),
    "Conv2D": (lambda: L.Conv2D(2, 3, strides=2, padding="same", **relu), (6, 5, 3)),
    "Conv2D-even": (lambda: L.Conv2D(2, 2, padding="same", **relu), (4, 5, 2)),
    "Conv2D-groups": (lambda: L.Conv2D(4, 3, groups=2), (5, 4, 2)),
    "Conv2D-dilated": (lambda: L.Conv2D(2, 2, dilation_rate=2, **relu), (5, 4, 2)),
    "Conv2D-dilated-same": (
        lambda: L.Conv2D(2, (2, 3), dilation_rate=2, padding="same"),
        (6, 7, 2),
    ),
    "Conv3D": (lambda: L.Conv3D(2, 2, **relu), (3, 3, 3, 2)),
    "Conv1DTranspose": (lambda: L.Conv1DTranspose(2, 3, strides=2), (4, 3)),
    "Conv2DTranspose": (
        lambda: L.Conv2DTranspose(2, 3, strides=2, padding="same", **relu),
        (3, 4, 3),
    ),
    "Conv3DTranspose": (lambda: L.Conv3DTranspose(2, 2), (2, 2, 3, 2)),
    "DepthwiseConv1D": (lambda: L.DepthwiseConv1D(2, depth_multiplier=2), (5, 3)),
    "DepthwiseConv2D": (
        lambda: L.DepthwiseConv2D(3, strides=2, padding="same", depth_multiplier=2),
        (5, 6, 2),
    ),
    "SeparableConv1D": (lambda: L.SeparableConv1D(3, 2, **relu), (5, 2)),
    "SeparableConv2D": (
        lambda: L.SeparableConv2D(3, 3, padding="same", strides=2, depth_multiplier=2),
        (5, 6, 2),
    ),
    "AveragePooling1D": (lambda: L.AveragePooling1D(2), (5, 2)),
    "AveragePooling2D": (lambda: L.AveragePooling2D(2), (4, 5, 2)),
    "AveragePooling2D-same": (
        lambda: L.AveragePooling2D(3, strides=2, padding="same"),
        (4, 5, 2),
    ),
    "AveragePooling3D": (lambda: L.AveragePooling3D(2, dtype="float32"), (2, 2, 3, 2)),
    "GlobalAveragePooling1D": (lambda: L.GlobalAveragePooling1D(), (4, 2)),
    "GlobalAveragePooling2D": (lambda: L.GlobalAveragePooling2D(), (3, 4, 2)),
    "GlobalAveragePooling2D-keep": (
        lambda: L.GlobalAveragePooling2D(keepdims=True),
        (3, 4, 2),
    ),
    "GlobalAveragePooling3D": (lambda: L.GlobalAveragePooling3D(), (2, 2, 2, 2)),
    "BatchNormalization": (lambda: L.BatchNormalization(), (3, 2)),
    "BatchNormalization-plain": (
        lambda: L.BatchNormalization(scale=False, center=False),
        (3,),
    ),
    "BatchNormalization-first": (lambda: L.BatchNormalization(axis=1), (2, 3, 3)),
    "Normalization": (lambda: L.Normalization(mean=[1, 2.0], variance=[2, 3.0]), (2,)),
    "Normalization-invert": (
        lambda: L.Normalization(mean=2.0, variance=3.0, axis=None, invert=True),
        (2,),
    ),
    "Rescaling": (lambda: L.Rescaling(2.0, offset=-1.0), (3, 2)),
    "Flatten": (lambda: L.Flatten(), (3, 2)),
    "Flatten-first": (lambda: L.Flatten(**FIRST), (2, 3, 2)),
    "Reshape": (lambda: L.Reshape((3, -1)), (2, 3)),
    "Permute": (lambda: L.Permute((2, 3, 1)), (2, 3, 4)),
    "RepeatVector": (lambda: L.RepeatVector(3), (2,)),
    "Cropping1D": (lambda: L.Cropping1D((1, 2)), (5, 2)),
    "Cropping2D": (lambda: L.Cropping2D(((1, 0), (0, 1))), (3, 3, 2)),
    "Cropping2D-first": (lambda: L.Cropping2D(1, **FIRST), (2, 3, 4)),
    "Cropping3D": (lambda: L.Cropping3D(1), (3, 3, 4, 1)),
    "ZeroPadding1D": (lambda: L.ZeroPadding1D((1, 2)), (2, 2)),
    "ZeroPadding2D": (lambda: L.ZeroPadding2D(((1, 0), (0, 2))), (2, 2, 2)),
    "ZeroPadding2D-first": (lambda: L.ZeroPadding2D(1, **FIRST), (2, 2, 3)),
    "ZeroPadding3D": (lambda: L.ZeroPadding3D(1), (2, 1, 2, 2)),
    "UpSampling1D": (lambda: L.UpSampling1D(2), (3, 2)),
    "UpSampling2D": (lambda: L.UpSampling2D((2, 3)), (2, 3, 2)),
    "UpSampling2D-first": (lambda: L.UpSampling2D(2, **FIRST), (2, 2, 3)),
    "UpSampling3D": (lambda: L.UpSampling3D(2), (2, 1, 2, 2)),
    "Concatenate": (lambda: L.Concatenate(), (2, 3), (2, 1)),
    "Concatenate-axis": (lambda: L.Concatenate(axis=1), (2, 3), (1, 3)),
    "Add": (lambda: L.Add(), (2, 3), (2, 3), (1, 3)),
    "Subtract": (lambda: L.Subtract(), (3,), (3,)),
    "Average": (lambda: L.Average(), (3,), (3,), (3,)),
    "Activation": (lambda: L.Activation("relu"), (3,)),
    "Activation-linear": (lambda: L.Activation("linear"), (3,)),
    "ReLU": (lambda: L.ReLU(), (3,)),
    "ReLU-slope": (lambda: L.ReLU(negative_slope=0.1), (3,)),
    "ReLU-max": (lambda: L.ReLU(max_value=0.5), (2, 3)),
    "ReLU-max-slope": (lambda: L.ReLU(max_value=0.5, negative_slope=0.1), (3,)),
    "LeakyReLU": (lambda: L.LeakyReLU(0.3), (3,)),
    "PReLU": (lambda: L.PReLU(), (3, 2)),
    "PReLU-shared": (lambda: L.PReLU(shared_axes=[1]), (3, 2)),
    "Softmax": (lambda: L.Softmax(), (3,)),
    "Dropout": (lambda: L.Dropout(0.5), (3,)),
    "SpatialDropout2D": (lambda: L.SpatialDropout2D(0.5), (2, 2, 3)),
    "GaussianNoise": (lambda: L.GaussianNoise(0.5), (3,)),
    "GaussianDropout": (lambda: L.GaussianDropout(0.5), (3,)),
    "AlphaDropout": (lambda: L.AlphaDropout(0.5), (3,)),
    "SpatialDropout1D": (lambda: L.SpatialDropout1D(0.5), (2, 3)),
    "SpatialDropout3D": (lambda: L.SpatialDropout3D(0.5), (1, 2, 1, 3)),
    "ActivityRegularization": (lambda: L.ActivityRegularization(0.1), (3,)),
    "Identity": (lambda: L.Identity(), (3,)),
}

FALLBACK = {
    "ReLU-threshold": (lambda: L.ReLU(threshold=0.5), (3,)),
    "ELU": (lambda: L.ELU(), (3,)),
    "MaxPooling1D": (lambda: L.MaxPooling1D(2), (4, 2)),
    "MaxPooling2D": (lambda: L.MaxPooling2D(2), (4, 4, 2)),
    "MaxPooling3D": (lambda: L.MaxPooling3D(2, dtype="float32"), (2, 2, 2, 2)),
    "GlobalMaxPooling1D": (lambda: L.GlobalMaxPooling1D(), (4, 2)),
    "GlobalMaxPooling2D": (lambda: L.GlobalMaxPooling2D(), (2, 2, 2)),
    "GlobalMaxPooling3D": (lambda: L.GlobalMaxPooling3D(), (2, 1, 2, 2)),
    "LayerNormalization": (lambda: L.LayerNormalization(), (3, 2)),
    "Multiply": (lambda: L.Multiply(), (3,), (3,)),
    "Maximum": (lambda: L.Maximum(), (3,), (3,)),
    "Dot": (lambda: L.Dot(axes=1), (3,), (3,)),
    "Attention": (lambda: L.Attention(), (3, 2), (3, 2)),
    "UpSampling2D": (lambda: L.UpSampling2D(2, interpolation="bilinear"), (2, 2, 2)),
    "EinsumDense": (lambda: L.EinsumDense("abc,cbd->abd", (3, 2)), (3, 4)),
    "Conv1DTranspose": (
        lambda: L.Conv1DTranspose(2, 3, strides=2, output_padding=1),
        (4, 3),
    ),
    "LSTM": (lambda: L.LSTM(2), (3, 2)),
}


@pytest.mark.parametrize("name", NATIVE)
def test_native_layers_compute_what_keras_does(name):
    make, *shapes = NATIVE[name]
    converter = converted(model_of(make(), *shapes), allow_fallback=False)
    (line,) = converter.report().lines
    assert line.converted in ("native", "nothing", "special")
    assert agrees(converter)


@pytest.mark.parametrize("name", FALLBACK)
def test_other_layers_become_tensor_nodes_with_a_warning(name):
    make, *shapes = FALLBACK[name]
    layer = make()
    model = model_of(layer, *shapes)
    with pytest.warns(UserWarning, match=f"{layer.name} .*TensorNode"):
        converter = converted(model)
    assert converter.report()[layer].converted == "TensorNode"
    assert converter.report()[layer].remarks
    assert agrees(converter)


@pytest.mark.parametrize("name", FALLBACK)
def test_other_layers_are_refused_without_fallback(name):
    make, *shapes = FALLBACK[name]
    layer = make()
    with pytest.raises(TypeError, match=layer.name):
        converted(model_of(layer, *shapes), allow_fallback=False)


CHANNELS_FIRST = {
    "Conv2D": lambda first: L.Conv2D(4, 2, groups=2, data_format=first, **relu),
    "Conv2DTranspose": lambda first: L.Conv2DTranspose(3, 2, data_format=first),
    "AveragePooling2D": lambda first: L.AveragePooling2D(2, data_format=first),
    "GlobalAveragePooling2D": lambda first: L.GlobalAveragePooling2D(data_format=first),
}


@pytest.mark.parametrize("name", CHANNELS_FIRST)
def test_channels_first_equal_channels_last(name):
    # Keras itself does not compute all of these on a CPU.
    last = model_of(CHANNELS_FIRST[name]("channels_last"), (3, 4, 2))
    first = model_of(CHANNELS_FIRST[name]("channels_first"), (2, 3, 4))
    x = np.random.RandomState(0).uniform(-1, 1, (2, 3, 4, 2))
    expected = np.asarray(last(x))
    if expected.ndim == 4:
        expected = np.moveaxis(expected, -1, 1)
    found = _run(converted(first), np.moveaxis(x, -1, 1))
    np.testing.assert_allclose(found, expected.reshape(2, -1), atol=1e-10)


def _run(converter, x):
    with simulator(converter.net, minibatch_size=len(x)) as sim:
        data = {converter.inputs[converter.model.input]: x.reshape(len(x), 1, -1)}
        (probe,) = converter.outputs.values()
        return sim.predict(data)[probe][:, -1]


def test_maxima_become_averages_if_asked_for():
    pooled, plain = (
        L.MaxPooling2D(2, padding="same"),
        L.AveragePooling2D(2, padding="same"),
    )
    x = np.random.RandomState(0).uniform(-1, 1, (2, 3, 4, 2))
    converter = converted(model_of(pooled, (3, 4, 2)), max_to_avg_pool=True)
    expected = np.asarray(model_of(plain, (3, 4, 2))(x))
    np.testing.assert_allclose(_run(converter, x), expected.reshape(2, -1), atol=1e-10)
    assert "average" in converter.report()[pooled].remarks[0]


def test_global_maxima_become_averages_if_asked_for():
    x = np.random.RandomState(0).uniform(-1, 1, (2, 3, 2))
    converter = converted(
        model_of(L.GlobalMaxPooling1D(), (3, 2)), max_to_avg_pool=True
    )
    np.testing.assert_allclose(_run(converter, x), x.mean(1), atol=1e-10)


def test_softmax_in_the_middle_is_a_fallback():
    x = keras.Input((3,))
    y = L.Dense(2, name="soft", activation="softmax")(x)
    model = randomize(keras.Model(x, L.Dense(2)(y)))
    with pytest.raises(TypeError, match="soft .*softmax"):
        converted(model, allow_fallback=False)
    with pytest.warns(UserWarning, match="soft .*softmax"):
        converter = converted(model)
    assert agrees(converter)


def test_a_layer_with_other_activation_keeps_its_weights_in_nengo():
    model = model_of(L.Dense(3, activation="softplus", name="d"), (2,))
    with pytest.warns(UserWarning, match="activation is a TensorNode"):
        converter = converted(model)
    assert agrees(converter)
    assert any(c.transform.size_in == 2 for c in converter.net.connections)


@pytest.mark.parametrize(
    "make",
    [lambda: L.ReLU(max_value=0.5), lambda: L.ReLU(threshold=0.5), L.PReLU],
)
def test_layers_that_are_more_than_neurons_as_activations(make):
    activation = make()
    model = model_of(L.Dense(3, activation=activation, name="d"), (4,))
    with pytest.warns(UserWarning, match=f"computes {activation.name}"):
        converter = converted(model)
    assert agrees(converter)


def test_a_layer_as_activation_is_trained():
    model = model_of(L.Dense(3, activation=L.PReLU()), (4,))
    x, y = np.full((1, 4), -1.0), np.zeros((1, 3))
    model(x)  # else Keras has not built the activation
    before = randomize(model).get_weights()
    with pytest.warns(UserWarning, match="computes p_re_lu"):
        converter = Converter(model)
    with simulator(converter.net) as sim:
        sim.compile(keras.optimizers.SGD(0.01), "mse")
        sim.fit(x[:, None], y[:, None], verbose=0)
        found = sim.predict(x[:, None])[converter.outputs[model.output]][:, -1]
    model.set_weights(before)
    model.compile(keras.optimizers.SGD(0.01), "mse")
    model.fit(x, y, verbose=0)
    np.testing.assert_allclose(found, model.predict(x, verbose=0), rtol=1e-10)
    assert np.any(model.get_weights()[-1] != before[-1])


@pytest.mark.parametrize("scale", [1, 100])
def test_a_maximum_is_the_difference_of_two_groups(scale):
    model = model_of(L.ReLU(max_value=0.5, name="r"), (3,))
    converter = Converter(model, scale_firing_rates=scale)
    line = converter.report()["r"]
    assert (line.neurons, line.converted) == (6, "native")
    assert "max_value=0.5 is the difference of two groups" in line.remarks[0]
    config = converter.net.config
    assert not any(config[c].trainable for c in converter.net.all_connections)
    assert agrees(converter)


def test_a_maximum_holds_in_spikes():
    model = model_of(L.ReLU(max_value=0.5), (3,))
    swap = {"relu": nengo.SpikingRectifiedLinear()}
    converter = converted(model, scale_firing_rates=200, swap_activations=swap)
    x = np.array([[-1.0, 0.25, 2.0]])
    with simulator(converter.net) as sim:
        data = {converter.inputs[model.input]: np.repeat(x[None], 100, axis=1)}
        spikes = sim.predict(data)[converter.outputs[model.output]]
    np.testing.assert_allclose(spikes.mean(axis=1), [[0, 0.25, 0.5]], atol=0.06)


def test_a_maximum_of_a_function_is_a_fallback():
    model = model_of(L.ReLU(max_value=0.5), (3,))
    with pytest.warns(UserWarning, match="exchanged for a function"):
        converted(model, swap_activations={"relu": keras.ops.exp})


def test_dropout_works_in_training():
    model = model_of(L.Dropout(0.5), (50,))
    converter = Converter(model)
    with simulator(converter.net) as sim:
        data = {converter.inputs[model.input]: np.ones((1, 1, 50))}
        wanted = {converter.outputs[model.output]: None}
        plain, dropped = (
            sim.run_batch(data, wanted, training=t)[converter.outputs[model.output]]
            for t in (False, True)
        )
    assert np.all(np.asarray(plain) == 1)
    assert np.any(np.asarray(dropped) == 0)


def test_operations_of_keras_become_tensor_nodes():
    x = keras.Input((3,))
    model = keras.Model(x, keras.ops.sin(x) * 2)
    with pytest.warns(UserWarning, match="TensorNode"):
        assert agrees(converted(model))


def test_several_outputs_of_a_layer():
    x = keras.Input((3, 2))
    model = randomize(keras.Model(x, L.LSTM(2, return_state=True)(x)))
    with pytest.warns(UserWarning, match="TensorNode"):
        assert agrees(converted(model))


def test_integer_inputs():
    x = keras.Input((3,), dtype="int32")
    model = randomize(keras.Model(x, L.Embedding(5, 2)(x)))
    with pytest.warns(UserWarning, match="TensorNode"):
        assert agrees(converted(model), inputs=np.array([[0, 4, 2]]))


def test_masks_that_get_lost_warn():
    x = keras.Input((3,), dtype="int32")
    model = randomize(keras.Model(x, L.Embedding(5, 2, mask_zero=True, name="e")(x)))
    with pytest.warns(UserWarning) as caught:
        converted(model)
    assert any("mask does not reach" in str(w.message) for w in caught)
