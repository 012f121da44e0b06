"""Neurons that begin at a part of their threshold."""

import nengo
import numpy as np
import pytest
from helpers import reference, simulator
from keras_models import converted, mlp
from nengo.exceptions import ValidationError

from nengo_dl_ops import SpikingLeakyReLU

X = np.random.RandomState(0).uniform(0, 1, (4, 3))

TYPES = [
    nengo.LIF(initial_state={"refractory_time": nengo.dists.Choice([0.003])}),
    nengo.AdaptiveLIF(),
    nengo.SpikingRectifiedLinear(),
    nengo.RegularSpiking(nengo.RectifiedLinear()),
    SpikingLeakyReLU(0.1),
]


def calibrated(neuron_type, voltage=0.5, **kwargs):
    """Convert a model, and set the initial voltage of its neurons."""
    converter = converted(mlp(), swap_activations={"relu": neuron_type})
    converter.calibrate(X, initial_voltage=voltage, progress_bar=False, **kwargs)
    return converter


@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")  # of Nengo
@pytest.mark.parametrize("neuron_type", TYPES, ids=lambda kind: type(kind).__name__)
def test_neurons_begin_at_half_the_threshold(neuron_type):
    converter = calibrated(neuron_type)
    (ensemble,) = (x for x in converter.net.ensembles if x.label == "hidden")
    kind = ensemble.neuron_type
    assert kind.initial_state["voltage"] == nengo.dists.Choice([0.5])
    others = set(neuron_type.initial_state or {})
    assert set(kind.initial_state) == {"voltage", *others}
    converter.inputs[converter.model.input].output = X[0]
    with converter.net:
        probe = nengo.Probe(ensemble.neurons, "voltage")
    with reference(converter.net) as sim, simulator(converter.net) as ours:
        for each in (sim, ours):
            each.run_steps(5)
        assert sim.signals[sim.model.sig[ensemble.neurons]["voltage"]].shape == (4,)
        np.testing.assert_allclose(ours.data[probe], sim.data[probe], atol=1e-9)


def test_numbers_of_spikes_are_rounded():
    converter = calibrated(nengo.SpikingRectifiedLinear(), target_rate=400)
    hidden = converter.model.get_layer("hidden")
    with converter.net:
        probe = nengo.Probe(converter.layers[hidden])
    data = {converter.inputs[converter.model.input]: np.tile(X[:, None], (1, 8, 1))}
    scale = converter.report()["hidden"].scale
    weights, bias = (np.asarray(w) for w in hidden.get_weights())
    wanted = np.maximum(X @ weights + bias, 0) * scale * 0.008
    with simulator(converter.net, minibatch_size=2) as sim:
        for _ in range(2):  # each minibatch begins there, and each call
            spikes = sim.predict(data)[probe].sum(axis=1) * scale * 0.001
            np.testing.assert_allclose(spikes, np.floor(wanted + 0.5), atol=1e-6)


def test_it_stays_until_it_is_given_again():
    converter = calibrated(nengo.SpikingRectifiedLinear(), 0.25)
    voltages = []
    for given in (None, 0.75):
        converter.calibrate(X, initial_voltage=given, progress_bar=False)
        state = converter.net.ensembles[0].neuron_type.initial_state
        voltages.append(state["voltage"].options.tolist())
    assert voltages == [[0.25], [0.75]]


WITHOUT = [
    nengo.PoissonSpiking(nengo.RectifiedLinear()),
    nengo.StochasticSpiking(nengo.RectifiedLinear()),
    nengo.Izhikevich(),
]


@pytest.mark.parametrize("neuron_type", WITHOUT, ids=lambda kind: type(kind).__name__)
def test_types_without_that_threshold_are_refused_by_name(neuron_type):
    name = type(neuron_type).__name__
    with pytest.raises(ValidationError, match=rf"initial_voltage.*hidden \({name}\)"):
        calibrated(neuron_type)
