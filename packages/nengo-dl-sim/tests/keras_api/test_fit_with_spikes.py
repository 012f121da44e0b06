"""Fitting with spikes: what is logged, validated and warned of."""

import warnings

import keras
import nengo
import numpy as np
import pytest
from helpers import simulator

from nengo_dl_ops import surrogates
from nengo_dl_sim import configure_settings

X = np.linspace(0.5, 1.5, 4)[:, None, None] * np.ones((4, 10, 1))
Y = 0.2 * X


def network(mode):
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64", training_mode=mode)
        net.a = nengo.Node([0.0], label="a")
        ens = nengo.Ensemble(10, 1, neuron_type=nengo.LIF(), label="ens")
        nengo.Connection(net.a, ens, synapse=None)
        out = nengo.Node(size_in=1)
        nengo.Connection(ens, out, synapse=None)
        net.p = nengo.Probe(out, label="p")
    return net


@pytest.mark.parametrize("mode", [surrogates.ATan(), "spike_aware"], ids=str)
def test_what_is_fitted_is_what_is_validated(mode):
    """Training logs the losses of spikes; validation in rates is in rates."""
    net = network(mode)
    with simulator(net, minibatch_size=4) as sim:
        sim.compile(keras.optimizers.SGD(0.0), {net.p: "mse"})
        options = {"validation_data": (X, Y), "verbose": 0}
        in_spikes = sim.fit(X, Y, **options).history
        both = sim.fit(X, Y, validation_neurons="both", **options).history
    # But for rounding: what also computes a gradient adds up in another order.
    assert in_spikes["loss"] == pytest.approx(in_spikes["val_loss"], rel=1e-12)
    assert both["val_loss"] == in_spikes["val_loss"]
    net = network("rate")
    with simulator(net, minibatch_size=4) as sim:
        sim.compile(keras.optimizers.SGD(0.0), {net.p: "mse"})
        in_rates = sim.fit(X, Y, verbose=0).history
    assert both["val_rates_loss"] == pytest.approx(in_rates["loss"], rel=1e-9)
    assert in_rates["loss"] != pytest.approx(in_spikes["loss"])


@pytest.mark.parametrize("mode", [surrogates.ATan(), "spike_aware"], ids=str)
def test_losses_fall_without_a_warning(mode):
    """Though there are steps too few for spikes of many: training knows them, too."""
    net = network(mode)
    with simulator(net, minibatch_size=2) as sim, warnings.catch_warnings():
        warnings.simplefilter("error")
        sim.compile(keras.optimizers.Adam(1e-4), {net.p: "mse"})
        x, y = X[:, :1], Y[:, :1]
        sim.fit(x, y, validation_data=(x, y), verbose=0)
        losses = sim.fit(X, Y, epochs=8, shuffle=False, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
