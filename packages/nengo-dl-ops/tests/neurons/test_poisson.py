import nengo
import numpy as np
import pytest
import tensorflow as tf
from nengo.builder.neurons import SimNeurons
from nengo.builder.signal import Signal

from nengo_dl_ops import BuildConfig, Builder, LeakyReLU
from nengo_dl_ops.random_numbers import step_seed
from nengo_dl_signals import SignalDict, SignalLayout

DT = 0.001
TYPES = [nengo.StochasticSpiking, nengo.PoissonSpiking]
each_type = pytest.mark.parametrize("kind", TYPES)


def spike_counts(kind, rate, n, batch, n_steps, seed=0, **options):
    """Return the number of spikes in every step, (n_steps, n, batch)."""
    neurons = kind(LeakyReLU(), **options)
    config = BuildConfig(DT, batch, "float64")
    builder = Builder.find(kind)([neurons], [n], config)

    @tf.function(jit_compile=True, autograph=False)
    def run():
        steps = tf.TensorArray(tf.float64, n_steps)

        def step(i, steps):
            key = tf.stack([tf.constant(seed), i])
            rates = tf.fill((n, batch), np.float64(rate))
            output, state = builder.step(rates, {"rng": step_seed(key, 3)})
            assert not state
            return i + 1, steps.write(i, output)

        return tf.while_loop(lambda i, _: i < n_steps, step, (0, steps))[1].stack()

    return run().numpy() * DT / neurons.amplitude


def expected_counts(kind, rate, n, n_steps):
    neurons = kind(LeakyReLU())
    rng = np.random.RandomState(0)
    outputs = np.zeros((n_steps, n))
    for output in outputs:
        neurons.step(DT, np.full(n, float(rate)), output, rng=rng)
    return outputs * DT


def distance(x, y):
    """Return the statistic of Kolmogorov and Smirnov for two samples."""
    x, y = np.sort(x, axis=None), np.sort(y, axis=None)
    places = np.concatenate([x, y])
    parts = [np.searchsorted(z, places, side="right") / len(z) for z in (x, y)]
    return np.abs(parts[0] - parts[1]).max()


@each_type
@pytest.mark.parametrize("rate", [0, 30, 250, 1400, 13_000, -200, -2500])
def test_statistics_as_nengo(kind, rate):
    ours = spike_counts(kind, rate, 40, 2, 250)
    theirs = expected_counts(kind, rate, 80, 250)
    np.testing.assert_array_equal(ours, np.round(ours))
    for moment in (lambda x: x, lambda x: (x - rate * DT) ** 2):  # mean, variance
        a, b = moment(ours), moment(theirs)
        error = np.sqrt((a.var() + b.var()) / ours.size)
        np.testing.assert_allclose(a.mean(), b.mean(), atol=4 * error)
    # single steps, and sums over 50 steps
    assert distance(ours, theirs) < 1.63 * np.sqrt(2 / ours.size)
    windows = [x.reshape(5, 50, -1).sum(axis=1) for x in (ours, theirs)]
    assert distance(*windows) < 1.63 * np.sqrt(2 / windows[0].size)


@each_type
def test_every_neuron_and_every_batch_item_draws_for_itself(kind):
    counts = spike_counts(kind, 500, 10, 3, 300)
    trains = counts.reshape(300, -1).T
    correlation = np.corrcoef(trains)[np.triu_indices(len(trains), 1)]
    assert np.abs(correlation).max() < 0.25


@each_type
def test_the_seed_decides(kind):
    first, second, other = (
        spike_counts(kind, 500, 10, 2, 50, seed=i) for i in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, second)
    assert np.any(first != other)


@each_type
def test_amplitude_scales_spikes(kind):
    counts = spike_counts(kind, 500, 10, 2, 50, amplitude=0.5)
    np.testing.assert_array_equal(counts, spike_counts(kind, 500, 10, 2, 50))


def operators(kind, sizes):
    ops = []
    for n in sizes:
        state = kind(LeakyReLU()).make_state(n, rng=np.random.RandomState(0))
        signals = [Signal(np.full(n, 500.0), name=name) for name in ("J", "output")]
        ops.append(SimNeurons(kind(LeakyReLU()), *signals, state))
    return ops


def outputs_of_step(ops, layout, step, training=False, compiled=False):
    builder = Builder.build(ops, layout, BuildConfig(minibatch_size=2))

    def compute(key):
        signals = SignalDict(layout.n_rows)
        signals.key = key
        for op in ops:
            rates = np.full((op.J.size, 1), 500, np.float32)
            signals.load(layout.rows(op.J), tf.constant(rates))
        emit = builder.build_training_step if training else builder.build_step
        emit(signals)
        return [signals.gather(layout[op.output]) for op in ops]

    key = tf.constant([9, step])
    outputs = (
        tf.function(compute, jit_compile=compiled)(key) if compiled else compute(key)
    )
    return [output.numpy() for output in outputs]


@each_type
def test_operators_draw_from_the_key_of_the_step(kind):
    ops = operators(kind, [20, 30])
    layout = SignalLayout([sig for op in ops for sig in op.all_signals])
    assert len({Builder.find(SimNeurons).merge_key(op) for op in ops}) == 1
    first = outputs_of_step(ops, layout, 0)
    assert [output.shape for output in first] == [(20, 2), (30, 2)]
    assert np.any(first[0] != first[1][:20])
    assert np.any(first[0][:, 0] != first[0][:, 1])
    for compiled in (False, True):
        again = outputs_of_step(ops, layout, 0, compiled=compiled)
        np.testing.assert_array_equal(np.concatenate(again), np.concatenate(first))
    assert np.any(outputs_of_step(ops, layout, 1)[0] != first[0])


@each_type
def test_groups_draw_different_numbers(kind):
    ops = operators(kind, [20, 20])
    layout = SignalLayout([sig for op in ops for sig in op.all_signals])
    apart = [outputs_of_step([op], layout, 0)[0] for op in ops]
    assert np.any(apart[0] != apart[1])


@each_type
def test_training_lets_rates_through(kind):
    ops = operators(kind, [4])
    layout = SignalLayout([sig for op in ops for sig in op.all_signals])
    (output,) = outputs_of_step(ops, layout, 0, training=True)
    # The same for all items, so it may be there only once.
    np.testing.assert_array_equal(
        np.broadcast_to(output, (4, 2)), np.full((4, 2), 500, np.float32)
    )
