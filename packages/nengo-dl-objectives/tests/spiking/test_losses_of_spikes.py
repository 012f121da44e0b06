"""Objectives of spikes as losses of Keras."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from nengo_dl_objectives import losses

LOSSES = {
    "RateCrossentropy": {"dt": 0.5},
    "CountCrossentropy": {"dt": 0.5},
    "MaxMembraneCrossentropy": {},
    "CountMeanSquaredError": {"correct_rate": 1.5, "incorrect_rate": 0.5, "dt": 0.5},
    "TemporalCrossentropy": {"inverse": "reciprocal", "dt": 0.5},
    "TemporalMeanSquaredError": {
        "on_target": 1,
        "off_target": 3,
        "tolerance": 1,
        "dt": 0.5,
    },
    "VanRossumDistance": {"tau": 0.25, "dt": 0.5},
    "FiringRateBounds": {"lower": 1.0, "upper": 2.0},
}


def arrays():
    rng = np.random.RandomState(0)
    x = rng.uniform(0, 3, (8, 4, 3)).astype(np.float32)
    y = np.eye(2, dtype=np.float32)[rng.randint(2, size=8)]
    return x, np.repeat(y[:, None], 4, axis=1)


@pytest.mark.parametrize("name", LOSSES)
def test_can_be_saved(name):
    loss = getattr(losses, name)(**LOSSES[name], name="mine")
    config = loss.get_config()
    assert {key: config[key] for key in LOSSES[name]} == LOSSES[name]
    copy = keras.losses.deserialize(keras.losses.serialize(loss))
    assert (type(copy), copy.get_config()) == (type(loss), config)
    x, y = arrays()
    assert copy(y, x[..., :2]) == loss(y, x[..., :2])


@pytest.mark.parametrize("name", LOSSES)
def test_weights_of_samples(name):
    loss, (x, y) = getattr(losses, name)(**LOSSES[name]), arrays()
    weights = np.arange(8, dtype=np.float32)
    alone = [loss(y[k : k + 1], x[k : k + 1, :, :2]) for k in range(8)]
    np.testing.assert_allclose(
        loss(y, x[..., :2], sample_weight=weights), np.mean(weights * alone), rtol=1e-5
    )


@pytest.mark.parametrize("name", LOSSES)
def test_in_a_keras_model(name):
    loss, (x, y) = getattr(losses, name)(**LOSSES[name]), arrays()
    layer = keras.layers.Dense(2, use_bias=False, kernel_initializer="ones")
    model = keras.Sequential([keras.Input((4, 3)), layer])
    model.compile(keras.optimizers.SGD(0.02), loss=loss)
    before = model.evaluate(x, y, verbose=0)
    assert before == pytest.approx(float(loss(tf.constant(y), model(x))), rel=1e-5)
    model.fit(x, y, epochs=3, verbose=0)
    if "Temporal" not in name:  # what is above zero in all steps spikes in the first
        assert model.evaluate(x, y, verbose=0) < before


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match=r"outputs: expected a shape \(batch, n_steps"):
        losses.RateCrossentropy()(np.zeros((2, 3)), np.zeros((2, 3)))
