"""Parameters of neurons that are values of a step, since they are trained."""

import nengo
import numpy as np
import pytest
import tensorflow as tf
from nengo.builder.neurons import SimNeurons
from nengo.builder.signal import Signal
from nengo.exceptions import BuildError

from nengo_dl_ops import Builder, SoftLIFRate, SpikingLeakyReLU, surrogates
from nengo_dl_ops.neurons.integrate_and_fire import (
    EulerLIF,
    ExactLIF,
    ExponentialLIF,
    Heaviside,
    IntegrateAndFire,
)
from nengo_dl_ops.neurons.leaky_relu import LeakyReLU
from nengo_dl_ops.neurons.operator import SimNeuronsBuilder
from nengo_dl_ops.neurons.trained_types import with_parameters
from nengo_dl_ops.neurons.training import BEGUN, RATES, SimTrainedNeurons

LIF = {"tau_rc": 0.03, "tau_ref": 0.003, "amplitude": 0.7}

#: Each type with values of all that can be trained of it.
TYPES = {
    nengo.LIFRate: LIF,
    nengo.LIF: {**LIF, "min_voltage": -0.2},
    nengo.AdaptiveLIFRate: {**LIF, "tau_n": 0.4, "inc_n": 0.02},
    nengo.AdaptiveLIF: {**LIF, "min_voltage": -0.2, "tau_n": 0.4, "inc_n": 0.02},
    nengo.RectifiedLinear: {"amplitude": 0.7},
    nengo.SpikingRectifiedLinear: {"amplitude": 0.7},
    nengo.Sigmoid: {"tau_ref": 0.003},
    nengo.Tanh: {"tau_ref": 0.003},
    nengo.Izhikevich: {
        "tau_recovery": 0.03,
        "coupling": 0.25,
        "reset_voltage": -60.0,
        "reset_recovery": 7.0,
    },
    SoftLIFRate: {**LIF, "sigma": 0.3},
    LeakyReLU: {"amplitude": 0.7, "negative_slope": 0.1},
    SpikingLeakyReLU: {"amplitude": 0.7, "negative_slope": 0.1},
    ExponentialLIF: {"tau_rc": 0.03, "amplitude": 0.7},
    ExactLIF: {"tau_rc": 0.03, "amplitude": 0.7},
    EulerLIF: {"tau_rc": 0.03, "amplitude": 0.7},
    IntegrateAndFire: {"amplitude": 0.7},
    Heaviside: {"amplitude": 0.7},
}

#: Types with values from which the voltage may start.
STARTS = {
    nengo.LIF: [0.1, 0.5, 0.9, 0.99],
    nengo.AdaptiveLIF: [0.1, 0.5, 0.9, 0.99],
    nengo.SpikingRectifiedLinear: [0.1, 0.5, 0.9, 0.99],
    nengo.RegularSpiking: [0.1, 0.5, 0.9, 0.99],
    SpikingLeakyReLU: [0.1, 0.5, 0.9, 0.99],
    nengo.Izhikevich: [-70.0, -50.0, 0.0, 29.0],
    ExponentialLIF: [-3.0, 0.0, 0.5, 0.99],
    ExactLIF: [-3.0, 0.0, 0.5, 0.99],
    EulerLIF: [-3.0, 0.0, 0.5, 0.99],
    IntegrateAndFire: [-3.0, 0.0, 0.5, 0.99],
}

MODES = {
    "run": (False, surrogates.ATan()),
    "rates": (True, RATES),
    "surrogate": (True, surrogates.ATan()),
}


def neurons(neuron_type, values=None, each=False, mode=RATES, n=4, starts=None):
    state = neuron_type.make_state(n, rng=np.random.RandomState(0))
    signals = {name: Signal(value, name=name) for name, value in state.items()}
    J = Signal(np.linspace(-30, 400, n), name="J")
    op = SimNeurons(neuron_type, J, Signal(np.zeros(n), name="out"), signals)
    parameters = {
        name: Signal(np.full(n if each else 1, value), name=name, readonly=True)
        for name, value in (values or {}).items()
    }
    given = {
        name: Signal(np.asarray(value, np.float64), name=name, readonly=True)
        for name, value in (starts or {}).items()
    }
    return SimTrainedNeurons(op, mode, parameters, given)


def steps(build, ops, training, n_steps=8):
    group = build(ops, training=training, dtype="float64")
    shown = [
        sig
        for op in ops
        for sig in (op.output, *(s for n, s in op.state.items() if n != BEGUN))
    ]
    values, found = group.initial_values(), []
    for _ in range(n_steps):
        values = group(values)
        found.append([values[sig] for sig in shown])
    return found


def test_the_table_has_all_that_can_be_trained():
    for kind, values in TYPES.items():
        found = SimNeuronsBuilder.trainable_parameters(kind(), 0.001)
        assert set(found) == set(values), kind
        assert all(found[name].contain(value) for name, value in values.items())


#: Rates of Izhikevich have no formula; types that do not spike need no surrogate.
CASES = [
    (kind, *MODES[mode])
    for kind in TYPES
    for mode in (MODES if kind.spiking else ["run"])
    if not (kind is nengo.Izhikevich and mode == "rates")
]


@pytest.mark.parametrize("kind, training, mode", CASES)
def test_same_as_a_type_with_these_values(kind, training, mode, build):
    values = TYPES[kind]
    expected = steps(build, [neurons(kind(**values), mode=mode)], training)
    assert any(np.any(step[0]) for step in expected)
    for each in (False, True):
        ops = [neurons(kind(), values, each, mode)]
        for found, step in zip(steps(build, ops, training), expected, strict=True):
            for value, right in zip(found, step, strict=True):
                np.testing.assert_allclose(value, right, rtol=1e-9, atol=1e-9)


