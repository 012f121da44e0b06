import nengo
import numpy as np
import pytest
import tensorflow as tf
from nengo.exceptions import ValidationError

from nengo_dl_ops import TensorNode
from nengo_dl_sim.data.arrays import check_inputs, check_targets, split_data
from nengo_dl_sim.data.batches import minibatches
from nengo_dl_sim.inputs.nodes import is_input


def network():
    with nengo.Network() as net:
        net.two = nengo.Node([0, 0], label="two")
        net.one = nengo.Node(np.sin, label="one")
        net.passing = nengo.Node(size_in=2, label="passing")
        net.tensor = TensorNode(lambda t: tf.zeros((1, 1)), size_out=1, label="tensor")
        net.ens = nengo.Ensemble(2, 3, label="ens")
        net.p3 = nengo.Probe(net.ens, label="p3")
        net.p1 = nengo.Probe(net.one, label="p1")
    with nengo.Network():
        net.foreign = nengo.Node([0], label="foreign")
        net.foreign_probe = nengo.Probe(net.foreign, label="foreign_probe")
    net.inputs = [node for node in net.all_nodes if is_input(node)]
    return net


def check_nodes(net, data, *lengths):
    return check_inputs(data, net.inputs, *lengths)


def check_probes(net, data, *lengths):
    return check_targets(data, net.probes, *lengths)


def test_good_inputs_are_not_copied():
    net = network()
    two = np.random.RandomState(0).randn(4, 5, 2)
    data = {net.two: two, net.one: np.ones((4, 5, 1), dtype=np.int8)}
    for lengths in ((), (4, 5), (4, None), (None, 5)):
        arrays = check_nodes(net, data, *lengths)
        assert list(arrays) == [net.two, net.one]
        assert all(arrays[node] is data[node] for node in data)
    assert check_nodes(net, {}) == {}


@pytest.mark.parametrize("convert", [np.ndarray.tolist, tf.constant, np.float16])
def test_array_likes(convert):
    net = network()
    value = np.arange(6).reshape(1, 3, 2) / 2
    array = check_nodes(net, {net.two: convert(value)})[net.two]
    assert isinstance(array, np.ndarray)
    np.testing.assert_array_equal(array, value)


def test_good_targets():
    net = network()
    data = {net.p3: np.full((2, 1, 3), np.nan), net.p1: np.zeros((2, 1, 1), bool)}
    arrays = check_probes(net, data, 2, 1)
    assert all(arrays[probe] is data[probe] for probe in data)


def with_value(shape, value):
    array = np.zeros(shape)
    array[1, 2, 0] = array[1, 3, 0] = value
    return array


ZEROS = np.zeros((4, 5, 2))

# Which object gets what, and what the error says.
WRONG_NODES = {
    "name": ("'two'", ZEROS, "Nodes without input as keys, got .two. of type str"),
    "ensemble": ("ens", ZEROS, "got <Ensemble.*'ens'.* of type Ensemble"),
    "probe": ("p3", ZEROS, "got <Probe.* of type Probe"),
    "input": ("passing", ZEROS, "'passing'> with size_in=2"),
    "tensor node": ("tensor", ZEROS, "'tensor'>, which TensorFlow computes"),
    "foreign": ("foreign", ZEROS, "'foreign'>, which is not in the network"),
    "rank 2": (
        "two",
        ZEROS[0],
        r"for .*'two'>: expected an array of rank 3 "
        r"\(batch_size, n_steps, dimensions\), got rank 2 with shape \(5, 2\)",
    ),
    "rank 4": ("two", ZEROS[None], r"rank 3.* got rank 4 with shape \(1, 4, 5, 2\)"),
    "width": (
        "two",
        ZEROS[..., :1],
        r"'two'>: expected 2 dimensions .*, got 1 with shape \(4, 5, 1\)",
    ),
    "batch": ("two", ZEROS[:3], r"'two'>: expected a batch size of 4 .*, got 3 with"),
    "steps": ("two", ZEROS[:, 1:], r"'two'>: expected 5 steps .*, got 4 with"),
    "object": ("two", np.full((4, 5, 2), None), "'two'>: .* numbers, got .* object"),
    "text": ("two", np.full((4, 5, 2), "1"), "'two'>: .* numbers, got data type <U1"),
    "complex": ("two", ZEROS * 1j, "'two'>: .* numbers, got data type complex128"),
    "ragged": ("two", [[[1, 2]], [[3]]], "'two'>: expected an array, got list"),
    "None": ("two", None, "'two'>: expected an array of numbers, got .* object"),
    "NaN": (
        "two",
        with_value((4, 5, 2), np.nan),
        "'two'>: expected finite numbers, got nan first at item 1, step 2, dimension 0",
    ),
    "infinity": ("two", with_value((4, 5, 2), -np.inf), "finite numbers, got -inf"),
}
THREE = np.zeros((4, 5, 3))
WRONG_PROBES = {
    "name": ("'p3'", THREE, "a Probe as key, got 'p3' of type str"),
    "node": ("two", THREE, "a Probe as key, got <Node .* of type Node"),
    "foreign": ("foreign_probe", THREE, "<Probe .*, which is not in the network"),
    "rank": ("p3", THREE[0], r"for <Probe .*p3.*>: .* rank 3 .*, got rank 2 with"),
    "width": ("p3", THREE[..., :2], r"expected 3 dimensions .*, got 2 with"),
    "batch": ("p3", THREE[:3], r"expected a batch size of 4 .*, got 3 with"),
    "steps": ("p3", THREE[:, 1:], r"expected 5 steps .*, got 4 with"),
    "infinity": (
        "p3",
        with_value((4, 5, 3), np.inf),
        "finite numbers or NaN, got inf first at item 1, step 2, dimension 0",
    ),
}
WRONG = [
    *((check_nodes, "one", *row) for row in WRONG_NODES.values()),
    *((check_probes, "p1", *row) for row in WRONG_PROBES.values()),
]
NAMES = [*(f"node-{n}" for n in WRONG_NODES), *(f"probe-{n}" for n in WRONG_PROBES)]


