"""Delays that are values of a program: between two steps, with a gradient."""

import nengo
import numpy as np
import pytest
import tensorflow as tf
from nengo.builder.processes import SimProcess
from nengo.builder.signal import Signal
from nengo.exceptions import BuildError

from nengo_dl_ops import BuildConfig, Builder, Delay, SimParametricProcess

SIZE = 3


def synapse(delay):
    state = delay.make_state((SIZE,), (SIZE,), 0.001)
    return SimProcess(
        delay,
        Signal(np.zeros(SIZE), name="input"),
        Signal(np.zeros(SIZE), name="output"),
        Signal(np.array(0.0), name="time"),
        mode="update",
        state={name: Signal(value, name=name) for name, value in state.items()},
    )


def parametric(delay, steps):
    signal = Signal(np.ravel(steps).astype(float), name="delay", readonly=True)
    return SimParametricProcess(synapse(delay), {"delay": signal})


def interpolated(values, steps):
    """The equation, for values of all steps: (n_steps, size)."""
    n, size = values.shape
    steps = np.broadcast_to(steps, size)
    times = np.arange(n)[:, None] - steps
    # Before the first step all is zero.
    known, before = np.arange(-30, n), np.zeros((30, size))
    given = np.concatenate([before, values])
    return np.transpose(
        [np.interp(times[:, i], known, given[:, i]) for i in range(size)]
    )


def outputs(group, op, inputs, given):
    """Return the outputs in all steps, for (n_steps, size) inputs, in a loop."""

    def step(values, u):
        values = dict(zip(group.bases, values, strict=True))
        values |= {op.input: u[:, None], **given}
        return group.build([values[base] for base in group.bases])

    start = [tf.constant(value) for value in group.initial_values().values()]
    start[group.bases.index(op.input)] = tf.zeros((SIZE, 1), tf.float64)
    return tf.scan(step, inputs, start)[group.bases.index(op.output)][..., 0]


def delayed(group, op):
    """Return a function from inputs and delays to outputs."""

    @tf.function(autograph=False)
    def compute(inputs, delays):
        return outputs(group, op, inputs, {op.parameters["delay"]: delays[:, None]})

    return compute


def test_the_default_is_that_of_the_operators():
    ops = [synapse(Delay(0.002, 0.004)), synapse(Delay([0.001, 0.003, 0.004]))]
    build = Builder.find(Delay)
    (found,) = build(ops, BuildConfig(dtype="float64")).parameters.values()
    np.testing.assert_array_equal(found.ravel(), [2, 2, 2, 1, 3, 4])
    (found,) = build(ops[:1], BuildConfig(dtype="float64")).parameters.values()
    assert found.shape == (1, 1, 1, 1)


@pytest.mark.parametrize("steps", [2, [0, 4, 3]], ids=["all", "each"])
def test_whole_delays_as_nengo(steps, compare):
    delay = Delay(np.multiply(steps, 0.001), max_delay=0.004)
    ops = [parametric(delay, steps), parametric(delay, steps)]
    compare(ops, n_steps=9, batch=3, atol=0)


@pytest.mark.parametrize("steps", [[1.25], [0.5, 3.75, 4], [3.9, 0, 1e-3]], ids=str)
def test_interpolated(steps, build, rng):
    op = parametric(Delay(0, max_delay=0.004), steps)
    inputs = rng.normal(size=(12, SIZE))
    compute = delayed(build([op], dtype="float64"), op)
    found = compute(tf.constant(inputs), tf.constant(steps, tf.float64))
    np.testing.assert_allclose(found, interpolated(inputs, steps), atol=1e-12)


@pytest.mark.parametrize("steps, nearest", [(-2, 0), (7, 4)])
def test_beyond_the_ring_the_nearest_delay_counts(steps, nearest, build, rng):
    op = parametric(Delay(0, max_delay=0.004), [0])
    inputs = tf.constant(rng.normal(size=(12, SIZE)))
    compute = delayed(build([op], dtype="float64"), op)
    found, expected = (
        compute(inputs, tf.constant([value], tf.float64)) for value in (steps, nearest)
    )
    np.testing.assert_array_equal(found, expected)


