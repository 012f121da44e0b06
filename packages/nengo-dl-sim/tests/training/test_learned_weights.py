"""Training the values from which online learning rules start."""

import keras
import nengo
import numpy as np
import pytest
from helpers import engine_of, sgd
from nengo.builder.operator import Copy
from nengo.builder.signal import Signal
from nengo.exceptions import SimulationError, ValidationError

from nengo_dl_sim import Simulator, configure_settings
from nengo_dl_sim.settings.trainable import trainable_signals
from nengo_dl_sim.training.trainable_parameters import trainable_parameters

N_ITEMS = 2

#: What learns: how it is connected, whose start that is, and how fast it learns.
RULES = {
    "PES, decoders": ("decoders", nengo.PES(0.5)),
    "PES, full weights": ("full", nengo.PES(0.05)),
    "PES, neurons": ("neurons", nengo.PES(0.05)),
    "RLS": ("decoders", nengo.RLS(1e-2)),
    "BCM": ("neurons", nengo.BCM(1e-9)),
    "Oja": ("neurons", nengo.Oja(1e-7)),
    "Voja": ("encoders", nengo.Voja(0.3, post_synapse=None)),
    "two": ("neurons", [nengo.BCM(1e-9), nengo.Oja(1e-7)]),
}


def make_network(kind="decoders", rule=None, asked=True, others=None, use_loop=True):
    """An input that drives neurons, whose connection learns from an error."""
    rule = nengo.PES(0.5) if rule is None else rule
    rates = nengo.RectifiedLinear()
    with nengo.Network(seed=0) as net:
        configure_settings(trainable=others, dtype="float64", use_loop=use_loop)
        net.config[nengo.Connection].synapse = None
        net.config[nengo.Ensemble].neuron_type = rates
        net.x = nengo.Node([0.5])
        pre, post = nengo.Ensemble(5, 1), nengo.Ensemble(4, 1)
        error = nengo.Node(size_in=1)
        nengo.Connection(net.x, pre)
        if kind == "neurons":
            weights = np.random.RandomState(1).uniform(0, 2e-3, (4, 5))
            net.conn = nengo.Connection(
                pre.neurons, post.neurons, transform=weights, label="learned"
            )
        else:
            solver = nengo.solvers.LstsqL2(weights=kind == "full")
            net.conn = nengo.Connection(pre, post, solver=solver, label="learned")
        net.conn.learning_rule_type = rule
        if isinstance(rule, (nengo.PES, nengo.RLS)):
            nengo.Connection(post, error)
            nengo.Connection(net.x, error, transform=0.7)
            size = net.conn.learning_rule.size_in
            nengo.Connection(
                error, net.conn.learning_rule, transform=np.ones((size, 1))
            )
        net.probe = nengo.Probe(post)
        net.weights = nengo.Probe(net.conn, "weights")
        net.isolated_policy = nengo.Probe(pre)
    net.learned = post if kind == "encoders" else net.conn
    net.config[net.learned].trainable = asked
    return net


def make_sim(net, asked=True, **kwargs):
    arguments = {"minibatch_size": N_ITEMS, "progress_bar": False, "seed": 1}
    arguments |= {"jit_compile": False, **kwargs}
    if not asked:
        return Simulator(net, **arguments)
    with pytest.warns(UserWarning, match="training changes the values that it starts"):
        return Simulator(net, **arguments)


def make_data(net, n_steps=6):
    rng = np.random.RandomState(2)
    x = rng.uniform(0.3, 0.8, (N_ITEMS, n_steps, 1))
    return {net.x: x, net.probe: 0.2 - x}


def learned(sim, net):
    """The present values, of each item."""
    if isinstance(net.learned, nengo.Ensemble):
        return np.array(sim.data[net.learned].scaled_encoders)
    return np.array(sim.data[net.learned].weights)


def start(sim, net):
    """The signal that is trained, and its value."""
    (found,) = (parts.start for parts in engine_of(sim).learned.values())
    return found, engine_of(sim).parameters.value(found)


def differences(sim, net, loss, epsilon=1e-6):
    """Differentiate a loss with respect to each element of the start."""
    signal, value = start(sim, net)
    found = np.zeros_like(value)
    for place in np.ndindex(value.shape):
        losses = []
        for sign in (1, -1):
            moved = value.copy()
            moved[place] += sign * epsilon * np.abs(value).max()
            engine_of(sim).parameters.assign({signal: moved})
            losses.append(loss())
        found[place] = (losses[0] - losses[1]) / (2 * epsilon * np.abs(value).max())
    engine_of(sim).parameters.assign({signal: value})
    return found


# -- gradients


