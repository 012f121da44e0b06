"""Networks with delays: the same in every way of running, stopping and going on."""

import nengo
import numpy as np
import pytest
from helpers import program_of, reference, sgd, simulator, state_of

from nengo_dl_ops import Delay
from nengo_dl_sim import configure_settings

N_STEPS = 40


def stimulus(t):
    return [np.sin(60 * t), np.cos(40 * t), 20 * t]


def add_relays():
    """Values that are moved, and nothing else: the answer is exact."""
    source, target = nengo.Node(stimulus), nengo.Node(size_in=9)
    nengo.Connection(source, target[:3], synapse=Delay(0.012))
    nengo.Connection(source, target[3:6], synapse=Delay([0.001, 0, 0.02]))
    nengo.Connection(source[[2, 0]], target[6:8], synapse=Delay([0.005, 0.012]))
    nengo.Connection(source[1], target[8], synapse=Delay(0.003, max_delay=0.012))
    nengo.Probe(target)
    nengo.Probe(target, synapse=Delay(0.004))
    nengo.Probe(target[2:5], synapse=Delay([0, 0.002, 0.004]))


def add_loops():
    transform = nengo.Sparse((3, 9), indices=[[0, 1], [1, 3], [2, 2]], init=[1, 2, 3])
    source = nengo.Node(stimulus)
    a = nengo.Ensemble(9, 3, neuron_type=nengo.SpikingRectifiedLinear())
    b = nengo.Ensemble(8, 2, neuron_type=nengo.LIF())
    nengo.Connection(source, a, synapse=Delay(0.002))
    nengo.Connection(a, a, synapse=Delay([0.006, 0.001, 0.004]), transform=0.3)
    nengo.Connection(a[1:], b, synapse=Delay(0.004))
    nengo.Connection(b, a[0], synapse=Delay(0.003), function=np.sum)
    spikes, currents = a.neurons, b.neurons[:3]
    nengo.Connection(spikes, currents, synapse=Delay(0.005), transform=transform)
    for obj in (a.neurons, b.neurons, a, b):
        nengo.Probe(obj)


def network():
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64")
        add_relays()
        net.exact = list(net.probes)
        add_loops()
    return net


@pytest.fixture(scope="module")
def net():
    return network()


@pytest.fixture(scope="module")
def expected(net):
    with reference(net) as sim:
        sim.run_steps(N_STEPS)
        return {probe: sim.data[probe] for probe in net.probes}


def compare(sim, net, expected):
    for probe in net.probes:
        found = sim.data[probe]
        tolerance = 0 if probe in net.exact else 1e-11
        for item in found if found.ndim == 3 else [found]:
            np.testing.assert_allclose(
                item, expected[probe], rtol=tolerance, atol=tolerance
            )


@pytest.mark.parametrize("chunks", [[40], [1, 1, 2, 13, 23]], ids=str)
@pytest.mark.parametrize("minibatch_size", [None, 3])
def test_as_nengo(minibatch_size, chunks, net, expected):
    with simulator(net, minibatch_size=minibatch_size) as sim:
        for n_steps in chunks:
            sim.run_steps(n_steps)
        compare(sim, net, expected)


@pytest.mark.parametrize("minibatch_size", [None, 2])
def test_compiled_as_nengo(minibatch_size, net, expected):
    with simulator(net, minibatch_size=minibatch_size, jit_compile=True) as sim:
        sim.run_steps(17)
        sim.run_steps(N_STEPS - 17)
        compare(sim, net, expected)


def test_without_learning_as_nengo(expected):
    other = network()
    with other:
        configure_settings(inference_only=True)
    values = dict(zip(other.probes, expected.values(), strict=True))
    with simulator(other) as sim:
        sim.run_steps(N_STEPS)
        compare(sim, other, values)


def test_goes_on_from_a_checkpoint(net, expected, tmp_path):
    with simulator(net, minibatch_size=2) as sim:
        sim.run_steps(15)
        sim.save_checkpoint(tmp_path)
    with simulator(net, minibatch_size=2) as sim:
        sim.run_steps(4)
        sim.restore_checkpoint(tmp_path)
        sim.clear_probes()
        sim.run_steps(N_STEPS - 15)
        rest = {probe: values[15:] for probe, values in expected.items()}
        compare(sim, net, rest)


