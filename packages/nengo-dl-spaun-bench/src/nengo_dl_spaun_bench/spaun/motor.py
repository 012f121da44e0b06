"""Motor control: from a digit to where the pen is."""

from __future__ import annotations

import nengo
import numpy as np

from .memory import gated_memory
from .paths import DASH, N_POINTS, STYLE, canonical_paths
from .ramp import END, PEN, ramp
from .register import holding, load
from .units import CONTROL, FAST, both, closed_unless, constant, gated, silence

#: Neurons that know the path of a digit, and those of a product.
N_PATH, N_PRODUCT = 500, 300

#: What can be drawn: digits, and a dash.
N_DRAWN = DASH + 1

#: Synapse of the pen, in seconds.
PEN_SYNAPSE = 0.01

#: Synapse between the ramp and paths, in seconds.
ALONG = 0.02


def motor() -> nengo.Network:
    """
    Add the module that draws.

    Returns
    -------
    net : nengo.Network
        With the ramp ``ramp``, the nodes ``drawing`` (what is chosen is to be drawn),
        ``sources`` (of size 11: what is to be drawn), ``style`` (of size 5), ``copy``
        (the style is to be remembered) and ``styled`` (it is to be used), ``forget``
        (it is time to look for what to draw), ``empty`` (nothing was found to draw) and
        ``pen`` (x, y, and whether it is down).
    """
    with nengo.Network(label="motor") as net:
        net.ramp = ramp()
        net.drawing = nengo.Node(size_in=1, label="drawing")
        chosen = holding(N_DRAWN, "chosen")
        net.chosen = chosen.on
        taken = gated(N_DRAWN, "taken")
        net.sources = nengo.Node(size_in=N_DRAWN, label="sources")
        nengo.Connection(net.sources, taken.input, synapse=CONTROL)
        load(taken.on, chosen, CONTROL)
        take = both(net.ramp.latch, net.drawing, label="take")
        nengo.Connection(take.on, taken.open, synapse=FAST)
        forget = both(net.ramp.early, label="forget")
        nengo.Connection(net.ramp.tick, forget.input, transform=-2.0, synapse=FAST)
        silence([forget.on], [chosen])
        net.forget = forget.on
        some = both(chosen.on, label="some")
        empty = closed_unless("empty")
        nengo.Connection(some.on, empty.opener, synapse=CONTROL)
        net.empty = empty.on
        net.pen = nengo.Node(size_in=3, label="pen")
        down = both(some.on, net.ramp.pen, label="down")
        nengo.Connection(down.on, net.pen[2], synapse=ALONG)
        place, net.paths = _paths(net.ramp.output, chosen.on)
        _style(net, place)
    return net


def _paths(
    ramp: nengo.Node, chosen: nengo.Node
) -> tuple[nengo.Node, list[nengo.networks.EnsembleArray]]:
    """Add a population for each digit that knows where the pen is, along the ramp."""
    place = nengo.Node(size_in=2, label="usual place")
    populations = []
    middle, half = (END + PEN) / 2, (END - PEN) / 2
    at = np.linspace(-1, 1, N_POINTS)
    for digit, path in enumerate(canonical_paths()):
        along = nengo.networks.EnsembleArray(
            N_PATH, 1, radius=1.2, label=f"path {digit}"
        )
        x, y = path.T
        along.add_output(
            "place",
            lambda u, x=x, y=y: [np.interp(u[0], at, x), np.interp(u[0], at, y)],
        )
        nengo.Connection(ramp, along.input, transform=1 / half, synapse=ALONG)
        constant(-middle / half, along.input)
        closed = closed_unless(f"not {digit}")
        nengo.Connection(chosen[digit], closed.opener, synapse=CONTROL)
        silence([closed.on], [along])
        nengo.Connection(along.place, place, synapse=PEN_SYNAPSE)
        populations.append(along)
    return place, populations


def _style(net: nengo.Network, place: nengo.Node) -> None:
    """Move the pen to its usual place, changed by the style that is remembered."""
    memory = gated_memory(len(STYLE), 0.4, 100, "style")
    net.style, net.copy = memory.input, memory.open
    plain = closed_unless("plain")
    nengo.Connection(plain.on, memory.clear, synapse=None)
    net.styled = plain.opener
    x, y = place[0], place[1]
    nengo.Connection(place, net.pen[:2], synapse=None)
    nengo.Connection(memory.output[:2], net.pen[:2], synapse=FAST)
    for k, coordinate, axis in ((2, x, 0), (3, y, 1), (4, y, 0)):
        product = nengo.networks.Product(N_PRODUCT, 1)
        # Elements of the style are smaller than what products expect.
        nengo.Connection(memory.output[k], product.input_a, transform=2, synapse=FAST)
        nengo.Connection(coordinate, product.input_b, synapse=None)
        nengo.Connection(product.output, net.pen[axis], transform=0.5, synapse=FAST)
