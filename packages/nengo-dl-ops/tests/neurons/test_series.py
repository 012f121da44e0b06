"""Series of small numbers are exact, and short."""

import numpy as np
import pytest
import tensorflow as tf

from nengo_dl_ops.neurons.series import MAX_BOUND, expm1_small, log1p_small

FUNCTIONS = {expm1_small: np.expm1, log1p_small: np.log1p}


@pytest.mark.parametrize("bound", [1e-4, 0.05, MAX_BOUND, 0.9])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_exact_but_for_the_last_bits(function, dtype, bound):
    x = -np.linspace(bound, 0, 1000, endpoint=False).astype(dtype)
    expected = FUNCTIONS[function](x.astype(np.longdouble))
    error = np.abs(function(tf.constant(x), bound).numpy() / expected - 1)
    assert np.max(error) <= 2 * np.finfo(dtype).eps


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_zero(function):
    assert function(tf.zeros(2), 0.05).numpy().tolist() == [0, 0]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_larger_bounds_take_more_terms(function):
    """Numbers beyond the bound are not what the series is cut for."""
    x = tf.constant(-0.2, tf.float64)
    expected = FUNCTIONS[function](-0.2)
    assert abs(function(x, 0.001) - expected) > 1e-9
    assert abs(function(x, 0.2) - expected) < 1e-15
