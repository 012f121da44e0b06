"""Folders and files that no other user can change."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from nengo.exceptions import ValidationError

#: As many as Linux follows.
_MOST_LINKS = 40


def make_private_folder(path: Path) -> Path:
    """
    Make a folder, if it does not exist, to which nobody else can write.

    Returns the folder, without symbolic links on the way to it. Raises a
    ``ValidationError`` if another user could put files into it, or another folder in
    its place: it, or a folder or a link on the way from the root, is another user's, or
    others can write to it. Nothing is made then.
    """
    way = list(_way(path.expanduser().absolute()))
    found = way[-1]
    if os.name == "posix":
        for step in way:
            _check(step, path, is_sticky_enough=step != found)
    for folder in [*reversed(found.parents), found]:
        folder.mkdir(mode=0o700, exist_ok=True)
    return found


def who_can_change(path: Path) -> str | None:
    """
    Say who can change a file in a private folder, besides this user.

    Returns None if nobody can.
    """
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        return "which is no file of its own"
    if os.name == "posix" and status.st_uid != os.getuid():
        return f"of another user (number {status.st_uid})"
    if os.name == "posix" and status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        mode = stat.filemode(status.st_mode)
        return f"which others can write to ({mode})"
    return None


def _way(path: Path) -> Iterator[Path]:
    """Yield each folder and symbolic link on the way to a path, and where it ends."""
    here, parts, n_links = Path(path.anchor), list(path.parts[1:]), 0
    yield here
    while parts:
        part = parts.pop(0)
        step = here.parent if part == ".." else here / part
        yield step
        if not step.is_symlink():
            here = step
            continue
        n_links += 1
        if n_links > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
        target = step.readlink()
        if target.is_absolute():
            here = Path(target.anchor)
        parts = [*target.relative_to(target.anchor).parts, *parts]
        yield here


def _check(step: Path, folder: Path, is_sticky_enough: bool) -> None:
    """Refuse a folder or a link on the way that others can change."""
    try:
        status = step.lstat()
    except FileNotFoundError:
        return  # it will be made, for this user alone
    if status.st_uid not in (0, os.getuid()):
        raise _refusal(
            folder, f"{str(step)!r} of another user (number {status.st_uid})"
        )
    if stat.S_ISLNK(status.st_mode):
        return  # its mode means nothing: who can write to its folder can change it
    # In a sticky folder, such as /tmp, others cannot rename what is not theirs.
    if is_sticky_enough and status.st_mode & stat.S_ISVTX:
        return
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        mode = stat.filemode(status.st_mode)
        raise _refusal(folder, f"{str(step)!r}, which others can write to ({mode})")


def _refusal(folder: Path, got: str) -> ValidationError:
    return ValidationError(
        f"expected a folder that only you can change, on a way that only you and the "
        f"system can change, since machine code is loaded from it; got {got} on the "
        f"way to {str(folder)!r} (choose another folder, or take the permission from "
        f"others with chmod go-w)",
        attr="folder",
    )
