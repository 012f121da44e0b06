"""
Populations that signal yes or no, and how they silence others.

All of Spaun's control is made of them: a switch is silent below a level, and gives out
about 1 above it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import nengo
import numpy as np
from nengo.base import NengoObject
from nengo.networks import EnsembleArray

#: Neurons of a switch.
N_SWITCH = 50

#: Synapse between populations of control, in seconds: long enough that the spikes of
#: a switch add up to a steady signal.
CONTROL = 0.01

#: Synapse of what silences neurons, in seconds.
FAST = 0.005

#: What silences a neuron, relative to the current that a value of 1 makes.
INHIBITION = -12.0

#: Neurons start to fire between a level and this much above it.
WIDTH = 0.25

#: Switches saturate: these neurons cannot fire at more than 333 Hz, and some nearly do
#: so at an input of 1.
REFRACTORY, RATES = 0.003, (100, 240)

#: Largest input that switches expect.
LARGEST = 2.0


def switches(n: int, level: float = 0.5, label: str | None = None) -> EnsembleArray:
    """
    Add populations that are silent below a level.

    Parameters
    ----------
    n : int
        How many.
    level : float
        Where they start to fire.
    label : str, optional
        What they are called.

    Returns
    -------
    array : nengo.networks.EnsembleArray
        With the outputs ``output`` (how far above the level) and ``on`` (about 1 above
        the level).
    """
    array = EnsembleArray(
        N_SWITCH,
        n,
        label=label,
        intercepts=nengo.dists.Uniform(level, level + WIDTH),
        encoders=nengo.dists.Choice([[1]]),
        neuron_type=nengo.LIF(tau_ref=REFRACTORY),
        max_rates=nengo.dists.Uniform(*RATES),
        eval_points=nengo.dists.Uniform(level - 0.3, LARGEST),
    )
    array.add_output("on", _above(level + WIDTH / 2))
    return array


def switch(level: float = 0.5, label: str | None = None) -> EnsembleArray:
    """Add a single switch."""
    return switches(1, level, label)


def compete(array: EnsembleArray, strength: float = 1.0) -> None:
    """Let each switch that is on keep the others off."""
    nengo.Connection(
        array.on,
        array.input,
        transform=strength * _others(array.n_ensembles),
        synapse=CONTROL,
    )


def choose(array: EnsembleArray, strength: float = 2.0) -> None:
    """Let that switch win whose input is the largest: the more the input, the more."""
    nengo.Connection(
        array.output,
        array.input,
        transform=strength * _others(array.n_ensembles),
        synapse=FAST,
    )


def both(*signals: NengoObject, label: str | None = None) -> EnsembleArray:
    """
    Add a switch that is on while all signals are.

    Others may keep it off, by connections to its ``input`` with a negative transform.
    """
    found = switch(label=label)
    for signal in signals:
        nengo.Connection(
            signal,
            found.input,
            transform=np.ones((1, signal.size_out)),
            synapse=CONTROL,
        )
    constant(1.0 - len(signals), found.input)
    return found


def gated(n: int, label: str | None = None, level: float = 0.5) -> EnsembleArray:
    """Add switches that are off unless the node ``open`` of the array is on."""
    array = switches(n, level, label)
    closed = closed_unless(label)
    keep_off(closed.on, array)
    array.open = closed.opener
    return array


def silence(
    gates: Sequence[NengoObject],
    arrays: Sequence[EnsembleArray],
    strength: float = INHIBITION,
) -> None:
    """
    Let scalars, each by itself, keep all neurons of arrays from firing.

    Parameters
    ----------
    gates : list of nengo object
        The output of each is 0, or about 1 while the neurons are to be silent.
    arrays : list of nengo.networks.EnsembleArray
        What to silence; each array once, with all that silences it.
    strength : float
        Input current of each neuron, where a gate is 1, relative to its gain.
    """
    # Added up and filtered here: each connection to an array is a current of its own
    # for each of its neurons, filtered one by one; steps took a third more time.
    silencing = nengo.Node(size_in=1, label="silencing")
    for gate in gates:
        nengo.Connection(gate, silencing, synapse=FAST)
    for array in arrays:
        array.add_neuron_input()
        nengo.Connection(
            silencing,
            array.neuron_input,
            transform=np.full((array.neuron_input.size_in, 1), strength),
            synapse=None,
        )


def keep_off(signal: NengoObject, array: EnsembleArray, synapse: float = FAST) -> None:
    """Let a signal keep switches off."""
    nengo.Connection(
        signal,
        array.input,
        transform=np.full((array.n_ensembles, signal.size_out), -2.0),
        synapse=synapse,
    )


def constant(value: float, post: NengoObject) -> None:
    """Add a constant to the input of an object, in each dimension."""
    nengo.Connection(
        bias(), post, transform=np.full((post.size_in, 1), value), synapse=None
    )


def bias() -> nengo.Node:
    """Return the node of the network around that always gives out 1."""
    net = nengo.Network.context[0]
    if getattr(net, "bias", None) is None:
        with net:
            net.bias = nengo.Node([1.0], label="bias")
    return net.bias


def closed_unless(label: str | None = None) -> EnsembleArray:
    """
    Add a switch that is on until its input is.

    Its output ``on`` silences a channel that is closed unless something opens it.
    """
    gate = switch(label=label)
    constant(1.0, gate.input)
    gate.opener = nengo.Node(size_in=1, label="opener")
    nengo.Connection(gate.opener, gate.input, transform=-2.0, synapse=None)
    return gate


def _above(level: float) -> Callable[[np.ndarray], np.ndarray]:
    """Return a step function."""
    return lambda x: (x > level).astype(float)


def _others(n: int) -> np.ndarray:
    """Return the matrix of connections from each to all others that silence them."""
    return np.eye(n) - np.ones((n, n))
