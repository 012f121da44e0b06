"""Examples in the docstrings of ``nengo_dl.utils``."""

import doctest

from nengo_dl_sim import utils


def test_docstring_examples():
    results = doctest.testmod(utils)
    assert results.attempted > 0
    assert results.failed == 0
