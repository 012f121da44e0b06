"""Versions, ranges, licences and histories of the packages agree."""

import re
from pathlib import Path

import pytest
from workspace import (
    ROOT,
    committable_files,
    find_packages,
    parse_top_heading,
    private_uses,
)

PACKAGES = find_packages()
HEADINGS = {"Added", "Changed", "Deprecated", "Removed", "Fixed"}

# Home and work directories of whoever wrote a file, and settings of their registry.
MACHINE = re.compile(rb"(?<![\w.}])/(?:home|root|Users|work|tmp/w)/|index[-_]url")


@pytest.fixture(params=PACKAGES, ids=lambda package: package.dist)
def package(request):
    return request.param


def test_changes_use_nengo_headings(package):
    text = (package.path / "CHANGES.rst").read_text(encoding="utf-8")
    headings = re.findall(r"^\*\*(\w+)\*\*$", text, flags=re.MULTILINE)
    assert headings and set(headings) <= HEADINGS


@pytest.mark.parametrize(
    "text",
    ["", "1.0.0\n=====\n", "1.0.0 (unreleased)\n==\n", "1.0.0 (unreleased)\n\n- x\n"],
)
def test_malformed_heading_is_found(text):
    with pytest.raises(ValueError, match=r"heading|underline"):
        parse_top_heading(text)


def test_sibling_ranges_have_both_ends(package):
    siblings = {found.dist for found in PACKAGES}
    for requirement in package.requirements:
        if requirement.name in siblings:
            operators = {spec.operator for spec in requirement.specifier}
            assert operators == {">=", "<"}, requirement


def test_tests_extra_keeps_pytest_below_nengos_limit(package):
    (requirement,) = [r for r in package.extras["tests"] if r.name == "pytest"]
    assert "9.0.3" in requirement.specifier
    assert "9.1.0" not in requirement.specifier


def test_licence_is_complete(package):
    text = (package.path / "LICENSE.rst").read_text(encoding="utf-8")
    assert package.project["license"] == "GPL-2.0-or-later"
    assert package.project["license-files"] == ["LICENSE.rst"]
    assert text == (ROOT / "LICENSE.rst").read_text(encoding="utf-8")
    assert "either version 2 of the License, or\n(at your option) any later" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_readme_starts_with_the_name(package):
    lines = (package.path / "README.rst").read_text(encoding="utf-8").splitlines()
    assert lines[1] == package.dist


def test_package_is_typed_and_tested_apart(package):
    assert (package.src / "py.typed").is_file()
    assert not list(package.path.glob("tests/**/__init__.py"))


def misplaced_tests(package):
    """Find test files whose folder the source lacks, or, outside of any, the file."""
    tests = package.path / "tests"
    for file in tests.rglob("test_*.py"):
        place = file.relative_to(tests)
        if place.parent == Path() and not (package.src / place.name[5:]).is_file():
            yield place
        if not (package.src / place.parent).is_dir():
            yield place


@pytest.mark.parametrize("dist", ["nengo-dl-ops", "nengo-dl-sim"])
def test_tests_lie_where_their_source_does(dist):
    (package,) = [package for package in PACKAGES if package.dist == dist]
    assert list(misplaced_tests(package)) == []


def test_only_helpers_look_into_a_simulator():
    tests = ROOT / "packages" / "nengo-dl-sim" / "tests"
    found = [
        file.name
        for file in tests.rglob("*.py")
        if re.search(r"\bsim\._[a-z]", file.read_text(encoding="utf-8"))
    ]
    assert found == ["helpers.py"]


def test_only_public_tensorflow_and_keras():
    sources = [path for path in committable_files() if path.suffix == ".py"]
    assert sources
    assert [use for path in sources for use in private_uses(path)] == []


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("from tensorflow.python.ops import math_ops", 1),
        ("from tensorflow.python import ops", 1),
        ("from tensorflow import python", 1),
        ("import tensorflow as tf\nx = tf.python.framework", 1),
        ("import keras.src.ops", 1),
        ("from keras import src", 1),
        ("import tensorflow as tf\nx = tf.math.exp\n# not tensorflow.python", 0),
        ("import keras\nx = keras.srcs", 0),
    ],
)
def test_private_use_is_found(tmp_path, source, count):
    path = tmp_path / "planted.py"
    path.write_text(source, encoding="utf-8")
    lines = {use.split(":")[1] for use in private_uses(path)}
    assert len(lines) == count


def test_no_file_names_a_machine():
    files = committable_files()
    assert ROOT / "pyproject.toml" in files
    assert [path for path in files if MACHINE.search(path.read_bytes())] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"see /" + b"root/x", True),
        (b"'/" + b"home/me/data'", True),
        (b"extra-index-" + b"url = x", True),
        (b"net/wor" + b"k/x and a relative root/path", False),
    ],
)
def test_machine_path_is_found(text, found):
    assert bool(MACHINE.search(text)) == found


def test_lock_file_is_not_committed():
    assert ROOT / "uv.lock" not in committable_files()
