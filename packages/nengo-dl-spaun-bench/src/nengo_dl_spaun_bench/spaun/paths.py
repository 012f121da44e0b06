"""How digits are drawn: one stroke of the pen for each, and a dash for none."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import gaussian_filter1d

from .symbols import SIDE, digit_images, split

#: What is drawn where nothing is known, after the digits.
DASH = 10

#: Corners of the strokes, in a box from -1 to 1; y points up.
CORNERS = {
    0: "0 .9,-.5 .7,-.65 0,-.5 -.7,0 -.9,.5 -.7,.65 0,.5 .7,0 .9",
    1: "-.3 .5,-.1 .7,.05 .95,.05 .5,.05 0,.05 -.5,.05 -.95",
    2: "-.6 .5,-.35 .85,.1 .95,.45 .7,.4 .3,.1 -.15,-.3 -.6,-.55 -.85,0 -.85,.6 -.85",
    3: "-.55 .75,-.1 .95,.4 .75,.4 .35,-.1 .08,.4 -.15,.55 -.5,.2 -.9,-.2 -.95,-.6 -.7",
    4: "-.1 .95,-.4 .5,-.7 0,-.65 -.15,-.1 -.15,"
    ".6 -.15,.35 -.12,.3 .35,.25 0,.2 -.5,.15 -.95",
    5: ".6 .9,0 .9,-.45 .9,-.5 .5,-.55 .1,"
    "-.1 .25,.35 .15,.55 -.3,.35 -.75,-.1 -.95,-.6 -.75",
    6: ".2 .95,-.2 .6,-.5 0,-.5 -.5,-.1 -.92,.35 -.75,.5 -.4,.3 -.05,-.1 -.1,-.4 -.4",
    7: "-.6 .85,-.1 .88,.6 .88,.4 .4,.15 -.1,0 -.5,-.15 -.95",
    8: ".35 .6,0 .95,-.4 .7,-.3 .3,.15 -.05,.45 -.45,"
    ".3 -.85,-.1 -.95,-.45 -.65,-.3 -.2,.1 .2,.4 .6",
    9: ".45 .5,.1 .9,-.35 .8,-.5 .45,-.25 .1,"
    ".2 .1,.45 .5,.45 0,.3 -.5,.05 -.9,-.4 -.85",
    DASH: "-.7 0,0 0,.7 0",
}

#: Number of points of a path.
N_POINTS = 50

#: Largest coordinate of a path: a line of its width still lies in the box.
LIMIT = 0.93

#: Standard deviation of the rounding of corners, in points.
ROUNDING = 0.8

#: What makes the copy of a digit differ from the usual form: where its center is, how
#: wide and high it is next to its class, and how slanted.
STYLE = ("x", "y", "width", "height", "slant")


@cache
def canonical_paths() -> np.ndarray:
    """Return the paths of the digits and the dash, as (11, N_POINTS, 2) array."""
    images, labels = digit_images()
    train, _ = split()
    paths = []
    for digit in range(10):
        mean = images[train][labels[train] == digit].mean(axis=0)
        paths.append(_fitted(_smooth(CORNERS[digit]), *moments(mean)))
    return np.stack([*paths, _smooth(CORNERS[DASH])])


def moments(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """
    Find where the ink of an image is.

    Parameters
    ----------
    image : (64,) array
        Values from 0 to 1.

    Returns
    -------
    center : (2,) array
        In a box from -1 to 1.
    covariance : (2, 2) array
        Of the ink around the center.
    """
    at = (np.arange(SIDE) + 0.5) / SIDE * 2 - 1
    x, y = np.meshgrid(at, -at)
    places = np.stack([x.ravel(), y.ravel()])
    weights = image / image.sum()
    center = places @ weights
    away = places - center[:, None]
    return center, (away * weights) @ away.T


def style(image: np.ndarray, digit: int) -> np.ndarray:
    """
    Describe how an image differs from the usual form of its class.

    Parameters
    ----------
    image : (64,) array
        The image of a digit.
    digit : int
        Which one.

    Returns
    -------
    style : (5,) array
        See `STYLE`: shifts, relative changes of size and the slant.
    """
    center, covariance = moments(image)
    usual_center, usual = _class_moments()[digit]
    shear, usual_shear = (c[0, 1] / c[1, 1] for c in (covariance, usual))
    size, usual_size = (
        np.sqrt([c[0, 0] - c[0, 1] ** 2 / c[1, 1], c[1, 1]])
        for c in (covariance, usual)
    )
    return np.concatenate(
        [center - usual_center, size / usual_size - 1, [shear - usual_shear]]
    )


def styled(path: np.ndarray, style: np.ndarray) -> np.ndarray:
    """Return the path, (n, 2), in a style."""
    x, y = path.T
    return np.stack(
        [
            x + style[0] + style[2] * x + style[4] * y,
            y + style[1] + style[3] * y,
        ],
        axis=1,
    )


@cache
def _class_moments() -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the moments of the mean image of each class."""
    images, labels = digit_images()
    train, _ = split()
    return [
        moments(images[train][labels[train] == digit].mean(axis=0))
        for digit in range(10)
    ]


def _smooth(corners: str) -> np.ndarray:
    """Lead a line through points, at about the same speed everywhere."""
    points = np.array([[float(v) for v in c.split()] for c in corners.split(",")])
    lengths = np.linalg.norm(np.diff(points, axis=0), axis=1)
    at = np.concatenate([[0], np.cumsum(lengths)]) / lengths.sum()
    path = PchipInterpolator(at, points)(np.linspace(0, 1, N_POINTS))
    return gaussian_filter1d(path, ROUNDING, axis=0, mode="nearest")


def _fitted(path: np.ndarray, center: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Move and scale a path until it lies as the ink of an image does."""
    # The ink of a pixel spreads over its width; that of a line does not.
    covariance = covariance - np.eye(2) * (2 / SIDE) ** 2 / 6
    scale = np.clip(np.sqrt(np.diag(covariance)) / path.std(axis=0), 0.8, 1.2)
    return np.clip((path - path.mean(axis=0)) * scale + center, -LIMIT, LIMIT)
