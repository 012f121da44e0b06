import numpy as np
import pytest
import tensorflow as tf

from nengo_dl_objectives import mse, squared_error

SHAPES = [(), (3,), (2, 4, 3), (2, 1, 3, 2)]
TOLERANCE = {np.float32: 1e-6, np.float64: 1e-14}
MODES = {
    "eager": lambda function: function,
    "graph": tf.function,
    "xla": lambda function: tf.function(function, jit_compile=True),
}
RUNS = [("eager", np.float64), ("graph", np.float32), ("xla", np.float64)]


def arrays(shape, dtype, missing=0.0):
    """Outputs, and targets of which a share is NaN."""
    rng = np.random.RandomState(0)
    outputs, targets = rng.randn(2, *shape).astype(dtype)
    gaps = rng.uniform(size=shape) < missing
    return outputs, np.where(gaps, dtype(np.nan), targets)


def reference(outputs, targets):
    error = outputs.astype(np.float64) - targets.astype(np.float64)
    return np.where(np.isnan(targets), 0, error**2)


@pytest.mark.parametrize("mode, dtype", RUNS)
@pytest.mark.parametrize("missing", [0.0, 0.4])
@pytest.mark.parametrize("shape", SHAPES)
def test_equals_numpy(shape, missing, mode, dtype):
    outputs, targets = arrays(shape, dtype, missing)
    expected = reference(outputs, targets)

    error = MODES[mode](squared_error)(tf.constant(outputs), tf.constant(targets))
    loss = MODES[mode](mse)(tf.constant(outputs), tf.constant(targets))

    assert error.dtype == loss.dtype == dtype
    assert np.allclose(error, expected, atol=TOLERANCE[dtype], rtol=TOLERANCE[dtype])
    assert loss.shape == ()
    assert np.isclose(loss, expected.mean(), rtol=10 * TOLERANCE[dtype])


def test_missing_targets_stay_in_the_denominator():
    outputs = np.array([[[1.0], [7.0]], [[3.0], [np.inf]]])
    targets = np.array([[[0.0], [np.nan]], [[1.0], [np.nan]]])
    assert float(mse(outputs, targets)) == (1 + 4) / 4


def test_no_targets_at_all():
    outputs = tf.constant([[[1.0, -2.0]]])
    with tf.GradientTape() as tape:
        tape.watch(outputs)
        loss = mse(outputs, np.full((1, 1, 2), np.nan))
    assert float(loss) == 0
    assert np.array_equal(tape.gradient(loss, outputs), np.zeros((1, 1, 2)))


@pytest.mark.parametrize("mode, dtype", RUNS)
def test_gradient_equals_finite_differences(mode, dtype):
    outputs, targets = arrays((2, 4, 3), dtype, missing=0.4)

    @MODES[mode]
    def gradient(y, t):
        return tf.gradients(mse(y, t), y)[0]

    def tape_gradient(y, t):
        with tf.GradientTape() as tape:
            tape.watch(y)
            loss = mse(y, t)
        return tape.gradient(loss, y)

    found = (tape_gradient if mode == "eager" else gradient)(
        tf.constant(outputs), tf.constant(targets)
    )

    step = 1e-4
    numeric = np.zeros(outputs.shape)
    for index in np.ndindex(outputs.shape):
        up, down = (outputs.astype(np.float64) for _ in range(2))
        up[index] += step
        down[index] -= step
        rise = reference(up, targets).mean() - reference(down, targets).mean()
        numeric[index] = rise / (2 * step)
    assert np.any(numeric == 0) and np.any(numeric != 0)
    assert np.allclose(found, numeric, rtol=1e-5, atol=1e-8)


def test_batch_and_steps_may_be_unknown_while_tracing():
    spec = tf.TensorSpec((None, None, 2), tf.float32)
    traced = tf.function(mse, input_signature=[spec, spec])
    for n_steps in (1, 5):
        outputs, targets = arrays((3, n_steps, 2), np.float32)
        assert np.isclose(traced(outputs, targets), np.mean((outputs - targets) ** 2))


def test_targets_take_the_type_of_outputs():
    outputs = tf.constant([[0.5, 2.0]], tf.float64)
    assert float(mse(outputs, np.array([[1, 2]]))) == 0.125
    # 0.1 as float32 would be off by 1.5e-9
    assert float(mse(tf.constant([0.1], tf.float64), [0.1])) == 0


BAD_ARGUMENTS = {
    "other width": (
        np.zeros((2, 3, 1)),
        np.zeros((2, 3, 2)),
        r"targets: .*\(2, 3, 1\)",
    ),
    "broadcast": (np.zeros((2, 3, 1)), np.zeros((2, 1, 1)), r"targets: .*\(2, 1, 1\)"),
    "other rank": (np.zeros((3, 1)), np.zeros(3), r"targets: .*\(3, 1\).*\(3,\)"),
    "integer outputs": (np.zeros(2, int), np.zeros(2), "outputs: .*received int64"),
    "complex targets": (np.zeros(2), np.zeros(2, complex), "targets: .*complex128"),
    "words": (np.zeros(1), ["five"], "targets: .*received string"),
    "no array": (None, np.zeros(1), "outputs: .*received NoneType"),
    "ragged": (np.zeros(2), [[1.0], [1.0, 2.0]], "targets: .*received list"),
}


@pytest.mark.parametrize("case", BAD_ARGUMENTS)
@pytest.mark.parametrize("function", [squared_error, mse])
def test_bad_arguments(function, case):
    outputs, targets, message = BAD_ARGUMENTS[case]
    with pytest.raises(ValueError, match=message):
        function(outputs, targets)


def test_unknown_rank():
    spec = tf.TensorSpec(None, tf.float32)
    with pytest.raises(ValueError, match="outputs: expected a known rank"):
        tf.function(mse).get_concrete_function(spec, spec)
