"""The images that Spaun sees: handwritten digits, and glyphs of our own."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy import ndimage

#: Length of the sides of an image, in pixels.
SIDE = 8

DIGITS = "0123456789"

#: What is drawn as a bitmap: brackets, the question mark and letters.
GLYPHS = {
    "[": ".####.../.#....../.#....../.#....../.#....../.#....../.#....../.####...",
    "]": "...####./......#./......#./......#./......#./......#./......#./...####.",
    "?": "..####../.#....#./......#./.....#../....#.../......../....#.../........",
    "A": "...##.../..#..#../.#....#./.#....#./.######./.#....#./.#....#./.#....#.",
    "C": "...####./..#...../.#....../.#....../.#....../.#....../..#...../...####.",
    "F": ".######./.#....../.#....../.#####../.#....../.#....../.#....../.#......",
    "K": ".#....#./.#...#../.#..#.../.###..../.#..#.../.#...#../.#....#./.#.....#",
    "L": "#......./#......./#......./#......./#......./#......./#......./#######.",
    "M": "#......#/##....##/#.#..#.#/#..##..#/#......#/#......#/#......#/#......#",
    "P": "######../#.....#./#.....#./######../#......./#......./#......./#.......",
    "R": "#####.../#....#../#....#../#####.../#..#..../#...#.../#....#../#.....#.",
    "V": "#......#/#......#/.#....#./.#....#./..#..#../..#..#../...##.../...##...",
    "W": "#......#/#......#/#......#/#..##..#/#..##..#/#.#..#.#/##....##/#......#",
}

#: All that has a meaning, in the order in which vision tells them apart.
SYMBOLS = DIGITS + "".join(GLYPHS)

#: Seed of the division of the digits into those to train with, and those to show.
SPLIT_SEED = 20

#: Fraction of the digits of each class that vision is trained with.
TRAIN_FRACTION = 0.7


@cache
def digit_images() -> tuple[np.ndarray, np.ndarray]:
    """Return the images of digits, (n, 64) with values from 0 to 1, and labels."""
    from sklearn.datasets import load_digits

    data = load_digits()
    return data.data / 16.0, data.target


@cache
def split() -> tuple[np.ndarray, np.ndarray]:
    """Return which images are for training, and which are for tasks."""
    rng = np.random.RandomState(SPLIT_SEED)
    _, labels = digit_images()
    train, test = [], []
    for digit in range(10):
        mine = rng.permutation(np.flatnonzero(labels == digit))
        n_train = round(TRAIN_FRACTION * len(mine))
        train.append(mine[:n_train])
        test.append(mine[n_train:])
    return np.concatenate(train), np.concatenate(test)


def glyph_image(symbol: str, rng: np.random.RandomState | None = None) -> np.ndarray:
    """
    Draw a bitmap in grey, like a scan.

    Parameters
    ----------
    symbol : str
        A key of `GLYPHS`.
    rng : numpy.random.RandomState, optional
        Shifts, blurs and adds noise; without it the image is always the same.

    Returns
    -------
    image : (64,) array
        Values from 0 to 1.
    """
    rows = GLYPHS[symbol].split("/")
    image = np.array([[float(c == "#") for c in row] for row in rows])
    if rng is None:
        return ndimage.gaussian_filter(image, 0.4).ravel()
    image = ndimage.shift(image, rng.uniform(-0.7, 0.7, size=2), order=1)
    image = ndimage.gaussian_filter(image, rng.uniform(0.3, 0.6))
    image = image * rng.uniform(0.85, 1.15) + 0.04 * rng.randn(SIDE, SIDE)
    return np.clip(image, 0, 1).ravel()


def training_set(
    seed: int, digits_per_image: int = 4, glyphs: int = 400
) -> tuple[np.ndarray, np.ndarray]:
    """
    Make jittered images of all symbols from the training part of the digits.

    Parameters
    ----------
    seed : int
        Seed of the jitter.
    digits_per_image : int
        How many versions of each digit; the first is the image itself.
    glyphs : int
        How many images of each glyph.

    Returns
    -------
    images : (n, 64) array
        Values from 0 to 1.
    labels : (n,) array
        Positions in `SYMBOLS`.
    """
    rng = np.random.RandomState(seed)
    images, labels = digit_images()
    train, _ = split()
    made, named = [images[train]], [labels[train]]
    for _ in range(digits_per_image - 1):
        made.append(np.stack([_jittered(image, rng) for image in images[train]]))
        named.append(labels[train])
    for symbol in GLYPHS:
        made.append(np.stack([glyph_image(symbol, rng) for _ in range(glyphs)]))
        named.append(np.full(glyphs, SYMBOLS.index(symbol)))
    return np.concatenate(made), np.concatenate(named)


def _jittered(image: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
    """Shift, turn and scale the image of a digit a little."""
    angle = rng.uniform(-0.15, 0.15)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    matrix = turn * rng.uniform(0.92, 1.08)
    center = np.full(2, (SIDE - 1) / 2)
    offset = center - matrix @ center + rng.uniform(-0.5, 0.5, size=2)
    moved = ndimage.affine_transform(image.reshape(SIDE, SIDE), matrix, offset, order=1)
    return np.clip(moved + 0.03 * rng.randn(SIDE, SIDE), 0, 1).ravel()
