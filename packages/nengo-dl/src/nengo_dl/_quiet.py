"""Keep TensorFlow's notes about the machine out of the way of what users print."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

#: What TensorFlow says of a machine without a graphics card, or of its processor,
#: before it looks at the environment.
_NOTES = re.compile(
    rb"WARNING: All log messages before absl::InitializeLog"
    rb"|I\d{4} "
    rb"|[WE]\d{4} .*\bcuda_\w+\.cc"
    rb"|To enable the following instructions"
)


@contextmanager
def without_notes() -> Iterator[None]:
    """Import TensorFlow without its notes, unless the user has decided, or has it."""
    if "tensorflow" in sys.modules or "TF_CPP_MIN_LOG_LEVEL" in os.environ:
        yield
        return
    # For what comes later. What is an error is raised as one, too.
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    with _filtered(2):
        yield


@contextmanager
def _filtered(descriptor: int) -> Iterator[None]:
    """Hold back what is written to a file, and write all that is no note afterwards."""
    try:
        target = os.dup(descriptor)
    except OSError:  # it is closed
        yield
        return
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), descriptor)
        try:
            yield
        finally:
            os.dup2(target, descriptor)
            os.close(target)
            held.seek(0)
            for line in held:
                if not _NOTES.match(line):
                    os.write(descriptor, line)
