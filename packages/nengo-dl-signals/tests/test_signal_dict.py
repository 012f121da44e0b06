import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from nengo.builder.signal import Signal
from nengo.exceptions import BuildError

from nengo_dl_signals import SignalDict, SignalLayout, TensorSignal, sum_repeated

BATCH = 3


def some(*shape, seed=0):
    return np.random.RandomState(seed).randn(*shape)


def read(signals, place):
    return signals.gather(place).numpy()


@pytest.fixture
def pair(base, loaded):
    """Two vectors of five elements with values; places and dictionary."""
    a, b = base(5, name="a"), base(5, name="b")
    values = some(5, BATCH), some(5, BATCH, seed=1)
    layout, signals = loaded({a: values[0], b: values[1]})
    return layout[a], layout[b], signals, *values


# gather


def test_parts_of_signals_that_lie_in_many_arrays(base, loaded):
    vectors = [base(4, name=str(i)) for i in range(30)]
    values = {v: some(4, BATCH, seed=i) for i, v in enumerate(vectors)}
    layout, signals = loaded(values)
    place = layout.concat([v[i % 3 : i % 3 + 2] for i, v in enumerate(vectors)])
    expected = [values[v][i % 3 : i % 3 + 2] for i, v in enumerate(vectors)]
    np.testing.assert_array_equal(read(signals, place), np.concatenate(expected))


def test_a_signal_before_it_is_set(base, loaded):
    a, b = base(3, name="a"), base(2, name="b")
    layout, signals = loaded({a: some(3, 1), b: None})
    message = "'b' is read before it is set .2 of 2 rows"
    with pytest.raises(BuildError, match=message):
        signals.gather(layout[b])
    with pytest.raises(BuildError, match=message):
        signals.scatter(layout[b], tf.zeros((2, 1), tf.float64), mode="inc")
    with pytest.raises(BuildError, match=message):
        signals.copy(layout[b], layout[a[:2]])
    with pytest.raises(BuildError, match="2 of 5 rows"):
        signals.gather(layout.concat([a, b]))


def test_shared_and_separate_batch_items_together(base, loaded):
    a, b = base(2, name="a"), base(3, name="b")
    shared, separate = some(2, 1), some(3, BATCH)
    layout, signals = loaded({a: shared, b: separate})
    assert read(signals, layout[a]).shape == (2, 1)
    expected = np.concatenate([np.repeat(shared, BATCH, axis=1), separate])
    np.testing.assert_array_equal(read(signals, layout.concat([a, b])), expected)


def test_no_rows(base, loaded):
    a = base(3)
    layout, signals = loaded({a: some(3, BATCH)})
    assert read(signals, layout[a[1:1]]).shape == (0, 1)


# scatter


def test_update_of_part_of_a_signal(pair):
    a, b, signals, x, y = pair
    signals.scatter(a[1:3], tf.constant(y[:2]))
    expected = x.copy()
    expected[1:3] = y[:2]
    np.testing.assert_array_equal(read(signals, a), expected)
    np.testing.assert_array_equal(read(signals, b), y)


def test_update_with_another_shape_of_the_same_size(base, loaded):
    a = base(2, 3)
    layout, signals = loaded({a: some(2, 3, BATCH)})
    value = some(6, BATCH, seed=1)
    signals.scatter(layout[a], tf.constant(value))
    np.testing.assert_array_equal(read(signals, layout[a]), value.reshape(2, 3, BATCH))


def test_update_with_what_all_batch_items_share(pair):
    a, _, signals, *_ = pair
    signals.scatter(a, tf.ones((5, 1), tf.float64))
    np.testing.assert_array_equal(read(signals, a), np.ones((5, 1)))


def test_increment_of_shared_by_separate_items(base, loaded):
    a = base(2)
    layout, signals = loaded({a: np.array([[1.0], [2.0]])})
    signals.scatter(layout[a], tf.constant(some(2, BATCH)), mode="inc")
    np.testing.assert_allclose(read(signals, layout[a]), some(2, BATCH) + [[1], [2]])


def test_increment_of_separate_by_shared_items(pair):
    a, _, signals, x, _ = pair
    signals.scatter(a, tf.ones((5, 1), tf.float64), mode="inc")
    np.testing.assert_allclose(read(signals, a), x + 1)


def test_increment_of_zeros_is_what_is_added(pair):
    a, _, signals, _, y = pair
    signals.clear(a)
    signals.scatter(a, tf.constant(y), mode="inc")
    np.testing.assert_array_equal(read(signals, a), y)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    rows=st.one_of(
        st.lists(st.integers(0, 4), min_size=1, max_size=12),
        st.integers(17, 40).map(lambda n: [2] * n + [1, 4]),
    ),
    zero=st.booleans(),
)
def test_increment_of_repeated_rows(rows, zero):
    signal = Signal(np.zeros(5), name="a")
    layout = SignalLayout([signal], dtype="float64")
    signals, start = SignalDict(layout.n_rows), some(5, BATCH)
    if zero:
        start[:] = 0
        signals.clear(layout[signal])
    else:
        signals.load(layout[signal].rows, tf.constant(start))
    value = some(len(rows), BATCH, seed=1)
    signals.scatter(layout[signal][rows], tf.constant(value), mode="inc")
    np.add.at(start, rows, value)
    np.testing.assert_allclose(read(signals, layout[signal]), start, atol=1e-13)


