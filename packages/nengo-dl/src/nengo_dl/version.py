"""The version of this package, in one place."""

from typing import TYPE_CHECKING

from .removed_names import explain

version_info = (4, 0, 0)
"""Major, minor and patch number."""

version = "4.0.0"
"""The same as text; the build reads it from this line."""

if not TYPE_CHECKING:
    __getattr__ = explain(__name__)
