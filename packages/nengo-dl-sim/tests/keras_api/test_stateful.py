"""State in the interface of NengoDL 3, and the settings that came with it."""

import functools

import helpers
import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import batch_functions_of, run_functions_of
from nengo.exceptions import (
    BuildError,
    ValidationError,
)
from weighted_sum import (
    N_ITEMS,
    N_STEPS,
    SIZE,
    TARGETS,
    A,
    B,
    filtered,
    linear,
    outputs,
    weights,
)

from nengo_dl_sim import configure_settings

simulator = functools.partial(helpers.simulator, seed=0)


# -- state


def joined(array):
    """Put the items that follow each other in a stateful run one behind the other."""
    return np.concatenate(np.split(array, N_ITEMS // SIZE), axis=1)


def test_runs_start_from_the_present_state(sim, net):
    sim.run_steps(4)
    signals = dict(sim.signals.items())
    found = sim.predict([A, B], verbose=0)[net.q]
    expected = filtered(outputs(), before=np.full((1, 4, 1), 5.5))
    np.testing.assert_allclose(found, expected, atol=1e-12)
    sim.compile(keras.optimizers.SGD(0.1), loss={net.q: "mse"})
    y = {net.q: found}
    assert sim.evaluate([A, B], y, verbose=0)["loss"] == pytest.approx(0, abs=1e-20)
    history = sim.fit([A, B], y, verbose=0, shuffle=False).history
    assert history["loss"] == pytest.approx([0], abs=1e-20)
    for signal, value in sim.signals.items():
        np.testing.assert_array_equal(value, signals[signal])
    assert sim.n_steps == 4


def test_stateful_runs_go_on(sim, net):
    expected = filtered(joined(outputs()))
    found = sim.predict([A, B], stateful=True, verbose=0)[net.q]
    np.testing.assert_allclose(joined(found), expected, atol=1e-12)
    assert sim.n_steps == 3 * N_STEPS
    before = joined(outputs())
    more = sim.predict_on_batch([A[:SIZE], B[:SIZE]])[net.q]
    np.testing.assert_allclose(more, filtered(outputs()[:SIZE], before), atol=1e-12)
    sim.run_steps(2)
    expected = filtered(np.full((SIZE, 2, 1), 5.5), before)
    np.testing.assert_allclose(sim.data[net.q], expected)
    sim.reset()
    sim.compile(keras.optimizers.SGD(0.0), loss={net.q: "mse"})
    losses = {}
    x, y = [A, B], {net.q: TARGETS}
    for name in ("fit", "evaluate"):
        sim.reset()
        if name == "fit":
            history = sim.fit(x, y, stateful=True, shuffle=False, verbose=0).history
            losses[name] = history["loss"][0]
        else:
            losses[name] = sim.evaluate(x, y, stateful=True, verbose=0)["loss"]
        assert sim.n_steps == 3 * N_STEPS
        np.testing.assert_allclose(
            sim.predict([A, B], verbose=0)[net.q][:SIZE],
            filtered(outputs()[:SIZE], before),
        )
    errors = filtered(before) - joined(TARGETS)
    assert losses == pytest.approx(dict.fromkeys(losses, np.mean(errors**2)))


def test_a_run_aside(sim, net):
    sim.run_steps(2)
    before = dict(sim.signals.items())
    sim.run_steps(3, stateful=False)
    sim.run_steps(3, stateful=False)
    assert sim.n_steps == 2
    for signal, value in sim.signals.items():
        np.testing.assert_array_equal(value, before[signal])
    recorded = sim.data[net.q]
    assert recorded.shape == (SIZE, 8, 1)
    np.testing.assert_array_equal(recorded[:, 2:5], recorded[:, 5:])
    sim.run_steps(3)
    np.testing.assert_array_equal(sim.data[net.q][:, 8:], recorded[:, 5:])


class Drawing(nengo.Process):
    """Draws random numbers in Python, in each step."""

    def make_step(self, shape_in, shape_out, dt, rng, state):
        return lambda t, x: x + rng.uniform(size=shape_out)


def noisy():
    with nengo.Network(seed=0) as net:
        noise = nengo.Node(nengo.processes.FilteredNoise(), size_out=1)
        python = nengo.Node(Drawing(), size_in=1, size_out=1)
        net.a = nengo.Node([0.0])
        nengo.Connection(net.a, python, synapse=None)
        net.p, net.q = nengo.Probe(noise), nengo.Probe(python)
    return net


def test_processes_begin_anew_aside_and_go_on_afterwards():
    net, found = noisy(), {}
    for interrupted in (False, True):
        with simulator(net) as sim:
            sim.run_steps(3)
            if interrupted:
                sim.run_steps(3, stateful=False)
                aside = [sim.data[p][3:] for p in (net.p, net.q)]
                start = [sim.data[p][:3] for p in (net.p, net.q)]
                np.testing.assert_array_equal(aside, start)
                sim.predict(n_steps=2, verbose=0)
                sim.clear_probes()
                sim.run_steps(3)
                found[True] = [sim.data[p] for p in (net.p, net.q)]
            else:
                sim.run_steps(3)
                found[False] = [sim.data[p][3:] for p in (net.p, net.q)]
    np.testing.assert_array_equal(found[True], found[False])


def test_without_state():
    net = linear()
    with net:
        configure_settings(stateful=False)
    with simulator(net) as sim:
        assert not sim.stateful
        sim.run_steps(3)
        sim.run_steps(3)
        assert sim.n_steps == 0
        np.testing.assert_array_equal(sim.data[net.q][:3], sim.data[net.q][3:])
        for use in (
            lambda: sim.run_steps(3, stateful=True),
            lambda: sim.predict(n_steps=3, stateful=True, verbose=0),
        ):
            with pytest.warns(UserWarning, match="stateful=True has no effect"):
                use()
        assert sim.n_steps == 0


def test_online_learning_is_state():
    with nengo.Network(seed=0) as net:
        a, error = nengo.Node([0.5]), nengo.Node([1.0])
        ens, b = nengo.Ensemble(10, 1), nengo.Node(size_in=1)
        nengo.Connection(a, ens, synapse=None)
        conn = nengo.Connection(ens, b, learning_rule_type=nengo.PES())
        nengo.Connection(error, conn.learning_rule, synapse=None)
        p = nengo.Probe(b)
    with simulator(net) as sim:
        before = sim.data[conn].weights
        sim.predict(n_steps=20, verbose=0)
        np.testing.assert_array_equal(sim.data[conn].weights, before)
        sim.predict(n_steps=20, stateful=True, verbose=0)
        assert np.any(sim.data[conn].weights != before)
        sim.reset(include_trainable=False)
        np.testing.assert_array_equal(sim.data[conn].weights, before)
    assert p.size_in == 1


def test_reset_of_parts():
    net = noisy()
    with net:
        b = nengo.Node(size_in=1)
        net.conn = nengo.Connection(net.a, b, transform=1.0, synapse=None)
        net.r = nengo.Probe(b)
    cases = [
        dict(zip(("trainable", "probes", "processes"), values, strict=True))
        for values in np.ndindex(2, 2, 2)
    ]
    with simulator(net) as sim:
        sim.run_steps(2)
        first = sim.data[net.p]
        sim.run_steps(2)
        second = sim.data[net.p][2:]
        sim.compile(keras.optimizers.SGD(0.5), loss={net.r: lambda y: tf.reduce_sum(y)})
        for case in cases:
            sim.reset()
            sim.run_steps(2)
            sim.fit({net.a: np.ones((1, 2, 1))}, verbose=0)
            sim.reset(**{f"include_{k}": bool(v) for k, v in case.items()})
            assert weights(sim, net) == (1 if case["trainable"] else 0), case
            assert int(sim.training_step) == (0 if case["trainable"] else 1), case
            assert sim.n_steps == (0 if case["probes"] else 2), case
            assert sim.data[net.p].size == (0 if case["probes"] else 2), case
            sim.run_steps(2)
            expected = first if case["processes"] else second
            np.testing.assert_array_equal(sim.data[net.p][-2:], expected)
        sim.reset(seed=5, include_trainable=False)
        assert sim.seed == 5
        sim.run_steps(2)
        assert np.all(sim.data[net.p] != first)


# -- settings


@pytest.mark.parametrize("phase", [None, False, True])
def test_learning_phase(phase):
    with nengo.Network(seed=0) as net:
        configure_settings(learning_phase=phase)
        ens = nengo.Ensemble(10, 1, neuron_type=nengo.LIF())
        nengo.Connection(nengo.Node([0.5]), ens, synapse=None)
        p = nengo.Probe(ens.neurons)
    objective = {p: lambda y: tf.reduce_mean(y**2)}
    with simulator(net) as sim:
        sim.run_steps(10)
        rates = bool(phase)
        assert (len(np.unique(sim.data[p][:, 0])) == 1) == rates
        sim.reset()
        np.testing.assert_allclose(
            sim.predict(n_steps=10, verbose=0)[p][0],
            sim.run_batch(10, {p: None})[p][0, 0],
        )
        same = sim.loss(10, objective, training=True) == sim.loss(10, objective)
        assert same == (phase is not None)
    with net:
        configure_settings(inference_only=True)
    if phase:
        with pytest.raises(
            BuildError, match="learning_phase.*inference_only.*got True"
        ):
            simulator(net)
    else:
        simulator(net).close()


@pytest.mark.parametrize("compiled", [False, True])
def test_without_a_loop(compiled):
    net = linear()
    with net:
        configure_settings(use_loop=False)
    x = A[:, :1].repeat(6, axis=1)  # more steps than are written out in any case
    with simulator(net, unroll_simulation=6, jit_compile=compiled) as sim:
        sim.run_steps(6, {net.a: x[:1]})
        expected = outputs(x, np.full((1, 1, 1), 0.5))
        np.testing.assert_allclose(sim.data[net.q], filtered(expected[:1])[0], 1e-7)
        found = sim.predict({net.a: x}, verbose=0)
        np.testing.assert_allclose(found[net.p], expected)
        assert len(run_functions_of(sim)) == len(batch_functions_of(sim)) == 1
        sim.compile(loss={net.p: "mse"})
        for use in (
            lambda: sim.run_steps(5),
            lambda: sim.predict(n_steps=7),
            lambda: sim.fit(n_steps=1, y={net.p: np.zeros((1, 1, 1))}),
            lambda: sim.loss({net.p: np.zeros((1, 12, 1))}),
            lambda: sim.run_batch(6, {net.p: None}, truncation=3),
        ):
            with pytest.raises(ValidationError, match="unroll_simulation=6.*use_loop"):
                use()


def test_context_sets_the_type_of_keras():
    before = keras.config.floatx()
    net = linear()
    with net:
        configure_settings(dtype="float16")
    with pytest.raises(KeyError), simulator(net):
        assert keras.config.floatx() == "float16" != before
        assert keras.layers.Dense(1).compute_dtype == "float16"
        raise KeyError
    assert keras.config.floatx() == before
    assert keras.layers.Dense(1).compute_dtype == before


def test_probes_that_keep_the_last_step():
    net = linear()
    net.config[net.p].keep_history = False
    with simulator(net, minibatch_size=SIZE) as sim:
        found = sim.predict([A, B], verbose=0)
        np.testing.assert_allclose(found[net.p], outputs()[:, -1:])
        assert found[net.q].shape == (N_ITEMS, N_STEPS, 1)
        sim.compile(loss={net.p: "mse"}, metrics={net.p: "mae"})
        for targets in (TARGETS, TARGETS[:, -1:]):
            values = sim.evaluate([A, B], {net.p: targets}, verbose=0)
            errors = (outputs() - TARGETS)[:, -1]
            assert values["loss"] == pytest.approx(np.mean(errors**2))
            assert values["out_mae"] == pytest.approx(np.mean(np.abs(errors)))
