"""A weight of 2, and a leaky memory of what goes through it."""

import nengo
import numpy as np

from nengo_dl_sim import configure_settings

N_ITEMS, N_STEPS = 6, 4


def remembering():
    """Make the network, with random inputs ``x`` and targets ``t``."""
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64", keep_history=True)
        net.a = nengo.Node([0.5])
        net.b, net.c = nengo.Node(size_in=1), nengo.Node(size_in=1)
        net.conn = nengo.Connection(net.a, net.b, transform=2.0, synapse=None)
        nengo.Connection(net.b, net.c, synapse=0.002)
        net.p = nengo.Probe(net.b, label="p")
        net.q = nengo.Probe(net.c, label="q")
    rng = np.random.RandomState(0)
    net.x, net.t = rng.uniform(-1, 1, (2, N_ITEMS, N_STEPS, 1))
    return net


def filtered(x, start=0.0):
    """What the memory holds: a lowpass filter of 2 ms, with a delay of a step."""
    decay, state, found = np.exp(-0.5), np.broadcast_to(start, x[:, 0].shape), []
    for i in range(x.shape[1]):
        found.append(state)
        state = decay * state + (1 - decay) * 2 * x[:, i]
    return np.stack(found, axis=1)
