"""What is built from a network, and stays as it was built."""

import logging
import re
from collections.abc import Mapping

import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import groups_of, sgd, simulator, total
from nengo.exceptions import ValidationError
from networks import levels

from nengo_dl_ops import Builder, TensorNode
from nengo_dl_sim import configure_settings


def obj(name):
    return lambda net: getattr(net, name)


@pytest.mark.parametrize("channels_last", [True, False])
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("shape", [(6,), (5, 6)], ids=["1d", "2d"])
@pytest.mark.row("S027")
def test_convolution_as_in_nengo(channels_last, padding, shape):
    full = (*shape, 2) if channels_last else (2, *shape)
    conv = nengo.Convolution(
        3,
        full,
        kernel_size=(3,) * len(shape),
        strides=(2,) * len(shape),
        padding=padding,
        channels_last=channels_last,
    )
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64")
        a = nengo.Node(np.linspace(-1, 1, np.prod(full)))
        b = nengo.Node(size_in=conv.output_shape.size)
        connection = nengo.Connection(a, b, transform=conv, synapse=None)
        p = nengo.Probe(b)
    with nengo.Simulator(net, progress_bar=False) as reference:
        reference.run_steps(2)
    with simulator(net) as sim:
        sim.run_steps(2)
        np.testing.assert_allclose(sim.data[p], reference.data[p], atol=1e-12)
        kernel = np.array(sim.data[connection].weights)
        sim.train(2, sgd(0.1), objective={p: lambda y: tf.reduce_mean(y**2)})
        assert not np.allclose(sim.data[connection].weights, kernel)
        assert sim.loss(2, {p: lambda y: tf.reduce_mean(y**2)}) < np.mean(
            reference.data[p] ** 2
        )


@pytest.mark.row("S031")
def test_large_constants_are_not_in_the_graph(tmp_path):
    size = 1500
    with nengo.Network(seed=0) as net:
        configure_settings(trainable=False)
        a = nengo.Node(np.ones(size))
        b = nengo.Node(size_in=size)
        weights = np.random.RandomState(0).uniform(size=(size, size))
        nengo.Connection(a, b, transform=weights, synapse=None)
        nengo.Probe(b)
    with simulator(net, tensorboard=tmp_path) as sim:
        sim.run_steps(1)
    (path,) = (tmp_path / "run_0").iterdir()
    assert path.stat().st_size < 1e6 < weights.astype(np.float32).nbytes


@pytest.mark.row("S032")
def test_builders_say_what_merges():
    with nengo.Network(seed=0) as net:
        ensembles = [
            nengo.Ensemble(5, 1, neuron_type=kind)
            for kind in (nengo.LIF(), nengo.LIF(tau_rc=0.1), nengo.Tanh())
        ]
        for ens in ensembles:
            nengo.Probe(ens.neurons)
    model = nengo.builder.Model()
    model.build(net)
    ops = [
        op for op in model.operators if isinstance(op, nengo.builder.neurons.SimNeurons)
    ]
    first, same, other = (Builder.of(op).merge_key(op) for op in ops)
    assert first == same != other
    with simulator(net) as sim:
        groups = groups_of(sim)
    sizes = [len(group) for group in groups if type(group[0]) is type(ops[0])]
    assert sorted(sizes) == [1, 2]


@pytest.mark.row("S060")
def test_outputs_are_taken_at_build():
    with nengo.Network() as net:
        constant, function = nengo.Node([1.0]), nengo.Node(lambda t: 2.0)
        passing = nengo.Node(lambda t, x: 3 * x, size_in=1)
        nengo.Connection(constant, passing, synapse=None)
        probes = [nengo.Probe(node) for node in (constant, function, passing)]
    with simulator(net) as sim:
        constant.output = [10.0]
        function.output = lambda t: 20.0
        passing.output = lambda t, x: 30 * x
        for _ in range(2):
            sim.run_steps(2)
            found = [sim.data[probe][-1, 0] for probe in probes]
            assert found == [1, 2, 3]
            values = sim.run_batch(2, {probe: None for probe in probes})
            assert [values[p][0, 0, 0, 0] for p in probes] == [1, 2, 3]
            sim.reset()


