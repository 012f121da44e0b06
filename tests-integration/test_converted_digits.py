"""A network of convolutions that Keras has trained keeps its accuracy in spikes."""

import keras
import nengo
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import nengo_dl

L = keras.layers


@pytest.fixture
def split():
    """Split the digits of scikit-learn for training and tests."""
    images, labels = load_digits(return_X_y=True)
    images = images.reshape(-1, 8, 8, 1) / 16
    return train_test_split(
        images, labels, train_size=1440, stratify=labels, random_state=0
    )


@pytest.fixture
def model(split):
    """Train a small model."""
    images, _, labels, _ = split
    keras.utils.set_random_seed(0)
    x = keras.Input((8, 8, 1))
    y = L.Conv2D(16, 3, activation="relu")(x)
    y = L.Conv2D(32, 3, strides=2, activation="relu")(y)
    model = keras.Model(x, L.Dense(10)(L.Flatten()(y)))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(3e-3), loss)
    model.fit(images, labels, epochs=20, batch_size=60, verbose=0)
    return model


@pytest.mark.slow
def test_calibrated_spikes_are_as_accurate_as_rates(model, split):
    seen, images, _, labels = split
    swap = {keras.activations.relu: nengo.SpikingRectifiedLinear()}
    converter = nengo_dl.Converter(model, swap_activations=swap)
    converter.net.seed = 0

    def curve():
        return converter.accuracy_curve(images, labels, 32, progress_bar=False)

    before = curve()
    assert before.rate_accuracy > 0.93
    assert before.accuracy[-1] < before.rate_accuracy - 0.1
    for kwargs in (
        {"method": "percentile"},
        {"method": "max"},
        {"method": ["percentile", "bias"]},
        {"per_channel": True},
    ):
        converter.calibrate(seen[:300], **kwargs, progress_bar=False)
        after = curve()
        assert after.rate_accuracy == before.rate_accuracy
        assert after.accuracy[-1] >= after.rate_accuracy - 0.01
