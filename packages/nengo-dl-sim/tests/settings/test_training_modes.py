"""What neurons do in training: settings of networks, of types and of objects."""

import copy
import pickle

import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import groups_of, sgd, simulator
from nengo.builder.neurons import SimNeurons
from nengo.ensemble import Neurons
from nengo.exceptions import BuildError, ValidationError

from nengo_dl_ops import (
    Builder,
    NeuronBuilder,
    Rates,
    SoftLIFRates,
    SpikeAware,
    SpikingNeuronBuilder,
    surrogates,
)
from nengo_dl_ops.neurons.surrogates import CustomSurrogate
from nengo_dl_ops.neurons.training import training_mode
from nengo_dl_sim import configure_settings, get_setting

ATAN, TRIANGLE = surrogates.ATan(), surrogates.Triangle()
NAMES = ("outer", "inner", "last")


def network(neuron_type=nengo.LIF()):  # noqa: B008
    """An ensemble in a network, in one inside of it, and in one inside of that."""
    with nengo.Network(seed=0) as net:
        configure_settings(training_mode=None, dtype="float64")
        net.a = nengo.Node([0.5])
        net.outer = nengo.Ensemble(3, 1, neuron_type=neuron_type)
        with nengo.Network() as net.sub:
            net.inner = nengo.Ensemble(3, 1, neuron_type=neuron_type)
            with nengo.Network() as net.deep:
                net.last = nengo.Ensemble(3, 1, neuron_type=neuron_type)
        for ens in (net.outer, net.inner, net.last):
            nengo.Connection(net.a, ens, synapse=None)
        net.p = nengo.Probe(net.outer.neurons)
    return net


def modes_of(net):
    """Return what the neurons of each ensemble compute in training."""
    with simulator(net) as sim:
        found = {
            op.output: training_mode(op)
            for group in groups_of(sim)
            for op in group
            if isinstance(op, SimNeurons)
        }
        return [found[sim.model.sig[getattr(net, n).neurons]["out"]] for n in NAMES]


def on(owner, key, value):
    """Set it on an object or a type, in the config of a network."""

    def apply(net):
        config = (getattr(net, owner) if owner else net).config
        obj = key
        if isinstance(key, str):
            obj = getattr(net, key.removesuffix(".neurons"))
            obj = obj.neurons if key.endswith(".neurons") else obj
        config[obj].training_mode = value

    return apply


def within(owner, value):
    def apply(net):
        with net:
            if owner is None:
                configure_settings(training_mode=value)
            else:
                with getattr(net, owner):
                    configure_settings(training_mode=value)

    return apply


LEVELS = {
    "default": ([], (None, None, None)),
    "network": ([within(None, ATAN)], (ATAN, ATAN, ATAN)),
    "the last call counts": (
        [within(None, ATAN), within(None, TRIANGLE)],
        (TRIANGLE, TRIANGLE, TRIANGLE),
    ),
    "back to the default": ([within(None, ATAN), within(None, None)], (None,) * 3),
    "network inside": ([within("sub", ATAN)], (None, ATAN, ATAN)),
    "network inside, as an object": ([on(None, "sub", ATAN)], (None, ATAN, ATAN)),
    "rates inside": ([within(None, ATAN), within("sub", "rate")], (ATAN, None, None)),
    "rates inside of surrogates inside": (
        [within("sub", ATAN), on(None, "deep", "rate")],
        (None, ATAN, None),
    ),
    "type": ([on(None, nengo.Ensemble, ATAN)], (ATAN, ATAN, ATAN)),
    "type inside": (
        [within("sub", None), on("sub", nengo.Ensemble, ATAN)],
        (None, ATAN, ATAN),
    ),
    "type of neurons": ([on(None, Neurons, ATAN)], (ATAN, ATAN, ATAN)),
    "type before network": (
        [within(None, TRIANGLE), on(None, nengo.Ensemble, ATAN)],
        (ATAN, ATAN, ATAN),
    ),
    "nearer network before type": (
        [on(None, nengo.Ensemble, ATAN), within("sub", TRIANGLE)],
        (ATAN, TRIANGLE, TRIANGLE),
    ),
    "ensemble": ([on(None, "inner", ATAN)], (None, ATAN, None)),
    "ensemble before network": (
        [within(None, ATAN), within("sub", ATAN), on(None, "inner", "spike_aware")],
        (ATAN, "spike_aware", ATAN),
    ),
    "neurons": ([on(None, "last.neurons", ATAN)], (None, None, ATAN)),
    "neurons before ensemble": (
        [on(None, "last", TRIANGLE), on(None, "last.neurons", ATAN)],
        (None, None, ATAN),
    ),
    "a function": ([on(None, "outer", tf.ones_like)], (tf.ones_like, None, None)),
}


def mode(value):
    if value is tf.ones_like:
        return CustomSurrogate(value)
    return {None: Rates(), "spike_aware": SpikeAware()}.get(value, value)


@pytest.mark.parametrize("name", LEVELS)
def test_the_nearest_setting_counts(name):
    settings, expected = LEVELS[name]
    net = network()
    for apply in settings:
        apply(net)
    assert modes_of(net) == [mode(value) for value in expected]


def test_lif_smoothing_is_that_of_rates():
    net = network()
    with net:
        configure_settings(lif_smoothing=0.1)
    net.config[net.inner].training_mode = "spike_aware"
    net.config[net.last].training_mode = ATAN
    soft = SoftLIFRates(0.1)
    assert modes_of(net) == [soft, SpikeAware(soft), ATAN]


