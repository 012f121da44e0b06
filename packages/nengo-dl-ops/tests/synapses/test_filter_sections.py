"""General linear filters as functions of what is trained of them."""

import numpy as np
import pytest
import tensorflow as tf
from nengo.builder.signal import Signal
from nengo.synapses import LinearFilter
from nengo.utils.filter_design import cont2discrete, tf2ss

from nengo_dl_ops import Builder
from nengo_dl_ops.operators.process_coefficients import SimProcessCoefficients
from nengo_dl_ops.operators.processes import trainable_form

DT = 0.001

#: Filters, and what is trained of them.
FILTERS = {
    "gain": (LinearFilter([3], [2]), {"num_0": 1.5}),
    "one pole": (LinearFilter([2], [0.01, 1]), {"tau_0": 0.01, "num_0": 2}),
    "two equal poles": (
        LinearFilter([1], [1e-4, 0.02, 1]),
        {"tau_0": 0.01, "decay_0": 0.01, "num_0": 1},
    ),
    "two poles": (
        LinearFilter([1], np.polymul([0.02, 1], [0.005, 1])),
        {"tau_0": 0.01, "decay_0": 0.008, "num_0": 1},
    ),
    "resonator": (
        LinearFilter([0.1, 1], [1e-4, 0.002, 1]),
        {"tau_0": 0.01, "decay_0": 0.1, "num_0": 1, "num_1": 10},
    ),
    "a power that is not there": (
        LinearFilter([0, 0, 5], [1, 30, 400]),
        {"tau_0": 0.05, "decay_0": 1 / 15, "num_0": 0.0125, "num_1": 0},
    ),
    "passthrough": (
        LinearFilter([0.02, 2], [0.1, 1]),
        {"tau_0": 0.1, "num_0": 2, "num_1": 0.2},
    ),
    "three poles with a passthrough": (
        LinearFilter(
            np.polymul([1e-5, 0, 1], [0.002, 3]), np.polymul([1e-4, 0.002, 1], [0.1, 1])
        ),
        {"tau_0": 0.01, "tau_1": 0.1, "decay_0": 0.1, "num_0": 3},
    ),
    "five poles": (LinearFilter([1], np.poly([-20.0] * 5) / 20**5), {"num_0": 1}),
}
CASES = pytest.mark.parametrize("process, values", FILTERS.values(), ids=FILTERS)


def discretised(process):
    """The matrices that Nengo has from SciPy; one state is the output itself."""
    A, B, C, D = tf2ss(process.num, process.den)
    if len(A) == 0:
        return {"D": np.reshape(D, (1, 1))}
    A, B, C, D, _ = cont2discrete((A, B, C, D), DT, method="zoh")
    if len(A) == 1 and not np.any(D):
        return {"A": A, "B": B * C}
    found = {"A": A, "B": B, "C": C}
    return {**found, "D": np.reshape(D, (1, 1))} if np.any(D) else found


def tensors(values, dtype):
    return {name: tf.constant([[value]], dtype) for name, value in values.items()}


@CASES
def test_what_is_trained(process, values):
    found = trainable_form(process).values(process, DT)
    assert {name: found[name] for name in values} == pytest.approx(values)


@pytest.mark.filterwarnings("ignore:Badly conditioned")  # of a numerator with zeros
@pytest.mark.parametrize("dtype, rtol", [("float64", 1e-12), ("float32", 1e-5)])
@CASES
def test_coefficients_are_those_of_the_filter(process, values, dtype, rtol):
    form = trainable_form(process)
    given = tensors(form.values(process, DT), dtype)
    found = form.coefficients(given, DT)
    expected = discretised(process)
    assert list(found) == list(expected)
    for name, value in expected.items():
        assert found[name].dtype == dtype
        scale = np.max(np.abs(value))
        np.testing.assert_allclose(
            found[name][:, :, 0, 0], value, rtol=rtol, atol=rtol * scale, err_msg=name
        )


