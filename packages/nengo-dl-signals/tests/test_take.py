import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from nengo_dl_signals import repeat_batch, take_rows

BATCH = 2


@pytest.fixture(scope="module")
def arrays():
    """Make arrays of different lengths; the second is shared by all batch items."""
    lengths = {0: (20, BATCH), 3: (7, 1), 5: (1, BATCH)}
    return {
        key: tf.reshape(tf.range(float(n * batch)), (n, batch)) + 1000.0 * key
        for key, (n, batch) in lengths.items()
    }


def check(arrays, where, index):
    where, index = np.asarray(where, np.int32), np.asarray(index, np.int32)
    taken = take_rows(arrays, where, index)
    batch = taken.shape[-1]
    expected = [
        np.broadcast_to(arrays[int(key)].numpy()[i], (batch,))
        for key, i in zip(where, index, strict=True)
    ]
    np.testing.assert_array_equal(taken, np.stack(expected))
    assert batch == (1 if np.all(where == 3) else BATCH)


def stretch(length, key):
    """Make a stretch of rows that lie at equal distances (perhaps 0 or backwards)."""
    return st.builds(
        lambda start, step, n: (
            [
                (key, i)
                for i in range(start, start + step * n, step or 1)[:n]
                if 0 <= i < length
            ]
            or [(key, start)] * n
        ),
        st.integers(0, length - 1),
        st.integers(-3, 3),
        st.integers(1, 8),
    )


PATTERNS = st.lists(
    st.one_of(stretch(20, 0), stretch(7, 3), stretch(1, 5)), min_size=1, max_size=25
).map(lambda parts: [row for part in parts for row in part])


@settings(max_examples=150, deadline=None, derandomize=True)
@given(pattern=PATTERNS, repeats=st.integers(1, 3))
def test_any_pattern_of_stretches(pattern, repeats, arrays):
    where, index = np.repeat(np.array(pattern), repeats, axis=0).T
    check(arrays, where, index)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(index=st.lists(st.integers(0, 19), min_size=1, max_size=40))
def test_any_rows_of_one_array(index, arrays):
    check(arrays, np.zeros(len(index)), index)


@pytest.mark.parametrize(
    "index",
    [
        np.arange(20),  # all of an array
        np.arange(3, 9),
        np.arange(1, 20, 4),
        np.full(5, 7),
        [0, 0, 1],  # the last row repeated less often than the others
        [0, 0, 1, 1, 1],
        np.arange(19, -1, -1),  # too many stretches to slice
        [4],
    ],
    ids=str,
)
def test_rows_of_one_array(index, arrays):
    check(arrays, np.zeros(len(index)), index)


def test_rows_of_many_arrays_in_disorder(arrays):
    index = np.tile([19, 3, 0, 6, 0, 2], 5)
    check(arrays, np.tile([0, 3, 5, 3, 5, 0], 5), index)


def test_all_of_an_array_is_the_array(arrays):
    assert take_rows(arrays, np.zeros(20, int), np.arange(20)) is arrays[0]


def test_rows_may_have_axes(arrays):
    array = tf.reshape(arrays[0], (5, 2, 2, BATCH))
    where, index = np.zeros(8, int), np.array([4, 0, 0, 1, 2, 2, 2, 3])
    taken = take_rows({0: array}, where, index)
    np.testing.assert_array_equal(taken, array.numpy()[index])


def test_repeat_batch():
    array = tf.constant([[1.0], [2.0]])
    np.testing.assert_array_equal(repeat_batch(array, 3), [[1, 1, 1], [2, 2, 2]])
    assert repeat_batch(array, 1) is array