def check_gradient(net, n_steps, **kwargs):
    """Compare a step of gradient descent with central differences, in float64."""
    data = make_data(net, n_steps)
    with make_sim(net, **kwargs) as sim:
        expected = differences(sim, net, lambda: sim.loss(data, training=True))
        _, before = start(sim, net)
        sim.train(data, sgd(1.0))
        _, after = start(sim, net)
    scale = np.abs(expected).max()
    assert scale > 0
    np.testing.assert_allclose(before - after, expected, rtol=1e-5, atol=1e-6 * scale)


@pytest.mark.parametrize("kind, rule", RULES.values(), ids=list(RULES))
def test_gradient(kind, rule):
    check_gradient(make_network(kind, rule), n_steps=6)


WAYS = {
    "loop, XLA": (6, {"jit_compile": True}, True),
    "written out": (3, {}, True),
    "written out, XLA": (3, {"jit_compile": True}, True),
    "no loop": (6, {"unroll_simulation": 6}, False),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind, way",
    [
        *(("decoders", way) for way in WAYS),
        *(("full", way) for way in ("written out", "no loop")),
        *(("encoders", way) for way in ("loop, XLA", "written out")),
    ],
)
def test_gradient_is_the_same_however_it_is_computed(kind, way):
    n_steps, kwargs, use_loop = WAYS[way]
    rule = {"full": nengo.PES(0.05), "encoders": RULES["Voja"][1]}.get(kind)
    net = make_network(kind, rule, use_loop=use_loop)
    check_gradient(net, n_steps, **kwargs)


def test_gradient_from_the_present():
    """``fit`` goes on from where the simulation is: what was learned is kept."""
    net = make_network(others=False)
    data = make_data(net)
    x, y = data.values()
    with make_sim(net) as sim:
        sim.run_steps(4)
        sim.compile(sgd(1.0), loss={net.probe: "mse"})
        before, (_, built) = learned(sim, net), start(sim, net)
        assert not np.allclose(before, built, rtol=1e-3)
        args = {"y": {net.probe: y}, "verbose": 0}
        expected = differences(sim, net, lambda: sim.evaluate(x, **args)["loss"])
        sim.fit(x, **args)
        change = start(sim, net)[1] - built
        np.testing.assert_allclose(change, -expected, rtol=1e-5)
        np.testing.assert_allclose(learned(sim, net), before + change, rtol=1e-9)


def test_check_gradients():
    net = make_network()
    with make_sim(net) as sim:
        sim.check_gradients(atol=1e-8, rtol=1e-6)
        names = [part.name for part in trainable_parameters(engine_of(sim))]
    assert "connections/1 (learned)/weights" in names


# -- the simulation is the same, but starts elsewhere


@pytest.mark.parametrize("kind, rule", RULES.values(), ids=list(RULES))
@pytest.mark.parametrize("jit_compile", [False, True])
def test_runs_as_in_nengo(kind, rule, jit_compile):
    net = make_network(kind, rule)
    with nengo.Simulator(net, progress_bar=False) as expected:
        expected.run_steps(20)
    with make_sim(net, jit_compile=jit_compile) as sim:
        sim.run_steps(20)
        for probe in (net.probe, net.weights):
            for item in sim.data[probe]:
                np.testing.assert_allclose(
                    item, expected.data[probe], rtol=1e-8, atol=1e-12
                )


def test_several_of_different_shapes():
    with nengo.Network(seed=0) as net:
        configure_settings(trainable=True, dtype="float64")
        rates = {"neuron_type": nengo.RectifiedLinear()}
        a, b = nengo.Ensemble(5, 2, **rates), nengo.Ensemble(3, 1, **rates)
        back = nengo.Connection(b, a[:1], learning_rule_type=nengo.PES(0.1))
        forth = nengo.Connection(a, b[[0, 0]], learning_rule_type=nengo.PES(0.1))
        nengo.Connection(a[0], back.learning_rule)
        nengo.Connection(a, forth.learning_rule)
        probes = [nengo.Probe(b), nengo.Probe(forth, "weights")]
    with nengo.Simulator(net, progress_bar=False) as expected:
        expected.run_steps(10)
    with make_sim(net) as sim:
        sim.run_steps(10)
        for probe in probes:
            np.testing.assert_allclose(
                sim.data[probe][1], expected.data[probe], rtol=1e-8, atol=1e-12
            )
        sim.check_gradients(outputs=probes[:1])


