"""The package ``nir``, which is installed only if somebody wants it."""

from __future__ import annotations

import importlib
from typing import Any

_MISSING = (
    "nengo_dl.nir needs packages that are not installed: pip install 'nengo-dl[nir]'"
)


def nir_package() -> Any:
    """Import ``nir``, or say in one line what to install."""
    return _imported("nir")


def h5py_package() -> Any:
    """Import ``h5py``, or say in one line what to install."""
    return _imported("h5py")


def _imported(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name not in ("nir", "h5py"):
            raise
        raise ImportError(_MISSING, name=error.name) from None
