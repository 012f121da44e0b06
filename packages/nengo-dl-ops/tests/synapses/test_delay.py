"""Delays: equal to Nengo's simulator and to a shift of an array, exactly."""

import pickle

import nengo
import numpy as np
import pytest
from nengo.builder import Model
from nengo.builder.processes import SimProcess
from nengo.builder.signal import Signal
from nengo.exceptions import BuildError, ValidationError

from nengo_dl_ops import Builder, Delay


def synapse(delay, size=3, mode="update", y0=0):
    shape = (size,) if np.ndim(size) == 0 else size
    state = delay.make_state(shape, shape, 0.001, y0=y0)
    return SimProcess(
        delay,
        Signal(np.zeros(shape), name="input"),
        Signal(np.zeros(shape), name="output"),
        Signal(np.array(0.0), name="time"),
        mode=mode,
        state={name: Signal(value, name=name) for name, value in state.items()},
    )


def shifted(values, steps):
    """Return values of some steps before, and zeros before the first."""
    return np.concatenate([np.zeros((steps, *values.shape[1:])), values])[: len(values)]


DELAYS = {
    "none": [Delay(0)],
    "one step": [Delay(0.001)],
    "all alike": [Delay(0.004)],
    "each": [Delay([0.004, 0, 0.001])],
    "ring that is longer": [Delay(0.002, max_delay=0.005)],
    "merged": [Delay(0.004), Delay([0.001, 0.003, 0], 0.004), Delay(0, 0.004)],
    "merged and alike": [Delay(0.003, 0.005), Delay([0.003] * 3, 0.005)],
}


@pytest.mark.parametrize("delays", DELAYS.values(), ids=DELAYS)
def test_as_nengo(delays, compare):
    compare([synapse(delay) for delay in delays], n_steps=13, batch=3, atol=0)


@pytest.mark.parametrize("mode", ["set", "inc"])
def test_modes_as_nengo(mode, compare_eagerly):
    compare_eagerly([synapse(Delay([0.002, 0, 0.001]), mode=mode)], n_steps=7)


def test_matrices_as_nengo(compare_eagerly):
    ops = [synapse(Delay([0.002, 0, 0.001]), (2, 3)), synapse(Delay(0.002), (1, 4))]
    compare_eagerly(ops, n_steps=7, atol=0)


def test_initial_output_as_nengo(compare_eagerly):
    compare_eagerly([synapse(Delay(0.003), y0=1.5)], n_steps=7, atol=0)


def test_other_lengths_do_not_merge():
    merge_key = Builder.find(SimProcess).merge_key
    delays = [Delay(0.003), Delay(0.001, 0.003), Delay(0.0025, 0.003), Delay(0.004)]
    with pytest.warns(UserWarning, match=r"rounded to 0\.002 s"):
        keys = [merge_key(synapse(delay)) for delay in delays]
    assert len(set(keys)) == 2


@pytest.mark.parametrize("seconds", [0, 0.001, 0.012, [0.003, 0, 0.02]])
def test_filt_shifts(seconds, rng):
    values = rng.normal(size=(30, 3))
    steps = np.broadcast_to(np.rint(np.asarray(seconds) / 0.001).astype(int), 3)
    expected = [shifted(values[:, i], k) for i, k in enumerate(steps)]
    np.testing.assert_array_equal(Delay(seconds).filt(values), np.transpose(expected))


def test_filtfilt_shifts_back(rng):
    values = rng.normal(size=(30, 2))
    values[-5:] = 0  # what is beyond the end is lost
    there_and_back = Delay(0.005).filtfilt(values)
    np.testing.assert_array_equal(there_and_back[:-5], values[:-5])


@pytest.mark.parametrize("seconds", [0, 0.001, 0.012, [0.003, 0.001], [0.004, 0]])
def test_whole_delay_of_connections_probes_and_nodes(seconds):
    """No step comes on top of the given ones."""
    delay = Delay(seconds)
    with nengo.Network() as net:
        source = nengo.Node(lambda t: [t, np.cos(t)])
        target, node = nengo.Node(size_in=2), nengo.Node(delay, size_in=2, size_out=2)
        nengo.Connection(source, target, synapse=delay)
        nengo.Connection(source, node, synapse=None)
        probes = [nengo.Probe(obj) for obj in (source, target, node)]
        probes.append(nengo.Probe(source, synapse=delay))
    with nengo.Simulator(net, progress_bar=False) as sim:
        sim.run_steps(20)
        values, *found = [sim.data[probe] for probe in probes]
    for delayed in found:
        np.testing.assert_array_equal(delayed, delay.filt(values))