def test_shortcut():
    """What is simulated by the shorter program is there, too."""
    net = make_network()
    pre = net.ensembles[0]
    with net:
        for _ in range(2):
            nengo.Connection(pre, nengo.Ensemble(3, 1), synapse=0.01)
    with nengo.Simulator(net, progress_bar=False) as expected:
        expected.run_steps(20)
    with make_sim(net, jit_compile=True) as sim:
        assert engine_of(sim).specialized is not None
        sim.run_steps(19)
        sim.run_steps(1)
        found = learned(sim, net)
        np.testing.assert_allclose(found, sim.data[net.weights][:, -1], rtol=1e-12)
        for item in sim.data[net.weights]:
            np.testing.assert_allclose(item, expected.data[net.weights], rtol=1e-8)


@pytest.mark.parametrize("name, rate", [("PES, decoders", 0.1), ("Voja", 1e3)])
def test_where_simulations_start(name, rate):
    net = make_network(*RULES[name], others=False)
    data = make_data(net)
    with make_sim(net) as sim:
        _, built = start(sim, net)
        sim.train(data, sgd(rate))
        _, trained = start(sim, net)
        assert not np.allclose(trained, built, rtol=1e-3)
        outcomes = []
        for reset in (
            lambda: None,  # training has changed the present, too
            lambda: sim.soft_reset(include_probes=True),
            lambda: sim.reset(include_trainable=False),
        ):
            reset()
            np.testing.assert_array_equal(learned(sim, net), [trained] * N_ITEMS)
            sim.run_steps(5, data={net.x: data[net.x][:, :5]})
            assert not np.allclose(learned(sim, net), trained, rtol=1e-3)
            outcomes.append(sim.data[net.probe])
        np.testing.assert_array_equal(outcomes[1], outcomes[0])
        np.testing.assert_array_equal(outcomes[2], outcomes[0])
        sim.reset()
        np.testing.assert_array_equal(learned(sim, net), [built] * N_ITEMS)


def test_training_keeps_what_was_learned():
    net = make_network()
    with make_sim(net) as sim:
        sim.run_steps(5)
        (_, before), present = start(sim, net), learned(sim, net)
        sim.train(make_data(net), sgd(0.1))
        change = start(sim, net)[1] - before
        assert np.abs(change).max() > 1e-4
        np.testing.assert_allclose(learned(sim, net) - present, [change] * N_ITEMS)


def test_live_values_without_a_batch_axis():
    net = make_network()
    with make_sim(net, minibatch_size=None) as sim:
        sim.run_steps(5)
        expected = sim.data[net.weights][-1]
        np.testing.assert_allclose(learned(sim, net), expected, rtol=1e-12)
        signal = sim.model.sig[net.conn]["weights"]
        np.testing.assert_array_equal(sim.signals[signal], learned(sim, net))
    np.testing.assert_allclose(learned(sim, net), expected, rtol=1e-12)  # closed


def test_learning_to_learn():
    """Online learning has few steps; training finds weights from which they suffice."""
    net = make_network(rule=nengo.PES(1e-2), others=False)
    data = make_data(net)
    with make_sim(net) as sim:
        online = sim.loss(data)
        sim.train(data, keras.optimizers.Adam(1e-3), n_epochs=100)
        assert sim.loss(data) < 0.2 * online
        sim.soft_reset()
        before = learned(sim, net)
        sim.run_steps(5)
        assert not np.array_equal(learned(sim, net), before)  # it goes on learning


@pytest.mark.parametrize("asked", [None, False])
def test_not_asked_for(asked):
    net = make_network(asked=asked)
    with make_sim(net, asked=False) as sim:
        assert not engine_of(sim).learned
        before = learned(sim, net)
        sim.train(make_data(net), sgd(0.1))
        np.testing.assert_array_equal(learned(sim, net), before)


def test_truncation():
    """A block goes on from the start and what the rule has added to it before."""
    net = make_network(others=False)
    x, y = make_data(net, n_steps=6).values()
    with make_sim(net) as sim:
        sim.train({net.x: x, net.probe: y}, sgd(0.1), truncation=3)
        trained = start(sim, net)[1]
        sim.reset()
        sim.run_steps(3, data={net.x: x[:, :3]})
        sim.train({net.x: x[:, :3], net.probe: y[:, :3]}, sgd(0.1))
        first = start(sim, net)[1]
        sim.compile(sgd(0.1), loss={net.probe: "mse"})
        sim.fit(x[:, 3:], {net.probe: y[:, 3:]}, verbose=0)
        np.testing.assert_allclose(start(sim, net)[1], trained, rtol=1e-10)
        assert not np.allclose(first, trained, rtol=1e-4)


# -- files, and back to Nengo


