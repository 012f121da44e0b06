"""Versions that cannot work are named before anything is imported."""

import sys
from importlib import metadata
from types import SimpleNamespace

import pytest

from nengo_dl_signals.versions import check_versions, is_within


@pytest.mark.parametrize(
    ("version", "limits", "expected"),
    [
        ("2.18.0", ">=2.18", True),
        ("2.17.1", ">=2.18", False),
        ("2.9", ">=2.18", False),
        ("2.21.0rc1", ">=2.18", True),
        ("2", ">=2.0", True),
        ("4.1.0", ">=4.1,<5", True),
        ("5.0.0", "<5,>=4.1", False),
        ("4.9.9.post1+local", "<5,>=4.1", True),
        ("3.14.0", ">=3.11,<3.14", False),
        ("0.1", "", True),
    ],
)
def test_versions_are_compared_as_numbers(version, limits, expected):
    assert is_within(version, limits) is expected


def test_what_is_installed_is_supported():
    check_versions("nengo-dl-signals")


@pytest.mark.parametrize(
    ("name", "found", "message"),
    [
        ("tensorflow", "2.16.2", "tensorflow >=2.18, but version 2.16.2"),
        ("nengo", "5.0.0", "nengo >=4.1,<5, but version 5.0.0"),
        ("nengo", "3.2.0", "nengo >=4.1,<5, but version 3.2.0"),
        ("numpy", "1.26.4", "numpy >=2.0, but version 1.26.4"),
    ],
)
def test_unsupported_version_is_named(monkeypatch, name, found, message):
    version = metadata.version
    monkeypatch.setattr(
        metadata, "version", lambda dist: found if dist == name else version(dist)
    )
    with pytest.raises(ImportError, match=f"nengo-dl-signals .* works with {message}"):
        check_versions("nengo-dl-signals")


def test_unsupported_python_is_named(monkeypatch):
    monkeypatch.setattr("platform.python_version", lambda: "3.14.1")
    with pytest.raises(ImportError, match=r"Python >=3.11,<3.14, but version 3.14.1"):
        check_versions("nengo-dl-signals")


def test_what_is_missing_is_left_to_its_import(monkeypatch):
    def version(dist):
        raise metadata.PackageNotFoundError(dist)

    monkeypatch.setattr(metadata, "version", version)
    check_versions("nengo-dl-signals")


def test_sources_without_metadata_are_not_checked():
    check_versions("no-such-distribution")


@pytest.fixture
def keras_home(monkeypatch, tmp_path):
    """Nothing has imported Keras, or said what it shall use."""
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("name", ["jax", "torch", "numpy", "openvino", "no such"])
@pytest.mark.parametrize("by", ["variable", "file", "import"])
def test_another_backend_of_keras_is_named(name, by, keras_home, monkeypatch):
    told_by = "KERAS_BACKEND"
    if by == "variable":
        monkeypatch.setenv("KERAS_BACKEND", name)
    elif by == "file":
        (keras_home / "keras.json").write_text(f'{{"backend": "{name}"}}')
        told_by = "keras.json"
    else:
        config = SimpleNamespace(backend=lambda: name)
        monkeypatch.setitem(sys.modules, "keras", SimpleNamespace(config=config))
        told_by = "who imported Keras"
    match = f"{told_by} has chosen the backend '{name}': set KERAS_BACKEND=tensorflow"
    with pytest.raises(ImportError, match=match) as info:
        check_versions("nengo-dl-signals")
    assert "\n" not in str(info.value)


@pytest.mark.parametrize(
    ("variable", "file"),
    [
        ("tensorflow", None),
        ("tensorflow", '{"backend": "jax"}'),
        ("", None),
        (None, None),
        (None, '{"backend": "tensorflow"}'),
        (None, '{"floatx": "float32"}'),
        (None, "[]"),
        (None, "no JSON"),
    ],
)
def test_keras_on_tensorflow_is_fine(variable, file, keras_home, monkeypatch):
    if variable is not None:
        monkeypatch.setenv("KERAS_BACKEND", variable)
    if file is not None:
        (keras_home / "keras.json").write_text(file)
    check_versions("nengo-dl-signals")
