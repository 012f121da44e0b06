"""The tutorials run, one after the other, and their pages say what they compute."""

import ast
import re
import runpy
import warnings

import matplotlib.pyplot as plt
import pytest
from workspace import ROOT

TUTORIALS = {path.stem: path for path in (ROOT / "docs" / "tutorials").glob("*.py")}


def number(start, text):
    """Return the first number on the line that starts with some words."""
    match = re.search(rf"^{re.escape(start)}\D*([\d.]+)", text, flags=re.MULTILINE)
    assert match is not None, text
    return float(match[1].rstrip("."))


def check_t1_spiking_neuron(text):
    assert 20 < number("Spikes", text) < 60
    assert number("Height of a spike", text) == 1000
    assert number("Greatest difference", text) < 4


CHECKS = {
    name.removeprefix("check_"): check
    for name, check in list(globals().items())
    if name.startswith("check_")
}


def test_every_tutorial_is_checked():
    assert set(CHECKS) == set(TUTORIALS)


@pytest.mark.parametrize("name", sorted(TUTORIALS))
def test_tutorial_has_a_number_and_no_options(name):
    text = TUTORIALS[name].read_text(encoding="utf-8")
    title, underline, *_ = ast.get_docstring(ast.parse(text)).splitlines()
    assert title.startswith(f"{name[1]}. ") and underline == "=" * len(title)
    assert "argv" not in text and "\n# %%\n" in text


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(TUTORIALS))
def test_tutorial(name, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    plt.switch_backend("agg")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "No GPU support detected")
        runpy.run_path(str(TUTORIALS[name]), run_name="__main__")
    assert plt.get_fignums()
    plt.close("all")
    CHECKS[name](capsys.readouterr().out)
