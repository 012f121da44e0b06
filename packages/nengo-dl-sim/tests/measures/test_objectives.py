"""Objectives: those that come with it, and what may be one."""

import functools

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import simulator
from nengo.exceptions import ValidationError

from nengo_dl_objectives import Regularize, mse
from nengo_dl_sim import configure_settings

N_ITEMS, N_STEPS = 4, 3


@pytest.fixture(scope="module")
def case():
    """Two weights, each to a probe of its own."""
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64", trainable=False)
        net.a = nengo.Node([0.5, -0.25])
        net.b, net.c = nengo.Node(size_in=2), nengo.Node(size_in=2)
        net.conn = nengo.Connection(net.a, net.b, transform=2.0, synapse=None)
        nengo.Connection(net.a, net.c, transform=-1.0, synapse=None)
        net.config[net.conn].trainable = True
        net.p = nengo.Probe(net.b, label="p")
        net.q = nengo.Probe(net.c, label="q")
    rng = np.random.RandomState(0)
    net.x, net.t, net.u = rng.uniform(-1, 1, (3, N_ITEMS, N_STEPS, 2))
    with simulator(net, minibatch_size=N_ITEMS) as sim:
        yield sim, net


def squares(outputs, targets):
    return tf.reduce_sum((outputs - targets) ** 2)


# -- S012, S014, S091: the objectives that come with it


@pytest.mark.parametrize(
    "options, reference",
    [
        ({}, lambda x: np.linalg.norm(x, axis=-1).mean()),
        ({"order": 1}, lambda x: np.abs(x).sum(axis=-1).mean()),
        ({"order": np.inf, "axis": 0}, lambda x: np.abs(x).max(axis=-1).mean()),
        ({"weight": 0.5}, lambda x: 0.5 * np.linalg.norm(x, axis=-1).mean()),
    ],
)
@pytest.mark.row("S012")
def test_regularize(case, options, reference):
    sim, net = case
    loss = sim.loss({net.a: net.x}, {net.p: Regularize(**options)})
    assert loss == pytest.approx(reference(2 * net.x), rel=1e-12)


@pytest.mark.parametrize("order, axis", [(2, None), (1, 0)])
@pytest.mark.row("S012")
def test_regularize_drives_signals_to_zero(order, axis):
    with nengo.Network(seed=0) as net:
        ens = nengo.Ensemble(
            10,
            1,
            neuron_type=nengo.RectifiedLinear(),
            max_rates=nengo.dists.Uniform(0.5, 1),
        )
        nengo.Connection(nengo.Node([1.0]), ens, synapse=None)
        probe = nengo.Probe(ens.neurons)
    objective = {probe: Regularize(order=order, axis=axis)}
    schedule = keras.optimizers.schedules.ExponentialDecay(0.05, 20, 0.5)
    with simulator(net) as sim:
        sim.run_steps(5)
        assert np.max(np.abs(sim.data[probe])) > 0.5
        optimizer = keras.optimizers.RMSprop(schedule)
        sim.train(5, optimizer, n_epochs=150, objective=objective)
        sim.run_steps(5)
    assert np.max(np.abs(sim.data[probe][-5:])) < 1e-2


@pytest.mark.row("S014", "S091")
@pytest.mark.parametrize("with_nan", [False, True])
def test_mse_ignores_nan_targets(case, with_nan):
    sim, net = case
    targets = net.t.copy()
    if with_nan:
        targets[::2, 1] = np.nan
    expected = np.nansum((2 * net.x - targets) ** 2) / targets.size
    data = {net.a: net.x, net.p: targets}
    assert sim.loss(data, {net.p: mse}) == pytest.approx(expected, rel=1e-12)


@pytest.mark.row("S015")
def test_mse_is_the_default(case):
    sim, net = case
    data = {net.a: net.x, net.p: net.t, net.q: net.u}
    expected = np.mean((2 * net.x - net.t) ** 2) + np.mean((-net.x - net.u) ** 2)
    assert sim.loss(data) == pytest.approx(expected, rel=1e-12)
    for use in (sim.loss, lambda data: sim.train(data, keras.optimizers.SGD(0.1))):
        with pytest.raises(ValidationError, match="objective.*number of steps"):
            use(N_STEPS)


