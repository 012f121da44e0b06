"""What must be the same in all workers that train one network."""

from __future__ import annotations

from importlib.metadata import version

import numpy as np

from ..data.data_adapter import DataAdapter
from ..data.names import Names
from .checkpoints import Restart

#: Packages whose versions decide what is computed.
_PACKAGES = ("nengo", "nengo-dl-sim", "nengo-dl-ops", "tensorflow", "keras", "numpy")


def facts_of(
    restart: Restart, seed: int, data: DataAdapter, names: Names, call: str
) -> dict[str, str | bytes]:
    """
    Tell what is computed, and from where on.

    ``call``: the method and its arguments (see `.call_text`). Returns what must be the
    same, by what it is; what explains most comes first.
    """
    arrays = restart.arrays(seed)
    kinds = {name: _kind(name) for name in arrays}
    return {
        "versions of packages": "\n".join(map(_version, _PACKAGES)),
        "call": call,
        "seed": str(seed),
        "size of minibatches": str(data.minibatch_size),
        "network": "\n".join(
            f"{name} of shape {array.shape}, {array.dtype}"
            for name, array in arrays.items()
        ),
        "order of operators": repr(arrays["simulation/plan"]).encode(),
        "shapes of data": "\n".join(
            f"{names.of(obj)} of shape {shape}" for obj, shape in data.shapes.items()
        ),
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
        return f"{package} {version(package)}"
    except ImportError:  # of a part that is not installed by that name
        return f"no {package}"
