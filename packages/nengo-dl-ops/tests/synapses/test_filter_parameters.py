"""Coefficients of filters that are signals: values of a program, not of a builder."""

import numpy as np
import pytest
import tensorflow as tf
from nengo.builder.processes import SimProcess
from nengo.builder.signal import Signal
from nengo.exceptions import BuildError
from nengo.synapses import Alpha, LinearFilter, Lowpass, Triangle

from nengo_dl_ops import BuildConfig, Builder, ProcessBuilder, SimParametricProcess
from nengo_dl_ops.operators.processes import is_elementwise

FILTERS = {
    "gain": LinearFilter([3], [2]),
    "one pole": Lowpass(0.01),
    "two poles": Alpha(0.02),
    "passthrough": LinearFilter([1e-3, 0.1, 2], [1e-3, 0.1, 1]),
}


def synapse(process, size=3):
    state = process.make_state((size,), (size,), 0.001)
    return SimProcess(
        process,
        Signal(np.zeros(size), name="input"),
        Signal(np.zeros(size), name="output"),
        Signal(np.array(0.0), name="time"),
        mode="update",
        state={name: Signal(value, name=name) for name, value in state.items()},
    )


def coefficients(process, size=None):
    """Make signals of the coefficients: for all elements, or for each of them."""
    built = Builder.find(type(process))(
        [synapse(process)], BuildConfig(dtype="float64")
    )
    return {
        name: Signal(np.repeat(value[..., 0], size or 1, axis=2).ravel(), readonly=True)
        for name, value in built.parameters.items()
    }


@pytest.mark.parametrize("process", FILTERS.values(), ids=FILTERS)
def test_same_as_with_constants(process, compare):
    shared = coefficients(process)
    compare([SimParametricProcess(synapse(process), shared)], n_steps=8)
    ops = [SimParametricProcess(synapse(process, n), shared) for n in (2, 3)]
    compare(ops, n_steps=8)
    each = [coefficients(process), coefficients(process, 3)]
    ops = [SimParametricProcess(synapse(process), given) for given in each]
    compare(ops, n_steps=8)


def test_some_may_be_signals_and_others_constants(compare_eagerly):
    A = {"A": coefficients(Alpha(0.02))["A"]}
    compare_eagerly([SimParametricProcess(synapse(Alpha(0.02)), A)], n_steps=8)


def output(group, op, given, n_steps=5):
    """Filter ones with coefficients that are tensors of any values."""
    values = {base: tf.constant(v) for base, v in group.initial_values().items()}
    for _ in range(n_steps):
        values |= {op.input: tf.ones((3, 1), tf.float64), **given}
        new = group.build([values[base] for base in group.bases])
        values = dict(zip(group.bases, new, strict=True))
    return values[op.output][:, 0]


def test_they_may_have_any_value(build):
    op = SimParametricProcess(synapse(Lowpass(0.5)), coefficients(Lowpass(0.5), 3))
    other = synapse(Lowpass(0.01))
    given = {
        sig: tf.constant(coefficients(Lowpass(0.01), 3)[name].initial_value[:, None])
        for name, sig in op.parameters.items()
    }
    found = output(build([op], dtype="float64"), op, given)
    expected = output(build([other], dtype="float64"), other, {})
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", ["one pole", "two poles", "passthrough"])
@pytest.mark.parametrize("n_ops", [1, 2])
def test_gradients_as_finite_differences(name, n_ops, build):
    process = FILTERS[name]
    shared = coefficients(process)
    ops = [SimParametricProcess(synapse(process), shared) for _ in range(n_ops)]
    group = build(ops, dtype="float64")
    for sig in shared.values():
        start = sig.initial_value[:, None]
        with tf.GradientTape() as tape:
            value = tf.constant(start)
            tape.watch(value)
            loss = tf.reduce_sum(output(group, ops[0], {sig: value}))
        gradient = tape.gradient(loss, value).numpy()[:, 0]
        for i, slope in enumerate(gradient):
            delta = np.zeros_like(start)
            delta[i] = 1e-6
            above, below = (
                tf.reduce_sum(output(group, ops[0], {sig: tf.constant(start + d)}))
                for d in (delta, -delta)
            )
            assert slope == pytest.approx((above - below).numpy() / 2e-6, abs=1e-6)


def test_filters_of_one_equation_with_the_same_parameters_merge(compare_eagerly):
    merge_key = Builder.find(SimProcess).merge_key
    fast, slow, direct = Lowpass(0.01), Lowpass(0.1), LinearFilter([0.01, 2], [0.1, 1])
    only_a = {"A": coefficients(fast)["A"]}
    merged = [SimParametricProcess(synapse(p), coefficients(p)) for p in (fast, slow)]
    compare_eagerly(merged, n_steps=8)
    ops = [
        *merged,
        SimParametricProcess(synapse(fast), only_a),
        SimParametricProcess(synapse(direct), only_a),
        synapse(fast),
    ]
    first, second, *others = [merge_key(op) for op in ops]
    assert first == second
    assert len({first, *others}) == 4


def test_coefficients_for_another_equation_are_refused(build):
    """Should somebody merge what does not."""
    op = SimParametricProcess(synapse(Lowpass(0.01)), coefficients(Lowpass(0.01)))
    with pytest.raises(BuildError, match=r"Lowpass.*without passthrough"):
        build([op, synapse(LinearFilter([0.01, 2], [0.1, 1]))])


def test_results_are_not_shared():
    """Equal filters may get different coefficients."""
    assert is_elementwise(synapse(Lowpass(0.1)))
    op = SimParametricProcess(synapse(Lowpass(0.1)), coefficients(Lowpass(0.1)))
    assert not is_elementwise(op)


@pytest.mark.parametrize(
    "process, name, size, match",
    [
        (Lowpass(0.1), "C", 1, r"Lowpass.*\['A', 'B'\], got 'C'"),
        (Triangle(0.01), "A", 1, r"Triangle.*\[\], got 'A'"),
        (Alpha(0.1), "A", 8, r"mine: expected A to have 4 values.*3 elements, got 8"),
    ],
)
def test_parameters_that_a_process_has_not_are_refused(
    build, process, name, size, match
):
    given = {name: Signal(np.zeros(size), name="mine", readonly=True)}
    with pytest.raises(BuildError, match=match):
        build([SimParametricProcess(synapse(process), given)])


def test_a_builder_that_has_parameters_must_take_them(build, monkeypatch):
    class Unfinished(ProcessBuilder):
        parameters = {"A": np.ones((1, 1, 1, 1))}  # noqa: RUF012

        @classmethod
        def merge_key(cls, op):
            return None

        def step(self, u, state):
            return u, {}

    monkeypatch.setitem(Builder._registry, Lowpass, Unfinished)
    op = SimParametricProcess(synapse(Lowpass(0)), {"A": Signal(np.ones(1))})
    with pytest.raises(BuildError, match=r"Unfinished has no step_with.*'A'"):
        output(build([op], dtype="float64"), op, {}, n_steps=1)