# -- S017, S028: what may be a function


class Objective:
    def __call__(self, outputs, targets):
        return squares(outputs, targets)

    def method(self, outputs, targets):
        return squares(outputs, targets)

    def one(self, outputs, scale=2.0):
        return scale * tf.reduce_sum(outputs)

    @staticmethod
    def static(outputs, targets):
        return squares(outputs, targets)


def scaled(scale, outputs, targets):
    return scale * squares(outputs, targets)


FUNCTIONS = {
    "function": (squares, 2),
    "lambda": (lambda y, t: squares(y, t), 2),
    "object": (Objective(), 2),
    "bound method": (Objective().method, 2),
    "static method": (Objective.static, 2),
    "partial": (functools.partial(scaled, 1.0), 2),
    "partial with keyword": (functools.partial(scaled, scale=1.0), None),
    "method with default": (Objective().one, 1),
    "partial of one": (functools.partial(Objective().one, scale=2.0), 1),
    "keyword only": (lambda y, *, scale=2.0: scale * tf.reduce_sum(y), 1),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.row("S017")
def test_forms_of_functions(case, name):
    sim, net = case
    function, n_arguments = FUNCTIONS[name]
    data = {net.a: net.x, net.p: net.t} if n_arguments != 1 else {net.a: net.x}
    if n_arguments is None:  # the keyword comes first: the positions are taken
        with pytest.raises(ValidationError, match="takes 0 arguments"):
            sim.loss(data, {net.p: function})
        return
    expected = {
        1: 2 * np.sum(2 * net.x),
        2: np.sum((2 * net.x - net.t) ** 2),
    }[n_arguments]
    assert sim.loss(data, {net.p: function}) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "function, match",
    [
        (lambda: 0.0, "takes 0"),
        (lambda a, b, c: 0.0, "takes 3"),
        (lambda *args: 0.0, "takes 0"),
        (3, "got 3"),
        ("no loss", "got 'no loss'"),
    ],
)
@pytest.mark.row("S017")
def test_what_is_no_objective(case, function, match):
    sim, net = case
    with pytest.raises(ValidationError, match=f"(?s)objective.*Probe .p.*{match}"):
        sim.loss({net.a: net.x, net.p: net.t}, {net.p: function})


@pytest.mark.row("S019")
def test_mse_as_text(case):
    sim, net = case
    data = {net.a: net.x, net.p: net.t}
    with pytest.warns(DeprecationWarning, match="nengo_dl.objectives.mse"):
        loss = sim.loss(data, {net.p: "mse"})
    assert loss == sim.loss(data)
    with pytest.warns(DeprecationWarning, match="nengo_dl.objectives.mse"):
        sim.train(data, keras.optimizers.SGD(0.0), objective={net.p: "mse"})


@pytest.mark.parametrize("objective", [squares, [squares], "mse"])
@pytest.mark.row("S021")
def test_objectives_are_a_dictionary(case, objective):
    sim, net = case
    data = {net.a: net.x, net.p: net.t}
    for use in (
        lambda: sim.loss(data, objective),
        lambda: sim.train(data, keras.optimizers.SGD(0.1), objective=objective),
        lambda: sim.run_batch(data, objective),
    ):
        with pytest.raises(ValidationError, match="dictionary that maps probes"):
            use()


@pytest.mark.row("S023")
def test_several_probes(case):
    sim, net = case

    def product(outputs, targets):
        (p, q), (t, u) = outputs, targets
        return tf.reduce_sum((p - t) * (q - u))

    data = {net.a: net.x, net.p: net.t, net.q: net.u}
    expected = np.sum((2 * net.x - net.t) * (-net.x - net.u))
    loss = sim.loss(data, {(net.p, net.q): product})
    assert loss == pytest.approx(expected, rel=1e-12)
    data = {net.a: net.x}
    loss = sim.loss(data, {(net.q, net.p): lambda y: tf.reduce_sum(y[0] * y[1])})
    assert loss == pytest.approx(np.sum(-2 * net.x**2), rel=1e-12)