@pytest.mark.parametrize("n", [1, 3, 30, 100])
def test_sum_repeated(n):
    rows = np.array([7, 3] * n + [5, 7])
    value = some(2 * n + 2, 2)
    unique, total = sum_repeated(rows, tf.constant(value))
    expected = np.zeros((8, 2))
    np.add.at(expected, rows, value)
    assert sorted(unique) == [3, 5, 7]
    np.testing.assert_allclose(total, expected[unique], atol=1e-13)


def test_wrong_values_are_refused_and_change_nothing(pair):
    a, _, signals, x, _ = pair
    with pytest.raises(BuildError, match="'a'.*type float64, got float32"):
        signals.scatter(a, tf.zeros((5, BATCH)))
    with pytest.raises(BuildError, match=r"'a'.*\(4, 3\)"):
        signals.scatter(a, tf.zeros((4, BATCH), tf.float64))
    with pytest.raises(BuildError, match="mode.*'add'"):
        signals.scatter(a, tf.zeros((5, BATCH), tf.float64), mode="add")
    np.testing.assert_array_equal(read(signals, a), x)


# clear, copy, add


def test_clear_of_part_of_a_signal(pair):
    a, _, signals, x, _ = pair
    signals.clear(a[[0, 3]])
    x[[0, 3]] = 0
    np.testing.assert_array_equal(read(signals, a), x)


@pytest.mark.parametrize("row_shape", [(), (2,)])
def test_zeros_have_type_and_shape(base, row_shape):
    signal = base(3, *row_shape)
    layout = SignalLayout([signal], {signal}, dtype="float16")
    signals = SignalDict(layout.n_rows)
    signals.clear(layout[signal])
    zeros = signals.gather(layout[signal])
    assert zeros.dtype == tf.float16
    np.testing.assert_array_equal(zeros, np.zeros((3, *row_shape, 1)))


def test_a_copy_keeps_its_value_when_the_source_changes(pair):
    a, b, signals, x, y = pair
    signals.copy(a, b)
    np.testing.assert_array_equal(read(signals, b), x)
    signals.scatter(a, tf.constant(y))
    np.testing.assert_array_equal(read(signals, b), x)
    np.testing.assert_array_equal(read(signals, a), y)


def test_a_copy_keeps_its_value_when_the_target_is_incremented(pair):
    a, b, signals, x, y = pair
    signals.copy(a, b)
    signals.scatter(b, tf.constant(y), mode="inc")
    np.testing.assert_array_equal(read(signals, a), x)
    np.testing.assert_allclose(read(signals, b), x + y)


def test_signals_swap_through_overlapping_copies(pair):
    a, _, signals, x, _ = pair
    signals.copy(a[::-1], a)
    np.testing.assert_array_equal(read(signals, a), x[::-1])


def test_copy_from_columns_of_a_constant(base, loaded):
    source, target = base(3, 4, name="source"), base(3, name="target")
    values = {source: some(3, 4, 1), target: np.zeros((3, 1))}
    layout, signals = loaded(values, {source})
    signals.copy(layout[source[:, 2]], layout[target])
    np.testing.assert_array_equal(read(signals, layout[target]), values[source][:, 2])


@pytest.mark.parametrize("zero", [False, True])
def test_add(zero, pair):
    a, b, signals, x, y = pair
    if zero:
        signals.clear(b)
        y = 0
    signals.add(a, b)
    np.testing.assert_allclose(read(signals, b), x + y)
    np.testing.assert_array_equal(read(signals, a), x)


@pytest.mark.parametrize("zero", [False, True])
def test_add_to_repeated_rows(zero, pair):
    a, b, signals, x, y = pair
    rows = [1, 1, 3, 1, 0]
    if zero:
        signals.clear(b)
        y[:] = 0
    signals.add(a, b[rows])
    np.add.at(y, rows, x)
    np.testing.assert_allclose(read(signals, b), y)


def test_load_replaces_values(pair):
    a, b, signals, x, y = pair
    signals.load(a.rows, tf.constant(y))
    np.testing.assert_array_equal(read(signals, a), y)


