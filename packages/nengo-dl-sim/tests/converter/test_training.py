"""Training a converted network changes what Keras changes, and by as much."""

import warnings

import keras
import numpy as np
import pytest
from helpers import simulator
from keras_models import L, randomize

from nengo_dl_sim.converter import Converter
from nengo_dl_sim.converter.layer_converter import REGISTRY

RNG = np.random.RandomState(0)
N_ITEMS, BATCH = 4, 2


def joined(*branches):
    """Make a model of layers side by side, and of one that gets all their outputs."""
    inputs = [keras.Input(shape) for _, shape in branches]
    outputs = [
        L.Flatten()(layer(x)) for (layer, _), x in zip(branches, inputs, strict=True)
    ]
    y = outputs[0] if len(outputs) == 1 else L.Concatenate()(outputs)
    return randomize(keras.Model(inputs, L.Dense(2, name="out")(y)))


def fit_both(model, optimizer, epochs=1, **kwargs):
    """
    Train a network, and then the model; return both models.

    The items come in the same order, in minibatches of the same size.
    """
    x = [RNG.uniform(-1, 1, (N_ITEMS, *t.shape[1:])) for t in model.inputs]
    y = RNG.uniform(-1, 1, (N_ITEMS, *model.outputs[0].shape[1:]))
    before = model.get_weights()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*(mean and variance|is a TensorNode)")
        converter = Converter(model, **kwargs)
    options = {"epochs": epochs, "shuffle": False, "verbose": 0}
    shown = [a.reshape(N_ITEMS, 1, -1) for a in x]
    with simulator(converter.net, minibatch_size=BATCH) as sim:
        sim.compile(optimizer(), "mse")
        losses = sim.fit(shown, y[:, None], **options).history["loss"]
        evaluated = sim.evaluate(shown, y[:, None], verbose=0)["loss"]
        found = converter.to_keras(sim)
    model.set_weights(before)  # those in TensorNodes were trained themselves
    model.compile(optimizer(), "mse", jit_compile=False)
    history = model.fit(x, y, batch_size=BATCH, **options).history
    np.testing.assert_allclose(losses, history["loss"], rtol=1e-8)
    expected = model.evaluate(x, y, batch_size=BATCH, verbose=0)
    np.testing.assert_allclose(evaluated, expected, rtol=1e-8)
    return found, model


def changed(before, model):
    """Return the paths of the variables that are not as they were."""
    pairs = zip(before, model.weights, strict=True)
    return {v.path for w, v in pairs if np.any(w != np.asarray(v.value))}


def check_equal(found, expected):
    """Compare all weights of two models."""
    for x, y in zip(found.weights, expected.weights, strict=True):
        np.testing.assert_allclose(x.value, y.value, atol=1e-8, err_msg=x.path)


class Statistics(L.BatchNormalization):
    """Uses its statistics in training, too, as networks do."""

    def call(self, x, training=None, mask=None):
        return super().call(x, training=False, mask=mask)


@pytest.fixture(autouse=True)
def registered():
    """Let this layer be converted like its base class."""
    REGISTRY[Statistics] = REGISTRY[L.BatchNormalization]
    yield
    REGISTRY.pop(Statistics)


def data_normalization():
    layer = L.Normalization()
    layer.adapt(RNG.uniform(0, 1, (5, 3)))
    return layer


