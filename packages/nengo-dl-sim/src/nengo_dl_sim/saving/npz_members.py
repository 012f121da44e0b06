"""Arrays in a .npz file, checked before they take memory."""

from __future__ import annotations

import contextlib
import math
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Literal, NamedTuple

import numpy as np
from nengo.exceptions import ValidationError
from numpy.lib import format as npy

#: What a damaged file makes of the functions that read it.
DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    KeyError,
    NotImplementedError,
    RuntimeError,
    TypeError,
    ValueError,
)

#: The kinds of numbers that may stand for numbers of some kind.
_FITTING = {"b": "b", "i": "iu", "u": "iu", "f": "iuf", "c": "iufc"}

#: No header of an array is longer.
_HEADER = 1 << 16
_LARGEST_ITEM = 32


class Wanted(NamedTuple):
    """
    What an array has to be.

    Parameters
    ----------
    shape : tuple of int
        Its shape.
    dtype : numpy.dtype
        The type of which it is used. A file may hold another one of numbers.
    finite : bool
        Whether numbers that are not finite are refused.
    required : bool
        Whether it has to be there.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    finite: bool = True
    required: bool = True


def read_array(
    path: str, archive: zipfile.ZipFile, name: str, wanted: Wanted
) -> np.ndarray:
    """
    Read an array.

    Raises a ``ValidationError`` if it is something else, or damaged. No more memory is
    taken than what is wanted needs.
    """
    size = math.prod(wanted.shape)
    _check_size(path, archive, name, size * _LARGEST_ITEM)
    with _reading(path, name), archive.open(f"{name}.npy") as member:
        shape, order, dtype = _header(member)
    if shape != tuple(wanted.shape):
        raise wrong(path, f"{name!r} of shape {wanted.shape}, got {shape}")
    if dtype.kind not in _FITTING[wanted.dtype.kind]:
        raise wrong(path, f"{name!r} of type {wanted.dtype}, got {dtype}")
    with _reading(path, name), archive.open(f"{name}.npy") as member:
        _header(member)
        values = member.read(size * dtype.itemsize)
        # Only at its end is a member compared with its checksum.
        if len(values) != size * dtype.itemsize or member.read(1):
            raise ValueError("damaged data")
    array = np.frombuffer(values, dtype).reshape(shape, order=order)
    return _converted(path, name, array, wanted)


def read_text(path: str, archive: zipfile.ZipFile, name: str, limit: int) -> str:
    """Read an array of one text."""
    _check_size(path, archive, name, limit)
    with _reading(path, name), archive.open(f"{name}.npy") as member:
        shape, _, dtype = _header(member)
        if shape != () or dtype.kind != "U":
            raise ValueError(f"an array of shape {shape} and type {dtype}")
        values = member.read(dtype.itemsize)
        if len(values) != dtype.itemsize or member.read(1):
            raise ValueError("damaged data")
        return str(np.frombuffer(values, dtype)[0]) if values else ""


def wrong(path: str, message: str) -> ValidationError:
    """Make the error that a file is not as expected."""
    return ValidationError(f"{path}: expected {message}", attr="path")


def _check_size(path: str, archive: zipfile.ZipFile, name: str, limit: int) -> None:
    with _reading(path, name):
        size = archive.getinfo(f"{name}.npy").file_size
    if size > limit + _HEADER:
        raise wrong(path, f"{name!r} of at most {limit} bytes, got {size}")


def _header(member: IO[bytes]) -> tuple[tuple[int, ...], Literal["C", "F"], np.dtype]:
    version = npy.read_magic(member)
    readers = {
        (1, 0): npy.read_array_header_1_0,
        (2, 0): npy.read_array_header_2_0,
    }
    if version not in readers:
        raise ValueError(f"version {version} of the NPY format")
    try:
        with warnings.catch_warnings(action="ignore"):
            shape, is_fortran, dtype = readers[version](member)
    except Exception as error:  # NumPy takes it for Python's text
        raise ValueError(f"a header that says nothing ({error})") from error
    return shape, "F" if is_fortran else "C", dtype


@contextlib.contextmanager
def _reading(path: str, name: str) -> Iterator[None]:
    """Turn what goes wrong in reading an array into an error that names it."""
    try:
        yield
    except (*DAMAGED, OSError, MemoryError) as error:
        raise wrong(path, f"{name!r} to be readable, got: {error}") from error


def _converted(path: str, name: str, array: np.ndarray, wanted: Wanted) -> np.ndarray:
    with np.errstate(all="ignore"):
        converted = array.astype(wanted.dtype)
    bad = _not_representable(array, converted, wanted)
    if np.any(bad):
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        kind = "finite numbers" if wanted.finite else "numbers"
        raise wrong(
            path,
            f"{name!r} to hold {kind} that {wanted.dtype} can represent, got "
            f"{array[first]!s} at {first}",
        )
    return converted


def _not_representable(
    array: np.ndarray, converted: np.ndarray, wanted: Wanted
) -> np.ndarray:
    if wanted.dtype.kind in "biu":
        return converted != array
    return ~np.isfinite(converted) & (wanted.finite | np.isfinite(array))
