"""Each package builds an sdist and a wheel that hold nothing foreign."""

import shutil
import tarfile
import zipfile

import pytest
from archives import (
    Build,
    archive_faults,
    build,
    metadata_faults,
    read_metadata,
    twine_faults,
)
from workspace import find_packages

pytestmark = pytest.mark.slow

PACKAGES = {package.dist: package for package in find_packages()}


@pytest.fixture(scope="module")
def builds(tmp_path_factory):
    """Return the sdist of every package, and the wheel built from it."""
    folder = tmp_path_factory.mktemp("builds")
    return {dist: build(package, folder) for dist, package in PACKAGES.items()}


@pytest.mark.parametrize("dist", PACKAGES)
def test_archives_hold_their_own(builds, dist):
    assert archive_faults(PACKAGES[dist], builds[dist]) == []


def test_twine_accepts_them(builds):
    assert twine_faults([file for files in builds.values() for file in files]) == []


@pytest.fixture
def copies(builds, tmp_path):
    """Return the archives of one package, to plant faults in, and the package."""
    files = builds["nengo-dl-objectives"]
    copied = [shutil.copy(file, tmp_path) for file in files]
    return PACKAGES["nengo-dl-objectives"], Build(*(tmp_path / c for c in copied))


def test_foreign_file_in_wheel_is_found(copies):
    package, files = copies
    with zipfile.ZipFile(files.wheel, "a") as archive:
        archive.writestr("nengo_dl_objectives/notes.txt", "to do")
    (fault,) = archive_faults(package, files)
    assert fault.endswith("holds nengo_dl_objectives/notes.txt")


def test_missing_file_in_sdist_is_found(copies, tmp_path):
    package, files = copies
    with tarfile.open(files.sdist) as old, tarfile.open(tmp_path / "x", "w:gz") as new:
        for member in old.getmembers():
            if not member.name.endswith("CHANGES.rst"):
                new.addfile(member, old.extractfile(member))
    (fault,) = archive_faults(package, Build(tmp_path / "x", files.wheel))
    assert fault == "x: lacks CHANGES.rst"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("Version: 1", "Version: 2", "no 'Version: 1.0.0'"),
        ("GPL-2.0-or-later", "MIT", "no 'License-Expression: GPL-2.0-or-later'"),
        ("Requires-Dist: numpy", "Requires-Dist: n @ file:///n", "not to be had"),
        ("Requires-Dist: numpy", "Note: numpy", "expected 3 requirements, got 2"),
    ],
)
def test_fault_in_metadata_is_found(copies, old, new, fault):
    package, files = copies
    lines = [line.replace(old, new) for line in read_metadata(files.wheel)]
    (found,) = metadata_faults(package, lines)
    assert fault in found


def test_twine_finds_a_broken_description(copies):
    _, files = copies
    with zipfile.ZipFile(files.wheel) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(files.wheel, "w") as archive:
        for name, content in held.items():
            broken = content + b"\n\n.. image::\n" if "METADATA" in name else content
            archive.writestr(name, broken)
    (fault,) = twine_faults([files.wheel])
    assert "FAILED" in fault