#: A layer, the shape of an item, and what of it is trained.
LAYERS = {
    "Dense": (lambda: L.Dense(3, "relu"), (3,), "kernel bias"),
    "Dense without bias": (lambda: L.Dense(3, use_bias=False), (3,), "kernel"),
    "Dense over positions": (lambda: L.Dense(2), (4, 3), "kernel bias"),
    "EinsumDense": (
        lambda: L.EinsumDense("abc,bcd->ad", 2, bias_axes="d"),
        (2, 3),
        "kernel bias",
    ),
    "Conv1D": (lambda: L.Conv1D(2, 2, padding="causal"), (4, 3), "kernel bias"),
    "Conv2D": (lambda: L.Conv2D(2, 2, strides=2), (4, 4, 2), "kernel bias"),
    "Conv2D in groups": (lambda: L.Conv2D(4, 2, groups=2), (3, 3, 2), "kernel bias"),
    "Conv2D with dilation": (
        lambda: L.Conv2D(2, 2, dilation_rate=(2, 3)),
        (4, 5, 2),
        "kernel bias",
    ),
    "Conv2DTranspose": (
        lambda: L.Conv2DTranspose(3, 2, strides=2),
        (2, 2, 2),
        "kernel bias",
    ),
    "DepthwiseConv2D": (
        lambda: L.DepthwiseConv2D(2, depth_multiplier=2),
        (3, 3, 2),
        "kernel bias",
    ),
    "SeparableConv2D": (
        lambda: L.SeparableConv2D(3, 2, depth_multiplier=2),
        (3, 3, 2),
        "depthwise_kernel pointwise_kernel bias",
    ),
    "BatchNormalization": (
        Statistics,
        (3,),
        "gamma beta",
    ),
    "BatchNormalization of channels": (
        Statistics,
        (2, 2, 3),
        "gamma beta",
    ),
    "BatchNormalization of the first axis": (
        lambda: Statistics(axis=1),
        (2, 3, 2),
        "gamma beta",
    ),
    "BatchNormalization without beta": (
        lambda: Statistics(center=False),
        (3,),
        "gamma",
    ),
    "BatchNormalization without gamma": (
        lambda: Statistics(scale=False),
        (2, 3),
        "beta",
    ),
    "BatchNormalization without both": (
        lambda: Statistics(scale=False, center=False),
        (2, 3),
        "",
    ),
    "Normalization": (data_normalization, (3,), ""),
    "Rescaling": (lambda: L.Rescaling(2.0, offset=1.0), (3,), ""),
    "PReLU": (L.PReLU, (3, 2), "alpha"),
    "PReLU of channels": (lambda: L.PReLU(shared_axes=[1]), (3, 2), "alpha"),
    "PReLU of rows": (lambda: L.PReLU(shared_axes=[2]), (3, 2), "alpha"),
    "PReLU of one slope": (lambda: L.PReLU(shared_axes=[1, 2]), (3, 2), "alpha"),
    "AveragePooling2D": (lambda: L.AveragePooling2D(2), (4, 4, 2), ""),
    "GlobalAveragePooling1D": (L.GlobalAveragePooling1D, (4, 2), ""),
    "ReLU": (lambda: L.ReLU(max_value=0.5), (3,), ""),
    "LeakyReLU": (L.LeakyReLU, (3,), ""),
    "ZeroPadding1D": (L.ZeroPadding1D, (3, 2), ""),
    "UpSampling1D": (L.UpSampling1D, (3, 2), ""),
    "Permute": (lambda: L.Permute((2, 1)), (3, 2), ""),
    "Dropout": (lambda: L.Dropout(0.0), (3,), ""),
}


def trained_labels(converter):
    """Return the labels of connections with weights that are trained."""
    config, conns = converter.net.config, converter.net.all_connections
    return {c.label for c in conns if config[c].trainable}


def test_what_keras_trains_is_trained():
    layers = {name: make() for name, (make, *_) in LAYERS.items()}
    model = joined(*((layer, LAYERS[name][1]) for name, layer in layers.items()))
    for name, layer in layers.items():
        trained = [v.name for v in layer.trainable_weights]
        assert sorted(trained) == sorted(LAYERS[name][2].split())
    before = [np.array(w) for w in model.get_weights()]
    found, expected = fit_both(model, lambda: keras.optimizers.SGD(0.2))
    check_equal(found, expected)
    assert changed(before, found) == {v.path for v in model.trainable_weights}


