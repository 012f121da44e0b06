"""Random functional models of native layers compute in rates what Keras does."""

import keras
from hypothesis import given, settings
from hypothesis import strategies as st
from keras_models import L, agrees, converted, randomize

#: Layers that take an image and return one.
IMAGE = [
    lambda: L.Conv2D(2, 2, activation="relu"),
    lambda: L.Conv2D(2, 3, padding="same", strides=2),
    lambda: L.DepthwiseConv2D(2, padding="same", activation="tanh"),
    lambda: L.BatchNormalization(),
    lambda: L.AveragePooling2D(2, padding="same"),
    lambda: L.ZeroPadding2D(1),
    lambda: L.UpSampling2D(2),
    lambda: L.Permute((2, 1, 3)),
    lambda: L.ReLU(),
    lambda: L.Dense(3, activation="sigmoid"),
]

#: Layers that take a vector and return one.
VECTOR = [
    lambda: L.Dense(4, activation="relu"),
    lambda: L.Dense(3, use_bias=False),
    lambda: L.LeakyReLU(),
    lambda: L.PReLU(),
    lambda: L.Rescaling(0.5, 0.25),
    lambda: L.BatchNormalization(),
]


def make_model(draw):
    """Draw layers in a row, with branches that are joined."""
    inputs = x = keras.Input((4, 4, 2))
    for make in draw(st.lists(st.sampled_from(IMAGE), max_size=3)):
        if min(x.shape[1:3]) >= 2:
            x = _joined(draw, x, make()(x))
    x = draw(st.sampled_from([L.Flatten, L.GlobalAveragePooling2D]))()(x)
    for make in draw(st.lists(st.sampled_from(VECTOR), max_size=3)):
        x = _joined(draw, x, make()(x))
    return randomize(keras.Model(inputs, x))


def _joined(draw, before, after):
    """Perhaps join what a layer got and what it returned."""
    kinds = ["row"]
    if before.shape[1:-1] == after.shape[1:-1]:
        kinds.append("concatenate")
    if before.shape == after.shape:
        kinds += ["add", "subtract", "average"]
    kind = draw(st.sampled_from(kinds))
    if kind == "row":
        return after
    joins = {"concatenate": L.Concatenate, "add": L.Add, "subtract": L.Subtract}
    return joins.get(kind, L.Average)()([before, after])


@settings(max_examples=12, deadline=None, derandomize=True)
@given(st.data(), st.sampled_from([None, 10]))
def test_random_models(data, scale):
    model = make_model(data.draw)
    if any(_has(model, activation) for activation in ("sigmoid", "tanh")):
        scale = None  # their types have no amplitude, of which a warning tells
    converter = converted(model, allow_fallback=False, scale_firing_rates=scale)
    assert agrees(converter, atol=1e-9)


def _has(model, activation):
    function = getattr(keras.activations, activation)
    return any(getattr(layer, "activation", None) is function for layer in model.layers)
