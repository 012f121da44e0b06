"""The names under which the package and its simulator are found."""

from importlib.metadata import entry_points, metadata

import pytest

import nengo_dl


@pytest.mark.row("S129")
def test_names_and_entry_point():
    found = metadata("nengo-dl")
    assert found["Name"] == "nengo-dl"
    assert nengo_dl.__name__ == "nengo_dl"
    assert "tests" in found.get_all("Provides-Extra")
    (backend,) = entry_points(group="nengo.backends", name="dl")
    assert backend.load() is nengo_dl.Simulator