@pytest.mark.parametrize(
    "seconds, max_delay, match",
    [
        (-0.001, None, r"Delay.seconds: expected.*not negative.*got -0\.001"),
        ([0.1, -1], None, r"seconds: expected.*not negative"),
        (np.nan, None, "seconds: expected finite"),
        ([0.1, np.inf], None, "seconds: expected finite"),
        ("soon", None, "seconds: expected a number.*got 'soon'"),
        (True, None, "seconds: expected a number"),
        (None, None, "seconds: expected a number"),
        ([], None, "seconds: expected a number"),
        ([[0.1]], None, "seconds: expected a number"),
        ([[0.1], [0.1, 0.2]], None, "seconds: expected a number"),
        (0.01, 0.009, r"max_delay: expected at least.*0\.01 s, got 0\.009 s"),
        (0.01, [0.02], r"max_delay: expected one number"),
        (0.01, np.nan, "max_delay: expected finite"),
        (0.01, "long", "max_delay: expected a number"),
    ],
)
def test_what_is_no_delay_is_refused(seconds, max_delay, match):
    with pytest.raises(ValidationError, match=match):
        Delay(seconds, max_delay)


def test_longest_delay_may_differ_by_rounding():
    assert Delay(0.1 + 0.2, max_delay=0.3).max_steps(0.001) == 300


def test_more_steps_than_can_be_counted_are_refused():
    with pytest.raises(ValidationError, match=r"seconds: expected fewer than 2\*\*31"):
        Delay(1e12).filt([1.0])


def test_other_numbers_of_dimensions_are_refused():
    with pytest.raises(ValidationError, match="each of 3 dimensions, got 2 delays"):
        Delay([0.1, 0.2]).filt(np.ones((4, 3)))
    with pytest.raises(
        ValidationError, match="expected an input of the output's shape"
    ):
        Delay(0.1).make_state((0,), (2,), 0.001)
    with nengo.Network() as net:
        a, b = nengo.Node([1]), nengo.Node(size_in=1, label="b")
        nengo.Connection(a, b, synapse=Delay([0.1, 0.2]))
    with pytest.raises(
        BuildError, match=r"Delay.*of Signal\(.*each of 1 dimensions, got 2"
    ):
        nengo.Simulator(net, progress_bar=False)


@pytest.mark.parametrize(
    "seconds, shown",
    [
        (0.0124, r"0\.012 s"),
        ([0.001, 0.0026], r"\[0\.001 0\.003\] s"),
        (4e-4, "0"),
    ],
)
def test_rounded_with_a_warning(seconds, shown):
    with pytest.warns(UserWarning, match=f"multiples of.*0.001 s; rounded to {shown}"):
        Delay(seconds).filt(np.ones((2, np.size(seconds))))


def test_one_warning_for_a_synapse():
    delay = Delay(0.0014)
    with nengo.Network() as net:
        a = nengo.Node([1], label="a")
        node = nengo.Node(delay, size_in=1)
        nengo.Connection(a, node, synapse=delay)
        nengo.Probe(a, synapse=delay)
    with pytest.warns(UserWarning, match="rounded") as caught:
        nengo.Simulator(net, progress_bar=False).close()
    assert len(caught) == 1


@pytest.mark.parametrize("seconds", [0.1 + 0.2, 0.07, [0.029, 1.001], 1e-19])
def test_no_warning_of_decimal_fractions(seconds):
    Delay(seconds).filt(np.ones((2, np.size(seconds))))


@pytest.mark.parametrize("seconds", [0.01, [0.01, 0.02]])
def test_equal_copied_and_shown(seconds):
    delay = Delay(seconds, max_delay=0.03)
    for other in (Delay(seconds, 0.03), pickle.loads(pickle.dumps(delay))):
        assert other == delay
        assert hash(other) == hash(delay)
    assert len({delay, Delay(0.02), Delay(seconds), Delay([0.01])}) == 4
    assert "0.01" in repr(delay) and "max_delay=0.03" in repr(delay)


def test_signals_of_the_state_are_found_by_the_synapse():
    model, delay = Model(), Delay(0.003)
    model.build(delay, Signal(np.zeros(2)), mode="update")
    assert model.sig[delay]["_state_X"].shape == (3, 2)
