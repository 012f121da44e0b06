"""Programs that XLA compiled, kept for later processes."""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import platform
import re
from pathlib import Path

import tensorflow as tf
from filelock import FileLock, Timeout

from nengo_dl_ops.user_warnings import warn_user

from ..checks import check_count, check_path
from .private_folder import make_private_folder, who_can_change

_FLAGS = "TF_XLA_FLAGS"
_COMPLETE, _IN_USE = "complete.json", "in_use.lock"


def cache_compilations(
    folder: str | os.PathLike | None = None, max_bytes: int = 2**30
) -> Path:
    """
    Load what an earlier process compiled, and keep what this one compiles.

    Call it before the first simulator. The same script, run again, then compiles the
    same networks faster. One process at a time uses a folder. TensorFlow does not
    check what it loads, so what a process left that did not end well, and what has
    changed since, is deleted first.

    Parameters
    ----------
    folder : str or path-like, optional
        Where programs are kept: in a folder of its own for each version of TensorFlow
        and each kind of processor. Nobody else may be able to write to it, or to a
        folder on the way to it, since machine code is loaded from it. None:
        ``nengo_dl`` in the user's folder for caches.
    max_bytes : int, optional
        The oldest programs are deleted until all take at most so many bytes.

    Returns
    -------
    folder : pathlib.Path
        The folder that is used.

    Raises
    ------
    nengo.exceptions.ValidationError
        If others can change the folder, or a folder or link on the way to it; if
        ``max_bytes`` is not an integer above 0.
    RuntimeError
        If something has been computed with TensorFlow before: it looks only once
        where programs are.
    OSError
        If the folder cannot be made.

    Warns
    -----
    UserWarning
        If another process uses the folder: nothing is loaded, and nothing kept. If
        others can change a file in it, or could: all are deleted, and made anew.
    """
    max_bytes = check_count("max_bytes", max_bytes, low=1)
    if folder is not None:
        check_path("folder", folder, "folder")
    path = _folder_of_machine(_default() if folder is None else Path(folder))
    # The same object for a second call, which is then one that changes nothing.
    lock = FileLock(path / _IN_USE, is_singleton=True)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        warn_user(
            f"Another process uses {path}: nothing is loaded from it, and nothing kept"
        )
        return path
    try:
        _delete_unsafe(path)
        _delete_damaged(path)
        _delete_oldest(path, max_bytes)
        _have_tensorflow_use(path)
    except BaseException:
        lock.release()
        raise
    atexit.register(_close, path, lock)
    return path


def _default() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "nengo_dl"


def _folder_of_machine(folder: Path) -> Path:
    """Make the folder for programs that this machine can run."""
    return make_private_folder(folder / _kind_of_machine())


def _kind_of_machine() -> str:
    """Name what compiled programs depend on: TensorFlow, and the processor."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    found = {line for line in lines if re.match("model name|flags|Features", line)}
    text = "\n".join([platform.machine(), platform.processor(), *sorted(found)])
    return f"tensorflow-{tf.__version__}-{_digest(text.encode())[:12]}"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _programs(path: Path) -> list[Path]:
    """Return the files that TensorFlow wrote, the oldest first."""
    files = [f for f in path.iterdir() if f.name not in (_COMPLETE, _IN_USE)]
    return sorted(files, key=lambda file: file.lstat().st_mtime)


def _complete(path: Path) -> dict[str, str]:
    """Return what programs were like when a process ended well, by name."""
    try:
        return dict(json.loads((path / _COMPLETE).read_text()))
    except (OSError, ValueError, TypeError):
        return {}


def _delete_unsafe(path: Path) -> None:
    """Delete everything if a file that would be used is one that others can change."""
    complete = _complete(path)
    used = [file for file in _programs(path) if file.name in complete]
    used += [path / _COMPLETE] if complete else []
    found = {file.name: reason for file in used if (reason := who_can_change(file))}
    if found:
        name, reason = next(iter(found.items()))
        warn_user(
            f"What is kept in {path} is deleted, and compiled anew: expected files "
            "that only you can change, since machine code is loaded from them, got "
            f"{name}, {reason}"
        )
        for file in used:
            file.unlink()


def _delete_damaged(path: Path) -> None:
    """Delete programs that are not as they were when a process ended well."""
    complete = _complete(path)
    for file in _programs(path):
        known = complete.get(file.name)
        if known is None or known != _digest(file.read_bytes()):
            file.unlink()


def _delete_oldest(path: Path, max_bytes: int) -> None:
    files = _programs(path)
    n_bytes = sum(file.stat().st_size for file in files)
    for file in files:
        if n_bytes > max_bytes:
            n_bytes -= file.stat().st_size
            file.unlink()


def _have_tensorflow_use(path: Path) -> None:
    """Tell TensorFlow of a folder, and see whether it listens."""
    before = os.environ.get(_FLAGS, "")
    flag = f'--tf_xla_persistent_cache_directory="{path}"'
    os.environ[_FLAGS] = f"{before} {flag}".strip()
    if not _keeps_programs(path):
        os.environ[_FLAGS] = before
        raise RuntimeError(
            "cache_compilations: expected to be called before anything is computed "
            "with TensorFlow, was called after (call it right after the imports)"
        )


def _keeps_programs(path: Path) -> bool:
    """Compile a program that nobody has compiled before, and look for its file."""
    before, number = set(_programs(path)), float(int.from_bytes(os.urandom(3)))
    tf.function(lambda x: x + number, jit_compile=True)(tf.constant(0.0))
    new = set(_programs(path)) - before
    for file in new:
        file.unlink()
    return bool(new)


def _close(path: Path, lock: FileLock) -> None:
    """Note which programs are complete, and let others use the folder."""
    # The user may have deleted it since.
    if path.exists():
        _note_complete(path)
    lock.release()


def _note_complete(path: Path) -> None:
    complete = {file.name: _digest(file.read_bytes()) for file in _programs(path)}
    part = path / f"{_COMPLETE}.part"
    part.write_text(json.dumps(complete))
    for file in (part, *(path / name for name in complete)):
        file.chmod(0o600)  # TensorFlow's own are for whom the umask lets them
    part.replace(path / _COMPLETE)
