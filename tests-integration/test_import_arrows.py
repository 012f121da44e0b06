"""Imports go one way, between the packages and within each, and each is declared."""

import sys
import tomllib

import pytest
from import_circles import import_circles
from packaging.requirements import Requirement
from workspace import (
    ALLOWED_ARROWS,
    ROOT,
    Package,
    canonical,
    find_imports,
    find_packages,
    undeclared_imports,
    wrong_arrows,
)

PACKAGES = find_packages()


@pytest.fixture(params=PACKAGES, ids=lambda package: package.dist)
def package(request):
    return request.param


def plant(tmp_path, source, dist="nengo-dl-ops", dependencies=(), where="src"):
    """Write a package that holds ``source`` in one file."""
    package = Package(tmp_path / "packages" / dist)
    folder = package.src if where == "src" else package.path / where
    folder.mkdir(parents=True)
    (folder / "planted.py").write_text(source, encoding="utf-8")
    (package.path / "pyproject.toml").write_text(
        f'[project]\nname = "{dist}"\ndependencies = {list(dependencies)}\n'
        'optional-dependencies = { tests = ["pytest"], plot = ["matplotlib"] }\n',
        encoding="utf-8",
    )
    assert [found.dist for found in find_packages(tmp_path)] == [dist]
    return package


def test_every_package_has_its_arrows():
    assert {package.module for package in PACKAGES} == set(ALLOWED_ARROWS)


def test_no_wrong_arrow(package):
    assert wrong_arrows(package) == []


def test_every_import_is_declared(package):
    assert undeclared_imports(package) == []


def test_every_declared_sibling_has_an_arrow(package):
    siblings = {found.dist: found.module for found in PACKAGES}
    declared = {siblings[r.name] for r in package.requirements if r.name in siblings}
    assert declared <= ALLOWED_ARROWS[package.module]


@pytest.mark.parametrize(
    ("dist", "source"),
    [
        ("nengo-dl-signals", "import nengo_dl_ops"),
        ("nengo-dl-ops", "import nengo_dl_sim"),
        ("nengo-dl-ops", "import nengo_dl_sim.simulator as s"),
        ("nengo-dl-ops", "from nengo_dl_sim.simulator import Simulator"),
        ("nengo-dl-ops", "def late():\n    from nengo_dl_objectives import mse"),
        ("nengo-dl-ops", "from nengo_dl import Simulator"),
        ("nengo-dl-objectives", "import nengo_dl_signals"),
        ("nengo-dl-sim", "import nengo_dl"),
        ("nengo-dl", "import nengo_dl_spaun_bench"),
        ("nengo-dl-spaun-bench", "import nengo_dl_sim"),
    ],
)
def test_planted_wrong_arrow_is_found(tmp_path, dist, source):
    package = plant(tmp_path, source, dist, dependencies=["numpy", "nengo-dl-sim"])
    (message,) = wrong_arrows(package)
    assert "planted.py:" in message and package.module in message


@pytest.mark.parametrize(
    "source",
    [
        "import nengo_dl_signals",
        "from nengo_dl_ops.builder import Builder",
        "from . import builder",
        "from .nengo_dl_sim import local",
        "import nengo, tensorflow",
    ],
)
def test_right_arrow_is_not_found(tmp_path, source):
    assert wrong_arrows(plant(tmp_path, source)) == []


@pytest.mark.parametrize(
    ("source", "where", "culprit"),
    [
        ("import scipy.linalg", "src", "scipy.linalg"),
        ("from nengo_dl_signals import layout", "src", "nengo_dl_signals.layout"),
        ("def late():\n    import keras", "src", "keras"),
        ("import pytest", "src", "pytest"),
        ("import nengo_dl_sim", "tests", "nengo_dl_sim"),
        ("import numpy", "src", None),
        ("import progressbar", "src", None),
        ("import matplotlib.pyplot", "src", None),
        ("import os.path, json", "src", None),
        ("import nengo_dl_ops.builder", "src", None),
        ("import pytest", "tests", None),
        ("import planted", "src", "planted"),
        ("import planted", "tests", None),
    ],
)
def test_planted_undeclared_import(tmp_path, source, where, culprit):
    package = plant(
        tmp_path, source, dependencies=["numpy>=2", "progressbar2"], where=where
    )
    messages = undeclared_imports(package)
    assert [m.rpartition(" ")[2] for m in messages] == ([culprit] if culprit else [])