@pytest.mark.parametrize("check, good, key, value, message", WRONG, ids=NAMES)
def test_wrong_data(check, good, key, value, message):
    net = network()
    data = {
        getattr(net, good): np.zeros((4, 5, 1)),
        getattr(net, key, key.strip("'")): value,
    }
    with pytest.raises(ValidationError, match=f"^data: .*{message}"):
        check(net, data)
    with pytest.raises(ValidationError, match=f"^data: .*{message}"):
        check(net, data, 4, 5)


@pytest.mark.parametrize("check, key", [(check_nodes, "one"), (check_probes, "p1")])
def test_expected_lengths(check, key):
    net = network()
    data = {getattr(net, key): np.zeros((4, 5, 1))}
    with pytest.raises(ValidationError, match="expected a batch size of 3 .*, got 4"):
        check(net, data, 3, 5)
    with pytest.raises(ValidationError, match="expected 6 steps .*, got 5"):
        check(net, data, 4, 6)


@pytest.mark.parametrize("data", [None, np.zeros((4, 5, 2)), [1]])
def test_no_dictionary(data):
    net = network()
    for check in (check_nodes, check_probes):
        with pytest.raises(ValidationError, match="expected a dictionary .*, got "):
            check(net, data)
    with pytest.raises(ValidationError, match="expected a dictionary .*, got "):
        split_data(data, net.inputs, net.probes)


def test_split():
    net = network()
    data = {net.p3: 0, net.two: 1, net.one: 2, net.p1: 3}
    inputs, targets = split_data(data, net.inputs, net.probes)
    assert inputs == {net.two: 1, net.one: 2}
    assert targets == {net.p3: 0, net.p1: 3}

    for key, message in (
        ("text", "a Node or a Probe as key, got 'text' of type str"),
        (net.ens, "a Node or a Probe as key, got <Ensemble .* of type Ensemble"),
        (net.foreign, "'foreign'>, which is not in the network"),
        (net.foreign_probe, "foreign_probe.*, which is not in the network"),
        (net.passing, "'passing'> with size_in=2"),
    ):
        with pytest.raises(ValidationError, match=message):
            split_data({**data, key: 0}, net.inputs, net.probes)


def test_minibatches_in_order():
    items = np.arange(12)
    found = [items[index] for index in minibatches(12, 4, shuffle=False)]
    np.testing.assert_array_equal(found, [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]])
    assert np.shares_memory(found[0], items)


def test_minibatches_shuffled():
    def epochs(seed):
        rng = np.random.RandomState(seed)
        return [np.stack(list(minibatches(12, 4, True, rng))) for _ in range(2)]

    first, second = epochs(seed=0)
    for found in (first, second):
        assert found.shape == (3, 4)
        np.testing.assert_array_equal(np.sort(found, axis=None), np.arange(12))
    assert not np.array_equal(first, second)
    assert not np.array_equal(first.ravel(), np.arange(12))
    np.testing.assert_array_equal(epochs(seed=0)[1], second)


@pytest.mark.parametrize("shuffle", [True, False])
def test_remainder_is_left_out(shuffle):
    items, left_out = np.arange(11), set()
    for seed in range(5):
        rng = np.random.RandomState(seed)
        with pytest.warns(UserWarning, match=r"\(11\) .* multiple .*\(4\): 3 of them"):
            found = [items[index] for index in minibatches(11, 4, shuffle, rng)]
        assert np.shape(found) == (2, 4)
        left_out.add(frozenset(items) - frozenset(np.ravel(found)))
    assert (len(left_out) > 1) == shuffle


def test_too_few_items():
    with pytest.raises(ValidationError, match="at least minibatch_size=4 items, got 3"):
        minibatches(3, 4, shuffle=False)
