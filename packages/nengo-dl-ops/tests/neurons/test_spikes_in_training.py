"""Spikes in training: forward those of a run, backward finite, in whatever case."""

import nengo
import numpy as np
import pytest
import tensorflow as tf
from nengo.exceptions import BuildError
from nengo.neurons import PoissonSpiking, RegularSpiking, StochasticSpiking

from nengo_dl_ops import (
    BuildConfig,
    Builder,
    EulerLIF,
    ExactLIF,
    ExponentialLIF,
    IntegrateAndFire,
    NeuronBuilder,
    Rates,
    SoftLIFRates,
    SpikeAware,
    SpikingLeakyReLU,
    SpikingNeuronBuilder,
    surrogates,
)

#: For each type: neurons, currents at which they spike now and then, and voltages at
#: which they are on the threshold.
TYPES = {
    "LIF": (nengo.LIF(min_voltage=-1), (-3, 30), [1.0]),
    "AdaptiveLIF": (nengo.AdaptiveLIF(), (-3, 30), [1.0]),
    "SpikingRectifiedLinear": (
        nengo.SpikingRectifiedLinear(0.5),
        (-500, 1500),
        [0.0, 1.0],
    ),
    "SpikingLeakyReLU": (SpikingLeakyReLU(), (-1500, 1500), [0.0, 1.0]),
    "ExponentialLIF": (ExponentialLIF(), (-3, 30), [1.0]),
    "ExactLIF": (ExactLIF(), (-3, 30), [1.0]),
    "EulerLIF": (EulerLIF(reset="subtract"), (-3, 30), [1.0]),
    "EulerLIF, late": (EulerLIF(reset="subtract_delayed"), (-3, 30), [1.0]),
    "IntegrateAndFire": (IntegrateAndFire(), (-500, 900), [1.0]),
    "Izhikevich": (nengo.Izhikevich(), (-20, 60), [30.0]),
    "RegularSpiking": (RegularSpiking(nengo.Tanh()), (-1500, 1500), [0.0, 1.0]),
    "StochasticSpiking": (StochasticSpiking(nengo.Tanh()), (-1500, 1500), []),
    "PoissonSpiking": (PoissonSpiking(nengo.LIFRate(), 2), (-900, 900), []),
}
WITH_THRESHOLD = [name for name in TYPES if name != "PoissonSpiking"]

SURROGATES = [
    surrogates.ATan(),
    surrogates.FastSigmoid(detach_reset=True),
    surrogates.SuperSpike(),
    surrogates.Sigmoid(),
    surrogates.Triangle(),
    surrogates.Rectangle(),
    surrogates.PiecewiseLinear(),
    surrogates.Gaussian(),
    surrogates.StraightThrough(),
]


def make_neurons(neuron_type, n, dtype="float64"):
    config = BuildConfig(0.001, 1, dtype)
    return Builder.find(type(neuron_type))([neuron_type], [n], config)


def initial_state(neuron_type, n, dtype="float64"):
    made = neuron_type.make_state(n, rng=np.random.RandomState(0))
    state = {
        name: tf.constant(value[:, None], dtype)
        for name, value in made.items()
        if isinstance(value, np.ndarray)
    }
    return {**state, "rng": tf.constant(1, tf.uint64)}


def steps(step, currents, state):
    """Return the output and the state after each step."""
    found = []
    for t, J in enumerate(tf.unstack(currents)):
        output, new = step(J, {**state, "rng": tf.constant(t, tf.uint64)})
        state = {**state, **new}
        found.append({"output": output, **state})
    return found


def drawn_currents(low, high, n=12, n_steps=10):
    rng = np.random.RandomState(0)
    return rng.uniform(low, high, size=(n_steps, n, 1))


