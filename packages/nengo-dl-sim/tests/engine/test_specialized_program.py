"""A network runs by a shorter program until its parameters change; nobody notices."""

import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import engine_of, program_of, specialized_of

from nengo_dl_sim import Simulator, configure_settings

N_STEPS = 30


def make_net(neuron_type=None, learned=False, **settings):
    """Decoders that are equal, a population that silences others, integer time."""
    with nengo.Network(seed=0) as net:
        if settings:
            configure_settings(**settings)
        net.config[nengo.Ensemble].neuron_type = neuron_type or nengo.LIF()
        net.stimulus = nengo.Node(lambda t: [np.sin(20 * t), np.cos(30 * t)])
        net.source = nengo.Ensemble(20, 2)
        nengo.Connection(net.stimulus, net.source)
        net.followers = [nengo.Ensemble(10, 1) for _ in range(3)]
        net.decoded = [
            nengo.Connection(net.source[k % 2], post, transform=1 + k % 2)
            for k, post in enumerate(net.followers)
        ]
        gate = nengo.Ensemble(10, 1)
        nengo.Connection(net.stimulus[0], gate)
        for post in net.followers:
            nengo.Connection(gate, post.neurons, transform=[[-1.5]] * 10, synapse=0.01)
        net.output = nengo.Node(size_in=1)
        for post in net.followers:
            nengo.Connection(post, net.output, synapse=0.02)
        net.probe = nengo.Probe(net.output)
        if learned:
            conn = nengo.Connection(
                net.source, nengo.Node(size_in=2), learning_rule_type=nengo.PES(1e-3)
            )
            nengo.Connection(net.stimulus, conn.learning_rule, transform=-1)
            net.taught = conn
    return net


def make_sim(net, jit_compile=True, **kwargs):
    return Simulator(net, progress_bar=False, jit_compile=jit_compile, **kwargs)


def n_operators(program):
    return sum(len(group.ops) for group in program.groups)


def runs_specialized(sim):
    return specialized_of(sim) is not None


@pytest.mark.parametrize("minibatch_size", [None, 3])
@pytest.mark.parametrize("learned", [False, True])
@pytest.mark.parametrize("kind", [nengo.LIF, nengo.RectifiedLinear])
def test_agrees_with_nengo(kind, learned, minibatch_size):
    net = make_net(kind(), learned, dtype="float64")
    with nengo.Simulator(net, progress_bar=False) as expected:
        expected.run_steps(N_STEPS)
    with make_sim(net, minibatch_size=minibatch_size) as sim:
        sim.run_steps(N_STEPS)
        assert runs_specialized(sim)
        assert n_operators(engine_of(sim).specialized.program) < n_operators(
            program_of(sim)
        )
    for data in sim.data[net.probe] if minibatch_size else [sim.data[net.probe]]:
        np.testing.assert_allclose(data, expected.data[net.probe], atol=1e-10)


def test_closing_gives_up_its_variables():
    with make_sim(make_net()) as sim:
        variables = engine_of(sim).specialized.parameters.variables
        assert all(tf.size(tf.convert_to_tensor(v)) > 0 for v in variables)
    assert all(tf.size(tf.convert_to_tensor(v)) == 0 for v in variables)


@pytest.mark.parametrize("learned", [False, True])
def test_signals_are_those_of_the_whole_program(learned):
    """Also of what the shorter program does not compute."""
    net = make_net(learned=learned, dtype="float64")
    sims = [make_sim(net, jit) for jit in (True, False)]
    for sim in sims:
        sim.run_steps(N_STEPS)
    assert [runs_specialized(sim) for sim in sims] == [True, False]
    short, whole = (sim.signals for sim in sims)
    by_name = {(str(sig), i): value for i, (sig, value) in enumerate(whole.items())}
    for i, (sig, value) in enumerate(short.items()):
        np.testing.assert_allclose(
            np.asarray(value), np.asarray(by_name[str(sig), i]), atol=1e-10
        )
    for sim in sims:
        sim.close()


def test_changing_between_programs_changes_nothing():
    """Graph mode runs the whole program, and each takes over the other's state."""
    net = make_net(learned=True, dtype="float64")
    with make_sim(net) as sim, make_sim(net, False) as expected:
        expected.run_steps(4 * N_STEPS)
        shortcuts = []
        for jit_compile in (True, False, True, True):
            sim.jit_compile = jit_compile
            sim.run_steps(N_STEPS)
            shortcuts.append(runs_specialized(sim))
        assert shortcuts == [True, False, True, True]
        np.testing.assert_allclose(
            sim.data[net.probe], expected.data[net.probe], atol=1e-10
        )
        np.testing.assert_allclose(
            sim.data[net.taught].weights, expected.data[net.taught].weights
        )


