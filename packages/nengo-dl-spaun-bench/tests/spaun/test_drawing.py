"""Drawings, and who reads them."""

import numpy as np

from nengo_dl_spaun_bench.spaun import drawing, paths, reader
from nengo_dl_spaun_bench.spaun.symbols import digit_images


def test_usual_paths_are_read_right_even_if_the_hand_is_unsteady():
    rng = np.random.RandomState(0)
    for digit, path in enumerate(paths.canonical_paths()):
        wanted = "-" if digit == paths.DASH else str(digit)
        assert reader.read(path) == wanted
        changed = path @ (np.eye(2) + 0.04 * rng.randn(2, 2)).T
        assert reader.read(changed) == wanted


def test_strokes_end_where_the_pen_is_lifted():
    pen = np.zeros((1000, 3))
    pen[100:300, 2] = pen[500:690, 2] = pen[800:810, 2] = 1
    pen[:, 0] = np.arange(1000)
    first, second = drawing.strokes(pen)
    assert (first[0, 0], first[-1, 0]) == (100, 299)
    assert (second[0, 0], second[-1, 0]) == (500, 689)


def test_line_is_as_wide_as_it_should_be():
    image = drawing.render(np.array([[-0.5, 0.0], [0.5, 0.0]]))
    column = image[:, 32]
    width = column.sum() / len(column)
    assert abs(width - drawing.LINE_WIDTH) < 0.01


def test_copies_have_the_style_of_their_originals():
    images, labels = digit_images()
    usual = paths.canonical_paths()
    rng = np.random.RandomState(0)
    better = []
    for i in rng.permutation(len(images))[:60]:
        others = np.flatnonzero(labels == labels[i])
        other = images[rng.choice(others[others != i])]
        path = paths.styled(usual[labels[i]], paths.style(images[i], labels[i]))
        copy = drawing.reduced(drawing.render(path))
        own, foreign = (np.corrcoef(copy, im)[0, 1] for im in (images[i], other))
        better.append(own > foreign)
    assert np.mean(better) > 0.65
