"""Every warning points at the user's line, and none swallows the next."""

import ast
import re
import warnings
from pathlib import Path

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf

import nengo_dl_ops
import nengo_dl_sim
from nengo_dl_ops import Builder, NeuronBuilder, TensorNode
from nengo_dl_ops.user_warnings import warn_user
from nengo_dl_sim import Simulator, configure_settings
from nengo_dl_sim.utils import minibatch_generator


def simulator(net, **kwargs):
    """Make a simulator here, and not in the helpers: warnings point at this line."""
    return Simulator(net, **{"progress_bar": False, "jit_compile": False, **kwargs})


def network(**settings):
    with nengo.Network(seed=0) as net:
        configure_settings(trainable=None, **settings)
        net.a = nengo.Node([0.5], label="a")
        net.b = nengo.Node([0.5], label="b")
        net.ens = nengo.Ensemble(5, 1, label="ens")
        net.conn = nengo.Connection(net.a, net.ens, synapse=None)
        net.other = nengo.Ensemble(5, 1, label="other")
        net.unseen = nengo.Connection(net.ens, net.other, synapse=None)
        net.p = nengo.Probe(net.ens, label="p")
        net.q = nengo.Probe(net.other, label="q")
    return net


def x(*shape):
    return np.full(shape or (2, 3, 1), 0.5)


def sgd():
    return keras.optimizers.SGD(0.1)


def fit(net, sim, **kwargs):
    sim.compile(sgd(), loss={net.p: "mse"})
    sim.fit({net.a: x()}, {net.p: x()}, verbose=0, **kwargs)


class Hooked:
    """A function with a hook of NengoDL 2."""

    def __call__(self, t):
        return tf.reshape(t, (1, 1))

    def post_build(self, sess, rng):
        pass


def hooked():
    with nengo.Network() as net:
        TensorNode(Hooked())
    return net


class AddsLoss(keras.layers.Dense):
    def call(self, x):
        y = super().call(x)
        self.add_loss(keras.ops.sum(y))
        return y


def adds_losses():
    with nengo.Network() as net:
        configure_settings(trainable=None)
        net.a = nengo.Node([0.5])
        layer = TensorNode(AddsLoss(1), shape_in=(1,))
        nengo.Connection(net.a, layer, synapse=None)
        net.p = nengo.Probe(layer)
    return net


def learned():
    with nengo.Network() as net:
        a = nengo.Node([0.5])
        ens = nengo.Ensemble(5, 1)
        conn = nengo.Connection(ens, a.size_out and nengo.Node(size_in=1))
        conn.learning_rule_type = nengo.PES()
        nengo.Connection(a, conn.learning_rule)
    return net


def stateless(net, sim):
    sim.run_steps(1, stateful=True)


def register(net, sim):
    class Kind(nengo.RectifiedLinear):
        pass

    for _ in range(2):
        Builder.register(Kind)(NeuronBuilder)


# What is done, on which network, and what the warning says.
WARNINGS = {
    "sample_every": (lambda net, sim: sim.trange(dt=0.001), network, "`dt` is deprec"),
    "no steps": (lambda net, sim: sim.run(1e-9), network, "running for 0 timesteps"),
    "input_feeds": (
        lambda net, sim: sim.run_steps(1, input_feeds={}),
        network,
        "`input_feeds` is deprecated",
    ),
    "one array": (
        lambda net, sim: sim.predict(x()),
        network,
        "x is one array, but there are 2",
    ),
    "batch_size": (
        lambda net, sim: fit(net, sim, batch_size=2),
        network,
        "batch_size is not used",
    ),
    "rest in fit": (
        lambda net, sim: fit_odd(net, sim),
        network,
        "is not a multiple of minibatch_size",
    ),
    "uneven truncation": (
        lambda net, sim: sim.train({net.a: x(), net.p: x()}, sgd(), truncation=2),
        network,
        "truncation",
    ),
    "one step": (
        lambda net, sim: sim.loss({net.a: x(2, 1, 1), net.filtered: x(2, 1, 1)}),
        lambda: with_filter(network()),
        "has a synapse",
    ),
    "not reached": (
        lambda net, sim: sim.train({net.a: x(), net.p: x()}, sgd()),
        network,
        r"connections/1/weights \(from <Ensemble 'ens'> to <Ensemble 'other'>\)",
    ),
    "mse": (
        lambda net, sim: sim.loss({net.a: x(), net.p: x()}, {net.p: "mse"}),
        network,
        '"mse" is deprecated',
    ),
    "summaries": (
        lambda net, sim: sim.train(
            {net.a: x(), net.p: x(), net.q: x()}, sgd(), summaries=["loss"]
        ),
        network,
        "no TensorBoard to write them for",
    ),
    "layer losses": (
        lambda net, sim: sim.train({net.a: x(), net.p: x()}, sgd()),
        adds_losses,
        "losses of their own",
    ),
    "stateful": (stateless, lambda: network(stateful=False), "stateful=True has no"),
    "dtype": (
        lambda net, sim: simulator(net, dtype="float32").close(),
        network,
        r"Simulator\(dtype=...\) is deprecated",
    ),
    "another dt": (
        lambda net, sim: simulator(None, dt=0.002, model=sim.model).close(),
        network,
        "dt",
    ),
    "no network": (
        lambda net, sim: simulator(None, model=nengo.builder.Model()).close(),
        network,
        "no top-level network",
    ),
    "post_build": (
        lambda net, sim: simulator(net).close(),
        hooked,
        r"post_build\(sess, rng\) is deprecated",
    ),
    "builder": (register, network, "already has a builder"),
    "generator": (
        lambda net, sim: list(minibatch_generator({"x": x(3, 3, 1)}, 2)),
        network,
        "is not a multiple",
    ),
}


def fit_odd(net, sim):
    sim.compile(sgd(), loss={net.p: "mse"})
    sim.fit({net.a: x(3, 3, 1)}, {net.p: x(3, 3, 1)}, verbose=0)


def with_filter(net):
    with net:
        net.filtered = nengo.Probe(net.ens, synapse=0.1, label="filtered")
    return net


@pytest.mark.parametrize("row", WARNINGS)
def test_warning_points_at_the_users_line(row):
    use, make, text = WARNINGS[row]
    net = make()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sim = simulator(net, minibatch_size=2)
    with sim, warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        use(net, sim)
    assert [w for w in found if re.search(text, str(w.message))] != []
    assert {w.filename for w in found} == {__file__}


def test_every_call_warns_again():
    sim = simulator(network())
    with sim, warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("default")  # which shows a text once for each line
        for _ in range(2):
            sim.run(1e-9)
    assert len(found) == 2


def test_filters_of_the_user_count():
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "a text", UserWarning)
        with pytest.raises(UserWarning, match="a text"):
            warn_user("a text")
        warnings.filterwarnings("ignore", "a text", UserWarning, module=__name__)
        warn_user("a text")


SOURCES = [
    path
    for package in (nengo_dl_ops, nengo_dl_sim)
    for path in Path(package.__file__).parent.rglob("*.py")
    if path.name != "user_warnings.py"
]


def test_no_other_way_of_warning_is_used():
    others = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "warnings.warn":
                others.append((path.name, ast.unparse(node)))
    # Where a simulator is dropped is nobody's line.
    assert [call for _, call in others if "ResourceWarning" not in call] == []
