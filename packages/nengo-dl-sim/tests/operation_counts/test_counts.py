"""Counts are those of what Nengo's own simulator records, and NumPy counts."""

import nengo
import numpy as np
import pytest
from counted_networks import NETWORKS, inputs, network
from nengo.builder.operator import SparseDotInc
from nengo.ensemble import Neurons

from nengo_dl_sim import Simulator, configure_settings

N_ITEMS, N_STEPS = 3, 40


class Recorded:
    """What Nengo's simulator computes for one item, step by step."""

    def __init__(self, net, source, values):
        self.net = net
        before = source.output
        source.output = lambda t: values[round(t / 0.001) - 1]
        with nengo.Simulator(net, optimize=False, progress_bar=False) as sim:
            self.model = sim.model
            signals = {sig for op in sim.model.operators for sig in op.all_signals}
            self.steps = {sig: [] for sig in signals if not sig.sparse}
            self.start = {sig: np.array(sim.signals[sig]) for sig in self.steps}
            for _ in values:
                sim.step()
                for sig, found in self.steps.items():
                    found.append(np.array(sim.signals[sig]))
        source.output = before
        self.steps = {sig: np.array(found) for sig, found in self.steps.items()}

    def product(self, sig):
        """Return what multiplies by weights."""
        for op in self.model.operators:
            if sig is not None and sig is multiplied_by(op):
                return op
        return None

    def operations(self, op):
        """Count multiplications and accumulations: matrices applied to ones."""
        x = self.steps[op.X]
        heights = [1.0, 1000.0]
        for each in self.model.operators:
            if type(each).__name__ == "SimNeurons" and self.is_from(op.X, each.output):
                if each.neurons.spiking:
                    heights = [getattr(each.neurons, "amplitude", 1) * 1000]
        spikes = [
            np.all([np.any(np.isclose(abs(v), [0, *heights], rtol=1e-12)) for v in row])
            for row in x
        ]
        found = [nonzero_products(op, self.weights(op, i), x[i]) for i in range(len(x))]
        return (
            sum(n for n, is_ac in zip(found, spikes, strict=True) if not is_ac),
            sum(n for n, is_ac in zip(found, spikes, strict=True) if is_ac),
        )

    def is_from(self, sig, output):
        """Tell whether a signal is an output of neurons, or a copy of a part."""
        if sig.base is output.base:
            return True
        return any(
            type(op).__name__ == "Copy"
            and op.dst.base is sig.base
            and op.src.base is output.base
            for op in self.model.operators
        )

    def weights(self, op, i):
        """Return the weights in a step."""
        if isinstance(op, SparseDotInc):
            return op.A.initial_value.toarray()
        return self.steps[multiplied_by(op)][i]


def multiplied_by(op):
    """Return the weights of a product."""
    return getattr(op, "A", None) or getattr(op, "W", None)


def nonzero_products(op, weights, x):
    """Let the operator multiply ones where there is something else than zero."""
    signals = {op.X: (x != 0) * 1.0, op.Y: np.zeros(op.Y.shape)}
    ones = (np.asarray(weights) != 0) * 1.0
    if isinstance(op, SparseDotInc):
        return int((ones @ signals[op.X]).sum())
    signals[multiplied_by(op)] = ones
    op.make_step(signals, 0.001, None)()
    return int(signals[op.Y].sum())


@pytest.fixture(scope="module", params=NETWORKS, ids=lambda make: make.__name__)
def counted(request):
    """Counts of a network, and what Nengo records for each item."""
    net, source = network(request.param)
    values = inputs(N_ITEMS, N_STEPS)
    recorded = [Recorded(net, source, item) for item in values]
    with net:
        configure_settings(dtype="float64")
    # Two items at a time: the second minibatch is filled up.
    with Simulator(net, minibatch_size=2, progress_bar=False) as sim:
        counts = sim.count_operations({source: values})
    return counts, recorded


def test_synaptic_operations_of_connections(counted):
    counts, recorded = counted
    assert counts.connections
    for conn, found in counts.connections.items():
        for i, item in enumerate(recorded):
            op = item.product(item.model.sig[conn]["weights"])
            macs, acs = (0, 0) if op is None else item.operations(op)
            assert (found.synapses.macs[i], found.synapses.acs[i]) == (macs, acs)


