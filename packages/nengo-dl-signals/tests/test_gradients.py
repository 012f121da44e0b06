import numpy as np
import pytest
import tensorflow as tf

from nengo_dl_signals import gather_rows

INDICES = {
    "permutation": [2, 0, 3, 1, 4],
    "some rows": [3, 1],
    "all in order": [0, 1, 2, 3, 4],
    "repeated": [1, 1, 4, 1],
    "repeated and all": [0, 1, 2, 3, 4, 4, 0],
    "one": [4],
}


def loss_of(read, values, index):
    """Make every entry of the gradient depend on its place and on the values."""
    rows = read(values, index)
    weights = np.arange(1.0, np.prod(rows.shape) + 1).reshape(rows.shape)
    return tf.reduce_sum(weights * rows**2)


@pytest.fixture
def values():
    return tf.constant(np.random.RandomState(0).randn(5, 2, 3))


@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES)
def test_rows(index, values):
    np.testing.assert_array_equal(gather_rows(values, index), values.numpy()[index])


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES)
def test_gradient_is_that_of_a_gather(index, compiled, values):
    def gradient(values, read):
        with tf.GradientTape() as tape:
            tape.watch(values)
            loss = loss_of(read, values, index)
        return tf.convert_to_tensor(tape.gradient(loss, values))

    if compiled:
        gradient = tf.function(gradient, jit_compile=True)
    expected = gradient(values, lambda x, i: tf.gather(x, i))
    np.testing.assert_allclose(gradient(values, gather_rows), expected, rtol=1e-12)


@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES)
def test_second_gradient_is_that_of_a_gather(index, values):
    def curvature(read):
        with tf.GradientTape() as outer:
            outer.watch(values)
            with tf.GradientTape() as inner:
                inner.watch(values)
                loss = loss_of(read, values, index)
            slope = tf.convert_to_tensor(inner.gradient(loss, values))
            total = tf.reduce_sum(slope**2)
        return tf.convert_to_tensor(outer.gradient(total, values))

    expected = curvature(lambda x, i: tf.gather(x, i))
    np.testing.assert_allclose(curvature(gather_rows), expected, rtol=1e-12)
