"""Draw boxes and arrows, which a text file describes, as a picture on the page."""

from html import escape
from pathlib import Path
from typing import NamedTuple

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.errors import SphinxError
from sphinx.util.docutils import SphinxDirective

_UNIT = 10  # pixels
_LINE = 16  # pixels from one line of text to the next
_MARGIN = 4  # pixels around the picture


class Box(NamedTuple):
    """A box: its place in pixels, its style, and the lines of text in it."""

    x: int
    y: int
    width: int
    height: int
    style: str
    lines: tuple[str, ...]


class Arrow(NamedTuple):
    """An arrow: its style, and the names of the boxes that it connects."""

    style: str
    start: str
    end: str


def read(text: str) -> tuple[dict[str, Box], list[Arrow]]:
    """
    Read what a picture consists of.

    Raises
    ------
    SphinxError
        If a line is not understood.
    """
    boxes, arrows = {}, []
    for line in text.splitlines():
        match line.split(None, 7):
            case [] | ["#", *_]:
                pass
            case ["box", name, *place, style, words] if len(place) == 4:
                lines = tuple(part.strip() for part in words.split("|"))
                boxes[name] = Box(*(_UNIT * int(n) for n in place), style, lines)
            case [("data" | "uses") as style, start, end]:
                arrows.append(Arrow(style, start, end))
            case _:
                raise SphinxError(f"expected a box, data or uses, found: {line}")
    return boxes, arrows


def _common(low: int, length: int, other_low: int, other_length: int) -> float | None:
    """Return the middle of what two intervals have in common, None if nothing."""
    first, last = max(low, other_low), min(low + length, other_low + other_length)
    return (first + last) / 2 if first < last else None


def _ends(a: Box, b: Box) -> tuple[float, float, float, float]:
    """Return where a straight arrow between two boxes starts and ends."""
    y = _common(a.y, a.height, b.y, b.height)
    if y is not None:
        return (a.x + a.width, y, b.x, y) if a.x < b.x else (a.x, y, b.x + b.width, y)
    x = _common(a.x, a.width, b.x, b.width)
    if x is None:
        raise SphinxError(f"no straight arrow goes from {a.lines[0]} to {b.lines[0]}")
    return (x, a.y + a.height, x, b.y) if a.y < b.y else (x, a.y, x, b.y + b.height)


def _draw_box(box: Box) -> str:
    middle = box.x + box.width / 2
    # A room lies inside the box of its package, whose text goes to the top.
    texts = [
        f'<text class="{"title" if i == 0 else "line"}" x="{middle}" '
        f'y="{box.y + 20 + i * _LINE}">{escape(line)}</text>'
        for i, line in enumerate(box.lines)
    ]
    return (
        f'<g class="{box.style}"><rect x="{box.x}" y="{box.y}" rx="4" '
        f'width="{box.width}" height="{box.height}"/>{"".join(texts)}</g>'
    )


def draw(boxes: dict[str, Box], arrows: list[Arrow], title: str) -> str:
    """Return a picture as SVG."""
    width = max(box.x + box.width for box in boxes.values()) + 2 * _MARGIN
    height = max(box.y + box.height for box in boxes.values()) + 2 * _MARGIN
    lines = [
        '<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}" marker-end="url(#{}-end)"/>'
        "".format(
            arrow.style, *_ends(boxes[arrow.start], boxes[arrow.end]), arrow.style
        )
        for arrow in arrows
    ]
    heads = [
        f'<marker id="{style}-end" class="{style}" viewBox="0 0 8 8" refX="8" refY="4" '
        'markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto">'
        '<path d="M0 0 8 4 0 8z"/></marker>'
        for style in sorted({arrow.style for arrow in arrows})
    ]
    parts = [*map(_draw_box, boxes.values()), *lines]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width}" '
        f'viewBox="{-_MARGIN} {-_MARGIN} {width} {height}">'
        f"<title>{escape(title)}</title><defs>{''.join(heads)}</defs>"
        f"{''.join(parts)}</svg>"
    )


class Picture(SphinxDirective):
    """``.. picture:: FILE``, with what it shows as ``:alt:``."""

    required_arguments = 1
    option_spec = {"alt": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        """Return the picture as a node."""
        relative, path = self.env.relfn2path(self.arguments[0])
        self.env.note_dependency(relative)
        svg = draw(*read(Path(path).read_text()), self.options["alt"])
        html = f'<div class="picture">{svg}</div>'
        return [nodes.raw("", html, format="html")]


def setup(app: Sphinx) -> dict:
    """Register the directive."""
    app.add_directive("picture", Picture)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