def test_cluster_hands_on_what_is_needed():
    """What a compiled part of a step computes is the same, and only that is kept."""

    @tf.function
    def step(x):
        signals = SignalDict(6)
        signals.load(np.arange(2), x)
        signals.variables[0] = tf.constant(1.0)

        def emit():
            doubled = 2 * signals.gather(signal([0, 1]))
            signals.scatter(signal([2, 3]), doubled)
            signals.scatter(signal([4, 5]), doubled + 1)
            signals.variables[0] += 2.0

        needed = np.array([True, True, True, True, False, False])
        signals.cluster(emit, needed)
        with pytest.raises(BuildError, match="before it is set"):
            signals.gather(signal([4, 5]))
        return signals.gather(signal([2, 3])), signals.variables[0]

    y, variable = step(tf.constant([[1.0], [2.0]]))
    np.testing.assert_array_equal(y, [[2], [4]])
    assert variable == 3


def signal(rows):
    return TensorSignal(np.array(rows), (len(rows),))


# The batch axis first


@pytest.fixture
def matrices(base):
    """Two matrices in one array with the batch axis first; places and dictionary."""
    a, b = base(2, 3, name="a"), base(2, 3, name="b")
    layout = SignalLayout([a, b], frozenset(), "float64")
    both, signals = layout.stack([a, b]), SignalDict(layout.n_rows)
    values = some(BATCH, 2, 2, 3)
    signals.load_batch_first(both.rows, tf.constant(values.reshape(BATCH, -1)))
    return both, layout[a], signals, values


def test_batch_first_and_last_are_the_same_values(matrices):
    both, a, signals, values = matrices
    last = np.moveaxis(values, 0, -1)
    for _ in range(2):  # also once it was read the other way
        np.testing.assert_array_equal(signals.gather_batch_first(both), values)
        np.testing.assert_array_equal(signals.gather_batch_first(a), values[:, 0])
        np.testing.assert_array_equal(read(signals, both), last)
        np.testing.assert_array_equal(read(signals, a), last[0])


def test_what_is_held_batch_first(matrices):
    both, a, signals, values = matrices
    assert signals.is_batch_first(both)
    assert not signals.is_batch_first(a)  # a part, which would have to be cut out
    assert not signals.is_batch_first(both.reshape((12,))[::-1])
    signals.scatter(both, tf.constant(np.moveaxis(values, 0, -1)))
    assert not signals.is_batch_first(both)


def test_add_batch_first(matrices):
    both, a, signals, values = matrices
    read(signals, a)
    signals.add_batch_first(both, tf.constant(values[:1]))
    assert signals.is_batch_first(both)
    expected = values + values[:1]
    np.testing.assert_array_equal(signals.gather_batch_first(both), expected)
    np.testing.assert_array_equal(read(signals, a), np.moveaxis(expected, 0, -1)[0])


def test_batch_first_through_a_cluster(matrices):
    """What XLA compiled hands on what it holds batch first as that."""
    both, a, signals, values = matrices

    @tf.function(autograph=False)
    def compute():
        def emit():
            signals.gather(a)
            signals.add_batch_first(both, signals.gather_batch_first(both))

        signals.cluster(emit, np.ones(len(both.rows), bool))
        assert signals.is_batch_first(both)
        return signals.gather_batch_first(both), signals.gather(a)

    first, last = compute()
    np.testing.assert_array_equal(first, 2 * values)
    np.testing.assert_array_equal(last, 2 * np.moveaxis(values, 0, -1)[0])


# printed


def test_text_says_which_array_holds_which_rows(base, loaded):
    names = ("a", "b", "zero", "unset", "copied", "other")
    a, b, zero, unset, copied, other = (base(2, name=name) for name in names)
    values = dict.fromkeys((a, b, zero, unset, copied, other))
    layout, signals = loaded({**values, other: np.zeros((2, 1))}, dtype="float32")
    signals.scatter(layout.concat([b, a]), tf.zeros((4, BATCH)))
    signals.clear(layout[zero])
    signals.copy(layout[b], layout[copied])
    assert repr(signals) == "<SignalDict: 12 rows, 2 arrays>"
    assert str(signals).splitlines() == [
        repr(signals),
        "rows 0-1: array 1 from 2, float32 (4, 3)",
        "rows 2-3: array 1 from 0, float32 (4, 3)",
        "rows 4-5: zero",
        "rows 6-7: not set",
        "rows 8-9: array 1 from 0, float32 (4, 3)",
        "rows 10-11: array 0 from 0, float32 (2, 1)",
    ]


def test_text_of_rows_that_do_not_follow_each_other(base, loaded):
    a = base(3)
    layout, signals = loaded({a: None}, dtype="float32")
    signals.load_batch_first(layout[a].rows[[2, 0, 1]], tf.zeros((BATCH, 3)))
    assert str(signals).splitlines()[1:] == [
        "rows 0-1: array 0 from 1, float32 (3, 3), batch first",
        "row 2: array 0 from 0, float32 (3, 3), batch first",
    ]


def test_text_of_no_rows():
    assert str(SignalDict(0)) == "<SignalDict: 0 rows, 0 arrays>"
