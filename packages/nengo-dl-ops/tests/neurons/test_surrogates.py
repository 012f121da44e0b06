"""Surrogates are what their formulas say, compare by value, refuse bad arguments."""

import functools
import inspect
import math
from dataclasses import fields

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from nengo.builder.neurons import SimNeurons
from nengo.builder.signal import Signal
from nengo.exceptions import BuildError, ValidationError

from nengo_dl_ops import BuildConfig, Builder, SimNeuronsBuilder, Surrogate, surrogates
from nengo_dl_ops.neurons.surrogates import CustomSurrogate
from nengo_dl_ops.neurons.training import with_training_modes


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def fast_sigmoid(x, slope):
    return (1 + slope * np.abs(x)) ** -2.0


#: For each surrogate: its defaults, other parameters, its derivative as published, and
#: where it jumps (with the others).
TABLE = {
    surrogates.ATan: (
        {"alpha": 2.0},
        {"alpha": 3.0},
        lambda x, alpha: alpha / (2 * (1 + (math.pi * alpha * x / 2) ** 2)),
        [],
    ),
    surrogates.FastSigmoid: (
        {"slope": 25.0},
        {"slope": 4.0},
        lambda x, slope: fast_sigmoid(x, slope),
        [],
    ),
    surrogates.SuperSpike: (
        {"beta": 100.0},
        {"beta": 5.0},
        lambda x, beta: fast_sigmoid(x, beta),
        [],
    ),
    surrogates.Sigmoid: (
        {"alpha": 4.0},
        {"alpha": 1.5},
        lambda x, alpha: alpha * sigmoid(alpha * x) * sigmoid(-alpha * x),
        [],
    ),
    surrogates.Triangle: (
        {"gamma": 0.3},
        {"gamma": 0.7},
        lambda x, gamma: np.where(abs(x) < 1, gamma * (1 - abs(x)), 0),
        [],
    ),
    surrogates.Rectangle: (
        {"width": 1.0},
        {"width": 0.6},
        lambda x, width: np.where(abs(x) < width / 2, 1 / width, 0),
        [0.3],
    ),
    surrogates.PiecewiseLinear: (
        {"w": 1.0, "c": 0.01},
        {"w": 0.4, "c": 0.2},
        lambda x, w, c: np.where(abs(x) <= w, 1 / (2 * w), c),
        [0.4],
    ),
    surrogates.Gaussian: (
        {"sigma": 0.5},
        {"sigma": 0.8},
        lambda x, sigma: (
            np.exp(-(x**2) / (2 * sigma**2)) / np.sqrt(2 * math.pi * sigma**2)
        ),
        [],
    ),
    surrogates.StraightThrough: ({}, {}, lambda x: np.ones_like(x), []),
}

each = pytest.mark.parametrize("kind", TABLE, ids=lambda kind: kind.__name__)
X = np.random.RandomState(0).uniform(-2.5, 2.5, (20, 10))


def test_all_surrogates_are_in_the_table():
    found = {
        kind
        for _, kind in inspect.getmembers(surrogates, inspect.isclass)
        if issubclass(kind, Surrogate)
    }
    assert found == {*TABLE, Surrogate, CustomSurrogate}


@each
def test_defaults(kind):
    defaults, *_ = TABLE[kind]
    found = {one.name: one.default for one in fields(kind)}
    assert found == {"detach_reset": False, **defaults}


@each
@pytest.mark.parametrize("dtype, rtol", [("float64", 1e-13), ("float32", 1e-5)])
def test_derivatives_are_as_published(kind, dtype, rtol):
    defaults, others, formula, _ = TABLE[kind]
    for parameters in (defaults, others):
        found = kind(**parameters).derivative(tf.constant(X, dtype))
        assert found.dtype == dtype
        expected = formula(X.astype(dtype).astype("float64"), **parameters)
        np.testing.assert_allclose(found, expected, rtol=rtol)


@each
def test_derivatives_are_those_of_smooth_steps(kind):
    _, parameters, _, jumps = TABLE[kind]
    surrogate, step = kind(**parameters), 1e-6
    near = [abs(abs(X) - jump) < 1e-3 for jump in jumps]
    x = X[~np.any(near, axis=0)] if jumps else X
    up, down = (surrogate.smooth_step(tf.constant(x + s)) for s in (step, -step))
    expected = (up - down) / (2 * step)
    found = surrogate.derivative(tf.constant(x))
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)
    assert surrogate.smooth_step(tf.constant(0.0)) == 0.5


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@each
def test_derivatives_far_from_the_threshold_are_finite(kind, dtype):
    largest = float(np.finfo(dtype).max)
    x = tf.constant([-largest, -1e3, -1.0, 0.0, 1.0, 1e3, largest], dtype)
    found = kind().derivative(x)
    assert np.all(np.isfinite(found))
    assert np.all(found >= 0)
    assert found[3] > 0


