"""docs/architecture.rst names every folder, and every file that lies in none."""

import re

import pytest
from workspace import ROOT, find_packages

PAGE = (ROOT / "docs/architecture.rst").read_text(encoding="utf-8")
PACKAGES = {package.module: package for package in find_packages()}

#: These are everywhere, and named once.
EVERYWHERE = {"__init__.py", "version.py", "_supported.py"}


def section(module):
    """Return what the map says of a package."""
    start = PAGE.index(f"\n``{module}``: ")
    return re.split(r"\n(?=``nengo_dl\w*``: |=+\n\n)", PAGE[start:])[1]


def missing(package, text):
    """Return the folders and loose files of a package that a text does not name."""
    found = {
        f"{path.name}/" if path.is_dir() else path.name
        for path in package.src.iterdir()
        if path.suffix == ".py" or (path / "__init__.py").is_file()
    }
    return sorted(name for name in found - EVERYWHERE if f"``{name}``" not in text)


@pytest.mark.parametrize("module", PACKAGES)
def test_the_map_is_complete(module):
    assert missing(PACKAGES[module], section(module)) == []


@pytest.mark.parametrize("module", PACKAGES)
def test_the_map_names_nothing_that_is_not_there(module):
    named = re.findall(r"``(\w+/|\w+\.py)``", section(module))
    assert [name for name in named if not (PACKAGES[module].src / name).exists()] == []


def test_what_is_missing_is_found():
    package = PACKAGES["nengo_dl_ops"]
    text = section("nengo_dl_ops").replace("``step/``", "").replace("``config.py``", "")
    assert missing(package, text) == ["config.py", "step/"]
