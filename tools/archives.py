"""What the files of a release hold: sdists and wheels, built and read."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import NamedTuple

from workspace import ROOT, Package

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


class Build(NamedTuple):
    """The files of one release."""

    sdist: Path
    wheel: Path


def find_uv() -> str:
    """Return the path of uv."""
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is None:
        raise FileNotFoundError("uv is neither on PATH nor named by the variable UV")
    return uv


def build(package: Package, folder: Path) -> Build:
    """Build the sdist of a package, and its wheel from that."""
    command = [find_uv(), "build", package.path, "--out-dir", folder]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    stem = f"{package.module}-{package.version}"
    return Build(folder / f"{stem}.tar.gz", folder / f"{stem}-py3-none-any.whl")


def archive_faults(package: Package, files: Build) -> list[str]:
    """Return a message for everything that is wrong in an sdist and a wheel."""
    info = f"{package.module}-{package.version}.dist-info/"
    metadata = WHEEL_FILES.copy()
    if "entry-points" in package.project or "scripts" in package.project:
        metadata.add("entry_points.txt")
    own = source_files(package)
    sdist = SDIST_FILES | {f"src/{name}" for name in own}
    wheel = own | {info + name for name in metadata}
    return [
        *_differences(files.sdist.name, names_in_sdist(files.sdist), sdist),
        *_differences(files.wheel.name, names_in_wheel(files.wheel), wheel),
        *metadata_faults(package, read_metadata(files.wheel)),
    ]


def _differences(name: str, found: set[str], expected: set[str]) -> list[str]:
    foreign = [f"{name}: holds {file}" for file in sorted(found - expected)]
    return foreign + [f"{name}: lacks {file}" for file in sorted(expected - found)]


def source_files(package: Package) -> set[str]:
    """Return the files of the module, relative to ``src``, without caches."""
    return {
        path.relative_to(package.src.parent).as_posix()
        for path in package.src.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


def names_in_sdist(path: Path) -> set[str]:
    """Return the files of an sdist, relative to its one folder."""
    with tarfile.open(path) as archive:
        names = {m.name for m in archive.getmembers() if m.isfile()}
    return {name.partition("/")[2] for name in names}


def names_in_wheel(path: Path) -> set[str]:
    """Return the files of a wheel."""
    with zipfile.ZipFile(path) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


def read_metadata(path: Path) -> list[str]:
    """Return the lines of the metadata of a wheel."""
    with zipfile.ZipFile(path) as archive:
        (name,) = [n for n in archive.namelist() if n.endswith(".dist-info/METADATA")]
        return archive.read(name).decode("utf-8").splitlines()


def metadata_faults(package: Package, lines: list[str]) -> list[str]:
    """Return a message for each statement that is missing or must not be there."""
    wanted = [
        f"Name: {package.dist}",
        f"Version: {package.version}",
        "License-Expression: GPL-2.0-or-later",
    ]
    faults = [f"{package.dist}: no '{line}'" for line in wanted if line not in lines]
    required = [line for line in lines if line.startswith("Requires-Dist:")]
    faults += [
        f"{package.dist}: not to be had from an index: {line}"
        for line in required
        if re.search(r"file:| @ ", line)
    ]
    n_required = len([line for line in required if "extra ==" not in line])
    if n_required != len(package.requirements):
        faults.append(
            f"{package.dist}: expected {len(package.requirements)} requirements, "
            f"got {n_required}"
        )
    return faults


def twine_faults(files: list[Path]) -> list[str]:
    """Return what ``twine check --strict`` finds."""
    command = [sys.executable, "-m", "twine", "--no-color", "check", "--strict"]
    done = subprocess.run([*command, *files], capture_output=True, text=True)
    return [done.stdout + done.stderr] if done.returncode else []
