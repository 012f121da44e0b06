"""Networks that tests of several folders use."""

import nengo

from nengo_dl_sim import configure_settings


def labelled():
    """A node and an ensemble, with labels; two probes of its neurons, one without."""
    with nengo.Network(seed=0) as net:
        configure_settings(trainable=None)
        net.a = nengo.Node([0.5], label="a")
        net.ens = nengo.Ensemble(
            5, 1, neuron_type=nengo.RectifiedLinear(), label="my ens"
        )
        net.conn = nengo.Connection(net.a, net.ens, transform=2.0, synapse=None)
        net.p = nengo.Probe(net.ens.neurons, label="out")
        net.q = nengo.Probe(net.ens.neurons)
    return net


def levels():
    """An ensemble and a connection in a network, and in a network inside of it."""
    with nengo.Network(seed=0) as net:
        configure_settings(trainable=None)
        net.a = nengo.Node([0.5])
        rate = nengo.RectifiedLinear()
        net.outer = nengo.Ensemble(5, 1, neuron_type=rate)
        net.plain = nengo.Connection(net.a, net.outer, transform=0.5, synapse=None)
        with nengo.Network() as net.sub:
            net.inner = nengo.Ensemble(5, 1, neuron_type=rate)
        net.decoded = nengo.Connection(net.outer, net.inner, synapse=None)
        with net.sub, nengo.Network() as net.deep:
            net.last = nengo.Ensemble(5, 1, neuron_type=rate)
            net.within = nengo.Connection(net.inner, net.last, synapse=None)
        net.p = nengo.Probe(net.last.neurons)
    return net


def population(neuron_type, smoothing=None, **settings):
    """Ten neurons of a type, which are probed, and an input."""
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64", lif_smoothing=smoothing, **settings)
        net.a = nengo.Node([0.5])
        net.ens = nengo.Ensemble(
            10, 1, neuron_type=neuron_type, max_rates=nengo.dists.Uniform(50, 150)
        )
        nengo.Connection(net.a, net.ens, synapse=None)
        net.p = nengo.Probe(net.ens.neurons)
    return net
