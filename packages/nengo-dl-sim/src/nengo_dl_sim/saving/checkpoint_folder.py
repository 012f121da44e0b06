"""Which files in a folder are a checkpoint of ours: how they come, and how they go."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

#: How long a writer waits for another one, in seconds.
PATIENCE = 60

#: How often a folder is looked into in which nothing is found: while one checkpoint
#: takes the place of another, a listing may miss both.
_N_LOOKS = 5

_INDEX = ".index"
_NAME = re.compile(r"nengo_dl-(\d+)\.(index|data-\d{5}-of-\d{5})")
_BEGUN = re.compile(r"nengo_dl-[a-z0-9_]+\.part")
_LOCK = "nengo_dl.lock"


def latest(folder: str | os.PathLike) -> str | None:
    """
    Find the checkpoint that was written last.

    Returns what its files begin with. None if there is none.
    """
    for _ in range(_N_LOOKS):
        numbers = [number for number, file in _files(folder) if file.suffix == _INDEX]
        if numbers:
            return os.path.join(folder, f"nengo_dl-{max(numbers)}")
    return None


def add(folder: str | os.PathLike, write: Callable[[str], None]) -> None:
    """
    Write a checkpoint, and remove those before.

    Readers find the old one or the new one, complete, at any time. If it cannot be
    written, everything is as it was.

    Parameters
    ----------
    folder : str or path-like
        The folder.
    write : callable
        Writes the files of a checkpoint that begin with a prefix.

    Raises
    ------
    TimeoutError
        If another process does not come to an end with a checkpoint in this folder.
    """
    try:
        _add(folder, write)
    except TimeoutError:
        raise
    except BaseException:
        _remove_idle_lock(folder)
        raise


def _add(folder: str | os.PathLike, write: Callable[[str], None]) -> None:
    with _only_writer(folder):
        _remove_begun(folder)
        number = max((number for number, _ in _files(folder)), default=0) + 1
        begun = tempfile.mkdtemp(prefix="nengo_dl-", suffix=".part", dir=folder)
        try:
            write(os.path.join(begun, "nengo_dl"))
            _move_into_place(Path(begun), Path(folder, f"nengo_dl-{number}"))
        finally:
            shutil.rmtree(begun, ignore_errors=True)
        _remove_before(folder, number)


def is_used(folder: str | os.PathLike) -> bool:
    """
    Tell whether a checkpoint was written into a folder, or begun.

    Returns whether anything in it is of ours.
    """
    kinds = _NAME, _BEGUN, re.compile(re.escape(_LOCK))
    names = os.listdir(folder)
    return any(kind.fullmatch(name) for name in names for kind in kinds)


def remove_all(folder: str | os.PathLike) -> None:
    """Remove all checkpoints, and the folder, if nothing else is in it."""
    with _only_writer(folder):
        _remove_begun(folder)
        _remove_before(folder, None)
    remove_unused(folder)


def remove_unused(folder: str | os.PathLike) -> None:
    """Remove a folder in which there is no checkpoint, unless something else is."""
    _remove_idle_lock(folder)
    with contextlib.suppress(OSError):  # what is in it is not ours
        os.rmdir(folder)


@contextlib.contextmanager
def _only_writer(folder: str | os.PathLike) -> Iterator[None]:
    try:
        with FileLock(os.path.join(folder, _LOCK), timeout=PATIENCE):
            yield
    except Timeout as error:
        raise TimeoutError(
            f"{os.fspath(folder)}: expected to be the only one who writes checkpoints "
            f"there, but another process has been at it for {PATIENCE} s. Give each "
            "process a folder of its own"
        ) from error


def _remove_idle_lock(folder: str | os.PathLike) -> None:
    """Remove the file of the lock if there is no checkpoint that it is for."""
    if not _files(folder):
        with contextlib.suppress(OSError):
            Path(folder, _LOCK).unlink()


def _files(folder: str | os.PathLike) -> list[tuple[int, Path]]:
    """Return the files of complete checkpoints (and of some that are going)."""
    try:
        entries = [Path(folder, name) for name in os.listdir(folder)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    matches = [(_NAME.fullmatch(path.name), path) for path in entries]
    return [(int(match[1]), path) for match, path in matches if match]


def _move_into_place(begun: Path, prefix: Path) -> None:
    """Let the index, by which readers know that it is complete, come last."""
    for file in sorted(begun.iterdir(), key=lambda file: file.suffix == _INDEX):
        file.rename(prefix.with_name(prefix.name + file.suffix))


def _remove_before(folder: str | os.PathLike, number: int | None) -> None:
    """Remove checkpoints with a lower number, or all; indices first."""
    files = [
        (file.suffix != _INDEX, file)
        for k, file in _files(folder)
        if number is None or k < number
    ]
    for _, file in sorted(files):
        if file.is_file() and not file.is_symlink():
            with contextlib.suppress(PermissionError):  # somebody reads it, on Windows
                file.unlink(missing_ok=True)


def _remove_begun(folder: str | os.PathLike) -> None:
    """Remove what a writer left that was killed."""
    for name in os.listdir(folder):
        path = Path(folder, name)
        if _BEGUN.fullmatch(name) and path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