@pytest.mark.row("S074")
def test_batch_axis_of_what_is_learned_online():
    with nengo.Network(seed=0) as net:
        a, pre = nengo.Node([0.5]), nengo.Ensemble(5, 1)
        b = nengo.Node(size_in=1)
        plain = nengo.Connection(a, pre, transform=0.5)
        learned = nengo.Connection(pre, b, learning_rule_type=nengo.PES())
        nengo.Connection(b, learned.learning_rule)
        nengo.Connection(a, learned.learning_rule, transform=-1)
    for size in (None, 1, 3):
        batch = () if size is None else (size,)
        with simulator(net, minibatch_size=size) as sim:
            sim.run_steps(30)
            assert sim.data[learned].weights.shape == (*batch, 1, 5)
            assert sim.data[plain].weights.shape == ()
            assert sim.data[pre].bias.shape == (5,)
            assert sim.data[pre].encoders.shape == (5, 1)


class Hooked:
    """Counts what is called, and draws a value after each build and reset."""

    def __init__(self):
        self.calls, self.draws = [], []
        self.value = tf.Variable(0.0)

    def pre_build(self, shape_in, shape_out):
        self.calls.append(("pre_build", shape_in, shape_out))

    def post_build(self, rng):
        self.draws.append(rng.uniform())
        self.value.assign(self.draws[-1])

    def __call__(self, t):
        return tf.fill((2, 1), self.value + 0)


@pytest.mark.row("S088")
def test_post_build_hook():
    hooked = Hooked()
    with nengo.Network() as net:
        p = nengo.Probe(TensorNode(hooked, size_out=1))
    with simulator(net, minibatch_size=2, seed=3) as sim:
        assert hooked.calls == [("pre_build", None, (2, 1))]
        assert len(hooked.draws) == 1
        sim.run_steps(1)
        sim.reset()
        sim.reset(seed=4)
        assert len(hooked.draws) == 3
        assert hooked.draws[0] == hooked.draws[1] != hooked.draws[2]
        sim.run_steps(1)
        np.testing.assert_allclose(sim.data[p], hooked.draws[2], rtol=1e-6)
    assert len(hooked.calls) == 1


@pytest.mark.row("S090")
def test_reset_keeps_what_was_compiled(caplog):
    traced = []

    def function(t, x):
        traced.append(0)
        return 2 * x

    with nengo.Network(seed=0) as net:
        configure_settings(trainable=None)
        a = nengo.Node([0.5])
        node = TensorNode(function, size_in=1, size_out=1)
        conn = nengo.Connection(a, node, transform=0.5, synapse=None)
        p = nengo.Probe(node, synapse=0.01)
    with simulator(net) as sim:

        def use():
            sim.run_steps(3)
            first = np.array(sim.data[p])
            sim.train(3, sgd(0.1), objective={p: total})
            return first, float(sim.data[conn].weights)

        found = use()
        n_traced = len(traced)
        sim.run_steps(2)
        with caplog.at_level(logging.INFO):
            sim.reset()
        assert (sim.n_steps, sim.time, int(sim.training_step)) == (0, 0, 0)
        assert sim.data[p].shape == (0,)
        assert sim.data[conn].weights == 0.5
        for value, expected in zip(use(), found, strict=True):
            np.testing.assert_array_equal(value, expected)
        assert len(traced) == n_traced
        assert not re.search("[Gg]roups", caplog.text)


@pytest.mark.row("S093")
def test_data_is_a_mapping():
    net = levels()
    with nengo.Network():
        other = nengo.Node([0.0])
    with simulator(net) as sim:
        assert isinstance(sim.data, Mapping)
        keys = list(sim.data)
        assert len(sim.data) == len(keys) == len(set(keys))
        assert list(sim.data.keys()) == keys
        for obj in (net.a, net.outer, net.inner, net.plain, net.within, net.p):
            assert obj in sim.data and obj in keys
        assert other not in sim.data
        assert sim.data.get(other, 3) == 3
        assert len(list(sim.data.items())) == len(list(sim.data.values())) == len(keys)
        for kind in (ValidationError, KeyError):
            with pytest.raises(kind, match="object of the simulated network, got"):
                sim.data[other]


@pytest.mark.row("S043")
def test_outputs_of_tensor_nodes_are_checked_at_build():
    for function, match in (
        (lambda t, x: tf.concat([x, x], axis=1), "shape"),
        (lambda t, x: tf.cast(x, tf.int32), "int32|type"),
        (lambda t, x: 0.0, "tensor|Tensor"),
    ):
        with nengo.Network() as net:
            TensorNode(function, size_in=2, size_out=2)
        with pytest.raises(ValidationError, match=match):
            simulator(net)
