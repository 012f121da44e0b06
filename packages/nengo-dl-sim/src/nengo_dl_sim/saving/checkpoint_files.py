"""Folders of checkpoints: named arrays in TensorFlow's own format."""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np
import tensorflow as tf
from nengo.exceptions import ValidationError

from .checkpoint_folder import add, latest, remove_unused
from .writing import writing

#: How TensorFlow calls the value of a variable in a checkpoint.
_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"

#: What TensorFlow raises where there is no whole checkpoint.
_UNREADABLE = (
    tf.errors.OpError,
    AttributeError,
    IndexError,
    RuntimeError,
    TypeError,
    ValueError,
)


def check_folder(path: str | os.PathLike) -> str:
    """
    Check that a path may be that of a folder of checkpoints.

    Raises a ``ValidationError`` if it is no path, or one that TensorFlow would take for
    a pattern.
    """
    try:
        folder = os.fsdecode(path)
    except TypeError as error:
        raise ValidationError(
            f"expected the path of a folder, got {path!r}", attr="path"
        ) from error
    if not folder or any(letter in folder for letter in "*?[]\\"):
        raise _wrong(folder, "a path without any of *?[]\\, which TensorFlow matches")
    return folder


def make_folder(path: str | os.PathLike) -> str:
    """Make a folder for checkpoints, if there is none."""
    folder = check_folder(path)
    os.makedirs(folder, exist_ok=True)
    return folder


def write_checkpoint(path: str | os.PathLike, arrays: Mapping[str, np.ndarray]) -> None:
    """
    Write a checkpoint.

    At any time readers find a complete checkpoint: the one before is removed after the
    new one is written. What else is in the folder is left alone.

    ``path``: the folder; made if there is none. Raises an ``OSError`` if the folder
    cannot be written to, or another process does not come to an end with writing there.
    """
    existed = os.path.lexists(check_folder(path))
    folder = make_folder(path)
    names = tf.Variable(list(arrays), dtype=tf.string, trainable=False)
    values = [tf.Variable(array, trainable=False) for array in arrays.values()]
    checkpoint = tf.train.Checkpoint(names=names, values=values)

    def write(prefix: str) -> None:
        with writing(folder, "checkpoint"):
            checkpoint.write(prefix)

    try:
        add(folder, write)
    except BaseException:
        if not existed:
            remove_unused(folder)
        raise


def read_checkpoint(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Read a checkpoint that `write_checkpoint` wrote."""
    folder = check_folder(path)
    found = _latest(folder)
    while True:
        try:
            return _read(found)
        except _UNREADABLE as error:
            # Another process may have removed it, having written the next one.
            before, found = found, _latest(folder)
            if found == before:
                reason = (str(error) or type(error).__name__).splitlines()[0]
                raise _wrong(folder, f"an undamaged checkpoint ({reason})") from error


def _latest(folder: str) -> str:
    # Former versions left it to TensorFlow to note which one is the latest.
    try:
        found = latest(folder) or tf.train.latest_checkpoint(folder)
    except (tf.errors.OpError, ValueError) as error:
        raise _wrong(folder, f"an undamaged checkpoint ({error})") from error
    if found is None:
        raise _wrong(
            folder, "a folder that sim.save_checkpoint wrote, found none there"
        )
    return str(found)


def _read(prefix: str) -> dict[str, np.ndarray]:
    reader = tf.train.load_checkpoint(prefix)
    encoded = reader.get_tensor(f"names{_VALUE}").tolist()
    names = [name.decode() for name in encoded]
    values = [reader.get_tensor(f"values/{i}{_VALUE}") for i in range(len(names))]
    return dict(zip(names, values, strict=True))


def check_entries(
    path: str | os.PathLike,
    found: Mapping[str, np.ndarray],
    expected: Mapping[str, np.ndarray],
) -> None:
    """Check that a checkpoint fits what it is read for."""
    folder = os.fsdecode(path)
    for name, array in expected.items():
        if name not in found:
            raise _wrong(folder, f"a checkpoint of this network, with {name!r}")
        if np.shape(found[name]) != np.shape(array):
            raise _wrong(
                folder,
                f"{name!r} of shape {np.shape(array)}, got {np.shape(found[name])}",
            )
        if found[name].dtype != array.dtype:
            raise _wrong(
                folder, f"{name!r} of type {array.dtype}, got {found[name].dtype}"
            )
    for name in found:
        if name not in expected:
            raise _wrong(folder, f"a checkpoint of this network, got one with {name!r}")


def check_equal(
    path: str | os.PathLike,
    found: Mapping[str, np.ndarray],
    expected: Mapping[str, np.ndarray],
) -> None:
    """Check that a checkpoint was saved under the same circumstances."""
    for name, number in expected.items():
        if not np.array_equal(found.get(name, ()), number):
            raise _wrong(
                os.fsdecode(path), f"{name!r} to be {number}, got {found.get(name)}"
            )


def check_not_negative(path: str | os.PathLike, name: str, number: np.ndarray) -> None:
    """Check a count or a seed of a checkpoint."""
    if number < 0:
        raise _wrong(os.fsdecode(path), f"{name!r} of at least 0, got {number}")


def _wrong(folder: str, expected: str) -> ValidationError:
    return ValidationError(f"{folder}: expected {expected}", attr="path")
