"""Errors of TensorFlow where a file cannot be written, as those of Python."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator

import tensorflow as tf


@contextlib.contextmanager
def writing(path: str | os.PathLike, what: str) -> Iterator[None]:
    """Raise an OSError where TensorFlow cannot write."""
    try:
        yield
    except tf.errors.OpError as error:
        raise OSError(
            f"{os.fspath(path)}: the {what} cannot be written: {_reason(error)}"
        ) from error


def _reason(error: tf.errors.OpError) -> str:
    """Leave out which operation it was, and names of files that are gone."""
    first = re.sub(r"^\{\{.*?\}\} ", "", error.message).splitlines()[0]
    return re.sub(r" \[Op:\w+\]$", "", first).rpartition("; ")[2]