def test_delays_of_one_ring_length_are_one_group():
    with nengo.Network() as net:
        source, target = nengo.Node([1.0] * 3), nengo.Node(size_in=3)
        for seconds in (0.004, [0.001, 0.002, 0.003], 0.002):
            nengo.Connection(source, target, synapse=Delay(seconds, max_delay=0.01))
        nengo.Connection(source, target, synapse=Delay(0.01))
        nengo.Connection(source, target, synapse=Delay(0.02))
        nengo.Probe(target)
    with simulator(net) as sim:
        rings = [array for array in program_of(sim).states if array.is_ring]
        assert sorted(len(ring.bases) for ring in rings) == [1, 4]
        assert sorted(ring.shape for ring in rings) == [(10, 12), (20, 3)]
        assert len(state_of(sim).arrays) == len(program_of(sim).states)


def lengths(seconds):
    with nengo.Network() as net:
        configure_settings(dtype="float64")
        net.x, target = nengo.Node([0.0, 0.0]), nengo.Node(size_in=2)
        nengo.Connection(net.x, target, synapse=Delay(seconds))
        net.p = nengo.Probe(target)
    return net


@pytest.mark.parametrize("jit_compile", [False, True], ids=["graph", "XLA"])
def test_items_that_a_minibatch_leaves_out_wait(jit_compile, rng):
    """Each place of the minibatch goes on where it stopped."""
    net, delay = lengths([0.006, 0.003]), Delay([0.006, 0.003])
    first, second = rng.normal(size=(4, 5, 2)), rng.normal(size=(3, 9, 2))
    with simulator(net, minibatch_size=3, jit_compile=jit_compile) as sim:
        sim.predict({net.x: first}, stateful=True)  # the last item is alone
        found = sim.predict({net.x: second}, stateful=True)[net.p]
    for item, given in enumerate([np.concatenate(first[[0, 3]]), first[1], first[2]]):
        whole = delay.filt(np.concatenate([given, second[item]]))
        np.testing.assert_array_equal(found[item], whole[len(given) :])


@pytest.mark.parametrize("reset", ["reset", "soft_reset"])
def test_reset_empties_the_rings(reset, rng):
    net, delay = lengths([0.006, 0.003]), Delay([0.006, 0.003])
    before, after = rng.normal(size=(2, 1, 9, 2))
    with simulator(net) as sim:
        sim.run_steps(8, data={net.x: before[:, :8]})
        getattr(sim, reset)()
        sim.clear_probes()
        sim.run_steps(9, data={net.x: after})
        np.testing.assert_array_equal(sim.data[net.p], delay.filt(after[0]))


@pytest.mark.parametrize("settings", [{}, {"remat_steps": 4}], ids=str)
@pytest.mark.parametrize("jit_compile", [False, True], ids=["graph", "XLA"])
def test_gradients_go_back_through_delays(jit_compile, settings, rng):
    """Of a weight before a delay: the derivative is known."""
    n_steps, delay = 25, Delay([0.004, 0.001])
    with nengo.Network() as net:
        configure_settings(dtype="float64", **settings)
        x, y = nengo.Node([0.0] * 2), nengo.Node(size_in=2)
        conn = nengo.Connection(x, y, transform=[0.5, 2], synapse=delay)
        p = nengo.Probe(y)
    inputs, targets = rng.normal(size=(2, 3, n_steps, 2))
    delayed = np.stack([delay.filt(item) for item in inputs])
    error = delayed * [0.5, 2] - targets
    expected = [0.5, 2] - 0.125 * np.mean(2 * error * delayed, axis=(0, 1)) / 2
    with simulator(net, minibatch_size=3, jit_compile=jit_compile) as sim:
        sim.compile(sgd(0.125), loss="mse")
        sim.fit({x: inputs}, {p: targets}, epochs=1, verbose=0)
        found = sim.data[conn].weights
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_delays_stay_in_frozen_networks(net):
    frozen = network()
    with simulator(frozen) as sim:
        sim.run_steps(N_STEPS)
        found = {probe: sim.data[probe] for probe in frozen.probes}
        sim.freeze_params(frozen)
    before = [conn.synapse for conn in net.all_connections]
    assert [conn.synapse for conn in frozen.all_connections] == before
    with reference(frozen) as sim:
        sim.run_steps(N_STEPS)
        compare(sim, frozen, found)
