"""Models whose operators Nengo's own optimizer has merged."""

import nengo
import numpy as np
import pytest
from nengo.builder import Model

from nengo_dl_sim import Simulator

N_STEPS = 15


@pytest.fixture(scope="module")
def merged():
    """Build a network, let Nengo merge its operators, and run it in Nengo."""
    with nengo.Network(seed=0) as net:
        net.config[nengo.Ensemble].neuron_type = nengo.LIFRate()
        net.config[nengo.Connection].synapse = 0.005
        stimulus = nengo.Node([0.3])
        ensembles = [nengo.Ensemble(5, 1, label=str(i)) for i in range(3)]
        for ens in ensembles:
            nengo.Connection(stimulus, ens)
            nengo.Probe(ens, synapse=0.01)
        for pre, post in zip(ensembles, ensembles[1:], strict=False):
            conn = nengo.Connection(pre, post, learning_rule_type=nengo.PES(0.1))
            nengo.Connection(post, conn.learning_rule)
            nengo.Probe(conn, "weights")
    model = Model()
    model.build(net)
    n_operators = len(model.operators)
    with nengo.Simulator(None, model=model, progress_bar=False) as sim:
        sim.run_steps(N_STEPS)
    kinds = [type(op).__name__ for op in model.operators]
    assert len(kinds) < n_operators
    assert "BsrDotInc" in kinds
    return net, model, sim


@pytest.mark.parametrize("minibatch_size", [None, 2])
def test_as_nengo(merged, minibatch_size):
    net, model, expected = merged
    with Simulator(
        None, model=model, minibatch_size=minibatch_size, progress_bar=False
    ) as sim:
        sim.run_steps(N_STEPS)
        for probe in net.probes:
            found = sim.data[probe]
            for item in [found] if minibatch_size is None else found:
                np.testing.assert_allclose(
                    item, expected.data[probe], rtol=1e-4, atol=1e-6
                )


@pytest.mark.parametrize("minibatch_size", [None, 2])
def test_parameters_are_those_of_the_object(merged, minibatch_size):
    """They are parts of larger signals now."""
    net, model, expected = merged
    with Simulator(
        None, model=model, minibatch_size=minibatch_size, progress_bar=False
    ) as sim:
        sim.run_steps(N_STEPS)
        for ens in net.ensembles:
            for name in ("encoders", "bias", "gain", "scaled_encoders"):
                value = getattr(sim.data[ens], name)
                np.testing.assert_allclose(value, getattr(expected.data[ens], name))
        learned = [conn for conn in net.connections if conn.learning_rule_type]
        for conn in learned:
            weights, start = sim.data[conn].weights, expected.data[conn].weights
            batch = () if minibatch_size is None else (minibatch_size,)
            assert weights.shape == (*batch, *start.shape)
            assert np.all(weights != start)
