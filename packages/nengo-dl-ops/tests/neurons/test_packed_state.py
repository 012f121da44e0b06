"""A state that loops carry in another form: the same spikes, and the same values."""

import nengo
import numpy as np
import pytest
import tensorflow as tf
from nengo.dists import Choice, Uniform

from nengo_dl_ops import BuildConfig, Builder
from nengo_dl_ops.neurons.integrate_and_fire import ExponentialLIF
from nengo_dl_ops.neurons.lif import LIFBuilder

# A row for each type that packs a state; parameters that go another way in the step.
TYPES = {
    "lif": nengo.LIF(),
    "no rest": nengo.LIF(tau_ref=0.0),
    "rest of half steps": nengo.LIF(tau_ref=0.0025),
    "no lowest voltage": nengo.LIF(min_voltage=-np.inf),
    "large steps": nengo.LIF(tau_rc=0.0015, amplitude=0.5),
    "starts at rest": nengo.LIF(initial_state={"refractory_time": Uniform(0, 0.01)}),
    "starts below zero": nengo.LIF(initial_state={"voltage": Choice([-2.0])}),
    "adaptive": nengo.AdaptiveLIF(tau_n=0.05, inc_n=0.1),
    "exponential": ExponentialLIF(),
}


def packs(neuron_type):
    return Builder.find(type(neuron_type)).packed_state(neuron_type)


def subclasses(kind):
    yield from kind.__subclasses__()
    for subclass in kind.__subclasses__():
        yield from subclasses(subclass)


def test_every_type_that_packs_is_in_the_table():
    kinds = {
        kind
        for kind in subclasses(nengo.neurons.NeuronType)
        if kind.__module__.startswith(("nengo.", "nengo_dl_ops."))
        and Builder.has(kind)
        and not issubclass(kind, nengo.neurons.RatesToSpikesNeuronType)
    }
    found = {kind for kind in kinds if packs(kind())}
    assert found == {type(neuron_type) for neuron_type in TYPES.values()}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("neuron_type", TYPES.values(), ids=TYPES)
def test_packed_steps_are_steps(neuron_type, dtype, rng):
    n, batch = 40, 3
    config = BuildConfig(dt=0.001, dtype=dtype, minibatch_size=batch)
    neurons = Builder.find(type(neuron_type))([neuron_type], [n], config)
    starts = neuron_type.make_state(n, rng, dtype=np.dtype(dtype))
    starts.pop("output", None)
    state = {
        name: tf.constant(np.tile(v[:, None], batch)) for name, v in starts.items()
    }
    carried, name = state, packs(neuron_type)
    n_spikes = 0
    step, packed_step = map(tf.function, (neurons.step, neurons.packed_step))
    for _ in range(200):
        J = tf.constant(rng.uniform(-1, 9, size=(n, batch)), dtype)
        output, state = step(J, state)
        packed = packed_step(J, carried)
        found, unpacked = neurons.from_packed(packed, carried)
        carried = {**unpacked, name: packed}
        np.testing.assert_array_equal(found, output)
        for key, values in state.items():
            np.testing.assert_allclose(unpacked[key], values, rtol=1e-6, atol=1e-12)
        n_spikes += np.count_nonzero(output)
    assert n_spikes > 500


@pytest.mark.parametrize("neuron_type", TYPES.values(), ids=TYPES)
def test_packed_steps_in_rows_are_packed_steps(neuron_type, rng):
    types = [neuron_type, type(neuron_type)(tau_rc=0.05)]
    neurons = Builder.find(type(neuron_type))(types, [8, 8], BuildConfig())
    flat, rows = (16, 5), (2, 8, 5)
    starts = {name: rng.uniform(0, 0.01, size=flat) for name in neuron_type.state}
    J = rng.uniform(20, 40, size=flat)
    expected = neurons.packed_step(tf.constant(J), starts)
    found = neurons.in_rows(rows).packed_step(
        tf.constant(J.reshape(rows)), {k: v.reshape(rows) for k, v in starts.items()}
    )
    np.testing.assert_array_equal(found, tf.reshape(expected, rows))
    assert len(np.unique(found > 1)) == 2


@pytest.mark.parametrize("start", [Uniform(0, 2), Choice([0.5, 1.5])])
def test_what_starts_above_the_threshold_is_not_packed(start):
    assert packs(nengo.LIF(initial_state={"voltage": start})) is None


def test_subclasses_with_a_step_of_their_own_do_not_pack():
    class Builder(LIFBuilder):
        def spiking_step(self, J, state, function):
            return super().spiking_step(2 * J, state, function)

    assert Builder.packed_state(nengo.LIF()) is None
