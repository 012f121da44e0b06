"""The examples run as a user would run them, and do what they say."""

import importlib.util
import re
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.image import imread
from workspace import ROOT

DIGITS = ROOT / "docs" / "examples" / "spiking_digits.py"


@pytest.fixture(scope="module")
def digits():
    """Return the module of the digits example."""
    spec = importlib.util.spec_from_file_location("spiking_digits", DIGITS)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    """Return what a short run of the digits example prints, and its folder."""
    folder = tmp_path_factory.mktemp("digits")
    command = [sys.executable, str(DIGITS), "--epochs", "1", "--steps", "40"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout, folder / "spiking_digits_output"


def printed(name, text):
    """Return the number that was printed after a name."""
    match = re.search(rf"^{name}: +(\d+\.\d) ", text, flags=re.MULTILINE)
    assert match is not None, text
    return float(match[1])


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
def test_digits_are_learned(output):
    text, _ = output
    rate = printed("Accuracy in rates", text)
    assert 80 < rate <= 100
    assert abs(printed("Accuracy in spikes", text) - rate) < 5
    assert 10 < printed("Mean firing rate", text) < 200
    assert printed("All took", text) > printed("Training took", text) > 0


@pytest.mark.slow
def test_digits_are_drawn(output):
    picture = imread(output[1] / "digits.png")
    assert min(picture.shape[:2]) > 500
    assert picture[..., :3].std() > 0.05


@pytest.mark.slow
def test_parameters_give_equal_accuracy(digits, output):
    text, folder = output
    _, (images, labels) = digits.split_digits(seed=0)
    path = folder / "parameters.npz"
    rate = digits.accuracy(digits.run_in_rates(images, 0, path), labels)
    assert rate == pytest.approx(printed("Accuracy in rates", text), abs=0.06)
    scores, _ = digits.run_in_spikes(images, 0, 40, path)
    spiking = digits.accuracy(scores, labels)
    assert spiking == pytest.approx(printed("Accuracy in spikes", text), abs=0.06)


@pytest.mark.parametrize("wrong", ["--epochs=0", "--steps=-1", "--steps=1.5"])
def test_wrong_option(digits, wrong, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["spiking_digits.py", wrong])
    with pytest.raises(SystemExit):
        digits.parse_options()
    assert wrong.partition("=")[0] in capsys.readouterr().err


def test_memory_of_semantic_pointers(tmp_path):
    """A short run: training improves what few neurons remember."""
    script = ROOT / "docs" / "examples" / "spa_memory.py"
    command = [sys.executable, str(script), "--neurons", "10", "--epochs", "2"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    match = re.search(r"^ +10 +(\d+\.\d) +(\d+\.\d)$", done.stdout, flags=re.MULTILINE)
    assert match is not None, done.stdout
    before, after = map(float, match.groups())
    assert after > before + 10
    assert imread(tmp_path / "spa_memory_output" / "accuracy.png").ndim == 3