def test_one_value_and_one_for_each_merge(build):
    values = {"tau_rc": 0.03}
    kinds = nengo.LIF(), nengo.LIF(tau_ref=0.005)
    ops = [neurons(kinds[0], values), neurons(kinds[1], {"tau_rc": 0.05}, each=True)]
    assert len({Builder.of(op).merge_key(op) for op in ops}) == 1
    found = steps(build, ops, training=False)
    alone = [steps(build, [op], training=False) for op in ops]
    for merged, *single in zip(found, *alone, strict=True):
        for value, right in zip(merged, [*single[0], *single[1]], strict=True):
            np.testing.assert_allclose(value, right, rtol=1e-12, atol=1e-12)


def test_neurons_merge_if_the_same_is_trained():
    ops = [
        neurons(nengo.LIF()),
        neurons(nengo.LIF(), {"tau_rc": 0.03}),
        neurons(nengo.LIF(), {"tau_rc": 0.03, "tau_ref": 0.002}),
    ]
    assert len({Builder.of(op).merge_key(op) for op in ops}) == 3


@pytest.mark.parametrize("mode", [RATES, surrogates.ATan()], ids=["rate", "surrogate"])
def test_gradients_reach_parameters(mode, build):
    """Of a rate, those of its equation."""
    op = neurons(nengo.LIF(), LIF, mode=mode)
    group = build([op], dtype="float64", training=True)
    values = {base: tf.constant(v) for base, v in group.initial_values().items()}
    given = [values[sig] for sig in op.parameters.values()]
    with tf.GradientTape() as tape:
        tape.watch(given)
        total = 0.0
        for _ in range(20):
            new = group.build([values[base] for base in group.bases])
            values |= dict(zip(group.bases, new, strict=True))
            total += tf.reduce_sum(values[op.output]) / 20
    gradients = tape.gradient(total, given)
    assert all(gradient is not None for gradient in gradients)
    if mode is RATES:
        J = op.J.initial_value[op.J.initial_value > 1]
        log = np.log1p(1 / (J - 1))
        period = LIF["tau_ref"] + LIF["tau_rc"] * log
        slope = -LIF["amplitude"] / period**2
        expected = np.sum(slope * log), np.sum(slope), np.sum(1 / period)
        np.testing.assert_allclose(np.ravel(gradients), expected, rtol=1e-10)


def test_izhikevich_has_no_gradient_in_rates(build):
    op = neurons(nengo.Izhikevich(), TYPES[nengo.Izhikevich])
    with pytest.raises(BuildError, match=r"Izhikevich.*surrogate.*got rates"):
        build([op], dtype="float64")


def of_type(kind):
    return kind(nengo.LIFRate()) if kind is nengo.RegularSpiking else kind()


def test_the_table_has_all_that_has_a_voltage():
    for kind, values in STARTS.items():
        (bounds,) = SimNeuronsBuilder.trainable_starts(of_type(kind)).values()
        assert bounds.contain(values), kind
    others = set(TYPES) - set(STARTS)
    assert not any(SimNeuronsBuilder.trainable_starts(kind()) for kind in others)
    lowest = SimNeuronsBuilder.trainable_starts(nengo.LIF(min_voltage=-2))
    assert lowest["voltage"].contain(-1.9)


@pytest.mark.parametrize("training", [False, True], ids=["run", "surrogate"])
@pytest.mark.parametrize("kind", STARTS)
def test_same_as_a_type_that_starts_there(kind, training, build):
    mode, values = surrogates.ATan(), STARTS[kind]
    other = with_parameters(of_type(kind), {"initial_voltage": values})
    expected = steps(build, [neurons(other, mode=mode)], training)
    assert any(np.any(step[0]) for step in expected)
    op = neurons(of_type(kind), mode=mode, starts={"voltage": values})
    for found, step in zip(steps(build, [op], training), expected, strict=True):
        for value, right in zip(found, step, strict=True):
            np.testing.assert_allclose(value, right, rtol=1e-12, atol=1e-12)


def test_neurons_merge_if_they_start_alike():
    ops = [
        neurons(nengo.LIF()),
        neurons(nengo.LIF(), starts={"voltage": STARTS[nengo.LIF]}),
        neurons(nengo.LIF(tau_rc=0.1), starts={"voltage": [0.3] * 4}),
    ]
    keys = [Builder.of(op).merge_key(op) for op in ops]
    assert keys[0] != keys[1] == keys[2]


def test_gradients_reach_starts_through_the_first_step(build):
    """Of a voltage that decays without a spike, the decay itself."""
    op = neurons(
        nengo.LIF(),
        mode=surrogates.ATan(detach_reset=True),
        starts={"voltage": [0.2, 0.4, 0.6, 0.8]},
    )
    op.J.initial_value.setflags(write=True)
    op.J.initial_value[...] = 0
    group = build([op], dtype="float64", training=True)
    values = {base: tf.constant(v) for base, v in group.initial_values().items()}
    (start,) = (values[sig] for sig in op.starts.values())
    with tf.GradientTape() as tape:
        tape.watch(start)
        for _ in range(5):
            new = group.build([values[base] for base in group.bases])
            values |= dict(zip(group.bases, new, strict=True))
        total = tf.reduce_sum(values[op.state["voltage"]])
    gradient = np.ravel(tape.gradient(total, start))
    np.testing.assert_allclose(gradient, np.exp(-5 * 0.001 / 0.02), rtol=1e-12)
