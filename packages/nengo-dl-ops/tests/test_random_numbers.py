import numpy as np
import pytest
import tensorflow as tf

from nengo_dl_ops.neurons.poisson import poisson
from nengo_dl_ops.random_numbers import fold_in, step_seed, uniform

DTYPES = ["float16", "float32", "float64"]


def seed(simulation=0, step=0, stream=0):
    return step_seed(tf.constant([simulation, step], tf.int32), stream)


def in_all_modes(compute, *arguments):
    """Return what is computed, after a check that all modes give the same."""
    eager = compute(*arguments).numpy()
    for compiled in (False, True):
        function = tf.function(compute, jit_compile=compiled, autograph=False)
        np.testing.assert_array_equal(function(*arguments), eager)
    return eager


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_same_numbers_in_every_mode(dtype):
    def draw(key):
        return uniform(step_seed(key, 5), (33, 3), dtype)

    numbers = in_all_modes(draw, tf.constant([-7, 12]))
    assert numbers.dtype == dtype
    assert len(np.unique(numbers)) > (60 if dtype == "float16" else 98)


@pytest.mark.parametrize("dtype", DTYPES)
def test_between_zero_and_one(dtype):
    numbers = uniform(seed(), (10_000,), dtype).numpy()
    assert 0 <= numbers.min() < 1e-3
    assert 1 - 1e-2 < numbers.max() < 1


@pytest.mark.parametrize("shape", [(100_000,), (1000, 100)])
def test_uniform(shape):
    numbers = np.sort(uniform(seed(), shape, "float64").numpy(), axis=None)
    distance = np.abs(numbers - np.linspace(0, 1, numbers.size)).max()
    assert distance < 1.6 / np.sqrt(numbers.size)  # Kolmogorov-Smirnov, p = 0.01


def test_every_bit_is_even():
    numbers = uniform(seed(3), (50_000,), "float64").numpy()
    bits = (numbers[:, None] * 2.0 ** np.arange(1, 53)) % 2 >= 1
    np.testing.assert_allclose(bits.mean(axis=0), 0.5, atol=0.01)


VARIATIONS = {
    "seeds": [seed(simulation=i) for i in range(50)],
    "steps": [seed(step=i) for i in range(50)],
    "streams": [seed(stream=i) for i in range(50)],
    "seeds and steps": [seed(i, 50 - i) for i in range(50)],
    "folded": [fold_in(seed(), tf.constant(i, tf.uint64)) for i in range(50)],
}


@pytest.mark.parametrize("seeds", VARIATIONS.values(), ids=VARIATIONS)
def test_no_correlation(seeds):
    """Neither between seeds, nor between numbers of one seed, nor from one to next."""
    numbers = np.array([uniform(s, (400,), "float64").numpy() for s in seeds])
    n_pairs = 400 * 399
    for rows in (numbers, numbers.T):
        correlation = np.corrcoef(rows)[np.triu_indices(len(rows), 1)]
        limit = np.sqrt(2 * np.log(n_pairs) / rows.shape[1]) * 1.3
        assert np.abs(correlation).max() < limit
    flat = numbers.ravel()
    assert abs(np.corrcoef(flat[1:], flat[:-1])[0, 1]) < 0.02


MEANS = [0, 1e-3, 0.2, 1, 5, 9.99, 10, 12, 40, 1e3, 1e6]


@pytest.mark.parametrize("mean", MEANS)
def test_poisson(mean):
    n = 20_000
    means = tf.fill((n,), np.float64(mean))
    counts = poisson(seed(1), means).numpy()
    np.testing.assert_array_equal(counts, np.floor(counts))
    error = 4 / np.sqrt(n)
    np.testing.assert_allclose(counts.mean(), mean, atol=error * np.sqrt(mean))
    spread = np.sqrt(mean + 2 * mean**2)
    np.testing.assert_allclose(counts.var(), mean, atol=error * spread)
    expected = np.sort(np.random.RandomState(0).poisson(mean, size=n))
    places = np.unique(expected)
    distance = np.abs(
        np.searchsorted(np.sort(counts), places, side="right")
        - np.searchsorted(expected, places, side="right")
    )
    assert distance.max() / n < 1.63 * np.sqrt(2 / n)


def test_poisson_of_different_means():
    means = np.repeat(MEANS, 2000).reshape(len(MEANS), 2000)
    counts = in_all_modes(lambda x: poisson(seed(4), x), tf.constant(means))
    scale = np.sqrt(np.maximum(MEANS, 1e-9))
    np.testing.assert_allclose((counts.mean(axis=1) - MEANS) / scale, 0, atol=0.12)


@pytest.mark.parametrize("dtype", DTYPES)
def test_poisson_type(dtype):
    assert poisson(seed(), tf.constant([0.5, 20], dtype)).dtype == dtype


def test_poisson_ends_with_means_that_are_not_finite():
    counts = poisson(seed(), tf.constant([np.inf, np.nan, 1.0])).numpy()
    assert np.isinf(counts[0])
    assert np.isnan(counts[1])
    assert np.isfinite(counts[2])
