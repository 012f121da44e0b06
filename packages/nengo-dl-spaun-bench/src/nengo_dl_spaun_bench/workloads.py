"""
What is timed: one run, or one epoch of training.

Each workload prepares all it needs and returns a function without arguments, so that
nothing but the simulator's work falls between two looks at the clock.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import nengo
import numpy as np

Workload = Callable[[Any, nengo.Network, int], Callable[[], None]]
"""Takes a simulator, its network and a number of timesteps."""

LEARNING_RATE = 1e-6
"""Too small to make a network diverge: an overflow would falsify the times."""


def run_workload(sim: Any, net: nengo.Network, n_steps: int) -> Callable[[], None]:
    """
    Prepare one run of the network with its own inputs.

    Parameters
    ----------
    sim : nengo_dl.Simulator
        Simulator of ``net``.
    net : nengo.Network
        A benchmark network.
    n_steps : int
        Timesteps to run.

    Returns
    -------
    operation : callable
        Runs ``n_steps`` from the state that the last call left.
    """
    del net

    def run() -> None:
        sim.run_steps(n_steps, progress_bar=False)

    return run


def train_workload(sim: Any, net: nengo.Network, n_steps: int) -> Callable[[], None]:
    """
    Prepare one epoch of training on one minibatch of random data.

    The objective is the mean squared error of the probe ``net.p``, the optimiser
    plain gradient descent.

    Parameters
    ----------
    sim : nengo_dl.Simulator
        Simulator of ``net``.
    net : nengo.Network
        A benchmark network.
    n_steps : int
        Timesteps of each example.

    Returns
    -------
    operation : callable
        Trains one epoch: one forward and one backward pass through ``n_steps``.
    """
    # Imported here, because TensorFlow takes seconds.
    import tensorflow as tf

    rng = np.random.RandomState(0)
    inputs = [node for node in net.nodes if node.size_in == 0]
    sizes = {**{node: node.size_out for node in inputs}, net.p: net.p.size_in}
    data = {
        obj: rng.uniform(-1, 1, size=(sim.minibatch_size, n_steps, size))
        for obj, size in sizes.items()
    }
    optimizer = tf.keras.optimizers.SGD(LEARNING_RATE)

    def train() -> None:
        sim.train(data, optimizer, n_epochs=1, progress_bar=False)

    return train


WORKLOADS: dict[str, Workload] = {"run": run_workload, "train": train_workload}
"""The workloads by name."""