@each
def test_equal_by_value(kind):
    defaults, others, _, _ = TABLE[kind]
    made = [kind(), kind(**defaults), kind(detach_reset=True)]
    assert made[0] == made[1] != made[2]
    assert hash(made[0]) == hash(made[1])
    if others:
        assert kind(**others) != kind()
        # A number is a number, whatever holds it.
        for form in (np.float64, np.array):
            same = kind(**{name: form(value) for name, value in others.items()})
            assert same == kind(**others)
            assert hash(same) == hash(kind(**others))
            assert repr(same) == repr(kind(**others))
    twins = [other for other in TABLE if other is not kind]
    assert all(other() != kind() for other in twins)


def neurons(surrogate, neuron_type=nengo.LIF(), n=3):  # noqa: B008
    state = neuron_type.make_state(n, rng=np.random.RandomState(0))
    op = SimNeurons(
        neuron_type,
        Signal(np.zeros(n), name="J"),
        Signal(np.zeros(n), name="output"),
        {name: Signal(value, name=name) for name, value in state.items()},
    )
    (op,) = with_training_modes([op], lambda _: surrogate)
    return op


def test_neurons_with_equal_surrogates_merge():
    modes = [
        surrogates.ATan(),
        surrogates.ATan(alpha=2),
        surrogates.ATan(detach_reset=True),
        surrogates.ATan(alpha=3),
        CustomSurrogate(tf.exp),
        CustomSurrogate(tf.exp),
        CustomSurrogate(tf.exp, detach_reset=True),
        CustomSurrogate(tf.abs),
    ]
    keys = [SimNeuronsBuilder.merge_key(neurons(mode)) for mode in modes]
    assert [keys.index(key) for key in keys] == [0, 0, 2, 3, 4, 4, 6, 7]


BAD_NUMBERS = [-1.0, 0, np.nan, np.inf, True, "2", None, np.ones(2), 1j]


@pytest.mark.parametrize("value", BAD_NUMBERS, ids=repr)
@each
def test_parameters_must_be_positive_numbers(kind, value):
    for name in TABLE[kind][0]:
        with pytest.raises(ValidationError, match=f"{kind.__name__}.{name}: expected"):
            kind(**{name: value})


@pytest.mark.parametrize("value", [1, 0, None, "yes"])
@each
def test_detach_reset_must_be_true_or_false(kind, value):
    with pytest.raises(ValidationError, match="detach_reset: expected True or False"):
        kind(detach_reset=value)


class Unhashable:
    __hash__ = None

    def __call__(self, x):
        return tf.ones_like(x)


@pytest.mark.parametrize(
    "function", [None, 3.0, "atan", surrogates.ATan, keras.layers.ReLU, Unhashable()]
)
def test_a_custom_surrogate_must_be_a_function(function):
    with pytest.raises(ValidationError, match="CustomSurrogate.function: expected a"):
        CustomSurrogate(function)


def step_of(surrogate, dtype="float32"):
    config = BuildConfig(dtype=dtype)
    return surrogate.step_of(Builder.find(nengo.LIF)([nengo.LIF()], [3], config))


@pytest.mark.parametrize(
    "function, got",
    [
        (lambda x: x[:1], r"shape=\(1, 3\)"),
        (tf.reduce_sum, r"shape=\(\)"),
        (lambda x: tf.cast(x, "float64"), "float64"),
        (lambda x: 1.0, "1.0"),
        (lambda x: None, "None"),
        (lambda x: np.ones(x.shape), "array"),
    ],
)
def test_what_a_function_returns_is_checked_when_it_is_built(function, got):
    expected = "CustomSurrogate.*expected a derivative .*float32 of shape"
    with pytest.raises(BuildError, match=f"(?s){expected}.*got .*{got}"):
        step_of(CustomSurrogate(function))


def test_a_class_of_ones_own_is_checked_alike():
    class Half(Surrogate):
        def derivative(self, x):
            return 0.5

    with pytest.raises(BuildError, match="Half.*expected a derivative .*got 0.5"):
        step_of(Half())
    with pytest.raises(NotImplementedError, match="Half has no smooth_step"):
        Half().smooth_step(tf.zeros(1))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize(
    "function", [lambda x: tf.exp(-abs(x)), functools.partial(tf.maximum, 0.5)]
)
def test_a_function_of_ones_own(function, dtype):
    """The gradient of a step is the function of the distance from the threshold."""
    surrogate = CustomSurrogate(function, detach_reset=True)
    step = step_of(surrogate, dtype)
    voltage = tf.constant([[0.2], [0.9], [1.3]], dtype)
    state = {"voltage": voltage, "refractory_time": tf.zeros_like(voltage)}
    J = tf.constant([[0.5], [0.8], [4.0]], dtype)
    with tf.GradientTape() as tape:
        tape.watch(J)
        output, _ = step.compute(J, state)
    decay = -np.expm1(-0.001 / 0.02)
    x = np.asarray(voltage) + decay * (J - voltage) - 1
    expected = function(tf.constant(x)) * 1000 * decay
    rtol = {"float16": 2e-2, "float32": 1e-5, "float64": 1e-12}[dtype]
    np.testing.assert_allclose(tape.gradient(output, J), expected, rtol=rtol)
    np.testing.assert_array_equal(output, [[0], [0], [1000]])
