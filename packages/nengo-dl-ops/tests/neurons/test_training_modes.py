"""What neurons compute in training is a choice, for each operator."""

from dataclasses import dataclass

import nengo
import numpy as np
import pytest
import tensorflow as tf
from nengo.builder.neurons import SimNeurons
from nengo.builder.signal import Signal
from nengo.exceptions import BuildError

from nengo_dl_ops import (
    Builder,
    NeuronStep,
    Rates,
    SimNeuronsBuilder,
    SoftLIFRate,
    SoftLIFRates,
    TrainingMode,
)
from nengo_dl_ops.neurons.training import with_training_modes


@dataclass(frozen=True)
class ScaledSpikes(TrainingMode):
    """Spikes as in a run, times a factor: it needs the state, and changes it."""

    factor: float

    def step_of(self, neurons):
        def compute(J, state):
            output, new_state = neurons.step(J, state)
            return self.factor * output, new_state

        return NeuronStep(compute)


def neurons(neuron_type=nengo.LIF(), n=3):  # noqa: B008
    state = neuron_type.make_state(n, rng=np.random.RandomState(0))
    signals = {
        name: value if isinstance(value, np.random.RandomState) else Signal(value)
        for name, value in state.items()
    }
    J, output = Signal(np.full(n, 30.0), name="J"), Signal(np.zeros(n), name="output")
    return SimNeurons(neuron_type, J, output, signals)


def set_to(mode, op):
    (other,) = with_training_modes([op], lambda _: mode)
    return other


def run(build, op, training, n_steps=30):
    group, found = build([op], training=training, dtype="float64"), []
    values = group.initial_values()
    for _ in range(n_steps):
        values = group(values)
        found.append({sig: values[sig] for sig in (op.output, *op.state.values())})
    return found


def test_a_mode_may_compute_with_state(build):
    op = set_to(ScaledSpikes(2.0), neurons())
    in_run, in_training = (run(build, op, training) for training in (False, True))
    assert any(np.any(step[op.output]) for step in in_run)
    for spikes, scaled in zip(in_run, in_training, strict=True):
        np.testing.assert_array_equal(scaled[op.output], 2 * spikes[op.output])
        for sig in op.state.values():
            np.testing.assert_array_equal(scaled[sig], spikes[sig])


@pytest.mark.parametrize(
    "mode, neuron_type, expected",
    [
        (Rates(), nengo.LIF(), True),
        (SoftLIFRates(0.1), nengo.LIF(), True),
        (SoftLIFRates(0.1), nengo.SpikingRectifiedLinear(), True),
        (SoftLIFRates(0.1), nengo.AdaptiveLIF(), False),
        (ScaledSpikes(2.0), nengo.LIF(), False),
        (ScaledSpikes(2.0), nengo.LIFRate(), True),  # there is no state
    ],
)
def test_the_mode_says_whether_the_current_is_enough(
    build, mode, neuron_type, expected
):
    builder = build([set_to(mode, neurons(neuron_type))]).builder
    assert (builder.memoryless(training=True) is not None) == expected
    assert (builder.memoryless(training=False) is not None) == (not neuron_type.spiking)


def test_soft_rates_are_those_of_soft_lif_and_of_no_other_type(build):
    for neuron_type, rate in (
        (nengo.LIF(tau_rc=0.03), SoftLIFRate(0.5, tau_rc=0.03)),
        (nengo.SpikingRectifiedLinear(), nengo.RectifiedLinear()),
    ):
        op = set_to(SoftLIFRates(0.5), neurons(neuron_type))
        (step,) = run(build, op, training=True, n_steps=1)
        expected = rate.rates(op.J.initial_value, np.ones(1), np.zeros(1))
        np.testing.assert_allclose(step[op.output], expected, rtol=1e-12)


def test_neurons_with_equal_modes_merge():
    first, second, *others = ops = [neurons() for _ in range(4)]
    modes = [ScaledSpikes(2.0), ScaledSpikes(2.0), ScaledSpikes(3.0), Rates()]
    chosen = dict(zip(ops, modes, strict=True))
    ops = with_training_modes(ops, chosen.get)
    keys = [SimNeuronsBuilder.merge_key(op) for op in ops]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3
    assert ops[3] is others[1]  # the default needs no other operator


def test_an_operator_with_a_mode_has_all_that_nengo_built():
    op = neurons(nengo.StochasticSpiking(nengo.Tanh()))
    other = set_to(ScaledSpikes(1.0), op)
    assert other.neurons is op.neurons
    assert other.all_signals == op.all_signals
    assert other.state == op.state
    assert other.state_extra == op.state_extra != {}


def test_what_runs_in_python_has_no_choice():
    class Unknown(nengo.LIF):
        def step(self, dt, J, output, voltage, refractory_time):
            output[...] = 1

    op = neurons(Unknown())
    assert Builder.of(op).python
    assert set_to(SoftLIFRates(0.1), op) is op
    with pytest.raises(BuildError, match="Unknown: expected training_mode 'rate'"):
        set_to(ScaledSpikes(1.0), op)


def test_gradients_reach_steps_before(build):
    """A mode decides how far: here through the voltage, which is a sum over steps."""

    class Voltage(TrainingMode):
        def step_of(self, neurons):
            def compute(J, state):
                voltage = state["voltage"] + J
                return voltage, {"voltage": voltage}

            return NeuronStep(compute)

    op = set_to(Voltage(), neurons(nengo.SpikingRectifiedLinear()))
    group = build([op], training=True, dtype="float64")
    J = tf.Variable(op.J.initial_value[:, None])
    with tf.GradientTape() as tape:
        values = {base: tf.constant(v) for base, v in group.initial_values().items()}
        for _ in range(3):
            arrays = [J if b is op.J else values[b] for b in group.bases]
            values = dict(zip(group.bases, group.build(arrays), strict=True))
        loss = tf.reduce_sum(values[op.output])
    np.testing.assert_array_equal(tape.gradient(loss, J), np.full((3, 1), 3.0))
