"""Objectives of spikes in train, and as losses in fit."""

import keras
import nengo
import numpy as np
import pytest
from helpers import simulator

import nengo_dl_objectives as objectives
from nengo_dl_objectives import losses
from nengo_dl_ops.neurons.surrogates import FastSigmoid
from nengo_dl_sim import configure_settings

N_ITEMS, N_STEPS, N_CLASSES, DT = 4, 12, 2, 0.002
LABELS = np.array([0, 1, 0, 1])
ONE_HOT = np.repeat(np.eye(N_CLASSES)[LABELS][:, None], N_STEPS, axis=1)
TRAINS = np.zeros((N_ITEMS, N_STEPS, N_CLASSES))
TRAINS[:, 6] = 1 / DT

# What is minimised, its arguments, and its targets: for sim.train of the probe's size.
CASES = {
    "RateCrossentropy": ({"dt": DT}, ONE_HOT),
    "CountCrossentropy": ({"dt": DT}, ONE_HOT),
    "MaxMembraneCrossentropy": ({}, ONE_HOT),
    "CountMeanSquaredError": ({"correct_rate": 300, "dt": DT}, ONE_HOT),
    "TemporalCrossentropy": ({"dt": DT}, ONE_HOT),
    "TemporalMeanSquaredError": ({"on_target": 3, "dt": DT}, ONE_HOT),
    "VanRossumDistance": ({"tau": 0.01, "dt": DT}, TRAINS),
    "FiringRateBounds": ({"lower": 20, "upper": 30}, None),
}


@pytest.fixture(scope="module")
def shared():
    """One neuron for each class; a ramp drives them, so that they begin to fire."""
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64", trainable=False)
        net.a = nengo.Node([0.0, 0.0])
        net.ens = nengo.Ensemble(
            N_CLASSES,
            1,
            neuron_type=nengo.RectifiedLinear(amplitude=50),
            gain=np.ones(N_CLASSES),
            bias=np.full(N_CLASSES, -1.0),
        )
        net.conn = nengo.Connection(
            net.a, net.ens.neurons, transform=[[1.0, 0.5], [0.7, 0.9]], synapse=None
        )
        net.config[net.conn].trainable = True
        net.p = nengo.Probe(net.ens.neurons, label="out")
    with simulator(net, seed=0, dt=DT, minibatch_size=N_ITEMS) as sim:
        yield sim, net


def ramps():
    slopes = np.where(np.eye(N_CLASSES)[LABELS] > 0, 0.25, 0.15)
    return slopes[:, None] * np.arange(1, N_STEPS + 1)[:, None]


def optimizer():
    return keras.optimizers.Adam(0.05)


def equation(name, arguments, targets, outputs):
    objective = getattr(objectives, name)(**arguments)
    arrays = (outputs,) if targets is None else (outputs, targets)
    return float(objective(*arrays))


@pytest.mark.parametrize("name", CASES)
def test_train(sim, net, name):
    arguments, targets = CASES[name]
    objective = {net.p: getattr(objectives, name)(**arguments)}
    data = {net.a: ramps()}
    data |= {} if targets is None else {net.p: targets}
    before = sim.loss(data, objective, training=True)
    outputs = sim.predict(ramps(), verbose=0)[net.p]
    expected = equation(name, arguments, targets, outputs)
    np.testing.assert_allclose(before, expected, rtol=1e-12)
    sim.train(data, optimizer(), objective=objective, n_epochs=20)
    assert sim.loss(data, objective, training=True) < before


@pytest.mark.parametrize("name", CASES)
def test_fit(sim, net, name):
    arguments, targets = CASES[name]
    targets = TRAINS if targets is None else targets
    labels = LABELS[:, None, None] if targets is ONE_HOT else targets
    loss = getattr(losses, name)(**arguments, dtype="float64")
    sim.compile(optimizer(), loss={net.p: loss})
    before = sim.evaluate(ramps(), {net.p: labels}, verbose=0)["loss"]
    outputs = sim.predict(ramps(), verbose=0)[net.p]
    np.testing.assert_allclose(before, float(loss(labels, outputs)), rtol=1e-12)
    sim.fit(ramps(), {net.p: labels}, epochs=20, verbose=0)
    assert sim.evaluate(ramps(), {net.p: labels}, verbose=0)["loss"] < before


def test_what_is_no_class_stops_training(sim, net):
    sim.compile(optimizer(), loss={net.p: losses.CountCrossentropy()})
    labels = np.full((N_ITEMS, 1, 1), 2)
    with pytest.raises(
        nengo.exceptions.SimulationError, match="out.*not finite|finite"
    ):
        sim.fit(ramps(), {net.p: labels}, verbose=0)
    assert sim.training_step == 0


IN_SPIKES = {
    name: CASES[name]
    for name in ("CountCrossentropy", "TemporalCrossentropy", "VanRossumDistance")
}


@pytest.mark.parametrize("name", IN_SPIKES)
def test_train_in_spikes(name):
    """With a surrogate gradient training minimises what a run is measured by."""
    arguments, targets = IN_SPIKES[name]
    with nengo.Network(seed=0) as net:
        configure_settings(
            dtype="float64", trainable=False, training_mode=FastSigmoid(slope=5)
        )
        node = nengo.Node([0.0, 0.0])
        ens = nengo.Ensemble(
            N_CLASSES, 1, neuron_type=nengo.LIF(), gain=np.ones(2), bias=np.ones(2)
        )
        conn = nengo.Connection(
            node, ens.neurons, transform=np.ones((2, 2)), synapse=None
        )
        net.config[conn].trainable = True
        probe = nengo.Probe(ens.neurons)
    objective = {probe: getattr(objectives, name)(**arguments)}
    data = {node: 4 * ramps(), probe: targets}
    with simulator(net, seed=0, dt=DT, minibatch_size=N_ITEMS) as sim:
        before = sim.loss(data, objective)
        assert sim.loss(data, objective, training=True) == before
        sim.train(data, optimizer(), objective=objective, n_epochs=20)
        assert sim.loss(data, objective) < before
