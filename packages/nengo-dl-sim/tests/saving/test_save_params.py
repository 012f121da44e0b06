"""Parameters and state go to a file and come back."""

import io
import re
import zipfile

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import simulator
from nengo.exceptions import ValidationError

from nengo_dl_ops import TensorNode, tensor_layer


def network(seed=0, n_neurons=6, label=None):
    with nengo.Network(seed=seed) as net:
        net.a = nengo.Node([0.5, -0.5])
        net.ens = nengo.Ensemble(n_neurons, 2, label=label)
        net.into = nengo.Connection(net.a, net.ens, transform=[[2, 1], [0, 1]])
        net.back = nengo.Connection(net.ens, net.ens, synapse=0.05)
        net.p = nengo.Probe(net.ens, synapse=0.01)
        net.spikes = nengo.Probe(net.ens.neurons)
    return net


def parameters(sim, net):
    wanted = [(net.ens, "bias"), (net.ens, "scaled_encoders")]
    wanted += [(conn, "weights") for conn in (net.into, net.back)]
    return [np.array(value) for value in sim.data.get_params(*wanted)]


def train(sim, net):
    objective = {net.p: lambda y: tf.reduce_sum((y - 10) ** 2)}
    sim.train(5, keras.optimizers.SGD(0.1), objective=objective)


def assert_same(found, expected):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("minibatch_size", [None, 3])
def test_parameters(tmp_path, minibatch_size):
    net = network()
    with simulator(net, minibatch_size=2) as sim:
        train(sim, net)
        sim.run_steps(5)
        sim.save_params(tmp_path / "params")
        trained = parameters(sim, net)
        sim.reset()
        assert np.any(parameters(sim, net)[0] != trained[0])
        sim.run_steps(2)
        sim.load_params(tmp_path / "params.npz")
        assert sim.n_steps == 2
        assert_same(parameters(sim, net), trained)
        sim.soft_reset(include_probes=True)
        sim.run_steps(10)
        expected = sim.data[net.p]
    # Another network, made by the same code, simulated in another way.
    other = network(seed=1)
    with simulator(other, minibatch_size=minibatch_size, dt=0.001) as sim:
        assert np.any(parameters(sim, other)[0] != trained[0])
        sim.load_params(tmp_path / "params")
        assert_same(parameters(sim, other), trained)
        sim.run_steps(10)
        shape = (10, 2) if minibatch_size is None else (minibatch_size, 10, 2)
        assert sim.data[other.p].shape == shape
    with simulator(network(), minibatch_size=2) as sim:
        sim.load_params(tmp_path / "params")
        sim.run_steps(10)
        np.testing.assert_allclose(
            sim.data[sim.model.probes[0]], expected, rtol=1e-5, atol=1e-6
        )


@pytest.mark.parametrize("names", [("include_local",), ("include_state",)])
def test_state(tmp_path, names):
    path, net = tmp_path / "state.npz", network()
    options = dict.fromkeys(names, True)
    with simulator(net, minibatch_size=2) as sim:
        train(sim, net)
        trained = parameters(sim, net)
        sim.run_steps(10)
        sim.save_params(path, include_global=False, **options)
        sim.run_steps(10)
        expected = sim.data[net.spikes][:, 10:]
        sim.load_params(path, include_global=False, **options)
        sim.run_steps(10)
        np.testing.assert_array_equal(sim.data[net.spikes][:, 20:], expected)
        sim.save_params(tmp_path / "both", **options)
    with simulator(net, minibatch_size=2) as sim:
        before = parameters(sim, net)
        sim.load_params(path, include_global=False, **options)
        assert_same(parameters(sim, net), before)
        sim.load_params(tmp_path / "both", **options)
        assert_same(parameters(sim, net), trained)
    with simulator(net, minibatch_size=3) as sim:
        with pytest.raises(ValidationError, match="state.*shape"):
            sim.load_params(path, include_global=False, **options)


def test_what_to_save_and_to_load(tmp_path):
    net = network()
    with simulator(net) as sim:
        for method in (sim.save_params, sim.load_params):
            with pytest.raises(ValidationError, match="include_global"):
                method(tmp_path / "none", include_global=False)
        assert list(tmp_path.iterdir()) == []
        sim.save_params(tmp_path / "parameters")
        with pytest.raises(ValidationError, match="state"):
            sim.load_params(tmp_path / "parameters", include_local=True)
        sim.save_params(tmp_path / "both", include_local=True)
        train(sim, net)
        before = parameters(sim, net)
        sim.load_params(tmp_path / "both")  # the parameters alone
        assert np.any(parameters(sim, net)[0] != before[0])


