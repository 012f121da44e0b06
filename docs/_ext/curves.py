"""Draw all surrogate gradients with their defaults, as they are computed."""

from html import escape

from nengo_dl.surrogates import CustomSurrogate, Surrogate

import numpy as np
import tensorflow as tf
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

_COLUMNS = 3
_WIDTH, _HEIGHT, _GAP = 230, 110, 40  # of a plot, in pixels
_LOW, _HIGH = -0.05, 1.1  # the y axis of all plots
_X = np.linspace(-1.5, 1.5, 301)


def _points(values: np.ndarray) -> str:
    """Return a curve in pixels, without what lies outside of the plot."""
    inside = (values >= _LOW) & (values <= _HIGH)
    x = _WIDTH * (_X - _X[0]) / (_X[-1] - _X[0])
    y = _HEIGHT * (_HIGH - values) / (_HIGH - _LOW)
    points = zip(x[inside], y[inside], strict=True)
    return " ".join(f"{left:.1f},{top:.1f}" for left, top in points)


def _axes() -> str:
    """Return lines at a distance and a height of 0, and the corners' numbers."""
    zero = _HEIGHT * _HIGH / (_HIGH - _LOW)
    one = _HEIGHT * (_HIGH - 1) / (_HIGH - _LOW)
    texts = {(10, zero + 14): "-1.5", (_WIDTH - 8, zero + 14): "1.5"}
    texts[_WIDTH / 2 - 8, one + 4] = "1"
    return (
        f'<line x1="0" y1="{zero:.1f}" x2="{_WIDTH}" y2="{zero:.1f}"/>'
        f'<line x1="{_WIDTH / 2}" y1="0" x2="{_WIDTH / 2}" y2="{_HEIGHT}"/>'
        + "".join(
            f'<text x="{x:.1f}" y="{y:.1f}">{t}</text>' for (x, y), t in texts.items()
        )
    )


def _plot(surrogate: Surrogate, number: int) -> str:
    row, column = divmod(number, _COLUMNS)
    left, top = column * (_WIDTH + _GAP), row * (_HEIGHT + _GAP)
    x = tf.constant(_X)
    step, slope = surrogate.smooth_step(x), surrogate.derivative(x)
    return (
        f'<g transform="translate({left} {top + 20})">{_axes()}'
        f'<text class="title" x="{_WIDTH / 2}" y="-6">'
        f"{escape(type(surrogate).__name__)}</text>"
        f'<polyline class="step" points="{_points(step.numpy())}"/>'
        f'<polyline class="slope" points="{_points(slope.numpy())}"/></g>'
    )


def draw(surrogates: list[Surrogate]) -> str:
    """Return a picture as SVG, a plot for each."""
    rows = -(-len(surrogates) // _COLUMNS)
    width = _COLUMNS * (_WIDTH + _GAP) - _GAP
    title = "Derivative and smooth step of each surrogate gradient"
    plots = "".join(_plot(one, number) for number, one in enumerate(surrogates))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width}" '
        f'viewBox="0 0 {width} {rows * (_HEIGHT + _GAP)}"><title>{title}</title>'
        f"{plots}</svg>"
    )


class Surrogates(SphinxDirective):
    """``.. surrogates::``."""

    def run(self) -> list[nodes.Node]:
        """Return the picture as a node."""
        kinds = [
            kind for kind in Surrogate.__subclasses__() if kind is not CustomSurrogate
        ]
        html = f'<div class="picture curves">{draw([kind() for kind in kinds])}</div>'
        return [nodes.raw("", html, format="html")]


def setup(app: Sphinx) -> dict:
    """Register the directive."""
    app.add_directive("surrogates", Surrogates)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
