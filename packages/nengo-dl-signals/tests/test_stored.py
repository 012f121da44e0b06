import numpy as np
import pytest
from nengo.builder.signal import Signal
from nengo.exceptions import BuildError
from nengo.transforms import SparseMatrix

from nengo_dl_signals import sparse_entries, stored_value

PLACES = [[2, 1], [0, 0], [2, 3]]
VALUES = [0.5, -1.0, 2.0]


@pytest.fixture
def sparse():
    return Signal(SparseMatrix(PLACES, VALUES, (3, 4)), name="sparse", readonly=True)


def test_entries_are_in_the_order_given(sparse):
    rows, columns, values = sparse_entries(sparse)
    np.testing.assert_array_equal(np.stack([rows, columns], axis=1), PLACES)
    np.testing.assert_array_equal(values, VALUES)


def test_a_dense_signal_has_no_entries(base):
    with pytest.raises(BuildError, match="'base'.*sparse"):
        sparse_entries(base(3, 4))


def test_stored_values(sparse, base):
    np.testing.assert_array_equal(stored_value(sparse), VALUES)
    dense = base(3, 4)
    for signal in (dense, dense[1:, ::2], base(5)):
        np.testing.assert_array_equal(stored_value(signal), signal.initial_value)


@pytest.mark.parametrize("constant", [False, True])
def test_a_sparse_signal_is_a_vector_of_its_entries(constant, sparse, base, loaded):
    first = base(2, 3)
    values = {first: np.zeros((2, 3, 1)), sparse: np.reshape(VALUES, (3, 1))}
    layout, signals = loaded(values, {first, sparse} if constant else ())
    place = layout[sparse]
    assert (place.shape, place.row_shape) == ((3,), ())
    assert layout.n_rows == (2 if constant else 6) + 3
    np.testing.assert_array_equal(signals.gather(place)[:, 0], VALUES)


def test_sparse_signals_join(sparse, loaded):
    other = Signal(SparseMatrix([[0, 0]], [7.0], (1, 1)), name="other", readonly=True)
    values = {sparse: np.reshape(VALUES, (3, 1)), other: [[7.0]]}
    layout, signals = loaded(values, values)
    joined = signals.gather(layout.concat([other, sparse]))
    np.testing.assert_array_equal(joined[:, 0], [7.0, *VALUES])
