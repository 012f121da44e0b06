"""How operators are computed, under the names of NengoDL 2 and 3."""

from typing import TYPE_CHECKING

from nengo_dl_ops import BuildConfig as BuildConfig
from nengo_dl_ops import Builder as Builder
from nengo_dl_ops import OpBuilder as OpBuilder

from .removed_names import explain

if not TYPE_CHECKING:
    __getattr__ = explain(__name__)
