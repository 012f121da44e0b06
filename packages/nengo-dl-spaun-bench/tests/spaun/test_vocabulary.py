"""The words of Spaun, next to nengo-spa's algebra."""

import numpy as np
import pytest
from nengo.exceptions import ValidationError

from nengo_dl_spaun_bench.spaun.vocabulary import NAMES, involution, make_words


def test_digits_and_positions_are_chains():
    words = make_words(64)
    vocabulary = words.vocabulary
    for before, after in zip(NAMES, NAMES[1:], strict=False):
        made = vocabulary.parse(f"{before} * ADD").v
        np.testing.assert_allclose(made, vocabulary[after].v, atol=1e-12)
    made = vocabulary.parse("POS1 * INC * INC").v
    np.testing.assert_allclose(made, words.positions[2], atol=1e-12)


def test_inverse_undoes_binding():
    words = make_words(32)
    pair = words.vocabulary.parse("POS2 * THR")
    inverse = involution(32) @ words.positions[1]
    np.testing.assert_allclose(inverse, (~words.vocabulary["POS2"]).v, atol=1e-12)
    unbound = np.fft.irfft(np.fft.rfft(pair.v) * np.fft.rfft(inverse), n=32)
    np.testing.assert_allclose(unbound, words.digits[3], atol=1e-12)


@pytest.mark.parametrize("dimensions, limit", [(64, 0.25), (128, 0.15)])
def test_pairs_are_unlike_each_other(dimensions, limit):
    words = make_words(dimensions)
    spectra = np.fft.rfft(words.digits)[:, None] * np.fft.rfft(words.positions)
    pairs = np.fft.irfft(spectra, n=dimensions).reshape(80, dimensions)
    np.testing.assert_allclose(np.diag(pairs @ pairs.T), 1, atol=1e-9)
    assert np.abs(pairs @ pairs.T - np.eye(80)).max() < limit


@pytest.mark.parametrize("dimensions", [8, 20])
def test_other_sizes_are_refused(dimensions):
    with pytest.raises(ValidationError, match="dimensions"):
        make_words(dimensions)
