"""The check before a release passes here, and fails for planted faults."""

import re
import shutil

import pytest
import release
from public_api import api_faults, current_api, describe_module, rewrite_record
from workspace import ROOT, find_packages


@pytest.fixture
def tree(tmp_path):
    """Return the packages of a copy of the workspace, by name."""
    unneeded = shutil.ignore_patterns("tests", "__pycache__")
    shutil.copytree(ROOT / "packages", tmp_path / "packages", ignore=unneeded)
    return {package.dist: package for package in find_packages(tmp_path)}


def replace(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_versions_and_ranges_of_this_tree():
    packages = find_packages()
    faults = [
        fault for package in packages for fault in release.version_faults(package)
    ]
    assert faults + release.range_faults(packages) == []


@pytest.mark.parametrize("package", find_packages(), ids=lambda package: package.dist)
def test_public_api_of_this_tree_is_recorded(package):
    assert api_faults(package, current_api(package)) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "fault"),
    [
        ("CHANGES.rst", "1.0.0 (", "1.1.0 (", "version.py says 1.0.0, the top heading"),
        ("CHANGES.rst", "(unreleased)\n===", "(soon)\n===", "underline"),
        ("CHANGES.rst", "(unreleased)", "(2026-1-2) ", "underline"),
        (
            "src/{}/version.py",
            "(1, 0, 0)",
            "(1, 0, 1)",
            "version_info is not (1, 0, 0)",
        ),
        ("src/{}/version.py", '"1.0.0"', '"1.0"', "expected a version X.Y.Z, got 1.0"),
    ],
)
def test_fault_in_a_version_is_found(tree, file, old, new, fault):
    package = tree["nengo-dl-ops"]
    assert release.version_faults(package) == []
    replace(package.path / file.format(package.module), old, new)
    assert any(fault in found for found in release.version_faults(package))


def test_version_outside_of_the_range_of_a_sibling_is_found(tree):
    replace(tree["nengo-dl-signals"].src / "version.py", '"1.0.0"', '"2.0.0"')
    faults = release.range_faults(list(tree.values()))
    found = {
        re.match(r"(\S+): requires nengo-dl-signals", fault)[1] for fault in faults
    }
    assert found == {"nengo-dl", "nengo-dl-ops", "nengo-dl-sim"}


def test_change_of_the_public_api_is_found(tree):
    package = tree["nengo-dl-objectives"]
    current = current_api(package)
    replace(package.path / "API.txt", "\nmse(", "\nmse(old, ")
    added, removed = api_faults(package, current)
    assert "not as recorded: + mse(" in added
    assert "not as recorded: - mse(old, " in removed


def test_record_asks_for_a_line_in_the_changes(tree):
    package = tree["nengo-dl-objectives"]
    current = [*current_api(package), "added(x)"]
    before = (package.path / "API.txt").read_text(encoding="utf-8")
    assert "expected a new line in CHANGES.rst" in rewrite_record(package, current)[-1]
    assert (package.path / "API.txt").read_text(encoding="utf-8") == before
    replace(package.path / "CHANGES.rst", "\n- ", "\n- ``added``.\n- ")
    assert rewrite_record(package, current) == []
    assert api_faults(package, current) == []


def test_missing_record_is_found(tree):
    package = tree["nengo-dl-objectives"]
    (package.path / "API.txt").unlink()
    assert len(api_faults(package, ["a()", "b()"])) == 2


MODULE = '''
from os.path import join as join
from os.path import split
from . import inner as inner
from . import hidden

__all__ = ["Thing", "__version__"]
__version__ = "1"


class Thing:
    size: int = 2

    def __init__(self, x: int, *, y=3) -> None:
        """Make it."""

    @classmethod
    def make(cls, x):
        """Make one."""

    @property
    def area(self):
        """Return it."""

    def _private(self):
        """Do it."""
'''


def test_public_names_and_signatures(tmp_path, monkeypatch):
    package = tmp_path / "planted_package"
    package.mkdir()
    (package / "__init__.py").write_text(MODULE, encoding="utf-8")
    inner = "import os\n\ndef f(a, b=None):\n    pass\n\ndef _g():\n    pass\n"
    (package / "inner.py").write_text(inner, encoding="utf-8")
    (package / "hidden.py").write_text(inner, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    import planted_package

    assert list(describe_module(planted_package)) == [
        "Thing(x, *, y=3)",
        "Thing.area",
        "Thing.make(cls, x)",
        "Thing.size",
        "inner",
        "inner.f(a, b=None)",
        "join(a, *p)",
    ]


def test_command_prints_faults_and_fails(monkeypatch, capsys):
    monkeypatch.setattr(release, "check", lambda packages: ["nengo-dl: a fault"])
    assert release.main(["check"]) == 1
    assert capsys.readouterr().err == "nengo-dl: a fault\n"
    monkeypatch.setattr(release, "check", lambda packages: [])
    assert release.main(["check"]) == 0
    assert "nengo-dl-ops 1.0.0" in capsys.readouterr().out


def test_check_runs_every_check(monkeypatch):
    for name in ("version_faults", "range_faults", "build_faults"):
        monkeypatch.setattr(release, name, lambda _, name=name: [name])
    monkeypatch.setattr(release, "current_api", lambda package: [])
    monkeypatch.setattr(release, "api_faults", lambda package, current: ["api_faults"])
    found = release.check(find_packages()[:1])
    assert found == ["version_faults", "range_faults", "api_faults", "build_faults"]
