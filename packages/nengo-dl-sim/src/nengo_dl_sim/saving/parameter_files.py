"""Files of named arrays: written whole or not at all, checked when they are loaded."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import uuid
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import nengo
import numpy as np
import tensorflow as tf
from nengo.exceptions import ValidationError
from numpy.lib import format as npy

from ..version import version
from .npz_members import DAMAGED, Wanted, read_array, read_text, wrong

FORMAT = 1
_HEADER = "nengo_dl"
#: The largest header; one of so many arrays would take minutes to make sense of.
_LONGEST_HEADER = 1 << 26
_CONVERT = (
    "To convert it, load it with that version, keep what "
    "sim.get_nengo_params(objects) returns, make the network here with these "
    "arguments (for example nengo.Ensemble(n_neurons, dimensions, **params)), and "
    "save it with sim.save_params"
)


def save_arrays(
    path: str | os.PathLike, arrays: Mapping[str, np.ndarray], kind: str
) -> None:
    """
    Write arrays to a file, together with their shapes and the versions in use.

    A file that is there already is replaced in one go: at any time there is either
    the old or the complete new one.

    ``path``: the file. Gets the ending ``.npz`` if it has none.
    """
    path = _complete(path)
    arrays = {name: np.asarray(array) for name, array in arrays.items()}
    for name, array in arrays.items():
        if array.dtype.kind not in "biufc" or name == _HEADER:
            raise ValidationError(
                f"expected {name!r} to be an array of numbers, got {array.dtype}",
                attr="arrays",
            )
    contents = {_HEADER: np.array(json.dumps(_header(arrays, kind))), **arrays}
    with _replacing(path) as temporary:
        with zipfile.ZipFile(temporary, "x", allowZip64=True) as archive:
            for name, array in contents.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    npy.write_array(member, array, allow_pickle=False)


def load_arrays(
    path: str | os.PathLike,
    expected: Mapping[str, Wanted],
    kind: str,
    others: Sequence[str] = (),
) -> dict[str, np.ndarray]:
    """
    Read a file that `save_arrays` wrote.

    ``path``: the file. Gets the ending ``.npz`` if it has none. Returns the expected
    arrays, of the types wanted, but for those that are neither required nor there.
    Raises a ``ValidationError`` if it is not such a file, cannot be read, is damaged,
    or does not hold the expected arrays: of numbers, finite and in the range of the
    types wanted.
    """
    asked_for, path = os.fsdecode(path), _complete(path)
    _check_no_checkpoint(asked_for)
    if not os.path.exists(path):
        _check_no_folder(asked_for)
        raise FileNotFoundError(errno.ENOENT, "no such parameter file", path)
    _check_no_folder(path)
    if not os.path.isfile(path):  # of some, such as pipes, the opening never ends
        raise wrong(path, "a file, got something else that has a path")
    with _open(path) as archive:
        _check_format(path, archive)
        found, shapes = _read_header(path, archive)
        if found != kind:
            raise wrong(path, f"a file of {kind}, got one of {found}")
        _check_names(path, shapes, expected, others)
        return {
            name: read_array(path, archive, name, wanted)
            for name, wanted in expected.items()
            if name in shapes
        }


def _complete(path: str | os.PathLike) -> str:
    text = os.fsdecode(path)
    return text if text.endswith(".npz") else f"{text}.npz"


def _header(arrays: Mapping[str, np.ndarray], kind: str) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "kind": kind,
        "versions": {
            "nengo-dl-sim": version,
            "nengo": nengo.__version__,
            "numpy": np.__version__,
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
        },
        "arrays": {
            name: {"shape": array.shape, "dtype": str(array.dtype)}
            for name, array in arrays.items()
        },
    }


@contextlib.contextmanager
def _replacing(path: str) -> Iterator[str]:
    """Give the name of a file that takes the place of ``path`` if all goes well."""
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{name}.{uuid.uuid4().hex}.tmp")
    try:
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        reason = f"cannot write the parameter file: {error.strerror or error}"
        raise OSError(error.errno, reason, path) from error
    finally:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            os.remove(temporary)


def _check_no_checkpoint(path: str) -> None:
    stem = path.removesuffix(".npz")
    if os.path.exists(f"{stem}.index") and not os.path.exists(f"{stem}.npz"):
        raise wrong(
            stem,
            "a file written by sim.save_params, got a TensorFlow checkpoint, as "
            f"NengoDL 2 wrote them. {_CONVERT}",
        )


def _check_no_folder(path: str) -> None:
    if os.path.isdir(path):
        raise wrong(
            path,
            "a file written by sim.save_params, got a folder (what sim.save_checkpoint "
            "wrote into one is for sim.restore_checkpoint)",
        )


@contextlib.contextmanager
def _open(path: str) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(path)
    except OSError as error:
        raise wrong(path, f"a file that can be read, got: {error.strerror}") from error
    except DAMAGED as error:
        with open(path, "rb") as file:
            start = file.read(4)
        got = "one that is truncated" if start == b"PK\x03\x04" else "something else"
        if start[:1] == b"\x80":
            got = "a pickle, which is not loaded: it could run any program"
        raise wrong(path, f"a complete .npz file, got {got}") from error
    with archive:
        yield archive


def _check_format(path: str, archive: zipfile.ZipFile) -> None:
    names = archive.namelist()
    if len(set(names)) < len(names):
        raise wrong(path, "names that differ, got several arrays of one name")
    if f"{_HEADER}.npy" in names:
        return
    if "arr_0.npy" in names:
        raise wrong(
            path,
            "a file written by sim.save_params of this version, got one without "
            f"names, as NengoDL 3 wrote them. {_CONVERT}",
        )
    raise wrong(path, "a file written by sim.save_params, got another .npz file")


def _read_header(
    path: str, archive: zipfile.ZipFile
) -> tuple[str, dict[str, tuple[int, ...]]]:
    """Return what is in the file: the kind, and the shapes by name."""
    text = read_text(path, archive, _HEADER, _LONGEST_HEADER)
    try:
        header = json.loads(text)
        if header["format"] == FORMAT:
            arrays = header["arrays"].items()
            return header["kind"], {name: tuple(a["shape"]) for name, a in arrays}
        versions = ", ".join(f"{k} {v}" for k, v in header["versions"].items())
    except (AttributeError, *DAMAGED) as error:
        raise wrong(path, f"a header, got {text[:80]!r}") from error
    raise wrong(
        path,
        f"format {FORMAT}, got format {header['format']}, written by {versions}",
    )


def _check_names(
    path: str,
    found: Mapping[str, tuple[int, ...]],
    expected: Mapping[str, Wanted],
    others: Sequence[str],
) -> None:
    for name, wanted in expected.items():
        shape = tuple(wanted.shape)
        if name not in found:
            if wanted.required:
                raise wrong(path, f"{name!r} of shape {shape}, which is missing")
        elif found[name] != shape:
            raise wrong(path, f"{name!r} of shape {shape}, got shape {found[name]}")
    for name, shape in found.items():
        if name not in expected and not name.startswith(tuple(others)):
            got = f"{name!r} of shape {shape}"
            raise wrong(path, f"only parameters of this network, got {got} as well")
