import numpy as np
import pytest
from nengo.exceptions import BuildError

from nengo_dl_signals import SignalLayout, TensorSignal


@pytest.fixture
def matrix(base):
    signal = base(4, 3)
    return SignalLayout([signal], {signal})[signal]


def test_size_and_ndim(matrix):
    assert (matrix.size, matrix.ndim, matrix.shape) == (12, 2, (4, 3))


@pytest.mark.parametrize(
    "shape, expected",
    [((12,), (12,)), ((2, -1), (2, 6)), ((-1,), (12,)), ((2, 2, 3), (2, 2, 3))],
)
def test_reshape(matrix, shape, expected):
    seen = matrix.reshape(shape)
    assert seen.shape == expected
    assert seen.rows is matrix.rows


@pytest.mark.parametrize("shape", [(5,), (3, 5), (5, -1), (0, -1)])
def test_reshape_to_another_size_is_refused(matrix, shape):
    with pytest.raises(BuildError, match="'base'.*got 12"):
        matrix.reshape(shape)


def test_rows_and_shape_must_fit():
    with pytest.raises(BuildError, match=r"'x'.*3 elements for shape \(3,\), got 2"):
        TensorSignal(np.arange(2), (3,), label="x")


@pytest.mark.parametrize(
    "item",
    [slice(1, 3), slice(None, None, -2), [0, 0, 3], np.array([2, 1]), 1],
    ids=str,
)
def test_slices_select_rows(matrix, item):
    selected = matrix[item]
    expected = np.atleast_1d(np.arange(4)[item])
    np.testing.assert_array_equal(selected.rows, expected)
    assert selected.shape == (len(expected), 3)
    assert selected.label == "base"


@pytest.mark.parametrize("item", [None, Ellipsis])
def test_no_slice_selects_everything(matrix, item):
    assert matrix[item] is matrix


def test_a_signal_of_parts_of_rows_cannot_be_sliced(base):
    signal = base(4, 3)
    columns = SignalLayout([signal], {signal})[signal[:, 1:]]
    with pytest.raises(BuildError, match="whole rows"):
        columns[1:]


def test_a_reshaped_signal_cannot_be_sliced(matrix):
    with pytest.raises(BuildError, match=r"whole rows.*got shape \(12,\)"):
        matrix.reshape((12,))[1:]