def train(sim, net):
    inputs = np.ones((sim.minibatch_size or 1, 5, 2))
    data = {net.stimulus: inputs, net.probe: np.ones((*inputs.shape[:2], 1))}
    sim.train(data, tf.keras.optimizers.SGD(0.1), n_epochs=1)


def test_trained_parameters_count():
    net = make_net(nengo.RectifiedLinear(), dtype="float64")
    with make_sim(net) as sim, make_sim(net, False) as expected:
        sim.run_steps(N_STEPS)
        before = sim.data[net.probe]
        for each in (sim, expected):
            train(each, net)
            each.soft_reset(include_probes=True)
            each.run_steps(N_STEPS)
        assert not runs_specialized(sim)
        assert np.max(np.abs(sim.data[net.probe] - before)) > 1e-3
        np.testing.assert_allclose(
            sim.data[net.probe], expected.data[net.probe], atol=1e-10
        )
        sim.reset()
        sim.run_steps(N_STEPS)
        assert runs_specialized(sim)
        np.testing.assert_array_equal(sim.data[net.probe], before)


def test_state_that_trained_parameters_left_is_not_taken_for_equal():
    """Filters that would be one have different values: the whole program goes on."""
    net = make_net(nengo.RectifiedLinear(), dtype="float64")
    with make_sim(net) as sim, make_sim(net, False) as expected:
        for each in (sim, expected):
            built = engine_of(each).parameters
            start = {sig: built.value(sig) for sig in built.signals}
            for conn in net.decoded[:1]:
                weights = each.model.sig[conn]["weights"].base
                built.assign({weights: start[weights] * 2})
            each.run_steps(N_STEPS)
            built.assign(start)
            each.run_steps(N_STEPS)
        assert engine_of(sim).parameters.as_built
        assert not runs_specialized(sim)
        np.testing.assert_allclose(
            sim.data[net.probe], expected.data[net.probe], atol=1e-10
        )


def test_loading_what_was_built_is_no_change(tmp_path):
    net = make_net()
    with make_sim(net) as sim:
        sim.save_params(tmp_path / "params")
        sim.load_params(tmp_path / "params")
        sim.run_steps(N_STEPS)
        assert runs_specialized(sim)


def test_restored_in_the_middle(tmp_path):
    net = make_net(learned=True)
    with make_sim(net) as sim:
        sim.run_steps(N_STEPS)
        sim.save_checkpoint(tmp_path / "middle")
        sim.run_steps(N_STEPS)
    with make_sim(net) as restored:
        restored.restore_checkpoint(tmp_path / "middle")
        restored.run_steps(N_STEPS)
        assert runs_specialized(restored)
    np.testing.assert_array_equal(
        sim.data[net.probe][N_STEPS:], restored.data[net.probe]
    )


def test_runs_apart_leave_the_state():
    net = make_net()
    with make_sim(net) as sim:
        sim.run_steps(N_STEPS)
        sim.run_steps(N_STEPS, stateful=False)
        sim.run_steps(N_STEPS, stateful=False)
        first, second = np.split(sim.data[net.probe][N_STEPS:], 2)
        np.testing.assert_array_equal(first, second)
        assert sim.n_steps == N_STEPS


def test_data_outlives_the_simulator():
    net = make_net(learned=True, dtype="float64")
    found = []
    for jit_compile in (True, False):
        with make_sim(net, jit_compile) as sim:
            sim.run_steps(N_STEPS)
        found.append(sim.data[net.taught].weights)
    np.testing.assert_allclose(*found)


def drawing(net):
    with net:
        nengo.Ensemble(5, 1, neuron_type=nengo.PoissonSpiking(nengo.LIFRate()))


def in_python(net):
    with net:
        node = nengo.Node(lambda t, x: x, size_in=1)
        nengo.Connection(net.followers[0], node)


def without_simplifications(net):
    with net:
        configure_settings(simplifications=[])


def for_inference_only(net):
    with net:
        configure_settings(inference_only=True)


@pytest.mark.parametrize(
    "change", [drawing, in_python, without_simplifications, for_inference_only]
)
def test_where_there_is_none(change):
    net = make_net()
    change(net)
    with make_sim(net) as sim:
        sim.run_steps(2)
        assert not runs_specialized(sim)


def test_short_runs_do_not_wait_for_it():
    with make_sim(make_net(), "auto") as sim:
        sim.run_steps(2)
        assert not runs_specialized(sim)
