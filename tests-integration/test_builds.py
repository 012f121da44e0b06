"""Each package builds an sdist and a wheel that hold nothing foreign."""

import os
import shutil
import subprocess
import tarfile
import zipfile

import pytest
from workspace import ROOT, find_packages

pytestmark = pytest.mark.slow

# .gitignore: hatchling adds it, so that a wheel built from the sdist skips the same.
SDIST_FILES = {
    ".gitignore",
    "CHANGES.rst",
    "LICENSE.rst",
    "PKG-INFO",
    "README.rst",
    "pyproject.toml",
}
WHEEL_FILES = {
    "METADATA",
    "RECORD",
    "WHEEL",
    "extra_metadata/CHANGES.rst",
    "licenses/LICENSE.rst",
}


@pytest.fixture(scope="module", params=find_packages(), ids=lambda p: p.dist)
def package(request):
    return request.param


@pytest.fixture(scope="module")
def builds(package, tmp_path_factory):
    """Return the paths of the sdist and of the wheel built from it."""
    folder = tmp_path_factory.mktemp(package.module)
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is None:
        pytest.fail("uv is neither on PATH nor named by the variable UV")
    command = [uv, "build", "--package", package.dist, "--out-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    stem = f"{package.module}-{package.version}"
    return folder / f"{stem}.tar.gz", folder / f"{stem}-py3-none-any.whl"


def source_files(package):
    """Return the files of the module, relative to ``src``, without caches."""
    return {
        path.relative_to(package.src.parent).as_posix()
        for path in package.src.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


def test_sdist_holds_its_own(package, builds):
    with tarfile.open(builds[0]) as archive:
        names = {m.name for m in archive.getmembers() if m.isfile()}
    files = {name.partition("/")[2] for name in names}
    assert files == SDIST_FILES | {f"src/{name}" for name in source_files(package)}


def test_wheel_holds_its_own(package, builds):
    with zipfile.ZipFile(builds[1]) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
    info = f"{package.module}-{package.version}.dist-info/"
    metadata = WHEEL_FILES.copy()
    if "entry-points" in package.project or "scripts" in package.project:
        metadata.add("entry_points.txt")
    assert names == source_files(package) | {info + name for name in metadata}


def test_wheel_metadata(package, builds):
    with zipfile.ZipFile(builds[1]) as archive:
        info = f"{package.module}-{package.version}.dist-info"
        lines = archive.read(f"{info}/METADATA").decode("utf-8").splitlines()
    assert f"Name: {package.dist}" in lines
    assert f"Version: {package.version}" in lines
    assert "License-Expression: GPL-2.0-or-later" in lines
    required = {line for line in lines if line.startswith("Requires-Dist:")}
    assert not any("file:" in line or " @ " in line for line in required)
    assert len([line for line in required if "extra ==" not in line]) == len(
        package.requirements
    )
