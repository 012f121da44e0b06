"""From the notation of a trial to a series of images."""

from __future__ import annotations

import numpy as np
from nengo.exceptions import ValidationError

from .symbols import DIGITS, SIDE, SYMBOLS, digit_images, glyph_image, split

#: How long nothing is shown at first, and each symbol is shown and not shown after
#: that, in steps of a millisecond.
BEFORE, SHOWN, BLANK = 100, 150, 150

#: How long answers may take: to begin, and for each digit, in steps.
TO_ANSWER, PER_DIGIT = 200, 540


def check(text: str) -> str:
    """
    Check the notation of a trial.

    Parameters
    ----------
    text : str
        Symbols in the order in which they are shown, as "A3[1234]?".

    Returns
    -------
    text : str
        The same.

    Raises
    ------
    ValidationError
        If there is a symbol that has no image.
    """
    unknown = sorted(set(text) - set(SYMBOLS))
    if unknown or not text:
        raise ValidationError(
            f"Must be made of the symbols {SYMBOLS!r} (got {text!r})", "text"
        )
    return text


def images(text: str, rng: np.random.RandomState) -> list[np.ndarray]:
    """
    Choose an image of each symbol: digits of those vision was not trained on.

    Parameters
    ----------
    text : str
        The notation of a trial.
    rng : numpy.random.RandomState
        Chooses digits, and varies glyphs.

    Returns
    -------
    images : list of (64,) array
        One for each symbol.
    """
    return [_image(symbol, rng) for symbol in check(text)]


def show(images: list[np.ndarray], n_steps: int | None = None) -> np.ndarray:
    """
    Show images one after the other, with blanks between them.

    Parameters
    ----------
    images : list of (64,) array
        What to show.
    n_steps : int, optional
        Steps in all; by default, until the last blank ends.

    Returns
    -------
    stimulus : (n_steps, 64) array
        The image of each step.
    """
    least = BEFORE + len(images) * (SHOWN + BLANK)
    stimulus = np.zeros((least if n_steps is None else n_steps, SIDE**2))
    for k, image in enumerate(images):
        start = BEFORE + k * (SHOWN + BLANK)
        stimulus[start : start + SHOWN] = image
    return stimulus


def duration(text: str, n_digits: int, n_counts: int = 0) -> int:
    """
    Say how long a trial takes.

    Parameters
    ----------
    text : str
        The notation of the trial.
    n_digits : int
        How many digits the longest answer has.
    n_counts : int
        How many steps are taken before it can be drawn.

    Returns
    -------
    n_steps : int
        Steps of a millisecond.
    """
    shown = BEFORE + len(text) * (SHOWN + BLANK)
    return shown + TO_ANSWER + PER_DIGIT * (n_digits + n_counts)


def _image(symbol: str, rng: np.random.RandomState) -> np.ndarray:
    """Choose an image of a symbol."""
    if symbol not in DIGITS:
        return glyph_image(symbol, rng)
    pixels, labels = digit_images()
    _, test = split()
    return pixels[rng.choice(test[labels[test] == int(symbol)])]
