"""Two nodes whose weighted sum is probed: all that is learned is known beforehand."""

import nengo
import numpy as np

from nengo_dl_sim import configure_settings

N_ITEMS, N_STEPS, SIZE = 6, 3, 2


def linear():
    """Two nodes; one probe of their weighted sum, one of its memory."""
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64", trainable=False)
        net.a = nengo.Node([1.0, 1.0], label="a")
        net.b = nengo.Node([0.5], label="b")
        c = nengo.Node(size_in=1)
        net.conn = nengo.Connection(net.a, c, transform=[[2.0, 3.0]], synapse=None)
        net.config[net.conn].trainable = True
        nengo.Connection(net.b, c, synapse=None)
        net.p = nengo.Probe(c, label="out")
        net.q = nengo.Probe(c, synapse=0.01)
    return net


_rng = np.random.RandomState(0)
A = _rng.uniform(-1, 1, (N_ITEMS, N_STEPS, 2))
B = _rng.uniform(-1, 1, (N_ITEMS, N_STEPS, 1))
TARGETS = _rng.uniform(-1, 1, (N_ITEMS, N_STEPS, 1))
WEIGHTS = np.array([2.0, 3.0])


def outputs(a=A, b=B, w=WEIGHTS):
    return (a @ w)[..., None] + b


def filtered(x, before=None):
    """The memory of a probe with synapse=0.01, after some inputs before."""
    decay, y, found = np.exp(-0.001 / 0.01), 0.0, []
    before = (
        x[:, :0]
        if before is None
        else np.broadcast_to(before, (len(x), *before.shape[1:]))
    )
    for value in np.moveaxis(np.concatenate([before, x], axis=1), 1, 0):
        found.append(y + 0 * value)
        y = decay * y + (1 - decay) * value
    return np.stack(found[before.shape[1] :], axis=1)


def weights(sim, net):
    return np.ravel(sim.data[net.conn].weights)