def test_layers(tmp_path):
    """The variables of Keras layers and of objects are parameters, too."""

    class Offset:
        def __init__(self):
            self.value = tf.Variable([[0.0, 0.0]])

        def __call__(self, t, x):
            return x + self.value

    def build(seed):
        keras.utils.set_random_seed(seed)
        with nengo.Network(seed=seed) as net:
            net.a = nengo.Node([1.0, 2.0])
            layer = tensor_layer(net.a, keras.layers.Dense(2))
            norm = tensor_layer(layer, keras.layers.BatchNormalization(momentum=0.5))
            offset = TensorNode(Offset(), size_in=2, size_out=2)
            nengo.Connection(norm, offset, synapse=None)
            net.p = nengo.Probe(offset)
        return net

    outputs = []
    net = build(0)
    with simulator(net, minibatch_size=4) as sim:
        x = np.random.RandomState(0).normal(3, 1, (4, 1, 2))
        targets = {net.a: x, net.p: 1 + x[..., ::-1]}
        sim.train(targets, keras.optimizers.SGD(0.1), n_epochs=5)
        sim.save_params(tmp_path / "layers")
        outputs.append(sim.loss(targets))
    net = build(1)
    with simulator(net, minibatch_size=4) as sim:
        targets = {net.a: x, net.p: 1 + x[..., ::-1]}
        assert sim.loss(targets) != outputs[0]
        sim.load_params(tmp_path / "layers")
        assert sim.loss(targets) == pytest.approx(outputs[0], rel=1e-6)


def test_layers_of_networks_that_differ_in_synapses(tmp_path):
    """Names of variables do not depend on the plan."""

    def build(seed, synapse):
        keras.utils.set_random_seed(seed)
        with nengo.Network(seed=0) as net:
            net.a = nengo.Node([1.0, 2.0])
            first = tensor_layer(
                net.a, tf.tanh
            )  # so that the last may be planned first
            layer = tensor_layer(first, keras.layers.Dense(3))
            last = tensor_layer(layer, keras.layers.Dense(2), synapse=synapse)
            net.p = nengo.Probe(last)
        return net

    outputs = []
    for seed, synapse in ((0, None), (1, 0)):
        net = build(seed, synapse)
        with simulator(net, minibatch_size=1) as sim:
            if synapse is None:
                sim.save_params(tmp_path / "layers")
            else:
                sim.load_params(tmp_path / "layers")
            sim.run_steps(2)
            outputs.append(sim.data[net.p][0, -1])
    np.testing.assert_allclose(*outputs, rtol=1e-6)


BAD = {
    "text": lambda array: np.full(array.shape, "abc"),
    "complex": lambda array: array + 1j,
    "date": lambda array: np.zeros(array.shape, "M8[s]"),
    "NaN": lambda array: np.full(array.shape, np.nan),
    "large": lambda array: np.full(array.shape, 1e300),
    "bool": lambda array: np.ones(array.shape, bool),
    "shape": lambda array: np.ones((*array.shape, 1)),
}


def with_array(path, name, array):
    """Put another array into a file, whose header stays."""
    with zipfile.ZipFile(path) as archive:
        members = {member: archive.read(member) for member in archive.namelist()}
    content = io.BytesIO()
    np.lib.format.write_array(content, array)
    members[f"{name}.npy"] = content.getvalue()
    with zipfile.ZipFile(path, "w") as archive:
        for member, data in members.items():
            archive.writestr(member, data)


@pytest.mark.parametrize("kind", BAD)
def test_one_bad_array(kind, tmp_path):
    """Nothing is changed, whichever array it is: all others are different, too."""
    with nengo.Network(seed=0) as net:
        ens = nengo.Ensemble(5, 2, neuron_type=nengo.LIFRate())
        nengo.Connection(nengo.Node([0.5, 0.2]), ens)
        layer = tensor_layer(ens, keras.layers.Dense(3))
        nengo.Probe(tensor_layer(layer, keras.layers.BatchNormalization()))
        nengo.Connection(ens, nengo.Node(size_in=1), function=lambda x: x[0])

    def contents(path):
        sim.save_params(path, include_local=True)
        with np.load(path) as file:
            return {name: file[name] for name in file.files}

    with simulator(net) as sim:
        sim.run_steps(2)
        before = contents(tmp_path / "before.npz")
        changed = {k: v + 1 for k, v in before.items() if v.dtype.kind != "U"}
        changed["state/plan"] = before["state/plan"]
        for name, array in changed.items():
            path = tmp_path / "bad.npz"
            np.savez(path, **{**before, **changed})
            with_array(path, name, BAD[kind](array))
            if name.startswith("state/") and kind == "NaN" and array.dtype.kind == "f":
                continue  # as state may be
            with pytest.raises(ValidationError, match=re.escape(repr(name))):
                sim.load_params(path, include_local=True)
        after = contents(tmp_path / "after.npz")
        np.savez(path, **{**before, **changed})
        sim.load_params(path, include_local=True)
        loaded = contents(tmp_path / "loaded.npz")
    assert len(changed) > 12
    for name in changed:
        np.testing.assert_array_equal(after[name], before[name])
        np.testing.assert_array_equal(loaded[name], changed[name])
