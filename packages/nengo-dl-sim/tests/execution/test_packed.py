"""Sums of gradients in fewer bits, of two workers that have the same ones."""

import numpy as np
import pytest
import tensorflow as tf

from nengo_dl_sim.execution.packed import largest, short_sum

RNG = np.random.RandomState(0)
VALUES = RNG.uniform(-1, 1, (4, 5)), RNG.uniform(-1, 1, 3)


def twice(scale, dtype="float16", of_values="float32"):
    """Sum up two of each, by a sum that keeps the type."""
    tensors = [tf.constant(scale * value, of_values) for value in VALUES]
    found = short_sum(tensors, 2 * largest(tensors), lambda vector: vector * 2, dtype)
    assert [value.dtype for value in found] == [of_values, of_values]
    return [value.numpy() for value in found]


@pytest.mark.parametrize("scale", [1e-30, 1e-7, 1.0, 1e5, 1e30])
def test_gradients_of_any_size_have_eleven_bits(scale):
    for found, value in zip(twice(scale), VALUES, strict=True):
        np.testing.assert_allclose(found, 2 * scale * value, rtol=2.0**-11)
        assert (found != np.float32(2 * scale * value)).any()


def test_single_precision_of_double():
    for found, value in zip(twice(1.0, "float32", "float64"), VALUES, strict=True):
        np.testing.assert_allclose(found, 2 * value, rtol=2.0**-24)


def test_zeros_stay():
    assert not any(found.any() for found in twice(0.0))


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_what_is_not_finite_is_not_hidden(wrong):
    tensors = [tf.constant([1.0, wrong]), tf.constant([1.0])]
    bound = largest(tensors) * 2
    found = short_sum(tensors, bound, lambda vector: vector * 2, "float16")
    assert not np.isfinite(found[0][1])
