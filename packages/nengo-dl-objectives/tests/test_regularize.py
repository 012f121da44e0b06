import numpy as np
import pytest
import tensorflow as tf

from nengo_dl_objectives import Regularize, vector_norm

ORDERS = [1, 2, 3, 1.5, 0.5, np.inf, "euclidean"]
TOLERANCE = {np.float32: 1e-5, np.float64: 1e-12}
MODES = {
    "eager": lambda function: function,
    "graph": tf.function,
    "xla": lambda function: tf.function(function, jit_compile=True),
}
RUNS = [("eager", np.float64), ("graph", np.float32), ("xla", np.float64)]
# shape of the signal, axis within one timestep, that axis in the whole array
AXES = [
    ((2, 5, 4), None, 2),
    ((2, 5, 4), 0, 2),
    ((2, 5, 3, 4), None, None),
    ((2, 5, 3, 4), 0, 2),
    ((2, 5, 3, 4), 1, 3),
    ((2, 5, 3, 4), -1, 3),
    ((2, 5, 3, 4), -2, 2),
    ((1, 1, 1), None, 2),
]


def signal(shape, dtype=np.float64):
    return np.random.RandomState(1).uniform(-1, 1, size=shape).astype(dtype)


def reference(x, order=2, axis=2):
    """Mean norm in NumPy; axis None flattens all behind batch and time."""
    x = x.astype(np.float64)
    x, axis = (x.reshape(*x.shape[:2], -1), 2) if axis is None else (x, axis)
    order = 2 if order == "euclidean" else order
    return np.linalg.norm(x, ord=order, axis=axis).mean()


