"""Reads drawings, and knows nothing of what drew them."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from .drawing import reduced, render
from .symbols import digit_images

#: A stroke that is this many times as wide as it is high is a dash.
FLAT = 4.0

#: What a dash is read as.
UNKNOWN = "-"


def read(stroke: np.ndarray) -> str:
    """
    Say which digit a stroke is.

    Parameters
    ----------
    stroke : (n, 2) array
        Positions of the pen, in a box from -1 to 1.

    Returns
    -------
    symbol : str
        A digit, or "-" for a dash.
    """
    width, height = np.ptp(stroke, axis=0)
    if width > FLAT * height:
        return UNKNOWN
    return str(_classifier().predict([reduced(render(stroke))])[0])


@cache
def _classifier() -> Any:
    """Train a support vector machine on handwritten digits, all of them."""
    from sklearn.svm import SVC

    return SVC(C=10.0, gamma="scale").fit(*digit_images())
