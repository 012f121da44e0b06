"""What a program hands out and nobody probes; what of it is recorded."""

from dataclasses import replace

import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import engine_of

from nengo_dl_sim import Simulator
from nengo_dl_sim.execution.jit_policy import Mode
from nengo_dl_sim.execution.sequence import Keep, run_sequence
from nengo_dl_sim.inputs.feed import InputFeed
from nengo_dl_sim.recording.probe_store import ProbeStore

N_STEPS = 20


@pytest.fixture
def sim():
    with nengo.Network(seed=0) as net:
        net.ens = nengo.Ensemble(5, 1)
        net.spikes = nengo.Probe(net.ens.neurons)
        net.slow = nengo.Probe(net.ens.neurons, sample_every=0.005)
    with Simulator(net, progress_bar=False, jit_compile=False) as sim:
        sim.net = net
        yield sim


def planned(sim, **changes):
    """Plan the network once more, with another key for its spikes."""
    engine = engine_of(sim)
    spikes = {"my spikes": sim.model.sig[sim.net.ens.neurons]["out"]}
    outputs = {**engine.program_factory.outputs, **spikes}
    factory = replace(engine.program_factory, outputs=outputs, **changes)
    return factory.plan(engine.plan_settings)


def run(sim, planned):
    state = planned.program.initial_state(sim.seed)
    (chunk,) = planned.runner.run(
        state, 0, N_STEPS, {}, planned.runner.feed({}), Mode.GRAPH
    )
    return chunk.probed


def test_what_is_not_recorded_takes_no_memory(sim):
    probed = run(sim, planned(sim))
    assert probed.keys() == {sim.net.spikes, sim.net.slow}
    sim.run_steps(N_STEPS)
    expected = np.asarray(sim.data[sim.net.spikes])
    np.testing.assert_array_equal(probed[sim.net.spikes][:N_STEPS, :, 0], expected)
    slots = probed[sim.net.slow][:4, :, 0]
    np.testing.assert_array_equal(slots, expected[4::5])


def test_what_is_recorded_has_a_key(sim):
    store = ProbeStore(sim.net.spikes, sim.dt, True, None, (5,))
    probed = run(sim, planned(sim, probes={"my spikes": store}))
    assert probed.keys() == {"my spikes"}
    sim.run_steps(N_STEPS)
    expected = sim.data[sim.net.spikes]
    assert np.any(expected)
    np.testing.assert_array_equal(probed["my spikes"][:N_STEPS, :, 0], expected)


def test_sequences_of_steps_hand_out_what_is_asked_for(sim):
    program = planned(sim).program
    feed = InputFeed(engine_of(sim).inputs, (), (), program)
    _, outputs, _ = run_sequence(
        program,
        [tf.convert_to_tensor(v) for v in engine_of(sim).parameters.variables],
        program.initial_state(sim.seed),
        feed.split,
        feed.held({}),
        tf.zeros((N_STEPS, 0, 1)),
        training=False,
        keep={"my spikes": Keep.ALL, sim.net.slow: Keep.LAST},
    )
    sim.run_steps(N_STEPS)
    expected = sim.data[sim.net.spikes]
    np.testing.assert_array_equal(outputs["my spikes"][0], expected)
    np.testing.assert_array_equal(outputs[sim.net.slow][0], expected[-1:])
    assert len(outputs) == 2