def test_no_circle_of_imports(package):
    assert import_circles(package) == []


def plant_files(tmp_path, files):
    """Write a package of files, each with the imports that are given for it."""
    package = Package(tmp_path / "packages" / "nengo-dl-ops")
    for name, source in files.items():
        path = package.src / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")
    return package


@pytest.mark.parametrize(
    ("files", "circle"),
    [
        ({"a.py": "from . import b", "b.py": "from .a import x"}, "a.py -> b.py"),
        (  # longer, by absolute names, and in a folder
            {
                "f/a.py": "import nengo_dl_ops.f.b as b",
                "f/b.py": "from nengo_dl_ops.f import c",
                "f/c.py": "def late():\n    from .a import x",
            },
            "ops/f: a.py -> b.py -> c.py -> a.py (f/a.py:1, f/b.py:1, f/c.py:2)",
        ),
        (  # of folders, though no file is part of one
            {
                "f/a.py": "from ..g import a",
                "f/b.py": "",
                "g/a.py": "",
                "g/b.py": "from ..f.b import x",
            },
            "nengo_dl_ops: f -> g -> f (f/a.py:1, g/b.py:1)",
        ),
        (  # for types only, of a folder and a loose file
            {
                "f/__init__.py": "from .a import x as x",
                "f/a.py": "import typing\nif typing.TYPE_CHECKING: from ..b import y",
                "b.py": "from .f import x",
            },
            "nengo_dl_ops: b.py -> f -> b.py (b.py:1, f/a.py:2)",
        ),
        (  # through the package itself
            {"__init__.py": "from .a import x as x", "a.py": "from . import x"},
            "__init__.py -> a.py",
        ),
    ],
)
def test_planted_circle_of_imports_is_found(tmp_path, files, circle):
    (message,) = import_circles(plant_files(tmp_path, files))
    assert circle in message


def test_two_planted_circles_are_found(tmp_path):
    loop = {"a.py": "from . import b", "b.py": "from . import a"}
    files = {f"{folder}/{name}": loop[name] for folder in "fg" for name in loop}
    assert len(import_circles(plant_files(tmp_path, files))) == 2


def test_imports_in_one_direction_are_no_circle(tmp_path):
    files = {
        "__init__.py": "from .f import x as x\nfrom .b import y as y",
        "f/__init__.py": "from .a import x as x",
        "f/a.py": "from ..b import y\nfrom .c import z\nimport nengo_dl_signals.f.a",
        "f/c.py": "from ..b import y",
        "b.py": "import numpy",
    }
    assert import_circles(plant_files(tmp_path, files)) == []


BACKEND = ROOT / "tests-integration" / "third_party_backend"


def test_the_third_party_backend_declares_what_it_imports():
    text = (BACKEND / "pyproject.toml").read_text(encoding="utf-8")
    declared = tomllib.loads(text)["project"]["dependencies"]
    known = {canonical(Requirement(requirement).name) for requirement in declared}
    found = {canonical(imp.top) for imp in find_imports(BACKEND / "src")}
    assert found - sys.stdlib_module_names == known


def test_the_third_party_backend_needs_public_names_only():
    lines = (ROOT / "packages/nengo-dl-ops/API.txt").read_text(encoding="utf-8")
    public = {line.partition("(")[0] for line in lines.splitlines()}
    names = [imp.name for imp in find_imports(BACKEND) if imp.top == "nengo_dl_ops"]
    assert len(names) > 5
    assert {name.removeprefix("nengo_dl_ops.") for name in names} <= public
