"""How the modules of the network like Spaun are connected."""

from __future__ import annotations

import nengo
import numpy as np
from nengo.base import NengoObject

#: Loops through several parts have gains below one: values stay bounded whatever the
#: type of the neurons is.
LOOP_GAIN = 0.9

#: A route leads through fewer nodes that only pass values on than this.
MAX_RELAYS = 6


def route(
    pre: NengoObject,
    post: NengoObject,
    rng: np.random.RandomState,
    transform: float | np.ndarray = 1.0,
) -> None:
    """
    Connect two modules, through a random number of nodes that pass values on.

    In Spaun modules have inputs and outputs of their own, and groups of modules have
    them again. That makes the depth of a step differ from path to path.

    Parameters
    ----------
    pre, post : nengo object
        What to connect.
    rng : numpy.random.RandomState
        What the number of nodes is drawn from.
    transform : float or (size_in, size_out) array
        The factor or matrix of the whole route.
    """
    n_relays = rng.randint(MAX_RELAYS)
    n_before = rng.randint(n_relays + 1)
    for k in range(n_relays):
        relay = nengo.Node(size_in=pre.size_out if k < n_before else post.size_in)
        if k == n_before:
            nengo.Connection(pre, relay, transform=transform)
        else:
            nengo.Connection(pre, relay, synapse=None)
        pre = relay
    if n_before == n_relays:
        nengo.Connection(pre, post, transform=transform)
    else:
        nengo.Connection(pre, post, synapse=None)


def weigh(
    pre: NengoObject,
    post: NengoObject,
    rng: np.random.RandomState,
    scale: float = 1.0,
) -> None:
    """Connect by random weights that leave the length of a vector as it is."""
    weights = rng.randn(post.size_in, pre.size_out) / np.sqrt(pre.size_out)
    route(pre, post, rng, scale * weights)


def unit_vectors(rng: np.random.RandomState, n: int, dimensions: int) -> np.ndarray:
    """Return random vectors of unit length, as a (n, dimensions) array."""
    vectors = rng.randn(n, dimensions)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def rotation(rng: np.random.RandomState, dimensions: int) -> np.ndarray:
    """Return the matrix of a convolution that shortens vectors by `LOOP_GAIN`."""
    spectrum = np.fft.fft(rng.randn(dimensions))
    kernel = np.fft.ifft(spectrum / np.abs(spectrum)).real
    return LOOP_GAIN * np.stack([np.roll(kernel, k) for k in range(dimensions)], axis=1)
