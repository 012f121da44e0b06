"""Images of what is shown: none of those that vision learned from."""

import numpy as np
import pytest
from nengo.exceptions import ValidationError

from nengo_dl_spaun_bench.spaun import stimulus, symbols


def test_no_image_is_both_learned_from_and_shown():
    images, labels = symbols.digit_images()
    train, test = symbols.split()
    assert not set(train) & set(test)
    assert len(train) + len(test) == len(images) == 1797
    counts = np.bincount(labels[test])
    assert counts.min() > 0.28 * len(labels) / 10 * 0.95


def test_each_symbol_is_shown_then_nothing():
    rng = np.random.RandomState(0)
    images = stimulus.images("A1[7]?", rng)
    shown = stimulus.show(images)
    assert not shown[: stimulus.BEFORE].any()
    for k, image in enumerate(images):
        start = stimulus.BEFORE + k * (stimulus.SHOWN + stimulus.BLANK)
        np.testing.assert_array_equal(shown[start + stimulus.SHOWN - 1], image)
        assert not shown[start + stimulus.SHOWN].any()


def test_digits_are_shown_from_the_test_part():
    pixels, labels = symbols.digit_images()
    _, test = symbols.split()
    image = stimulus.images("7", np.random.RandomState(1))[0]
    mine = [i for i in test if (pixels[i] == image).all()]
    assert [labels[i] for i in mine] == [7]


@pytest.mark.parametrize("text", ["", "A1(7)?", "B"])
def test_what_has_no_image_is_refused(text):
    with pytest.raises(ValidationError, match="text"):
        stimulus.check(text)
