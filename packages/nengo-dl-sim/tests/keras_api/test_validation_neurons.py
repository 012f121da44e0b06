"""Losses, metrics and outputs in spikes, in rates, or in both."""

import functools
import warnings

import helpers
import keras
import nengo
import numpy as np
import pytest
from nengo.exceptions import SimulationError

from nengo_dl_ops import Layer
from nengo_dl_sim import configure_settings

N_STEPS = 20
X = np.linspace(0.1, 1, 4)[:, None, None] * np.ones((4, N_STEPS, 1))
Y = 0.5 * X


def network(neuron_type, n_neurons=10):
    """Neurons, and a layer that does something else in training."""
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64")
        net.a = nengo.Node([0.0], label="a")
        ens = nengo.Ensemble(n_neurons, 1, neuron_type=neuron_type, label="ens")
        nengo.Connection(net.a, ens, synapse=None)
        dropped = Layer(keras.layers.Dropout(0.5))(ens, synapse=None)
        net.p = nengo.Probe(dropped, label="p")
    return net


simulator = functools.partial(helpers.simulator, minibatch_size=2)


TYPES = {
    "LIF": (nengo.LIF(), nengo.LIFRate()),
    "rectified": (nengo.SpikingRectifiedLinear(), nengo.RectifiedLinear()),
    "regular": (nengo.RegularSpiking(nengo.Sigmoid()), nengo.Sigmoid()),
    "Poisson": (nengo.PoissonSpiking(nengo.LIFRate()), nengo.LIFRate()),
}


@pytest.mark.parametrize("name", TYPES)
def test_rates_are_those_of_rate_neurons(name):
    found = []
    for kind in TYPES[name]:
        net = network(kind)
        with simulator(net) as sim:
            sim.compile("sgd", loss={net.p: "mse"}, metrics={net.p: "mae"})
            found.append(
                [
                    sim.predict(X, neurons="rates")[net.p],
                    sim.predict(X)[net.p],
                    *sim.evaluate(X, Y, neurons="rates").values(),
                    sim.evaluate(X, Y)["loss"],
                    sim.evaluate(X, Y, neurons="both")["rates_loss"],
                    sim.evaluate(X, Y, neurons="both")["loss"],
                ]
            )
            assert sim.n_steps == 0
    (rates, spikes, *values), (same, also, *expected) = found
    np.testing.assert_allclose(rates, same, rtol=1e-9)
    np.testing.assert_allclose(same, also, rtol=1e-9)
    assert np.max(abs(rates - spikes)) > 0.1
    assert values[:3] == pytest.approx(expected[:3])
    assert values[4] == pytest.approx(expected[0])
    assert values[3] == pytest.approx(values[5]) != pytest.approx(values[0])


def test_validation():
    net = network(nengo.LIF())
    with simulator(net) as sim:
        sim.compile(keras.optimizers.SGD(0.0), {net.p: "mse"}, metrics={net.p: "mae"})
        evaluated = sim.evaluate(X, Y, neurons="both")
        histories = {
            choice: sim.fit(
                X, Y, validation_data=(X, Y), validation_neurons=choice
            ).history
            for choice in ("spikes", "rates", "both")
        }
        default = sim.fit(X, Y, validation_data=(X, Y)).history
    for name in ("loss", "p_loss", "p_mae"):
        spikes, rates = evaluated[name], evaluated[f"rates_{name}"]
        assert spikes != pytest.approx(rates)
        assert histories["spikes"][f"val_{name}"] == pytest.approx([spikes])
        assert default[f"val_{name}"] == pytest.approx([spikes])
        assert histories["rates"][f"val_{name}"] == pytest.approx([rates])
        assert histories["both"][f"val_{name}"] == pytest.approx([spikes])
        assert histories["both"][f"val_rates_{name}"] == pytest.approx([rates])
    assert len(histories["rates"]) == len(default) == len(histories["both"]) - 3


#: How many steps, at up to 400 Hz (2.5 steps for a spike) or less, and whether to warn.
WARNED = {
    "one step": (nengo.LIF(), 1, "spikes", True),
    "two steps": (nengo.LIF(), 2, "spikes", True),
    "enough": (nengo.LIF(), 3, "spikes", False),
    "rectified": (nengo.SpikingRectifiedLinear(), 1, "spikes", True),
    "rates": (nengo.LIF(), 1, "rates", False),
    "both": (nengo.LIF(), 1, "both", False),
    "rate neurons": (nengo.LIFRate(), 1, "spikes", False),
}


@pytest.mark.parametrize("name", WARNED)
def test_few_steps(name):
    kind, n_steps, choice, warned = WARNED[name]
    net = network(kind, n_neurons=100)
    x, y = X[:, :n_steps], Y[:, :n_steps]
    with simulator(net) as sim:
        sim.compile(keras.optimizers.SGD(0.0), {net.p: "mse"})
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            sim.fit(x, y, epochs=3, validation_split=0.5, validation_neurons=choice)
            sim.evaluate(x, y)
    found = [w for w in caught if "spiking neurons" in str(w.message)]
    assert len(found) == warned
    for warning in found:
        assert f"n_steps={n_steps}, but spiking neurons of <Ens" in str(warning.message)
        assert "validation_neurons='rates'" in str(warning.message)
        assert warning.filename == __file__


def test_rates_of_what_only_runs():
    net = network(nengo.LIF())
    with net:
        configure_settings(inference_only=True)
    with simulator(net) as sim, pytest.raises(SimulationError, match="inference_only"):
        sim.predict(X, neurons="rates")