MODES = [
    SpikeAware(),
    SpikeAware(SoftLIFRates(0.2)),
    surrogates.ATan(),
    surrogates.ATan(detach_reset=True),
    surrogates.CustomSurrogate(tf.ones_like),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", TYPES)
def test_spikes_and_state_are_those_of_a_run(name, dtype):
    neuron_type, between, _ = TYPES[name]
    J = tf.constant(drawn_currents(*between), dtype)
    neurons = make_neurons(neuron_type, 12, dtype)
    state = initial_state(neuron_type, 12, dtype)
    expected = steps(neurons.step, J, state)
    assert any(np.any(one["output"] != 0) for one in expected)
    modes = MODES if name in WITH_THRESHOLD else MODES[:2]
    for mode in modes:
        found = steps(mode.step_of(neurons).compute, J, state)
        for one, other in zip(found, expected, strict=True):
            assert one.keys() == other.keys()
            for key in {*one} - {"rng"}:
                np.testing.assert_array_equal(one[key], other[key])


@pytest.mark.parametrize("rates", [Rates(), SoftLIFRates(0.2)], ids=repr)
@pytest.mark.parametrize("name", TYPES)
def test_the_gradient_of_spike_aware_is_that_of_rates(name, rates):
    neuron_type, between, _ = TYPES[name]
    currents = drawn_currents(*between)
    neurons = make_neurons(neuron_type, 12)
    before = steps(neurons.step, currents[:-1], initial_state(neuron_type, 12))[-1]
    del before["output"]
    J = tf.constant(currents[-1])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([J, *before.values()])
        spikes, after = SpikeAware(rates).step_of(neurons).compute(J, before)
        in_rates, _ = rates.step_of(neurons).compute(J, before)
    expected = tape.gradient(in_rates, J)
    np.testing.assert_array_equal(tape.gradient(spikes, J), expected)
    assert np.any(expected)
    # Nothing goes through what neurons remember.
    state = [value for value in before.values() if value.dtype.is_floating]
    assert all(one is None for one in tape.gradient(spikes, state))
    changed = [after[name] for name in after if name != "rng"]
    assert all(
        tape.gradient(one, [J, *state]) == [None] * (1 + len(state)) for one in changed
    )


def at_the_corner(neuron_type, voltages, dtype):
    """Currents and voltages in all combinations: on thresholds, huge, nothing."""
    eps = np.finfo(dtype).eps
    currents = [1, 1 + eps, 1 - eps, 0, -30, 1e3, -1e3, 1e12, -1e12]
    # Not above the threshold: from there LIF gives infinite times, in Nengo, too.
    voltages = [*voltages, *(v - eps for v in voltages), 0.5]
    J, voltage = map(np.ravel, np.meshgrid(currents, voltages))
    state = initial_state(neuron_type, len(J), dtype)
    if "voltage" in state:
        state["voltage"] = tf.constant(voltage[:, None], dtype)
    return tf.constant(J[:, None], dtype), state


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", WITH_THRESHOLD)
def test_gradients_are_finite_in_all_corners(name, dtype):
    neuron_type, _, thresholds = TYPES[name]
    J, state = at_the_corner(neuron_type, thresholds, dtype)
    neurons = make_neurons(neuron_type, len(J), dtype)
    start = {name: value for name, value in state.items() if name != "rng"}
    for surrogate in SURROGATES:
        step = surrogate.step_of(neurons).compute
        with tf.GradientTape() as tape:
            tape.watch([J, *start.values()])
            found = steps(step, tf.stack([J] * 3), {**state, **start})
            last = found[-1]
            values = [one["output"] for one in found]
            values += [last[name] for name in start]
            total = tf.add_n([tf.reduce_sum(value) for value in values])
        assert np.isfinite(total)
        for gradient in tape.gradient(total, [J, *start.values()]):
            bad = ~np.isfinite(gradient)
            assert not np.any(bad), (surrogate, J[bad], state["voltage"][bad])


@pytest.mark.parametrize("mode", [Rates(), SpikeAware(), surrogates.ATan()], ids=repr)
def test_types_that_do_not_spike_are_as_ever(mode):
    for neuron_type in (nengo.LIFRate(), nengo.AdaptiveLIFRate(), nengo.Tanh()):
        neurons = make_neurons(neuron_type, 12)
        J = tf.constant(drawn_currents(-3, 30))
        found, expected = (
            steps(step, J, initial_state(neuron_type, 12))
            for step in (mode.step_of(neurons).compute, neurons.step)
        )
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one["output"], other["output"])


class Blinker(nengo.neurons.NeuronType):
    spiking = True
    state = {"voltage": nengo.dists.Uniform(0, 1)}

    def step(self, dt, J, output, voltage):
        raise NotImplementedError


class StepOnly(NeuronBuilder):
    """A builder of a spiking type that says nothing of training."""

    def step(self, J, state):
        return tf.cast(J > 1, J.dtype), {}


class WithThreshold(SpikingNeuronBuilder):
    """One that says where the threshold is, but not what the rates are."""

    def spiking_step(self, J, state, function):
        return function.spikes(J > 1, J - 1).count, {}


class ItsOwnStep(WithThreshold):
    """One in whose runs the threshold is not asked for."""

    def step(self, J, state):
        return tf.cast(J > 2, J.dtype), {}


@pytest.mark.parametrize(
    "kind, mode, match",
    [
        (StepOnly, SpikeAware(), "Blinker.*StepOnly has no training_step"),
        (StepOnly, surrogates.ATan(), r"Blinker.*got ATan\(.*StepOnly has no spiking"),
        (WithThreshold, SpikeAware(), "Blinker.*WithThreshold has no training_step"),
        (ItsOwnStep, surrogates.ATan(), "Blinker.*got ATan"),
    ],
)
def test_what_a_builder_does_not_offer_is_named(kind, mode, match):
    with pytest.raises(BuildError, match=match):
        mode.step_of(kind([Blinker()], [3], BuildConfig()))


def test_a_builder_with_a_threshold_offers_gradients():
    neurons = WithThreshold([Blinker()], [2], BuildConfig(dtype="float64"))
    J = tf.constant([[0.5], [1.25]], tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(J)
        output, _ = surrogates.Triangle(gamma=2).step_of(neurons).compute(J, {})
    np.testing.assert_array_equal(output, [[0], [1]])
    np.testing.assert_allclose(tape.gradient(output, J), [[1.0], [1.5]])