@pytest.mark.filterwarnings("ignore:.*mean and variance")
@pytest.mark.parametrize("name", LAYERS)
def test_what_keras_has_frozen_is_not_trained(name):
    make, shape, trained = LAYERS[name]
    layer = make()
    model = joined((layer, shape))
    n_trained = len(trained_labels(Converter(model))) - len({"out", "out.bias"})
    assert (n_trained > 0) is bool(trained)
    layer.trainable = False
    assert trained_labels(Converter(model)) == {"out", "out.bias"}


def test_a_single_variable_that_is_frozen_is_not_trained():
    layer = L.Dense(2, name="part")
    model = joined((layer, (3,)))
    layer.bias.trainable = False
    assert trained_labels(Converter(model)) == {"part", "out", "out.bias"}


R, C = keras.regularizers, keras.constraints


@keras.saving.register_keras_serializable("tests")
class Column(R.Regularizer):
    """A penalty to which it matters which axis is which, and which sign."""

    def __call__(self, x):
        return 0.1 * keras.ops.sum(keras.ops.exp(x[..., 0]))

    def get_config(self):
        return {}


column = Column()

#: A layer, and the shape of an item.
PENALIZED = {
    "Dense": (
        lambda: L.Dense(
            3, "relu", kernel_regularizer=column, bias_regularizer=R.L1(0.05)
        ),
        (3,),
    ),
    "Dense over positions": (
        lambda: L.Dense(2, kernel_regularizer=column),
        (4, 3),
    ),
    "EinsumDense": (
        lambda: L.EinsumDense("abc,bcd->ad", 2, kernel_regularizer=column),
        (2, 3),
    ),
    "Conv2D": (
        lambda: L.Conv2D(
            2, 2, dilation_rate=2, kernel_regularizer=R.L1L2(0.01, 0.1), use_bias=False
        ),
        (4, 5, 2),
    ),
    "Conv2DTranspose": (
        lambda: L.Conv2DTranspose(3, 2, kernel_regularizer=column),
        (2, 2, 2),
    ),
    "SeparableConv2D": (
        lambda: L.SeparableConv2D(
            3, 2, depthwise_regularizer=column, pointwise_regularizer=R.L2(0.1)
        ),
        (3, 3, 2),
    ),
    "BatchNormalization": (
        lambda: Statistics(gamma_regularizer=R.L2(0.1), beta_regularizer=column),
        (2, 3),
    ),
    "PReLU": (
        lambda: L.PReLU(alpha_regularizer=column, shared_axes=[1]),
        (2, 3),
    ),
    "a frozen layer": (
        lambda: L.Dense(3, kernel_regularizer=column, trainable=False),
        (3,),
    ),
    "in a TensorNode": (
        lambda: L.GroupNormalization(1, gamma_regularizer=R.L2(0.1)),
        (3, 2),
    ),
    "Dense of positive weights": (
        lambda: L.Dense(3, kernel_constraint=C.NonNeg(), bias_constraint=C.MaxNorm(1)),
        (3,),
    ),
    "Dense of unit columns": (lambda: L.Dense(3, kernel_constraint=C.UnitNorm()), (4,)),
    "Conv2D of unit filters": (
        lambda: L.Conv2D(2, 2, kernel_constraint=C.UnitNorm([0, 1, 2])),
        (3, 3, 2),
    ),
    "DepthwiseConv2D of bounded weights": (
        lambda: L.DepthwiseConv2D(2, depthwise_constraint=C.MinMaxNorm(0.5, 0.6)),
        (3, 3, 2),
    ),
    "LayerNormalization, in a TensorNode": (
        lambda: L.LayerNormalization(gamma_constraint=C.MaxNorm(0.5)),
        (3,),
    ),
}


