"""The machine and the libraries that a figure was measured with."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass


@dataclass(frozen=True)
class Machine:
    """
    Where a measurement was taken.

    Parameters
    ----------
    n_cpus : int
        Logical processors of the machine.
    platform : str
        Operating system and processor architecture.
    versions : dict of str to str
        Versions of Python and of the libraries that do the work.
    """

    n_cpus: int
    platform: str
    versions: dict[str, str]


def this_machine() -> Machine:
    """
    Describe the machine that this process runs on.

    Returns
    -------
    machine : Machine
        Its description.
    """
    # Imported here, because TensorFlow takes seconds.
    import nengo
    import numpy as np
    import tensorflow as tf

    import nengo_dl

    libraries = {"nengo_dl": nengo_dl, "nengo": nengo, "tensorflow": tf, "numpy": np}
    versions = {name: module.__version__ for name, module in libraries.items()}
    return Machine(
        n_cpus=os.cpu_count() or 1,
        platform=platform.platform(),
        versions={"python": platform.python_version(), **versions},
    )
