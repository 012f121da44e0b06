"""The examples run as a user would run them, and do what they say."""

import ast
import functools
import importlib.util
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.image import imread
from workspace import ROOT

EXAMPLES = {path.stem: path for path in (ROOT / "docs" / "examples").glob("*.py")}

# Warnings that Python blames on the script, and those of the kind that we give, but for
# that of a machine without a graphics card.
OURS = ("error::UserWarning", "error:::__main__", "ignore:No GPU support detected")


@pytest.fixture(scope="module")
def quick_run(tmp_path_factory):
    """Return what runs an example once, and returns what it printed and the folder."""

    @functools.cache
    def run(name):
        folder = tmp_path_factory.mktemp(name)
        # Another process may have locked the cache of the user.
        (folder / "nengorc").write_text("[decoder_cache]\nenabled = False\n")
        warnings = [f"-W{action}" for action in OURS]
        done = subprocess.run(
            [sys.executable, *warnings, str(EXAMPLES[name]), "--quick"],
            cwd=folder,
            env={**os.environ, "MPLBACKEND": "Agg"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout, folder

    return run


def numbers(start, text):
    """Return the numbers on the line that starts with some words."""
    match = re.search(rf"^ *{re.escape(start)}\b(.*)$", text, flags=re.MULTILINE)
    assert match is not None, text
    line = re.sub(r"(?<=\d),(?=\d{3})", "", match[1])
    return [float(n) for n in re.findall(r"\d+(?:\.\d+)?(?:e[+-]\d+)?", line)]


def number(start, text):
    """Return the first of them."""
    return numbers(start, text)[0]


def check_converted_cnn(text):
    in_keras = number("Accuracy in Keras", text)
    assert 85 < in_keras <= 100
    found = {
        name: numbers(f"{name}, 32 steps", text)[0]
        for name in ("Uncalibrated", "Scales", "Scales and biases")
    }
    assert found["Uncalibrated"] < 50
    assert found["Scales"] > in_keras - 5 and found["Scales and biases"] > in_keras - 5
    assert abs(number("Accuracy back in Keras", text) - in_keras) < 6
    digit, in_nengo = numbers("Digit", text)
    assert digit == in_nengo
    assert number("Greatest difference between simulators", text) < 1e-5


def check_counted_digits(text):
    wanted = [numbers(f"{rate} Hz wanted", text) for rate in (10, 40, 160)]
    rates, accuracies, _, spikes, joules, _ = zip(*wanted, strict=True)
    assert list(rates) == sorted(rates) and min(accuracies) > 80
    assert list(spikes) == sorted(spikes) and list(joules) == sorted(joules)
    assert number("Accuracy in NengoDL", text) == accuracies[-1]


def check_distributed_digits(text):
    found = [
        number(f"[{n}] Accuracy of worker {n}", text.replace("%", "")) for n in (0, 1)
    ]
    alone = number("Accuracy of one process", text)
    assert 60 < alone <= 100 and found == [alone, alone]
    assert number("Greatest difference of parameters, of their size", text) < 1e-6


def check_from_nengo(text):
    assert number("Greatest difference between simulators", text) < 1e-4
    assert number("Error after training", text) < 0.6 * number(
        "Error before training", text
    )
    assert number("Error of the ramp in Nengo, after training", text) < 0.8 * number(
        "Error of the ramp in Nengo, before training", text
    )


def check_from_tensorflow(text):
    rates = number("Accuracy in rates", text)
    found = re.findall(r"^Accuracy in spikes: (.*) % after", text, flags=re.MULTILINE)
    in_spikes = [float(accuracy) for accuracy in found]
    assert 90 < rates <= 100
    assert in_spikes[0] < in_spikes[-1] and abs(in_spikes[-1] - rates) < 5


def check_legendre_memory(text):
    assert number("Error of recalled pixels", text) < 0.25  # they deviate by 0.37
    with_memory = number("Accuracy with memory", text)
    assert with_memory > 75
    assert with_memory > number("Accuracy without memory", text) + 5


def check_online_learning(text):
    _, descent = numbers("Error before the change", text)
    start, _ = numbers("Error at the start", text)
    learned, _ = numbers("Error before the change", text)
    changed, _ = numbers("Error after the change", text)
    end, misled = numbers("Error at the end", text)
    assert learned < 0.8 * start and end < 0.8 * changed
    assert descent < 0.1 and misled > 2 * end


def check_parameter_sweep(text):
    count, best = numbers("Trials", text)
    assert count == 4 and 30 < best <= 100


def check_spa_memory(text):
    for neurons, gain in ((5, 3), (15, 20)):
        before, after = numbers(str(neurons), text)
        assert after > before + gain


def check_spa_retrieval(text):
    for n_pairs, gain in ((1, 10), (2, 20), (4, 10)):
        before, after, exact = numbers(str(n_pairs), text)
        assert before + gain < after <= exact


def check_spatio_temporal_patterns(text):
    assert numbers("Spikes of a channel in any word", text) == [1, 1]
    in_spikes = {
        mode: number(f"Accuracy of new words in spikes, {mode}", text)
        for mode in ("rate", "spike_aware", "surrogate")
    }
    assert in_spikes["rate"] < 20  # a guess is 10
    assert number("Accuracy in the last epoch, rate", text) < 20
    assert in_spikes["spike_aware"] > 20
    assert in_spikes["surrogate"] > max(60, in_spikes["spike_aware"] + 8)
    fixed = number("Accuracy of new words, 5 ms, fixed", text)
    assert number("Accuracy of new words, 5 ms, learned", text) > fixed + 5


def check_spiking_digits(text):
    rate = number("Accuracy in rates", text)
    assert 80 < rate <= 100
    assert abs(number("Accuracy in spikes", text) - rate) < 5
    assert 10 < number("Mean firing rate", text) < 200
    assert number("All took", text) > number("Training took", text) > 0


def check_tensor_nodes(text):
    part = number("Accuracy in spikes, trained Nengo part only", text)
    both = number("Accuracy in spikes, trained Keras and Nengo", text)
    assert both > 60 and both > part + 20


CHECKS = {
    name.removeprefix("check_"): check
    for name, check in list(globals().items())
    if name.startswith("check_")
}


def test_every_example_is_checked():
    assert set(CHECKS) == set(EXAMPLES)


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_example_has_a_title_and_a_quick_mode(name):
    """As the gallery needs it."""
    text = EXAMPLES[name].read_text(encoding="utf-8")
    title, underline, *_ = ast.get_docstring(ast.parse(text)).splitlines()
    assert title and underline == "=" * len(title)
    assert '"--quick"' in text and "\n# %%\n" in text


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_example(name, quick_run):
    text, folder = quick_run(name)
    CHECKS[name](text)
    pictures = list(folder.rglob("*.png"))
    assert pictures
    for path in pictures:
        picture = imread(path)
        assert min(picture.shape[:2]) > 400 and picture[..., :3].std() > 0.05


@pytest.fixture(scope="module")
def digits():
    """Return the module of the digits example."""
    spec = importlib.util.spec_from_file_location(
        "spiking_digits", EXAMPLES["spiking_digits"]
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_split_is_stratified(digits):
    (_, train_labels), (_, test_labels) = digits.split_digits(seed=1)
    assert (len(train_labels), len(test_labels)) == (1440, 357)
    n_test = np.bincount(test_labels)
    n_all = np.bincount(train_labels) + n_test
    np.testing.assert_allclose(n_test, 0.2 * n_all, atol=1)


def test_held_out_digits_are_not_trained_on(digits):
    (train_images, train_labels), (test_images, _) = digits.split_digits(seed=1)
    train_images, _ = digits.with_shifts(train_images, train_labels)
    trained = {image.tobytes() for image in train_images}
    assert not any(image.tobytes() in trained for image in test_images)


def test_shifts(digits):
    image = np.zeros((8, 8))
    image[0, 3] = 1
    images, labels = digits.with_shifts(image.reshape(1, 64), np.array([7]))
    assert images.shape == (5, 64) and np.array_equal(labels, [7] * 5)
    places = [np.argwhere(copy).tolist() for copy in images.reshape(5, 8, 8)]
    assert places == [[[0, 3]], [[1, 3]], [], [[0, 4]], [[0, 2]]]


@pytest.mark.slow
def test_parameters_give_equal_accuracy(digits, quick_run):
    text, folder = quick_run("spiking_digits")
    _, (images, labels) = digits.split_digits(seed=0)
    path = folder / "spiking_digits_output" / "parameters.npz"
    rate = digits.accuracy(digits.run_in_rates(images, 0, path), labels)
    assert rate == pytest.approx(number("Accuracy in rates", text), abs=0.06)
    scores, _ = digits.run_in_spikes(images, 0, 50, path)
    spiking = digits.accuracy(scores, labels)
    assert spiking == pytest.approx(number("Accuracy in spikes", text), abs=0.06)


@pytest.mark.parametrize("wrong", ["--epochs=0", "--steps=-1", "--steps=1.5"])
def test_wrong_option(digits, wrong, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["spiking_digits.py", wrong])
    with pytest.raises(SystemExit):
        digits.parse_options()
    assert wrong.partition("=")[0] in capsys.readouterr().err
