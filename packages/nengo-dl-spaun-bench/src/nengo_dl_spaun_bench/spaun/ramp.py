"""The ramp: it paces drawing and counting."""

from __future__ import annotations

import nengo

from .units import CONTROL, FAST, both, silence, switch

#: How long the ramp takes from 0 to 1, in seconds.
DURATION = 0.38

#: Synapse of what the ramp holds, and of what starts it, in seconds.
HOLD, START = 0.1, 0.2

#: How fast the ramp returns: `HOLD` divided by it, in seconds.
RETURN = 2.7

#: Neurons of the ramp, and of what tells where it is.
N_RAMP, N_PHASE = 500, 100

#: Where phases of the ramp begin and end.
EARLY, LATCH, LATCHED, PEN, LATE, END, BEGIN = 0.3, 0.36, 0.54, 0.56, 0.65, 0.97, 0.04


def ramp() -> nengo.Network:
    """
    Add a ramp that rises again and again while it may.

    Returns
    -------
    net : nengo.Network
        With the nodes ``run``, ``output`` (from 0 to 1) and, each 0 or about 1, those
        of its phases: ``early`` (what is to be drawn is looked for), ``latch`` (it is
        taken), ``pen`` (it is drawn), ``late`` (the next step is prepared) and ``tick``
        (the ramp returns).
    """
    with nengo.Network(label="ramp") as net:
        net.run = nengo.Node(size_in=1, label="run")
        running = switch(label="running")
        nengo.Connection(net.run, running.input, synapse=START)
        value = nengo.networks.EnsembleArray(N_RAMP, 1, radius=1.3, label="ramp")
        nengo.Connection(value.output, value.input, synapse=HOLD)
        tick = switch(label="tick")
        moving = both(running.on, label="moving")
        nengo.Connection(tick.on, moving.input, transform=-1.5, synapse=FAST)
        nengo.Connection(
            moving.on, value.input, transform=HOLD / DURATION, synapse=HOLD
        )
        back = nengo.networks.EnsembleArray(N_PHASE, 1, radius=1.3, label="back")
        nengo.Connection(value.output, back.input, synapse=FAST)
        nengo.Connection(back.output, value.input, transform=-RETURN, synapse=HOLD)
        silence([moving.on], [back])
        nengo.Connection(tick.on, tick.input, synapse=CONTROL)
        for where, effect in ((_above(value, END), 1.5), (_below(value, BEGIN), -1.5)):
            nengo.Connection(where, tick.input, transform=effect, synapse=FAST)
        net.output, net.tick = value.output, tick.on
        net.early = _below(value, EARLY)
        net.late = _above(value, LATE)
        net.latch = _within(_above(value, LATCH), _above(value, LATCHED), tick.on)
        net.pen = _within(_above(value, PEN), tick.on)
    return net


def _above(value: nengo.networks.EnsembleArray, level: float) -> nengo.Node:
    """Add what is on while a value is above a level."""
    return _phase(value, level, 1)


def _below(value: nengo.networks.EnsembleArray, level: float) -> nengo.Node:
    """Add what is on while a value is below a level."""
    return _phase(value, level, -1)


def _phase(value: nengo.networks.EnsembleArray, level: float, sign: int) -> nengo.Node:
    found = nengo.networks.EnsembleArray(
        N_PHASE,
        1,
        radius=1.3,
        encoders=nengo.dists.Choice([[sign]]),
        intercepts=nengo.dists.Uniform(
            sign * level / 1.3 - 0.03, sign * level / 1.3 + 0.15
        ),
        label=f"{'above' if sign > 0 else 'below'} {level}",
    )
    found.add_output("on", lambda x: (sign * (x - level) > 0).astype(float))
    nengo.Connection(value.output, found.input, synapse=FAST)
    return found.on


def _within(start: nengo.Node, *ends: nengo.Node) -> nengo.Node:
    """Add what is on from a start until one of several ends."""
    found = both(start)
    for end in ends:
        nengo.Connection(end, found.input, transform=-2.0, synapse=FAST)
    return found.on
