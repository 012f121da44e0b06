"""Whether what is installed can work, asked before anything of it is imported."""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from importlib import metadata
from pathlib import Path

#: A requirement without markers: its name, and limits of versions.
_REQUIREMENT = re.compile(r"([\w.-]+)\s*([^;]*)$")


def check_versions(dist: str) -> None:
    """
    Check that Python, and what a package requires, have versions that it works with.

    Keras must compute with TensorFlow, as it does unless it was told otherwise. What
    is not installed under the name that the package requires (TensorFlow has
    several) is left to its import.

    Parameters
    ----------
    dist : str
        The name of the package, as it is installed.

    Raises
    ------
    ImportError
        If a version is too old or too new; says which ones work. If Keras is told to
        use something else than TensorFlow.
    """
    try:
        own = metadata.metadata(dist)
    except metadata.PackageNotFoundError:
        return  # sources on a path, which say nothing of what they require
    _check(own, "Python", own["Requires-Python"] or "", platform.python_version())
    for requirement in own.get_all("Requires-Dist") or []:
        match = _REQUIREMENT.match(requirement)
        if match is None:
            continue
        try:
            _check(own, match[1], match[2], metadata.version(match[1]))
        except metadata.PackageNotFoundError:
            continue
    _check_keras_backend()


def _check_keras_backend() -> None:
    name, told_by = _keras_backend()
    if name != "tensorflow":
        raise ImportError(
            f"NengoDL works with Keras on TensorFlow, but {told_by} has chosen the "
            f"backend {name!r}: set KERAS_BACKEND=tensorflow before Keras is imported"
        )


def _keras_backend() -> tuple[str, str]:
    """Return which backend Keras has, or will have, and who says so."""
    config = getattr(sys.modules.get("keras"), "config", None)
    if config is not None:
        return config.backend(), "who imported Keras"
    name = os.environ.get("KERAS_BACKEND")
    if name:
        return name, "the environment variable KERAS_BACKEND"
    path = Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / "keras.json"
    try:
        name = json.loads(path.read_text())["backend"]
    except (OSError, ValueError, KeyError, TypeError, RuntimeError):
        name = "tensorflow"  # as Keras does without such a file, or entry
    return name, str(path)


def _check(own: metadata.PackageMetadata, name: str, limits: str, found: str) -> None:
    if not is_within(found, limits):
        works = ",".join(sorted(limits.replace(" ", "").split(","), reverse=True))
        raise ImportError(
            f"{own['Name']} {own['Version']} works with {name} {works}, "
            f"but version {found} is installed"
        )


def is_within(version: str, limits: str) -> bool:
    """
    Tell whether a version is within limits.

    Parameters
    ----------
    version : str
        A version; what follows its numbers is not looked at.
    limits : str
        Such as ``">=2.18,<3"``: what a package requires, in the two operators that
        the packages of NengoDL use.
    """
    found = _numbers(version)
    lowest = [_numbers(text) for text in re.findall(r">=\s*([\d.]+)", limits)]
    ends = [_numbers(text) for text in re.findall(r"<\s*([\d.]+)", limits)]
    return all(found >= low for low in lowest) and all(found < end for end in ends)


def _numbers(version: str) -> tuple[int, ...]:
    """Return the numbers that a version begins with, without zeros at the end."""
    numbers = re.match(r"\d+(\.\d+)*", version)
    parts = [int(part) for part in numbers[0].split(".")] if numbers else []
    while parts and parts[-1] == 0:
        parts.pop()
    return tuple(parts)
