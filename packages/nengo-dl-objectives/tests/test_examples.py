import doctest
import importlib

import pytest


@pytest.mark.parametrize("module", ["losses", "mse", "spiking.keras_losses"])
def test_docstring_examples(module):
    # import_module, because the package's own attribute `mse` is the function
    results = doctest.testmod(
        importlib.import_module(f"nengo_dl_objectives.{module}"),
        optionflags=doctest.ELLIPSIS,
    )
    assert results.attempted > 0
    assert results.failed == 0
