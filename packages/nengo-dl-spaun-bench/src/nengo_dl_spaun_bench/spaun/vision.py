"""Vision: from pixels to which symbol is seen, and to how a digit is written."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import nengo
import numpy as np

from .paths import STYLE
from .symbols import DIGITS, SIDE, SYMBOLS
from .units import (
    CONTROL,
    FAST,
    both,
    choose,
    closed_unless,
    compete,
    silence,
    switch,
    switches,
)

#: Neurons of the two layers between pixels and scores.
LAYERS = (256, 128)

#: What a spike is worth: a neuron that fires at 100 Hz gives out 1.
AMPLITUDE = 0.01

#: Current of neurons that see nothing; they fire above 1.
BIAS = 1.0

#: How long spikes are felt between layers, and by what reads the last one, in seconds.
BETWEEN_LAYERS = 0.005
READ_OUT = 0.02

#: How much what is seen helps itself, and keeps others down: an image that is like two
#: symbols is taken for one of them until it changes.
STICK, KEEP_DOWN = 0.5, 1.0

#: Where the weights lie that `vision_training` made.
WEIGHTS = "vision.npz"


#: Synapses of what is compared to find that the image changes, in seconds.
NOW, BEFORE = 0.005, 0.03

#: Neurons of each pixel's detector of change, and the smallest change that it tells.
N_CHANGE, SMALLEST_CHANGE = 20, 0.1

#: How much all pixels together must change.
CHANGE = 0.7

#: The least sum of pixels that makes an image.
INK = 6.0

#: How high the score of a symbol must be, and what makes it about 1.
SEEN, AMPLIFIED = 0.3, 1.7


@cache
def stored_weights() -> dict[str, np.ndarray]:
    """Return what was learned: a matrix and a bias for each layer, and a read-out."""
    with (files(__package__) / WEIGHTS).open("rb") as file, np.load(file) as stored:
        return {name: stored[name].astype(float) for name in stored.files}


def vision(weights: dict[str, np.ndarray] | None = None) -> nengo.Network:
    """
    Add the module that sees.

    Parameters
    ----------
    weights : dict of array, optional
        What to use instead of `stored_weights`.

    Returns
    -------
    net : nengo.Network
        With the nodes ``pixels`` (size 64), ``seen`` (about 1 for the symbol in
        sight), ``style`` (of a digit, size 5), ``changing``, ``blank`` and ``digit``
        (each 0 or about 1).
    """
    with nengo.Network(label="vision") as net:
        net.pixels = nengo.Node(size_in=SIDE**2, label="pixels")
        net.layers, output, _ = layers(
            net.pixels, weights or stored_weights(), BETWEEN_LAYERS
        )
        net.style = output[len(SYMBOLS) :]
        net.changing = _change(net.pixels)
        symbols = switches(len(SYMBOLS), level=SEEN, label="symbols")
        nengo.Connection(
            output[: len(SYMBOLS)], symbols.input, transform=AMPLIFIED, synapse=None
        )
        choose(symbols)
        _stick(symbols)
        net.seen, net.symbols = symbols.on, symbols
        net.digit = both(net.seen[: len(DIGITS)], label="digit").on
        dark = _dark(net.pixels)
        silence([net.changing, dark], [symbols])
        blank = both(dark, label="blank")
        nengo.Connection(net.changing, blank.input, transform=-2.0, synapse=CONTROL)
        net.blank = blank.on
    return net


def _stick(symbols: nengo.networks.EnsembleArray) -> None:
    """Let what was seen first be seen until it is silenced."""
    nengo.Connection(symbols.on, symbols.input, transform=STICK, synapse=CONTROL)
    compete(symbols, KEEP_DOWN)


def _change(pixels: nengo.Node) -> nengo.Node:
    """Add what is on for some tens of milliseconds whenever the image changes."""
    detectors = nengo.networks.EnsembleArray(
        N_CHANGE,
        SIDE**2,
        intercepts=nengo.dists.Uniform(SMALLEST_CHANGE, 0.8),
        label="change of pixels",
    )
    moved = detectors.add_output("moved", np.abs)
    nengo.Connection(pixels, detectors.input, synapse=NOW)
    nengo.Connection(pixels, detectors.input, synapse=BEFORE, transform=-1)
    changing = switch(label="changing")
    nengo.Connection(
        moved,
        changing.input,
        transform=np.full((1, SIDE**2), 0.5 / CHANGE),
        synapse=FAST,
    )
    return changing.on


def _dark(pixels: nengo.Node) -> nengo.Node:
    """Add what is on while no image is shown."""
    dark = closed_unless("dark")
    ink = np.full((1, SIDE**2), 1 / INK)
    nengo.Connection(pixels, dark.opener, transform=ink, synapse=NOW)
    return dark.on


def layers(
    pixels: nengo.Node, weights: dict[str, np.ndarray], synapse: float | None
) -> tuple[list[nengo.Ensemble], nengo.Node, list[nengo.Connection]]:
    """
    Add the two layers of neurons and a node for their scores and the style.

    Parameters
    ----------
    pixels : nengo.Node
        The image, of size 64.
    weights : dict of array
        As `stored_weights` returns them.
    synapse : float or None
        Of the connections between neurons, in seconds.

    Returns
    -------
    neurons : list of nengo.Ensemble
        The two layers.
    output : nengo.Node
        Scores of the symbols, then the style.
    connections : list of nengo.Connection
        Those that hold the three matrices.
    """
    pre, neurons, connections = pixels, [], []
    for k, size in enumerate(LAYERS, start=1):
        layer = nengo.Ensemble(
            size,
            1,
            neuron_type=nengo.LIF(amplitude=AMPLITUDE),
            gain=np.ones(size),
            bias=weights[f"bias{k}"],
            max_rates=nengo.Ensemble.max_rates.default,
            label=f"layer {k}",
        )
        connections.append(
            nengo.Connection(
                pre,
                layer.neurons,
                transform=weights[f"weights{k}"],
                synapse=None if k == 1 else synapse,
            )
        )
        neurons.append(layer)
        pre = layer.neurons
    output = nengo.Node(size_in=len(SYMBOLS) + len(STYLE), label="scores and style")
    connections.append(
        nengo.Connection(
            pre,
            output,
            transform=weights["read_out"],
            synapse=None if synapse is None else READ_OUT,
        )
    )
    return neurons, output, connections


def initial_weights(seed: int) -> dict[str, np.ndarray]:
    """Return the weights that training begins with."""
    rng = np.random.RandomState(seed)
    sizes = (SIDE**2, *LAYERS)
    weights = {}
    for k, (before, after) in enumerate(zip(sizes, sizes[1:], strict=False), start=1):
        weights[f"weights{k}"] = rng.randn(after, before) * np.sqrt(2 / before)
        weights[f"bias{k}"] = np.full(after, BIAS)
    outputs = len(SYMBOLS) + len(STYLE)
    weights["read_out"] = rng.randn(outputs, LAYERS[-1]) / np.sqrt(LAYERS[-1])
    return weights
