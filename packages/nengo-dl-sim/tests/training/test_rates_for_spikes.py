"""Spiking neurons are trained as the rates that stand in for them."""

import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import sgd, simulator, total
from nengo.exceptions import SimulationError, ValidationError
from networks import population

from nengo_dl_ops import SoftLIFRate


@pytest.mark.row("S025", "S026")
def test_progress_and_training_mode(capsys, terminal):
    with nengo.Network(seed=0) as net:
        ens = nengo.Ensemble(5, 1, neuron_type=nengo.LIF())
        nengo.Connection(nengo.Node([0.5]), ens, synapse=None)
        p = nengo.Probe(ens.neurons)
    objective = {p: lambda y: tf.reduce_mean(y**2)}
    with simulator(net) as sim:
        rates = sim.loss(10, objective, training=True)
        assert capsys.readouterr().err == ""
        spikes = sim.loss(10, objective, training=False, progress_bar=True)
        assert "Calculating loss" in capsys.readouterr().err
        sim.train(10, sgd(0.0), objective=objective, progress_bar=True)
        assert "Training" in capsys.readouterr().err
    net.ensembles[0].neuron_type = nengo.LIFRate()
    with simulator(net) as sim:
        assert rates == pytest.approx(sim.loss(10, objective), rel=1e-5)
    assert abs(spikes - rates) > 0.1 * rates


NEURONS = {
    "LIF": (nengo.LIF(tau_rc=0.03), nengo.LIFRate(tau_rc=0.03), None),
    "smoothed LIF": (nengo.LIF(), SoftLIFRate(sigma=0.4), 0.4),
    "rectified": (nengo.SpikingRectifiedLinear(), nengo.RectifiedLinear(), None),
}


@pytest.mark.row("S040", "S042")
@pytest.mark.parametrize("name", NEURONS)
def test_rates_stand_in_for_spikes(name):
    spiking, rate, smoothing = NEURONS[name]
    net = population(spiking, smoothing)
    with simulator(net) as sim, nengo.Simulator(net, progress_bar=False) as reference:
        expected = rate.rates(
            np.full((1, 1), 0.5) @ sim.data[net.ens].encoders.T,
            sim.data[net.ens].gain,
            sim.data[net.ens].bias,
        )
        found = sim.run_batch(5, {net.p: None}, training=True)[net.p]
        np.testing.assert_allclose(found[0, 0], np.repeat(expected, 5, axis=0))
        before = dict(sim.signals.items())
        sim.run_batch(5, {net.p: None}, training=True, isolate_state=False)
        for signal, value in sim.signals.items():
            if "voltage" in signal.name or "refractory" in signal.name:
                np.testing.assert_array_equal(value, before[signal])  # frozen
        sim.reset()
        sim.train(5, sgd(0.0), objective={net.p: total})
        sim.run_steps(20)  # inference is as it was: spikes
        reference.run_steps(20)
        np.testing.assert_allclose(sim.data[net.p], reference.data[net.p])


@pytest.mark.row("S041")
def test_inference_only():
    net = population(nengo.LIF(), inference_only=True)
    with simulator(net) as sim:
        for use in (
            lambda: sim.train(5, sgd(), objective={net.p: total}),
            lambda: sim.loss(5, {net.p: total}, training=True),
            lambda: sim.run_batch(5, {net.p: None}, training=True),
            lambda: sim.check_gradients(),
        ):
            for kind in (ValidationError, SimulationError):
                with pytest.raises(kind, match="inference_only"):
                    use()
        assert sim.loss(5, {net.p: total}) > 0


@pytest.mark.row("S058")
def test_soft_lif_for_small_values():
    """For (J - 1) / sigma far below zero the rate goes to zero, not to NaN."""
    rate = SoftLIFRate(sigma=0.02, tau_rc=0.02, tau_ref=0.002)
    J = np.array([-5.0, 0.3, 0.39, 0.41, 0.59, 0.61, 0.9, 1.0, 1.5])
    # 1 / log1p(1 / z) by series where z = sigma * softplus is tiny.
    exponent = (J - 1) / 0.02
    z = 0.02 * np.log1p(np.exp(np.minimum(exponent, 700)))
    inverse = np.where(exponent < -30, -exponent - np.log(0.02), np.log1p(1 / z))
    with np.errstate(all="raise", under="ignore"):
        found = rate.rates(J[:, None], np.ones(1), np.zeros(1))
    np.testing.assert_allclose(found[:, 0], 1 / (0.002 + 0.02 * inverse), rtol=1e-9)
