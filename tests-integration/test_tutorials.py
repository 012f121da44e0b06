"""The tutorials run, one after the other, and their pages say what they compute."""

import ast
import re
import runpy
import warnings

import matplotlib.pyplot as plt
import nengo
import pytest
from workspace import ROOT

TUTORIALS = {path.stem: path for path in (ROOT / "docs" / "tutorials").glob("*.py")}


def numbers(start, text):
    """Return the numbers after some words at the beginning of a line."""
    match = re.search(rf"^{re.escape(start)}(.*)$", text, flags=re.MULTILINE)
    assert match is not None, text
    return [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", match[1])]


def number(start, text):
    """Return the first of them."""
    return numbers(start, text)[0]


def check_t1_spiking_neuron(text):
    assert 15 < number("Spikes:", text) < 30
    assert number("Height of a spike:", text) == 1000
    assert number("Greatest difference:", text) < 4


def check_t2_numbers_in_spikes(text):
    few, some, many = (number(f"Error with {n} neurons:", text) for n in (15, 60, 240))
    assert many < some < few < 0.2


def check_t3_computing(text):
    assert number("Error of the product:", text) < 0.06
    assert number("Mean error of 225 products:", text) < 0.05


def check_t4_memory(text):
    held, given = numbers("Remembered after 1.5 s:", text)
    assert abs(held - given) < 0.1 * given
    assert number("Turns in a second:", text) == 2


def check_t5_training(text):
    assert number("Accuracy in rates:", text) > 95
    assert number("Accuracy in spikes:", text) > 93


def check_t6_conversion(text):
    in_keras = number("Accuracy in Keras:", text)
    assert in_keras > 85
    assert number("Accuracy in spikes, as converted:", text) < 30
    assert abs(number("Accuracy in spikes, calibrated:", text) - in_keras) < 4


def check_t7_learning_online(text):
    first, _, learned, turned, *_, last = numbers("Error in each second:", text)
    assert learned < first and last < 0.7 * turned
    assert "solver is now NoSolver" in text


def check_t8_count_and_move(text):
    assert number("Loss in rates:", text) < 0.005
    assert 50 < number("Spikes of an item:", text) < 1000
    in_nengo, wanted = numbers("Output for 0.5 in Nengo:", text)
    assert abs(in_nengo - wanted) < 0.15
    assert "got <Ensemble 'layer'>: exact only while: no current is negative" in text


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
    # Another process may have locked the cache of the user.
    monkeypatch.setitem(nengo.rc["decoder_cache"], "enabled", "False")
    plt.switch_backend("agg")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "No GPU support detected")
        runpy.run_path(str(TUTORIALS[name]), run_name="__main__")
    assert plt.get_fignums()
    plt.close("all")
    CHECKS[name](capsys.readouterr().out)