@pytest.mark.parametrize(
    "make",
    [
        lambda: L.SimpleRNN(
            2,
            kernel_regularizer=column,
            recurrent_regularizer=R.L2(0.1),
            return_sequences=True,
        ),
        lambda: L.TimeDistributed(L.Dense(2, kernel_regularizer=column)),
    ],
)
def test_layers_over_time(make):
    x = keras.Input((3, 2))
    layer = make()
    model = randomize(keras.Model(x, layer(x)))
    converter = Converter(model, temporal_model=True)
    data = RNG.uniform(-1, 1, (1, 3, 2)), RNG.uniform(-1, 1, (1, 3, 2))
    with simulator(converter.net) as sim:
        sim.compile(keras.optimizers.SGD(0.1), "mse")
        losses = sim.fit(*data, verbose=0).history["loss"]
        found = converter.to_keras(sim)
    model.compile(keras.optimizers.SGD(0.1), "mse", run_eagerly=True)
    expected = model.fit(*data, verbose=0).history["loss"]
    np.testing.assert_allclose(losses, expected, rtol=1e-8)
    check_equal(found, model)


def test_copies_of_shared_weights_count_as_one():
    x = keras.Input((2,))
    shared = L.Dense(2, kernel_regularizer=column, bias_regularizer="l2")
    model = randomize(keras.Model(x, shared(shared(x))))
    converter = Converter(model, split_shared_weights=True)
    with simulator(converter.net) as sim:
        sim.compile("sgd", "mse")
        shown = np.zeros((1, 1, 2))
        found = sim.evaluate(shown, np.asarray(model(shown[0]))[None], verbose=0)
    np.testing.assert_allclose(found["loss"], sum(shared.losses), rtol=1e-7)


OPTIMIZERS = {
    "SGD": lambda: keras.optimizers.SGD(0.1),
    "Adam": lambda: keras.optimizers.Adam(0.05),
    "Adam of clipped norms": lambda: keras.optimizers.Adam(0.05, clipnorm=0.1),
}


def test_regularizers_and_constraints_act_as_in_keras():
    model = joined(*((make(), shape) for make, shape in PENALIZED.values()))
    found, expected = fit_both(model, lambda: keras.optimizers.SGD(0.01), epochs=3)
    check_equal(found, expected)


