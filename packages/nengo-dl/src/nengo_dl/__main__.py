"""``python -m nengo_dl``: check that what is installed works, and works together."""

from __future__ import annotations

import argparse
import platform
import re
import sys
import warnings
from collections.abc import Callable
from importlib import metadata

import keras
import nengo
import numpy as np
import tensorflow as tf

import nengo_dl

N_STEPS = 100


class CheckError(Exception):
    """Something works otherwise than it should."""


def main(arguments: list[str] | None = None) -> int:
    """
    Check the installation, and print what is found.

    Parameters
    ----------
    arguments : list of str, optional
        The command line; there are no arguments but ``--help``.

    Returns
    -------
    status : int
        0 if all is well, else 1.
    """
    argparse.ArgumentParser(
        prog="python -m nengo_dl",
        description="Check the installation of NengoDL: versions, devices, a small "
        "run (as a graph of TensorFlow, and compiled by XLA) that must equal Nengo's "
        "own, and a small training. The exit status is 0 if all is well.",
    ).parse_args(arguments)
    for name, text in facts().items():
        print(f"{name:21}{text}")
    print()
    checks: dict[str, Callable[[], str]] = {
        "run as a graph": lambda: check_run(jit_compile=False),
        "run with XLA": lambda: check_run(jit_compile=True),
        "training": check_training,
    }
    failed = [name for name, check in checks.items() if not passes(name, check)]
    print(f"\n{'not well: ' + ', '.join(failed) if failed else 'all well'}")
    return int(bool(failed))


def facts() -> dict[str, str]:
    """
    Tell what is installed.

    Returns
    -------
    facts : dict from str to str
        Versions and devices, as text.
    """
    siblings = [
        re.split(r"[^\w-]", requirement)[0]
        for requirement in metadata.requires("nengo-dl") or []
        if requirement.startswith("nengo-dl")
    ]
    devices = [device.name for device in tf.config.list_logical_devices()]
    return {
        "nengo-dl": nengo_dl.__version__,
        **{name: metadata.version(name) for name in sorted(siblings)},
        "Nengo": nengo.__version__,
        "TensorFlow": tf.__version__,
        "Keras": f"{keras.__version__}, on {keras.config.backend()}",
        "NumPy": np.__version__,
        "Python": f"{platform.python_version()}, {platform.platform()}",
        "devices": ", ".join(devices),
    }


def passes(name: str, check: Callable[[], str]) -> bool:
    """
    Carry out a check, and print how it went.

    Parameters
    ----------
    name : str
        What is checked.
    check : callable
        Returns what there is to say; raises an error if something is wrong.

    Returns
    -------
    good : bool
        Whether it raised none.
    """
    print(f"{name:21}", end="", flush=True)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "No GPU support detected")
            text = check()
    except Exception as error:
        text = " ".join(f"{type(error).__name__}: {error}".split())
        print(f"failed: {text}")
        return False
    print(f"good, {text}")
    return True


def check_run(jit_compile: bool) -> str:
    """
    Run a network of spiking neurons in NengoDL and in Nengo.

    Parameters
    ----------
    jit_compile : bool
        Whether XLA compiles it.

    Returns
    -------
    text : str
        What was found.

    Raises
    ------
    CheckError
        If the results differ by more than rounding.
    """
    with nengo.Network(seed=0) as net:
        nengo_dl.configure_settings(dtype="float64")
        stimulus = nengo.Node(lambda t: np.sin(20 * t))
        ens = nengo.Ensemble(20, 1)
        nengo.Connection(stimulus, ens)
        probe = nengo.Probe(ens, synapse=0.01)
    with nengo.Simulator(net, progress_bar=False) as core:
        core.run_steps(N_STEPS)
    with nengo_dl.Simulator(net, progress_bar=False, jit_compile=jit_compile) as sim:
        sim.run_steps(N_STEPS)
    difference = np.max(np.abs(sim.data[probe] - core.data[probe]))
    if not difference < 1e-9:
        raise CheckError(f"expected what Nengo computes, got up to {difference:g} more")
    return "equal to Nengo"


def check_training() -> str:
    """
    Train a weight for a few steps, of which the right result is known.

    Returns
    -------
    text : str
        What was found.

    Raises
    ------
    CheckError
        If the weight becomes another one.
    """
    with nengo.Network(seed=0) as net:
        one, out = nengo.Node([1.0]), nengo.Node(size_in=1)
        weight = nengo.Connection(one, out, transform=0.0, synapse=None)
        probe = nengo.Probe(out)
    data = {one: np.ones((4, 1, 1)), probe: np.ones((4, 1, 1))}
    with nengo_dl.Simulator(net, minibatch_size=4, progress_bar=False) as sim:
        before = sim.loss(data)
        # The gradient of (w - 1)^2 is 2 (w - 1): each step halves the distance to 1.
        sim.train(data, keras.optimizers.SGD(0.25), n_epochs=3)
        after, found = sim.loss(data), float(np.squeeze(sim.data[weight].weights))
    if not abs(found - 0.875) < 1e-5:
        raise CheckError(f"expected a weight of 0.875, got {found:g}")
    return f"loss {before:.2g} -> {after:.2g}"


if __name__ == "__main__":
    sys.exit(main())
