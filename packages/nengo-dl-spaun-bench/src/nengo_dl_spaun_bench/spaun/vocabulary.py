"""The words that Spaun's vectors stand for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import nengo_spa
import numpy as np
from nengo.exceptions import ValidationError
from nengo.utils.numpy import is_integer

#: How many positions of a list there are.
N_POSITIONS = 8

N_DIGITS = 10

#: How many vocabularies are made, of which the one whose bound pairs are least alike
#: is taken.
CANDIDATES = 150

NAMES = ("ZER", "ONE", "TWO", "THR", "FOR", "FIV", "SIX", "SEV", "EIG", "NIN")


@dataclass(frozen=True)
class Words:
    """
    Digits and positions, as unitary vectors.

    Parameters
    ----------
    digits : (10, dimensions) array
        Each is the one before, bound with ADD; nine is followed by zero.
    positions : (8, dimensions) array
        Each is the one before, bound with INC; the eighth is followed by the first.
    vocabulary : nengo_spa.Vocabulary
        The same by their names: ZER, ONE, ..., POS1, POS2, ..., ADD, INC.
    """

    digits: np.ndarray
    positions: np.ndarray
    vocabulary: nengo_spa.Vocabulary

    @property
    def dimensions(self) -> int:
        """Size of the vectors."""
        return self.digits.shape[1]


@cache
def make_words(dimensions: int) -> Words:
    """
    Choose the words of a network.

    Of several random vocabularies, made from fixed seeds, that is taken in which the
    most similar two of all pairs of digit and position are least alike. The choice
    depends on vectors alone, not on what a network does with them.

    Parameters
    ----------
    dimensions : int
        Size of the vectors, a multiple of 16.

    Returns
    -------
    words : Words
        The words.

    Raises
    ------
    ValidationError
        If the size is none that works.
    """
    if not (is_integer(dimensions) and dimensions >= 16 and dimensions % 16 == 0):
        raise ValidationError(
            f"Must be a multiple of 16, from 16 (got {dimensions!r})", "dimensions"
        )
    chains = [_chains(dimensions, seed) for seed in range(CANDIDATES)]
    digits, positions, add, inc = min(chains, key=lambda c: _similarity(c[0], c[1]))
    vocabulary = nengo_spa.Vocabulary(dimensions, strict=False)
    for name, vector in zip(NAMES, digits, strict=True):
        vocabulary.add(name, vector)
    for k, vector in enumerate(positions, start=1):
        vocabulary.add(f"POS{k}", vector)
    vocabulary.add("ADD", add)
    vocabulary.add("INC", inc)
    return Words(digits, positions, vocabulary)


def involution(dimensions: int) -> np.ndarray:
    """Return the matrix that makes vectors their (approximate) inverse."""
    return np.eye(dimensions)[-np.arange(dimensions)]


def _chains(dimensions: int, seed: int) -> tuple[np.ndarray, ...]:
    """Return digits, positions, and the steps between them, all unitary."""
    rng = np.random.RandomState(seed)
    n = dimensions // 2 + 1
    add = _step(rng, n, N_DIGITS)
    inc = _step(rng, n, N_POSITIONS)
    zero, first = (_unitary(rng, n) for _ in range(2))
    spectra = (
        [zero * add**k for k in range(N_DIGITS)],
        [first * inc**k for k in range(N_POSITIONS)],
        add,
        inc,
    )
    return tuple(np.fft.irfft(spectrum, n=dimensions) for spectrum in spectra)


def _step(rng: np.random.RandomState, n: int, period: int) -> np.ndarray:
    """Return the spectrum of a vector that is the identity after a period."""
    turns = rng.permutation(np.arange(n) % period)
    spectrum = np.exp(2j * np.pi * turns / period)
    spectrum[0], spectrum[-1] = 1, (-1) ** turns[-1]
    return spectrum


def _unitary(rng: np.random.RandomState, n: int) -> np.ndarray:
    """Return the spectrum of a random unitary vector."""
    spectrum = np.exp(1j * rng.uniform(0, 2 * np.pi, size=n))
    spectrum[[0, -1]] = 1
    return spectrum


def _similarity(digits: np.ndarray, positions: np.ndarray) -> float:
    """Return how much alike the most similar pairs of digit and position are."""
    spectra = np.fft.rfft(digits)[:, None] * np.fft.rfft(positions)
    pairs = np.fft.irfft(spectra, n=digits.shape[1]).reshape(-1, digits.shape[1])
    return float(np.abs(pairs @ pairs.T - np.eye(len(pairs))).max())