def gradient(function, x, mode="eager"):
    @MODES[mode]
    def run(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = function(x)
        return tape.gradient(loss, x)

    return run(tf.constant(x)).numpy()


@pytest.mark.parametrize("mode, dtype", RUNS)
@pytest.mark.parametrize("order", ORDERS)
def test_orders_equal_numpy(order, mode, dtype):
    x = signal((2, 5, 4), dtype)
    found = MODES[mode](Regularize(order=order))(tf.constant(x))
    assert found.dtype == dtype
    assert found.shape == ()
    assert np.isclose(found, reference(x, order), rtol=TOLERANCE[dtype])


@pytest.mark.parametrize("order", [1, 2, np.inf])
@pytest.mark.parametrize("shape, axis, numpy_axis", AXES)
def test_axes_equal_numpy(shape, axis, numpy_axis, order):
    x = signal(shape)
    found = Regularize(order=order, axis=axis)(x)
    assert np.isclose(found, reference(x, order, numpy_axis), rtol=1e-12)


@pytest.mark.parametrize("weight", [0, 2, -0.5, np.float32(3)])
def test_weight(weight):
    x = signal((2, 5, 4))
    expected = weight * reference(x)
    assert np.isclose(Regularize(weight=weight)(x), expected, rtol=1e-12)


@pytest.mark.parametrize("mode, dtype", RUNS)
@pytest.mark.parametrize("axis, numpy_axis", [(None, None), (1, 3)])
@pytest.mark.parametrize("order", ORDERS)
def test_gradient_equals_finite_differences(order, axis, numpy_axis, mode, dtype):
    x = signal((1, 2, 2, 3), dtype)
    found = gradient(Regularize(order=order, axis=axis, weight=2), x, mode)

    step = 1e-6
    numeric = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        up, down = (x.astype(np.float64) for _ in range(2))
        up[index] += step
        down[index] -= step
        rise = reference(up, order, numpy_axis) - reference(down, order, numpy_axis)
        numeric[index] = 2 * rise / (2 * step)
    assert np.allclose(found, numeric, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("mode, dtype", RUNS)
@pytest.mark.parametrize("order", ORDERS)
def test_gradient_at_a_zero_vector_is_zero(order, mode, dtype):
    x = signal((2, 2, 3), dtype)
    x[1, 0] = 0
    found = gradient(Regularize(order=order), x, mode)
    assert np.array_equal(found[1, 0], np.zeros(3))
    assert np.all(np.isfinite(found))
    assert np.all(np.any(found[[0, 0, 1], [0, 1, 1]] != 0, axis=-1))


@pytest.mark.parametrize("order", ORDERS)
def test_gradient_with_a_zero_element_is_finite(order):
    found = gradient(Regularize(order=order), np.array([[[0.0, -2.0, 1.0]]]))
    assert np.all(np.isfinite(found))
    assert found[0, 0, 0] == 0
    assert found[0, 0, 1] < 0


@pytest.mark.parametrize("order", [1, 2, 30])
@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_powers_neither_vanish_nor_overflow(size, order):
    x = np.array([[[3.0, -4.0]]], np.float32) * np.float32(size)
    exact = np.linalg.norm([3.0, 4.0], ord=order) * size
    assert np.isclose(Regularize(order=order)(x), exact, rtol=1e-5)
    assert np.all(gradient(Regularize(order=order), x)[0, 0] * [1, -1] > 0)


@pytest.mark.parametrize("order", ORDERS)
def test_what_is_not_finite_shows(order):
    assert np.isnan(Regularize(order=order)([[[1.0, np.nan]]]))
    assert np.isposinf(Regularize(order=order)([[[1.0, -np.inf]]]))


def test_vector_norm_keeps_the_other_axes():
    x = signal((2, 5, 3, 4))
    found = vector_norm(tf.constant(x), 2.0, (1, 3))
    assert np.allclose(found, np.sqrt((x**2).sum(axis=(1, 3))), rtol=1e-12)


def test_batch_and_steps_may_be_unknown_while_tracing():
    spec = tf.TensorSpec((None, None, 4), tf.float64)
    traced = tf.function(Regularize(), input_signature=[spec])
    for n_steps in (1, 5):
        x = signal((3, n_steps, 4))
        assert np.isclose(traced(x), reference(x), rtol=1e-12)


def test_descent_drives_a_signal_to_zero():
    x = signal((1, 1, 10))
    for _ in range(40):
        x = x - 0.05 * gradient(Regularize(), x)
    assert np.linalg.norm(x) <= 0.05


def test_is_a_value():
    assert Regularize(1, weight=2) == Regularize(order=1, axis=None, weight=2)
    assert repr(Regularize()) == "Regularize(order=2, axis=None, weight=None)"
    with pytest.raises(AttributeError):
        Regularize().order = 1


BAD_OPTIONS = [
    ({"order": 0}, "order: .*received 0"),
    ({"order": -1}, "order: .*received -1"),
    ({"order": "fro"}, "order: .*received 'fro'"),
    ({"order": np.nan}, "order: .*received nan"),
    ({"order": True}, "order: .*received True"),
    ({"order": None}, "order: .*received None"),
    ({"order": np.ones(2)}, "order: .*received array"),
    ({"axis": 1.0}, "axis: .*received 1.0"),
    ({"axis": (0, 1)}, r"axis: .*received \(0, 1\)"),
    ({"axis": True}, "axis: .*received True"),
    ({"weight": "2"}, "weight: .*received '2'"),
    ({"weight": np.inf}, "weight: .*received inf"),
    ({"weight": np.nan}, "weight: .*received nan"),
]


@pytest.mark.parametrize("options, message", BAD_OPTIONS)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        Regularize(**options)


BAD_SIGNALS = [
    (None, np.zeros((2, 3)), r"x: expected a shape .* received \(2, 3\)"),
    (None, np.zeros((2, 3, 1), int), "x: .*received int64"),
    (None, "signal", "x: .*received string"),
    (1, np.zeros((2, 3, 1)), r"axis: .* 1 axes .*\(1,\), received 1"),
    (-2, np.zeros((2, 3, 1)), r"axis: .* received -2"),
]


@pytest.mark.parametrize("axis, x, message", BAD_SIGNALS)
def test_bad_signals(axis, x, message):
    with pytest.raises(ValueError, match=message):
        Regularize(axis=axis)(x)


@pytest.mark.parametrize("y_true", [None, np.zeros((2, 5, 4)), "nothing that counts"])
def test_called_as_keras_calls_a_loss(y_true):
    x = signal((2, 5, 4))
    np.testing.assert_allclose(Regularize()(y_true, x), reference(x), rtol=1e-12)
    np.testing.assert_allclose(Regularize()(y_true, y_pred=x), reference(x), rtol=1e-12)