def test_a_slow_filter_is_exact():
    """What changes in a step is small beside what there was."""
    process = LinearFilter([1], [100.0, 20.0, 1])
    form = trainable_form(process)
    found = form.coefficients(tensors(form.values(process, DT), "float64"), DT)
    expected = discretised(process)
    for name in "AB":
        change = found[name][:, :, 0, 0] - np.eye(*expected[name].shape)
        right = expected[name] - np.eye(*expected[name].shape)
        np.testing.assert_allclose(change, right, rtol=1e-11)


@pytest.mark.parametrize("order", [1, 2, 3, 4, 7])
def test_every_filter_between_the_bounds_is_stable(order):
    process = LinearFilter([1], np.poly([-100.0] * order))
    form = trainable_form(process)
    bounds = form.bounds(process, DT)
    rng = np.random.RandomState(order)
    values = {
        name: bound.value(rng.normal(-6, 6, size=50)) for name, bound in bounds.items()
    }
    given = {name: tf.constant(value[:, None]) for name, value in values.items()}
    A = form.coefficients(given, DT)["A"].numpy()
    for i in range(50):
        radius = np.max(np.abs(np.linalg.eigvals(A[:, :, i, 0])))
        assert radius < 1 + 1e-9
        one = {name: value[i] for name, value in values.items()}
        other = form.with_values(process, form.attributes(process, one))
        expected = discretised(other)["A"]
        np.testing.assert_allclose(
            A[:, :, i, 0], expected, atol=1e-9 * np.max(np.abs(expected))
        )


@CASES
def test_filters_as_they_were_keep_their_coefficients(process, values):
    form = trainable_form(process)
    given = form.values(process, DT)
    for name, value in form.attributes(process, given).items():
        np.testing.assert_array_equal(value, getattr(process, name))
    each = {name: np.repeat(value, 3) for name, value in given.items()}
    for name, value in form.attributes(process, each).items():
        assert value.shape == (3, len(getattr(process, name)))
        np.testing.assert_array_equal(value[1], getattr(process, name))


def test_a_filter_with_other_values():
    before = LinearFilter([2.0], [2e-4, 0.04, 2.0], seed=3)
    form = trainable_form(before)
    values = {"tau_0": 0.03, "decay_0": np.array([0.5, 0.03]), "num_0": 5.0}
    found = form.attributes(before, values)
    np.testing.assert_allclose(found["num"], [10.0])
    np.testing.assert_allclose(
        found["den"], [[0.0018, 0.0072, 2.0], [0.0018, 0.12, 2.0]]
    )
    after = form.with_values(before, {"num": found["num"], "den": found["den"][1]})
    assert after == LinearFilter(found["num"], found["den"][1], seed=3)
    assert before == LinearFilter([2.0], [2e-4, 0.04, 2.0], seed=3)


@pytest.mark.parametrize(
    "den",
    [[1, 0], [1e-4, 0, 1], [1e-4, -0.02, 1], [-0.1, 1], [5e-4, 1], [1e-8, 1e-3, 1]],
    ids=["integrates", "undamped", "grows", "unstable", "fast", "fast oscillation"],
)
def test_filters_that_are_refused(den):
    form = trainable_form(LinearFilter([1], den))
    refused = form.refusal(LinearFilter([1], den), DT)
    assert "negative real parts and time constants above 0.001 s, got poles" in refused


def test_filters_that_are_not_refused():
    for process, _ in FILTERS.values():
        assert trainable_form(process).refusal(process, DT) is None


def coefficients(process, n=1):
    form = trainable_form(process)
    values = {
        name: Signal(np.full(n, value) * np.linspace(1, 2, n), name=name, readonly=True)
        for name, value in form.values(process, DT).items()
    }
    return SimProcessCoefficients(form, values, DT, tag="c")


@pytest.mark.parametrize("name", ["resonator", "three poles with a passthrough"])
def test_operators_compute_coefficients(name, compare):
    process, _ = FILTERS[name]
    compare([coefficients(process), coefficients(process, 3)])


def test_filters_of_one_form_merge():
    ops = [coefficients(process) for process, _ in FILTERS.values()]
    keys = [Builder.of(op).merge_key(op) for op in ops]
    names = list(FILTERS)
    same = keys[names.index("two poles")], keys[names.index("two equal poles")]
    assert same[0] == same[1]
    # Those with two coefficients of the numerator are of one form, too.
    assert len(set(keys)) == len(keys) - 2
