"""Rows of the contract that belong to no other family, by their numbers."""

import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import simulator
from nengo.exceptions import ConfigError

from nengo_dl_sim import configure_settings


@pytest.mark.row("S055")
def test_unknown_setting():
    with nengo.Network(), pytest.raises(ConfigError, match=r"'foo'.*not a valid"):
        configure_settings(foo=1)


@pytest.mark.row("S056")
def test_parameters_fetched_together():
    with nengo.Network(seed=0) as net:
        ens = nengo.Ensemble(4, 1)
        conn = nengo.Connection(ens, nengo.Node(size_in=2), function=lambda x: [x, -x])
    with simulator(net) as sim:
        wanted = [(conn, "weights"), (ens, "encoders"), (ens, "bias")]
        for found, (obj, name) in zip(
            sim.data.get_params(*wanted), wanted, strict=True
        ):
            np.testing.assert_array_equal(found, getattr(sim.data[obj], name))


@pytest.mark.parametrize("seed", [None, 3])
@pytest.mark.row("S084")
def test_processes_of_minibatch_items(seed):
    """Without a seed every item has a stream of its own; with one all have the same."""
    with nengo.Network(seed=0) as net:
        node = nengo.Node(nengo.processes.WhiteNoise(seed=seed))
        probe = nengo.Probe(node)
    with simulator(net, minibatch_size=2) as sim:
        sim.run_steps(5)
        first, second = sim.data[probe]
    assert np.array_equal(first, second) == (seed is not None)
    assert np.all(first != 0)


@pytest.mark.row("S085")
def test_data_for_nodes_of_which_a_part_is_read():
    with nengo.Network() as net:
        inp, out = nengo.Node([0.0, 0.0, 0.0]), nengo.Node(size_in=1)
        nengo.Connection(inp[1], out, synapse=None)
        probe = nengo.Probe(out)
    values = np.arange(12.0).reshape(1, 4, 3)
    with simulator(net, minibatch_size=1) as sim:
        sim.run_steps(4, data={inp: values})
        np.testing.assert_array_equal(sim.data[probe], values[..., 1:2])


@pytest.mark.row("S086")
def test_gradients_of_lif_rates_at_the_threshold():
    """They are finite wherever the current is above it, and zero elsewhere."""
    above = np.nextafter(np.float32(1), np.float32(2))
    currents = np.array([0.0, 1.0, float(above), 1.001, 10.0])
    with nengo.Network() as net:
        inp = nengo.Node(currents / 2)  # Nengo multiplies by the gain
        ens = nengo.Ensemble(
            5, 1, neuron_type=nengo.LIFRate(), gain=[2] * 5, bias=[0] * 5
        )
        conn = nengo.Connection(inp, ens.neurons, transform=1.0, synapse=None)
        probe = nengo.Probe(ens.neurons)
    with simulator(net, minibatch_size=1) as sim:
        sim.train(
            1,
            tf.keras.optimizers.SGD(1e-9),
            objective={probe: lambda rates: tf.reduce_sum(rates)},
        )
        assert np.isfinite(sim.data[conn].weights)
        assert np.isfinite(sim.data[ens].bias).all()
        moved = sim.data[ens].bias != 0
    assert moved.tolist() == [False, False, True, True, True]
