"""From where the pen was to strokes, and to images of them."""

from __future__ import annotations

import numpy as np

#: Width of the line, as a fraction of the box.
LINE_WIDTH = 0.05

#: Pixels of a side of a drawing.
DRAWING_SIDE = 64

#: Least time that the pen is down, in seconds: shorter touches are no strokes.
SHORTEST = 0.08

#: The pen is down while its signal is above this.
DOWN = 0.5


def strokes(pen: np.ndarray, dt: float = 0.001) -> list[np.ndarray]:
    """
    Divide what the pen did into strokes.

    Parameters
    ----------
    pen : (n_steps, 3) array
        Position of the pen (x, y), and whether it is down (above 0.5).
    dt : float
        Length of a time step, in seconds.

    Returns
    -------
    strokes : list of (n, 2) array
        Positions while the pen was down.
    """
    return [pen[start:end, :2] for start, end in stroke_times(pen, dt)]


def stroke_times(pen: np.ndarray, dt: float = 0.001) -> list[tuple[int, int]]:
    """
    Find when the pen was down.

    Parameters
    ----------
    pen : (n_steps, 3) array
        Position of the pen (x, y), and whether it is down (above 0.5).
    dt : float
        Length of a time step, in seconds.

    Returns
    -------
    times : list of tuple of int
        First step of each stroke, and the first one after it.
    """
    down = np.concatenate([[False], pen[:, 2] > DOWN, [False]])
    edges = np.flatnonzero(np.diff(down.astype(int)))
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return [(int(a), int(b)) for a, b in pairs if (b - a) * dt >= SHORTEST]


def render(stroke: np.ndarray, side: int = DRAWING_SIDE) -> np.ndarray:
    """
    Draw a stroke.

    Parameters
    ----------
    stroke : (n, 2) array
        Positions in a box from -1 to 1; y points up.
    side : int
        Pixels of a side of the image.

    Returns
    -------
    image : (side, side) array
        Ink, from 0 to 1.
    """
    at = (np.arange(side) + 0.5) / side * 2 - 1
    pixels = np.stack(np.meshgrid(at, -at), axis=-1).reshape(-1, 1, 2)
    start, along = stroke[:-1], np.diff(stroke, axis=0)
    lengths = np.maximum((along**2).sum(axis=1), 1e-12)
    share = np.clip(((pixels - start) * along).sum(axis=-1) / lengths, 0, 1)
    nearest = start + share[..., None] * along
    distance = np.sqrt(((pixels - nearest) ** 2).sum(axis=-1)).min(axis=1)
    # In pixels; the edge of the line is as wide as one.
    ink = np.clip((LINE_WIDTH - distance) * side / 2 + 0.5, 0, 1)
    return ink.reshape(side, side)


def reduced(image: np.ndarray, side: int = 8) -> np.ndarray:
    """
    Average an image to fewer pixels, the darkest of which is 1.

    Parameters
    ----------
    image : (n, n) array
        A drawing; ``n`` is a multiple of ``side``.
    side : int
        Pixels of a side of the result.

    Returns
    -------
    image : (side * side,) array
        Values from 0 to 1.
    """
    n = len(image) // side
    small = image.reshape(side, n, side, n).mean(axis=(1, 3)).ravel()
    return small / max(small.max(), 1e-12)
