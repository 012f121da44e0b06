"""What must be the same in all workers that train one network."""

from __future__ import annotations

from importlib.metadata import version

import numpy as np

from ..data.data_adapter import DataAdapter
from .checkpoints import Restart

#: Packages whose versions decide what is computed.
_PACKAGES = ("nengo", "nengo-dl-sim", "nengo-dl-ops", "tensorflow", "keras", "numpy")


def facts_of(restart: Restart, seed: int, data: DataAdapter) -> dict[str, bytes]:
    """
    Tell what is computed, and from where on.

    Returns what must be the same, by what it is; what explains most comes first.
    """
    arrays = restart.arrays(seed)
    network = {name: (array.shape, str(array.dtype)) for name, array in arrays.items()}
    kinds = {name: _kind(name) for name in arrays}
    return {
        "versions of packages": repr([_version(name) for name in _PACKAGES]).encode(),
        "seed": str(seed).encode(),
        "network": repr((network, arrays["simulation/plan"])).encode(),
        "size of minibatches": str(data.minibatch_size).encode(),
        "data": data.fingerprint(),
        **{
            what: b"".join(
                np.ascontiguousarray(array).tobytes()
                for name, array in arrays.items()
                if kinds[name] == what
            )
            for what in ("position in training", "state", "parameters")
        },
    }


def _kind(name: str) -> str:
    """Say what an array of a checkpoint is."""
    if name.startswith("training/"):
        return "position in training"
    return "state" if name.startswith(("state/", "simulation/")) else "parameters"


def _version(package: str) -> str:
    try:
        return version(package)
    except ImportError:  # of a part that is not installed by that name
        return ""
