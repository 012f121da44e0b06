"""Which signals are known to be spikes, and which products follow them."""

import nengo
import numpy as np
from nengo.builder import Model
from nengo.builder.operator import SparseDotInc

from nengo_dl_ops.operators.event_driven import EventDrivenProduct
from nengo_dl_ops.planning.spikes import follow_spikes, plain_products, spike_signals

SPARSE = nengo.Sparse((3, 4), indices=[[0, 1], [2, 3]], init=[1.0, 2.0])


def operators(net):
    model = Model()
    model.build(net)
    return model, model.operators


LIF = nengo.LIF()


def network(neuron_type=LIF):
    with nengo.Network(seed=0) as net:
        net.ens = nengo.Ensemble(4, 1, neuron_type=neuron_type)
        net.out = nengo.Node(size_in=3)
    return net


def n_following(net):
    ops = follow_spikes(operators(net)[1])
    return sum(isinstance(op, EventDrivenProduct) for op in ops)


def test_outputs_of_neurons_that_spike():
    net = network()
    model, ops = operators(net)
    assert spike_signals(ops) == {model.sig[net.ens.neurons]["out"].base}
    assert not spike_signals(operators(network(nengo.LIFRate()))[1])


def test_sparse_products_with_spikes_and_parts_of_them():
    net = network()
    with net:
        nengo.Connection(net.ens.neurons, net.out, transform=SPARSE, synapse=None)
        nengo.Connection(net.ens.neurons[[3, 1, 0, 0]], net.out, transform=SPARSE)
    assert n_following(net) == 2


def test_through_nodes_that_pass_values_on():
    net = network()
    with net:
        first, second = nengo.Node(size_in=4), nengo.Node(size_in=4)
        nengo.Connection(net.ens.neurons, first, synapse=None)
        nengo.Connection(first, second, synapse=None)
        nengo.Connection(second, net.out, transform=SPARSE, synapse=None)
    assert n_following(net) == 1


def test_not_what_is_filtered_or_added_to():
    net = network()
    with net:
        filtered, mixed = nengo.Node(size_in=4), nengo.Node(size_in=4)
        nengo.Connection(net.ens.neurons, filtered, synapse=0.01)
        nengo.Connection(net.ens.neurons, mixed, synapse=None)
        nengo.Connection(nengo.Node(np.ones(4)), mixed, synapse=None)
        for node in (filtered, mixed):
            nengo.Connection(node, net.out, transform=SPARSE, synapse=None)
    assert n_following(net) == 0


def test_plain_products_again():
    net = network()
    with net:
        nengo.Connection(net.ens.neurons, net.out, transform=SPARSE, synapse=None)
    ops = operators(net)[1]
    assert plain_products(follow_spikes(ops)) == ops
    assert any(isinstance(op, SparseDotInc) for op in ops)


def test_an_operator_describes_what_it_stands_for():
    net = network()
    with net:
        nengo.Connection(net.ens.neurons, net.out, transform=SPARSE, synapse=None)
    (op,) = (
        op
        for op in follow_spikes(operators(net)[1])
        if isinstance(op, EventDrivenProduct)
    )
    for name in ("sets", "incs", "reads", "updates"):
        assert getattr(op, name) == getattr(op.product, name)
