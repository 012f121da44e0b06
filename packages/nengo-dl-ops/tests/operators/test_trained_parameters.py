"""Parameters between bounds, and the coefficients of filters that follow from them."""

import nengo
import numpy as np
import pytest
import tensorflow as tf
from nengo.builder.processes import SimProcess
from nengo.builder.signal import Signal

from nengo_dl_ops import BuildConfig, Builder
from nengo_dl_ops.operators.process_coefficients import SimProcessCoefficients
from nengo_dl_ops.operators.processes import trainable_form, trainable_process
from nengo_dl_ops.operators.transformed_parameters import (
    POSITIVE,
    UNBOUNDED,
    Bounds,
    SimBoundedParameter,
)

BOUNDS = {
    "none": (UNBOUNDED, [-65.0, 0.0, 3.0]),
    "positive": (POSITIVE, [1e-6, 0.02, 1e3]),
    "a time step": (Bounds(low=0.001), [0.001001, 0.02, 5.0]),
    "negative": (Bounds(high=0.0), [-1e-6, -0.5, -10.0]),
    "both": (Bounds(low=0.0, high=12.0), [0.01, 5.0, 11.9]),
}

FILTERS = {"Lowpass": nengo.Lowpass, "Alpha": nengo.Alpha}


@pytest.mark.parametrize("bounds, values", BOUNDS.values(), ids=BOUNDS)
def test_values_between_bounds_come_back(bounds, values):
    found = bounds.value(bounds.unconstrained(values))
    np.testing.assert_allclose(found, values, rtol=1e-13, atol=1e-15)
    assert all(bounds.contain(value) for value in values)


@pytest.mark.parametrize("bounds", [b for b, _ in BOUNDS.values()], ids=BOUNDS)
def test_values_stay_between_bounds(bounds):
    values = bounds.value(np.linspace(-20, 3, 100))
    assert all(bounds.contain(value) for value in values)
    for bound in (bounds.low, bounds.high, np.nan, np.inf):
        assert bound is None or not bounds.contain(bound)


def bounded(bounds, values, size=None):
    values = np.resize(values, size or len(values))
    start = Signal(bounds.unconstrained(values), name="unconstrained", readonly=True)
    return SimBoundedParameter(start, Signal(values, name="value"), bounds)


@pytest.mark.parametrize("bounds, values", BOUNDS.values(), ids=BOUNDS)
def test_operators_compute_them(bounds, values, compare_eagerly):
    compare_eagerly([bounded(bounds, values), bounded(bounds, values, 2)])


def test_operators_merge_with_other_bounds_on_the_same_side(compare_eagerly):
    ops = [bounded(*BOUNDS[name]) for name in ("positive", "a time step")]
    compare_eagerly(ops)
    keys = {
        Builder.of(op).merge_key(op) for op in (bounded(*b) for b in BOUNDS.values())
    }
    assert len(keys) == 4


def built_coefficients(process, dt, dtype="float64"):
    """The coefficients that SciPy discretises."""
    state = process.make_state((1,), (1,), dt)
    op = SimProcess(
        process,
        Signal(np.zeros(1)),
        Signal(np.zeros(1)),
        Signal(np.array(0.0)),
        state={name: Signal(value) for name, value in state.items()},
    )
    config = BuildConfig(dt=dt, dtype=dtype)
    return Builder.find(type(process))([op], config).parameters


@pytest.mark.parametrize("kind", FILTERS.values(), ids=FILTERS)
@pytest.mark.parametrize(
    "dtype, shortest, rtol", [("float64", 1.0001, 1e-10), ("float32", 1.5, 2e-6)]
)
def test_coefficients_are_those_of_the_filter(kind, dtype, shortest, rtol):
    dt = 0.001
    taus = dt * np.array([shortest, 10, 100, 10000])
    values = {"tau": tf.constant(taus[:, None], dtype)}
    found = trainable_form(kind(0.1)).coefficients(values, dt)
    for i, tau in enumerate(taus):
        expected = built_coefficients(kind(tau), dt)
        assert list(found) == list(expected)
        for name, value in expected.items():
            assert found[name].dtype == dtype
            np.testing.assert_allclose(
                found[name][:, :, i], value[:, :, 0], rtol=rtol, err_msg=f"{name} {tau}"
            )


def coefficients(kind, taus):
    values = {"tau": Signal(np.asarray(taus), name="tau", readonly=True)}
    return SimProcessCoefficients(trainable_form(kind(0.1)), values, 0.001, tag="c")


@pytest.mark.parametrize("kind", FILTERS.values(), ids=FILTERS)
def test_operators_compute_coefficients(kind, compare):
    compare([coefficients(kind, [0.1]), coefficients(kind, [0.01, 0.02, 0.3])])


def test_coefficients_of_other_filters_do_not_merge():
    ops = [coefficients(kind, [0.1]) for kind in FILTERS.values()]
    assert len({Builder.of(op).merge_key(op) for op in ops}) == 2


@pytest.mark.parametrize("kind", FILTERS.values(), ids=FILTERS)
def test_a_filter_with_another_time_constant(kind):
    before = kind(0.1, seed=3)
    after = trainable_form(before).with_values(before, {"tau": 0.03})
    assert after == kind(0.03, seed=3)
    assert repr(after) == repr(kind(0.03, seed=3))
    assert before == kind(0.1, seed=3)


@pytest.mark.parametrize(
    "process",
    [
        None,
        nengo.synapses.Triangle(0.01),
        nengo.LinearFilter([1], [0.1, 1], analog=False),
        nengo.LinearFilter([1], [0.1, 1], method="bilinear"),
        nengo.Lowpass(0.1, method="euler"),
        nengo.processes.WhiteNoise(),
    ],
)
def test_what_has_no_time_constant_to_train(process):
    assert trainable_form(process) is None


def test_a_process_without_input_has_nothing_to_train():
    process = nengo.processes.WhiteNoise()
    op = SimProcess(process, None, Signal(np.zeros(1)), Signal(np.array(0.0)))
    assert trainable_process(op) is None