def test_saved_and_loaded(tmp_path):
    net = make_network()
    data = make_data(net)
    with make_sim(net) as sim:
        sim.train(data, sgd(0.1))
        trained, loss = start(sim, net)[1], sim.loss(data)
        sim.save_params(tmp_path / "params")
    with make_sim(net) as sim:
        sim.load_params(tmp_path / "params")
        np.testing.assert_array_equal(learned(sim, net), [trained] * N_ITEMS)
        assert sim.loss(data) == loss


def test_checkpoint(tmp_path):
    net = make_network()
    data = make_data(net)
    found = []
    for restored in (False, True):
        with make_sim(net) as sim:
            if restored:
                sim.restore_checkpoint(tmp_path)
            else:
                sim.train(data, sgd(0.1))
                sim.run_steps(5)
                sim.save_checkpoint(tmp_path)
            found.append([start(sim, net)[1], learned(sim, net)])
            sim.train(data, sgd(0.1))
            sim.run_steps(3)
            found[-1] += [start(sim, net)[1], learned(sim, net)]
    for before, after in zip(*found, strict=True):
        np.testing.assert_array_equal(after, before)


@pytest.mark.parametrize("kind, rule", RULES.values(), ids=list(RULES))
def test_frozen(kind, rule):
    net = make_network(kind, rule)
    with make_sim(net) as sim:
        sim.train(make_data(net), sgd(1e-4))
        sim.run_steps(10)
        expected = sim.data[net.probe][0]
        sim.soft_reset()
        sim.freeze_params(net)
    with nengo.Simulator(net, progress_bar=False) as plain:
        plain.run_steps(10)
        np.testing.assert_allclose(
            plain.data[net.probe], expected, rtol=1e-6, atol=1e-9
        )


# -- what is said, and refused


def test_no_gradient_reaches_it():
    net = make_network()
    data = {net.x: make_data(net)[net.x]}
    data[net.isolated_policy] = np.zeros_like(data[net.x])
    with make_sim(net) as sim:
        with pytest.warns(UserWarning, match=r"connections/1 \(learned\)/weights"):
            sim.train(data, sgd(1.0))


def test_failures_change_nothing(tmp_path):
    net, other = make_network(), make_network("full", nengo.PES(0.05))
    with make_sim(other) as sim:
        sim.save_params(tmp_path / "other")
    with make_sim(net) as sim:
        sim.run_steps(3)
        before, present = start(sim, net)[1], learned(sim, net)
        data = {net.x: make_data(net)[net.x]}
        objective = {net.probe: lambda outputs: outputs[0, 0, 0] / 0.0}
        with pytest.raises(SimulationError, match="finite"):
            sim.train(data, sgd(1.0), objective=objective)
        with pytest.raises(ValidationError, match="connections/1"):
            sim.load_params(tmp_path / "other")
        np.testing.assert_array_equal(start(sim, net)[1], before)
        np.testing.assert_array_equal(learned(sim, net), present)


def test_rules_that_do_more_than_add():
    net = make_network()
    model = nengo.builder.Model()
    model.build(net)
    weights = model.sig[net.conn]["weights"]
    model.add_op(Copy(Signal(np.ones(weights.shape)), weights))
    with pytest.warns(UserWarning, match="left alone in training"):
        found = trainable_signals(model, net)
    assert weights not in found


def merge_weights(model, connections):
    """
    Make the weights parts of one signal, as Nengo's optimizer does.

    Whether it does depends on the order of a set, thus on the run.
    """
    weights = [model.sig[conn]["weights"] for conn in connections]
    whole = Signal(np.concatenate([each.initial_value for each in weights]))
    parts = {each: whole[i : i + 1] for i, each in enumerate(weights)}
    for op in model.operators:
        for kind in ("sets", "incs", "reads", "updates"):
            setattr(op, kind, [parts.get(s, s) for s in getattr(op, kind)])
    for conn, each in zip(connections, weights, strict=True):
        model.sig[conn]["weights"] = parts[each]


def test_weights_that_nengo_has_merged():
    """They are part of a larger signal, whose other parts were not asked for."""
    with nengo.Network(seed=0) as net:
        configure_settings(trainable=None)
        ensembles = [nengo.Ensemble(5, 1) for _ in range(3)]
        learned = []
        for pre, post in zip(ensembles, ensembles[1:], strict=False):
            conn = nengo.Connection(pre, post, learning_rule_type=nengo.PES())
            nengo.Connection(post, conn.learning_rule)
            learned.append(conn)
    net.config[learned[-1]].trainable = True
    model = nengo.builder.Model()
    model.build(net)
    merge_weights(model, learned)
    weights = model.sig[learned[-1]]["weights"]
    assert weights.is_view
    with pytest.warns(UserWarning, match="left alone in training"):
        found = trainable_signals(model, net)
    assert weights.base not in found
