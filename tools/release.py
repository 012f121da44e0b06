"""What must hold before a package is released.

uv run tools/release.py check          # all of it; writes nothing
uv run tools/release.py record         # take over changes of the public API
"""

import argparse
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from archives import archive_faults, build, twine_faults
from public_api import api_faults, current_api, rewrite_record
from workspace import Package, find_packages


def version_faults(package: Package) -> list[str]:
    """Return what is wrong with the version of a package and its history."""
    try:
        heading, date = package.top_heading
        version = package.version
    except ValueError as error:
        return [f"{package.dist}: {error}"]
    faults = []
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        faults.append(f"{package.dist}: expected a version X.Y.Z, got {version}")
    if heading != version:
        faults.append(
            f"{package.dist}: version.py says {version}, "
            f"the top heading of CHANGES.rst {heading}"
        )
    if date != "unreleased" and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", date):
        faults.append(
            f"{package.dist}: expected 'unreleased' or a date YYYY-MM-DD, got '{date}'"
        )
    info = ", ".join(version.split("."))
    source = (package.src / "version.py").read_text(encoding="utf-8")
    if f"version_info = ({info})" not in source:
        faults.append(f"{package.dist}: version_info is not ({info})")
    return faults


def range_faults(packages: Sequence[Package]) -> list[str]:
    """Return a message for each range that the version of a sibling is outside of."""
    versions = {package.dist: package.version for package in packages}
    return [
        f"{package.dist}: requires {req}, but {req.name} is {versions[req.name]}"
        for package in packages
        for req in package.requirements
        if req.name in versions and versions[req.name] not in req.specifier
    ]


def build_faults(packages: Sequence[Package]) -> list[str]:
    """Build everything, and return what is wrong with it."""
    faults, files = [], []
    with tempfile.TemporaryDirectory() as folder:
        for package in packages:
            built = build(package, Path(folder))
            faults += archive_faults(package, built)
            files += built
        return faults + twine_faults(files)


def check(packages: Sequence[Package]) -> list[str]:
    """Return everything that must be mended before a release."""
    return [
        *(fault for package in packages for fault in version_faults(package)),
        *range_faults(packages),
        *(f for package in packages for f in api_faults(package, current_api(package))),
        *build_faults(packages),
    ]


def record(packages: Sequence[Package]) -> list[str]:
    """Rewrite the records of the public API; return what forbids it."""
    return [
        fault
        for package in packages
        for fault in rewrite_record(package, current_api(package))
    ]


def main(arguments: Sequence[str]) -> int:
    """Run a command, and print what is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("command", choices=["check", "record"])
    command = {"check": check, "record": record}[parser.parse_args(arguments).command]
    packages = find_packages()
    faults = command(packages)
    for fault in faults:
        print(fault, file=sys.stderr)
    if not faults:
        print(*(f"{package.dist} {package.version}" for package in packages), sep="\n")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