def test_synaptic_operations_of_encoders(counted):
    counts, recorded = counted
    for ens, found in counts.ensembles.items():
        for i, item in enumerate(recorded):
            if not found.encoders.n_weights:
                assert not np.any(item.steps[item.model.sig[ens]["in"]])
                continue
            op = item.product(item.model.sig[ens]["encoders"])
            expected = item.operations(op)
            assert (found.encoders.macs[i], found.encoders.acs[i]) == expected


def test_spikes_and_updates_of_ensembles(counted):
    counts, recorded = counted
    for ens, found in counts.ensembles.items():
        for i, item in enumerate(recorded):
            output = item.steps[item.model.sig[ens.neurons]["out"]]
            assert found.activations[i] == np.count_nonzero(output)
            voltage = item.model.sig[ens.neurons].get("voltage")
            n = 0
            if voltage is not None:
                steps = item.steps[voltage]
                n = np.count_nonzero(np.diff(steps, axis=0)) + ens.n_neurons
            assert found.updates[i] == n


def test_full_weights_are_products_of_encoders_and_weights(counted):
    counts, recorded = counted
    item = recorded[0]
    for conn, found in counts.connections.items():
        op = item.product(item.model.sig[conn]["weights"])
        matrix = dense(op, conn, item)
        if matrix is None:
            continue
        post = conn.post_obj
        encoders = item.model.params[post].scaled_encoders[:, conn.post_slice]
        matrix = encoders @ matrix
        assert found.full.n_weights == matrix.size
        assert found.full.n_zero == np.count_nonzero(matrix == 0)
        assert found.full.dense == matrix.size * N_STEPS
        if op is not None:
            for i, each in enumerate(recorded):
                own = each.product(each.model.sig[conn]["weights"])
                nonzero = np.count_nonzero(each.steps[own.X], axis=0)
                n = np.count_nonzero(matrix, axis=0) @ nonzero
                assert found.full.macs[i] + found.full.acs[i] == n


def dense(op, conn, item):
    """Return the matrix of a connection that has encoders behind it, else None."""
    post = conn.post_obj
    has_encoders = isinstance(post, nengo.Ensemble) and post in item.model.params
    if not has_encoders or isinstance(post.neuron_type, nengo.Direct):
        return None
    if getattr(conn.solver, "weights", False) or conn.learning_rule is not None:
        return None
    if op is None:
        return np.eye(conn.size_out)
    columns = []
    for unit in np.eye(op.X.size):
        signals = {op.X: unit, op.Y: np.zeros(op.Y.shape)}
        signals[multiplied_by(op)] = item.weights(op, 0)
        op.make_step(signals, 0.001, None)()
        columns.append(signals[op.Y])
    return np.transpose(columns)


def test_metrics_of_the_network_are_sums(counted):
    counts, _ = counted
    found, full = counts.total, counts.full_weights.total
    conns, ensembles = counts.connections.values(), counts.ensembles.values()
    for name, attr in (("Effective_MACs", "macs"), ("Effective_ACs", "acs")):
        total = sum(getattr(each.synapses, attr).sum() for each in conns)
        total += sum(getattr(each.encoders, attr).sum() for each in ensembles)
        assert found[name] == total
        assert full[name] == sum(getattr(each.full, attr).sum() for each in conns)
        assert counts.synaptic_operations[name] == pytest.approx(total / N_ITEMS)
    spikes = sum(each.activations.sum() for each in ensembles)
    every = sum(each.n_neurons for each in ensembles) * N_STEPS * N_ITEMS
    assert counts.activation_sparsity == pytest.approx(1 - spikes / every)
    assert counts.total["Spikes"] == spikes
    metrics = counts.to_dict()
    assert len(metrics["connections"]) == len(counts.connections)
    assert len(metrics["ensembles"]) == len(counts.ensembles)


def test_footprint_and_parameters(counted):
    counts, recorded = counted
    model = recorded[0].model
    assert counts.footprint == 8 * counts.parameter_count + 8 * sum(
        each.n_state
        for each in (*counts.connections.values(), *counts.ensembles.values())
    )
    for ens, found in counts.ensembles.items():
        bias = model.params[ens].bias
        gain = model.params[ens].gain
        driven = any(
            isinstance(conn.post_obj, Neurons) and conn.post_obj.ensemble is ens
            for conn in counts.connections
        )
        n = bias.size * np.any(bias) + gain.size * (driven and np.any(gain != 1))
        assert found.n_biases == n