@pytest.mark.row("S028")
def test_one_argument(case):
    sim, net = case
    loss = sim.loss({net.a: net.x}, {net.p: lambda y: tf.reduce_sum(y**2)})
    assert loss == pytest.approx(np.sum(4 * net.x**2), rel=1e-12)
    with pytest.raises(ValidationError, match="target for <Probe .p..*got none"):
        sim.loss({net.a: net.x}, {net.p: squares})
    # A target that it does not take may be there.
    total = {net.p: lambda y: tf.reduce_sum(y**2)}
    data = {net.a: net.x, net.p: net.t}
    assert sim.loss(data, total) == loss
    assert sim.run_batch(data, total, combine=np.sum)[net.p] == pytest.approx(loss)
    sim.train(data, keras.optimizers.SGD(0.0), objective=total)


@pytest.mark.row("S044")
def test_targets_without_objective(case):
    sim, net = case
    data = {net.a: net.x, net.p: net.t, net.q: net.u}
    wanted = {net.p: squares}
    for use in (
        lambda: sim.loss(data, wanted),
        lambda: sim.train(data, keras.optimizers.SGD(0.1), objective=wanted),
        lambda: sim.run_batch(data, wanted),
    ):
        with pytest.raises(ValidationError, match="Probe .q..*is not a valid target"):
            use()


@pytest.mark.row("S063")
def test_direct_gradients():
    """The target is d(loss)/d(output); it adds to those of other objectives."""
    with nengo.Network(seed=0) as net:
        a, b = nengo.Node([1.0]), nengo.Node(size_in=1)
        nengo.Connection(a, b, transform=0.5, synapse=None)
        p = nengo.Probe(b)
    gradient = np.ones((1, N_STEPS, 1)) / N_STEPS
    with simulator(net) as sim:
        for _ in range(60):
            sim.run_steps(N_STEPS)
            # Of (y - 2)**2, by hand.
            data = {p: gradient * 2 * (sim.data[p][-1] - 2)}
            sim.train(data, keras.optimizers.SGD(0.1), objective={p: None})
        assert sim.data[p][-1] == pytest.approx(2, abs=1e-2)

        tuples = {(p,): None}
        before = sim.data[p][-1, 0]
        sim.train({p: gradient}, keras.optimizers.SGD(0.1), objective=tuples)
        sim.run_steps(1)
        assert sim.data[p][-1, 0] == pytest.approx(before - 0.1, abs=1e-5)


@pytest.mark.row("S092")
def test_the_total_is_a_sum(case):
    sim, net = case
    data = {net.a: net.x, net.p: net.t, net.q: net.u}
    single = [sim.loss({net.a: net.x, probe: data[probe]}) for probe in (net.p, net.q)]
    assert sim.loss(data) == pytest.approx(sum(single), rel=1e-12)


# -- Objectives of any shape that has items, and Keras losses (decision 3)


@pytest.mark.parametrize("axes", [None, (1, 2), 2, ()])
@pytest.mark.row("B1")
def test_values_are_summed_up(case, axes):
    sim, net = case
    loss = sim.loss({net.a: net.x}, {net.p: lambda y: tf.reduce_sum(y**2, axis=axes)})
    assert loss == pytest.approx(np.sum(4 * net.x**2), rel=1e-12)


def kl(y_true, y_pred):
    return np.sum(y_true * np.log(y_true / y_pred), axis=-1).mean()


def given_order(y_true, y_pred):
    return tf.reduce_mean(keras.losses.kl_divergence(y_true, y_pred))


@pytest.mark.parametrize(
    "loss",
    [
        keras.losses.KLDivergence(dtype="float64"),
        "kl_divergence",
        given_order,
        keras.losses.KLDivergence(dtype="float64").call,
    ],
    ids=["object", "name", "function", "method"],
)
@pytest.mark.row("decision 3")
def test_keras_losses_take_targets_first(case, loss):
    sim, net = case
    x, target = 0.05 + 0.4 * np.abs(net.x), 0.1 + 0.8 * np.abs(net.t)
    found = sim.loss({net.a: x, net.p: target}, {net.p: loss})
    expected = kl(target, 2 * x)
    if getattr(loss, "__name__", "") == "call":  # not reduced: it is summed up
        expected *= N_ITEMS * N_STEPS
    assert found == pytest.approx(expected, rel=1e-9)
    assert abs(kl(2 * x, target) - kl(target, 2 * x)) > 0.01