def test_types_that_do_not_spike_are_left_out():
    """A setting for all serves those that spike; one for themselves is an error."""
    net = network(nengo.LIFRate())
    with net:
        configure_settings(training_mode=ATAN)
    assert modes_of(net) == [Rates()] * 3
    net.config[net.inner].training_mode = "rate"
    assert modes_of(net) == [Rates()] * 3
    for key in (net.inner, net.inner.neurons):
        net = network(nengo.LIFRate())
        key = net.inner.neurons if isinstance(key, Neurons) else net.inner
        net.config[key].training_mode = ATAN
        with pytest.raises(BuildError, match=r"training_mode of <Ens.*LIFRate.*ATan"):
            simulator(net)


def test_rates_that_spike_themselves_have_the_mode_of_their_ensemble():
    with pytest.warns(UserWarning, match="spiking neuron type"):
        spikes_of_spikes = nengo.StochasticSpiking(nengo.LIF())
    net = network(spikes_of_spikes)
    net.config[net.outer].training_mode = ATAN
    with simulator(net) as sim:
        found = [
            training_mode(op)
            for group in groups_of(sim)
            for op in group
            if isinstance(op, SimNeurons)
        ]
    assert sorted(map(str, found)) == sorted(map(str, [ATAN] * 2 + [Rates()] * 4))


@pytest.mark.parametrize(
    "value", ["surrogate", "Rate", 3, True, surrogates.ATan, nengo.LIF()]
)
def test_values_that_are_no_mode(value):
    net = network()
    expected = "training_mode: expected 'rate', 'spike_aware', a surrogate.*got "
    with net, pytest.raises(ValidationError, match=expected):
        configure_settings(training_mode=value)
    for key in (nengo.Ensemble, net.inner, net.inner.neurons, net.sub):
        with pytest.raises(ValidationError, match=expected):
            net.config[key].training_mode = value
    assert modes_of(net) == [Rates()] * 3


class InPython(nengo.LIF):
    def step(self, dt, J, output, voltage, refractory_time):
        output[...] = J > 1


class StepOnly(nengo.LIF):
    def step(self, dt, J, output, voltage, refractory_time):
        output[...] = J > 1


class WithThreshold(nengo.LIF):
    """Spikes wherever the current is above a threshold."""

    def step(self, dt, J, output, voltage, refractory_time):
        output[...] = (J > 1) / dt


@pytest.fixture(scope="module", autouse=True)
def builders():
    @Builder.register(StepOnly)
    class StepOnlyBuilder(NeuronBuilder):
        def step(self, J, state):
            return tf.cast(J > 1, J.dtype), {}

    @Builder.register(WithThreshold)
    class WithThresholdBuilder(SpikingNeuronBuilder):
        def spiking_step(self, J, state, function):
            return function.spikes(J > 1, J - 1).count / self.config.dt, {}


REFUSED = {
    "Poisson": (nengo.PoissonSpiking(nengo.LIFRate()), ATAN, "PoissonSpiking.*ATan"),
    "Python": (InPython(), ATAN, "InPython.*ATan.*runs in Python"),
    "Python, spike-aware": (InPython(), "spike_aware", "InPython.*runs in Python"),
    "step only": (StepOnly(), ATAN, "StepOnly: .*ATan.*no spiking_step"),
    "no rates": (StepOnly(), "spike_aware", "StepOnly.*no training_step"),
    "function": (nengo.LIF(), lambda x: x[0], "expected a derivative.*shape"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_mode_cannot_do_is_said_when_the_simulator_is_built(name):
    neuron_type, value, match = REFUSED[name]
    net = network(neuron_type)
    net.config[net.inner].training_mode = value
    with pytest.raises(BuildError, match=match):
        simulator(net)


def test_a_type_of_ones_own():
    net = network(WithThreshold())
    net.config[net.outer].training_mode = surrogates.StraightThrough()
    with simulator(net) as sim:
        (J,) = sim.data[net.outer].gain * 0.5 * sim.data[net.outer].encoders.T
        J += sim.data[net.outer].bias
        found = sim.run_batch(2, {net.p: None}, training=True)[net.p]
        np.testing.assert_array_equal(found[0, 0], [1000 * (J > 1)] * 2)
        before = np.array(sim.data[net.outer].bias)
        loss = {net.p: lambda y: tf.reduce_sum(y) * 1e-3}
        sim.train(2, sgd(0.01), objective=loss)
        change = sim.data[net.outer].bias - before
    np.testing.assert_allclose(change, -0.02, rtol=1e-9)


def pickled(net):
    return pickle.loads(pickle.dumps(net))


@pytest.mark.parametrize("copied", [nengo.Network.copy, copy.deepcopy, pickled])
def test_settings_go_with_a_network(copied):
    net = network()
    within("sub", surrogates.Gaussian(0.3, detach_reset=True))(net)
    net.config[net.last].training_mode = "spike_aware"
    other = copied(net)
    ensembles = other.all_ensembles
    with simulator(other) as sim:
        found = {
            op.output: training_mode(op)
            for group in groups_of(sim)
            for op in group
            if isinstance(op, SimNeurons)
        }
        modes = [found[sim.model.sig[ens.neurons]["out"]] for ens in ensembles]
    expected = surrogates.Gaussian(0.3, detach_reset=True)
    assert modes == [Rates(), expected, SpikeAware()]
    assert get_setting(other, "training_mode", obj=ensembles[1]) == expected
