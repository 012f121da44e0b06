import doctest
import importlib

import pytest


@pytest.mark.parametrize("module", ["losses", "mse"])
def test_docstring_examples(module):
    # import_module, because the package's own attribute `mse` is the function
    results = doctest.testmod(importlib.import_module(f"nengo_dl_objectives.{module}"))
    assert results.attempted > 0
    assert results.failed == 0
