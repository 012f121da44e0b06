"""Compare the backend with nengo.Simulator; print the greatest differences as JSON."""

import json
import sys

import nengo
import numpy as np
from tiny_backend import Quadratic, Simulator


def chain(neuron_type):
    """Two ensembles, a decoded function, filters, and the neurons themselves."""
    with nengo.Network(seed=0) as net:
        node = nengo.Node(lambda t: np.sin(20 * t))
        one = nengo.Ensemble(20, 1, neuron_type=neuron_type)
        two = nengo.Ensemble(15, 1, neuron_type=neuron_type)
        nengo.Connection(node, one, synapse=None)
        nengo.Connection(one, two, function=np.square, synapse=0.01)
        nengo.Probe(two, synapse=0.02)
        nengo.Probe(one.neurons, sample_every=0.003)
        nengo.Probe(node)
    return net


def learning():
    """PES learns to transmit a constant."""
    with nengo.Network(seed=1) as net:
        node = nengo.Node([0.5])
        error = nengo.Node(size_in=1)
        pre = nengo.Ensemble(20, 1, neuron_type=nengo.LIFRate())
        post = nengo.Ensemble(20, 1, neuron_type=nengo.LIFRate())
        nengo.Connection(node, pre)
        learned = nengo.Connection(
            pre, post, function=lambda x: 0, learning_rule_type=nengo.PES(1e-3)
        )
        nengo.Connection(post, error)
        nengo.Connection(node, error, transform=-1)
        nengo.Connection(error, learned.learning_rule)
        nengo.Probe(post, synapse=0.01)
        nengo.Probe(learned, "weights")
    return net


def python_node():
    """A node with input calls Python in every step."""
    with nengo.Network(seed=2) as net:
        node = nengo.Node([0.5, -0.25])
        ens = nengo.Ensemble(20, 2, neuron_type=nengo.LIFRate())
        double = nengo.Node(lambda t, x: 2 * x + t, size_in=2)
        nengo.Connection(node, ens)
        nengo.Connection(ens, double)
        nengo.Probe(double)
    return net


NETWORKS = {
    "quadratic": chain(Quadratic(2)),
    "lif": chain(nengo.LIF()),
    "learning": learning(),
    "python": python_node(),
}


def difference(net):
    """Return the greatest difference of all probes, relative to their greatest value.

    Nengo runs the network once, the backend three times at once and in two runs.
    """
    with nengo.Simulator(net, progress_bar=False) as reference:
        reference.run_steps(60)
    with Simulator(net, minibatch_size=3, dtype="float64") as sim:
        sim.run_steps(40)
        sim.run_steps(20)
    errors = []
    for probe in net.probes:
        expected = reference.data[probe]
        assert sim.data[probe].shape == (3, *expected.shape)
        error = np.abs(sim.data[probe] - expected).max()
        errors.append(error / max(np.abs(expected).max(), 1e-9))
    return max(errors)


if __name__ == "__main__":
    foreign = {"nengo_dl", "nengo_dl_sim", "nengo_dl_objectives"} & set(sys.modules)
    found = {name: float(difference(net)) for name, net in NETWORKS.items()}
    print(json.dumps({"foreign": sorted(foreign), "differences": found}))