def test_a_ring_of_one_row_has_no_delay(build, rng):
    op = parametric(Delay(0), [0])
    inputs = tf.constant(rng.normal(size=(5, SIZE)))
    compute = delayed(build([op], dtype="float64"), op)
    found = compute(inputs, tf.constant([0.0], tf.float64))
    np.testing.assert_array_equal(found, inputs)


def slope(function, start, i):
    """Return a difference quotient with respect to one element."""
    delta = np.zeros(start.shape)
    delta.flat[i] = 1e-6
    above, below = (function(tf.constant(start + d)) for d in (delta, -delta))
    return float(above - below) / 2e-6


@pytest.mark.parametrize("steps", [[1.25], [0.5, 3.75, 2.6]], ids=["all", "each"])
def test_gradients_as_finite_differences(steps, build, rng):
    op = parametric(Delay(0, max_delay=0.004), steps)
    compute = delayed(build([op], dtype="float64"), op)
    inputs, weights = rng.normal(size=(2, 7, SIZE))
    start = np.array(steps)

    def loss(values, delays):
        return tf.reduce_sum(weights * compute(values, delays) ** 2)

    with tf.GradientTape() as tape:
        values, delays = tf.constant(inputs), tf.constant(start)
        tape.watch([values, delays])
        total = loss(values, delays)
    by_input, by_delay = tape.gradient(total, [values, delays])
    for i, found in enumerate(by_delay.numpy()):
        expected = slope(lambda d: loss(values, d), start, i)
        assert found == pytest.approx(expected, abs=1e-6)
    for i, found in enumerate(by_input.numpy().ravel()):
        expected = slope(lambda v: loss(v, delays), inputs, i)
        assert found == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("seconds", [0.003, [0.001, 0, 0.003]], ids=["all", "each"])
def test_gradient_of_whole_delays_is_the_shift_back(seconds, build, rng):
    """The last inputs have none: their outputs are still to come."""
    op = synapse(Delay(seconds))
    group = build([op], dtype="float64")
    weights = rng.normal(size=(8, SIZE))
    compute = tf.function(lambda inputs: outputs(group, op, inputs, {}))
    with tf.GradientTape() as tape:
        inputs = tf.Variable(rng.normal(size=(8, SIZE)))
        total = tf.reduce_sum(weights * compute(inputs))
    expected = op.process.filt(weights[::-1])[::-1]
    np.testing.assert_array_equal(tape.gradient(total, inputs), expected)


def test_a_delay_of_12_steps_is_found_from_5(build):
    """Smooth inputs show the way, by gradient descent on the interpolated delay."""
    noise = np.random.RandomState(0).normal(size=(100, SIZE))
    inputs = nengo.Lowpass(0.01).filtfilt(noise)
    wanted = Delay(0.012).filt(inputs)
    op = parametric(Delay(0.005, max_delay=0.02), [5, 5, 5])
    compute = delayed(build([op], dtype="float64"), op)
    delays = tf.Variable([5.0, 5, 5], dtype=tf.float64)
    optimizer = tf.keras.optimizers.Adam(0.5)

    @tf.function(autograph=False)
    def train():
        with tf.GradientTape() as tape:
            found = compute(tf.constant(inputs), delays)
            loss = tf.reduce_mean((found - wanted) ** 2)
        optimizer.apply_gradients([(tape.gradient(loss, delays), delays)])
        return loss

    losses = [float(train()) for _ in range(90)]
    assert losses[-1] < 1e-3 * losses[0]
    np.testing.assert_allclose(delays, 12, atol=0.1)


def test_delays_of_other_sizes_are_refused(build):
    with pytest.raises(BuildError, match="expected delay to have 1 values.*3 elements"):
        build([parametric(Delay(0.01), [1, 2])])
