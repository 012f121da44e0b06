import numpy as np
import pytest
from nengo.builder.signal import Signal
from nengo.exceptions import BuildError

from nengo_dl_signals import SignalLayout, join

VIEWS = {
    "whole": lambda s: s,
    "slice": lambda s: s[1:3],
    "step": lambda s: s[::2],
    "negative step": lambda s: s[::-1],
    "negative step from the middle": lambda s: s[3:0:-2],
    "one row": lambda s: s[2:3],
    "no rows": lambda s: s[2:2],
}
MATRIX_VIEWS = {
    **VIEWS,
    "a row": lambda s: s[2],
    "columns": lambda s: s[:, 1:],
    "a column": lambda s: s[:, 1],
    "columns backwards": lambda s: s[:, ::-1],
    "both": lambda s: s[3:0:-1, ::2],
}


def read(loaded, signal, view, constant):
    """Read a view through a layout in which the signal is not the first."""
    first = Signal(np.zeros(3), name="first")
    value = signal.initial_value[..., None]
    values = {first: np.zeros((3, 1)), signal: value}
    layout, signals = loaded(values, {signal} if constant else ())
    return signals.gather(layout[view]).numpy()[..., 0]


@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize("make", VIEWS.values(), ids=VIEWS)
def test_views_of_vectors(make, constant, base, loaded):
    signal = base(5)
    view = make(signal)
    np.testing.assert_array_equal(
        read(loaded, signal, view, constant), view.initial_value
    )


@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize("make", MATRIX_VIEWS.values(), ids=MATRIX_VIEWS)
def test_views_of_matrices(make, constant, base, loaded):
    signal = base(5, 4)
    view = make(signal)
    np.testing.assert_array_equal(
        read(loaded, signal, view, constant), view.initial_value
    )


def test_addresses_are_rows_of_constants_and_elements_of_the_rest(base):
    constant, variable, scalar = base(3, 4), base(3, 4), Signal(1.0, name="scalar")
    layout = SignalLayout([constant, variable, scalar], {constant})
    assert layout.n_rows == 3 + 12 + 1
    assert layout.row_shape(constant) == (4,)
    assert layout.row_shape(variable) == ()
    np.testing.assert_array_equal(layout.rows(variable), np.arange(3, 15))
    np.testing.assert_array_equal(layout.rows(scalar), [15])


def test_a_base_that_is_given_twice_has_one_place(base):
    signal = base(3)
    layout = SignalLayout([signal, signal])
    assert layout.n_rows == 3


def test_views_belong_to_the_layout_of_their_base(base):
    signal, other = base(3), base(3, name="other")
    layout = SignalLayout([signal])
    assert signal[1:] in layout
    assert other not in layout
    with pytest.raises(BuildError, match="'other' is not part of this model"):
        layout[other]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_types(dtype):
    layout = SignalLayout([], dtype=dtype)
    for given, expected in [
        (np.float32, dtype),
        (np.float64, dtype),
        (np.int64, "int64"),
        (np.uint8, "uint8"),
        (complex, "complex128"),
        (bool, "bool"),
    ]:
        assert layout.type_of(Signal(np.zeros(1, given))) == expected


def test_a_type_without_values_to_compute_with_is_refused():
    signal = Signal(np.zeros(2, "datetime64[s]"), name="days")
    with pytest.raises(BuildError, match="'days'.*numbers.*datetime64"):
        SignalLayout([signal])[signal]


@pytest.mark.parametrize("constant", [False, True])
def test_concat_and_stack(constant, base, loaded):
    a, b, c = base(2, 3, name="a"), base(4, 3, name="b"), base(2, 3, name="c")
    values = {sig: sig.initial_value[..., None] + i for i, sig in enumerate([a, b, c])}
    layout, signals = loaded(values, values if constant else ())
    joined = signals.gather(layout.concat([c, a, b[::-2]]))
    expected = np.concatenate([values[c], values[a], values[b][::-2]])
    np.testing.assert_array_equal(joined, expected)
    stacked = signals.gather(layout.stack([b[1:3], c, a]))
    expected = np.stack([values[b][1:3], values[c], values[a]])
    np.testing.assert_array_equal(stacked, expected)


def test_concat_of_columns_of_constants(base, loaded):
    a, b = base(2, 3, name="a"), base(3, 3, name="b")
    values = {sig: sig.initial_value[..., None] for sig in (a, b)}
    layout, signals = loaded(values, values)
    joined = signals.gather(join([layout[a[:, 1:]], layout[b[:, 1:]]]))
    expected = np.concatenate([values[a][:, 1:], values[b][:, 1:]])
    np.testing.assert_array_equal(joined, expected)


def test_concat_of_scalars(loaded):
    a, b = Signal(1.0, name="a"), Signal(2.0, name="b")
    layout, signals = loaded({a: [1.0], b: [2.0]})
    np.testing.assert_array_equal(signals.gather(layout.concat([b, a])), [[2], [1]])


def test_signals_that_differ_cannot_be_joined(base):
    a, b, c = base(2, name="a"), base(2, name="b", dtype=int), base(2, 3, name="c")
    layout = SignalLayout([a, b, c], {a, b, c})
    with pytest.raises(BuildError, match="'b' .int64.*'a' .float32"):
        layout.concat([a, b])
    with pytest.raises(BuildError, match=r"'c' .*rows of \(3,\)"):
        layout.concat([a, c])


def test_text_says_where_signals_are():
    weights = Signal(np.ones((2, 3)), name="weights")
    rates = Signal(np.zeros(4), name="rates")
    count = Signal(np.array(0, dtype=np.int64), name="count")
    none = Signal(np.zeros(0), name="none")
    layout = SignalLayout([weights, rates, count, none], {weights})
    assert repr(layout) == "<SignalLayout: 4 signals in 7 rows, float32>"
    assert str(layout).splitlines() == [
        repr(layout),
        "rows 0-1: weights, constant float32 (2, 3)",
        "rows 2-5: rates, float32 (4,)",
        "row 6: count, int64 ()",
        "no row: none, float32 (0,)",
    ]