OPTIMIZERS = {
    "Adam": lambda: keras.optimizers.Adam(0.05),
    "Adam of clipped norms": lambda: keras.optimizers.Adam(0.05, clipnorm=0.1),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_they_act_with_any_optimizer(name):
    # Several kernels of one shape may share a variable of the simulator.
    def dense(**kwargs):
        return L.Dense(3, "tanh", **kwargs), (3,)

    model = joined(
        dense(kernel_regularizer=R.L2(0.1), bias_regularizer="l1"),
        dense(kernel_constraint=C.UnitNorm()),
        dense(),
    )
    found, expected = fit_both(model, OPTIMIZERS[name], epochs=3)
    check_equal(found, expected)


@keras.saving.register_keras_serializable("tests")
class FirstColumn(R.Regularizer):
    """A penalty to which the shape of an output matters."""

    def __call__(self, x):
        return keras.ops.sum(keras.ops.exp(x[..., 0]))

    def get_config(self):
        return {}


#: A layer with a regularizer of its output, and the shape of an item.
ACTIVE = {
    "Dense, L1": (lambda: L.Dense(3, "relu", activity_regularizer=R.L1(0.1)), (3,)),
    "Dense, L2": (lambda: L.Dense(3, activity_regularizer=R.L2(0.2)), (3,)),
    "Dense over positions": (
        lambda: L.Dense(2, activity_regularizer=FirstColumn()),
        (4, 3),
    ),
    "of what the next layer only passes on": (
        lambda: keras.Sequential(
            [
                L.ActivityRegularization(0.1),
                L.Flatten(activity_regularizer=R.L2(0.2)),
                L.Reshape((2, 2), activity_regularizer=FirstColumn()),
            ]
        ),
        (4,),
    ),
    "Conv2D": (
        lambda: L.Conv2D(2, 2, activation="relu", activity_regularizer=R.L1L2(0.1, 1)),
        (3, 3, 2),
    ),
    "Activation": (
        lambda: keras.Sequential(
            [L.Dense(2), L.Activation("relu", activity_regularizer=R.L2(0.3))]
        ),
        (3,),
    ),
    "ActivityRegularization": (
        lambda: keras.Sequential([L.Dense(2), L.ActivityRegularization(0.1, 0.2)]),
        (3,),
    ),
    "several of one output": (
        lambda: keras.Sequential(
            [
                L.Dense(2, activity_regularizer=R.L2(0.1)),
                L.ActivityRegularization(l2=0.2),
                L.Dropout(0, activity_regularizer=R.L1(0.1)),
            ]
        ),
        (3,),
    ),
    "of an activation": (
        lambda: L.Dense(3, L.ReLU(activity_regularizer=R.L1(0.3))),
        (3,),
    ),
    "of an activation in a TensorNode": (
        lambda: L.Dense(3, L.ELU(activity_regularizer="l2")),
        (3,),
    ),
    "ReLU with a maximum": (
        lambda: keras.Sequential(
            [L.Dense(3), L.ReLU(0.5, activity_regularizer=R.L2(0.5))]
        ),
        (3,),
    ),
    "in a TensorNode": (
        lambda: L.GroupNormalization(1, activity_regularizer=FirstColumn()),
        (3, 2),
    ),
}


@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
def test_regularizers_of_activities_act_as_in_keras(optimizer):
    chosen = {"SGD": lambda: keras.optimizers.SGD(0.05), **OPTIMIZERS}[optimizer]
    model = joined(*((make(), shape) for make, shape in ACTIVE.values()))
    check_equal(*fit_both(model, chosen, epochs=3, scale_firing_rates=50.0))


def test_regularizers_of_activities_with_scales_for_channels():
    layer = L.Dense(3, "relu", activity_regularizer=R.L2(0.2))
    model = joined((layer, (3,)))
    scales = {layer: np.array([5.0, 10.0, 20.0])}
    check_equal(*fit_both(model, OPTIMIZERS["Adam"], scale_firing_rates=scales))


def test_regularizers_of_activities_in_logs_are_those_of_keras():
    def hidden():
        return L.Dense(3, "relu", activity_regularizer=R.L1(0.5)), (3,)

    model = joined(hidden())
    x, y = RNG.uniform(-1, 1, (5, 3)), RNG.uniform(-1, 1, (5, 2))
    weight = RNG.uniform(0.5, 2, 4)
    options = {"sample_weight": weight, "epochs": 2, "shuffle": False, "verbose": 0}
    shown = x[:, None], y[:, None]  # the last minibatch is not full
    with simulator(Converter(model).net, minibatch_size=BATCH) as sim:
        sim.compile(keras.optimizers.SGD(0.1), "mse")
        before = sim.evaluate(*shown, verbose=0)
        first = [a[:4] for a in shown]
        logs = sim.fit(*first, validation_data=shown, **options).history
        after = sim.evaluate(*shown, verbose=0)
    model.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=False)
    expected = model.evaluate(x, y, batch_size=BATCH, verbose=0)
    np.testing.assert_allclose(before["loss"], expected, rtol=1e-8)
    assert before["loss"] > before["out.probe_loss"]
    history = model.fit(
        x[:4], y[:4], batch_size=BATCH, validation_data=(x, y), **options
    ).history
    assert set(logs) - set(history) == {"out.probe_loss", "val_out.probe_loss"}
    for name in history:
        np.testing.assert_allclose(logs[name], history[name], rtol=1e-8)
    expected = model.evaluate(x, y, batch_size=BATCH, verbose=0)
    np.testing.assert_allclose(after["loss"], expected, rtol=1e-8)
