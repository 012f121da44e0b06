import keras
import numpy as np
import pytest
import tensorflow as tf

from nengo_dl_objectives import Regularize, losses, mse


def arrays():
    rng = np.random.RandomState(0)
    y_true, y_pred = rng.uniform(-1, 1, (2, 3, 4, 5))
    y_true[0, :, 2] = np.nan
    return y_true, y_pred


def test_nan_mse_equals_numpy():
    y_true, y_pred = arrays()
    expected = np.nansum((y_pred - y_true) ** 2) / y_pred.size
    found = losses.nan_mse(y_true, y_pred)
    assert np.isclose(found, expected, rtol=1e-12)
    assert np.isclose(found, mse(y_pred, y_true), rtol=1e-15)


def test_the_targets_come_first():
    """NaN is ignored in the targets only."""
    y_true, y_pred = arrays()
    assert np.isnan(losses.nan_mse(y_pred, y_true))


@pytest.mark.parametrize("order, axis", [(1, None), (2, 0), ("euclidean", -1)])
def test_regularize_is_the_objective(order, axis):
    _, x = arrays()
    loss = losses.Regularize(order=order, axis=axis, dtype="float64")
    expected = Regularize(order, axis)(x)
    for y_true in (np.zeros_like(x), np.full_like(x, np.nan)):
        assert np.isclose(loss(y_true, x), expected, rtol=1e-12)


def test_regularize_checks_its_arguments():
    with pytest.raises(ValueError, match="axis.*received 'x'"):
        losses.Regularize(axis="x")


def test_regularize_can_be_saved():
    loss = losses.Regularize(order=1, axis=0, name="small")
    copy = keras.losses.deserialize(keras.losses.serialize(loss))
    assert isinstance(copy, losses.Regularize)
    assert copy.get_config() == loss.get_config()
    assert (copy.order, copy.axis, copy.name) == (1, 0, "small")


@pytest.mark.parametrize("loss", [losses.nan_mse, losses.Regularize()])
def test_in_a_keras_model(loss):
    layer = keras.layers.Dense(2, use_bias=False, kernel_initializer="ones")
    model = keras.Sequential([keras.Input((4, 3)), layer])
    model.compile(keras.optimizers.SGD(0.3), loss=loss)
    x = np.random.RandomState(0).uniform(-1, 1, (8, 4, 3)).astype(np.float32)
    y = np.zeros((8, 4, 2), np.float32)
    y[:, 0] = np.nan
    before = model.evaluate(x, y, verbose=0)
    assert before == pytest.approx(float(loss(tf.constant(y), model(x))), rel=1e-5)
    model.fit(x, y, epochs=5, verbose=0)
    assert model.evaluate(x, y, verbose=0) < 0.9 * before
