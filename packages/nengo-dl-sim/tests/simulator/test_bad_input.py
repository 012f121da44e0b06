"""Bad input is refused, by name, and changes nothing."""

import os
import pickle

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import simulator, state_of
from nengo.exceptions import (
    BuildError,
    SimulationError,
    SimulatorClosed,
    ValidationError,
)

from nengo_dl_objectives import Regularize
from nengo_dl_sim import Simulator, configure_settings


def network(n_neurons=5):
    with nengo.Network(seed=0) as net:
        configure_settings(trainable=None)
        net.a = nengo.Node([0.5, 0.5], label="a")
        net.b = nengo.Node(size_in=2, label="b")
        net.f = nengo.Node(lambda t: t, label="f")
        net.ens = nengo.Ensemble(n_neurons, 2, label="ens")
        net.conn = nengo.Connection(net.a, net.ens)
        unused = nengo.Connection(net.ens, net.b)
        net.config[unused].trainable = False
        net.p = nengo.Probe(net.ens, label="p", synapse=0.01)
    return net


with nengo.Network():
    OTHER = nengo.Node([0.0], label="other")
    OTHER_PROBE = nengo.Probe(OTHER, label="other probe")
    OTHER_ENSEMBLE = nengo.Ensemble(3, 1, label="other ens")

N_STEPS = 4


def x(*shape, value=0.5):
    return np.full(shape or (2, N_STEPS, 2), value)


def with_value(value):
    array = x()
    array[1, 2, 0] = value
    return array


def scalar(y):
    return tf.reduce_sum(y)


def sgd():
    return keras.optimizers.SGD(0.1)


def run(*args, **kwargs):
    return lambda sim, net: sim.run_steps(*args, **kwargs)


def run_with(make):
    return lambda sim, net: sim.run_steps(N_STEPS, data=make(net))


def train_with(make, **kwargs):
    """Train, and compute the loss, with some data; both must refuse it."""

    def use(sim, net):
        options = {"objective": None, **kwargs}
        if isinstance(options["objective"], str):
            options["objective"] = {net.p: OBJECTIVES[options["objective"]]}
        with pytest.raises((ValidationError, SimulationError)) as caught:
            sim.loss(make(net), **options)
        try:
            sim.train(make(net), sgd(), **options)
        except Exception as error:
            assert type(error) is caught.type
            assert str(error) == str(caught.value)
            raise

    return use


def fit_with(loss, *shape, method="fit"):
    """Fit, or evaluate, with a loss of Keras and targets of some shape."""

    def use(sim, net):
        sim.compile(sgd(), loss={net.p: loss})
        getattr(sim, method)({net.a: x()}, {net.p: x(*shape)}, verbose=0)

    return use


def validate_with(*shape):
    """Fit with good targets, and validate with others."""

    def use(sim, net):
        sim.compile(sgd(), loss={net.p: "mse"})
        others = ({net.a: x()}, {net.p: x(*shape)})
        sim.fit({net.a: x()}, {net.p: x()}, validation_data=others, verbose=0)

    return use


def good(net):
    return {net.a: x(), net.p: x()}


OBJECTIVES = {
    "rank 2": lambda y, t: tf.transpose(tf.reduce_sum(y - t, axis=2)),
    "wrong length": lambda y, t: tf.reduce_sum(y - t) * tf.ones(3),
    "nothing": lambda y, t: None,
    "text": lambda y, t: "loss",
    "three arguments": lambda y, t, u: scalar(y),
    "no argument": lambda: 0.0,
    "not callable": 3,
    "class": Regularize,
    "class of a loss": keras.losses.Huber,
}


# What is done, and what the error says.
CASES = {
    # -- numbers
    "n_steps negative": (run(-1), "n_steps.*at least 0, got -1"),
    "n_steps fraction": (run(2.5), "n_steps.*whole.*got 2.5"),
    "n_steps float": (run(2.0), "n_steps.*whole.*got 2.0"),
    "n_steps boolean": (run(True), "n_steps.*whole.*got True"),
    "n_steps text": (run("3"), "n_steps.*whole.*got '3'"),
    "n_steps None": (run(None), "n_steps.*whole.*got None"),
    "time negative": (
        lambda sim, net: sim.run(-0.1),
        "time_in_seconds.*at least 0.*got -0.1",
    ),
    "time NaN": (
        lambda sim, net: sim.run(np.nan),
        "time_in_seconds.*got nan",
    ),
    "time infinite": (
        lambda sim, net: sim.run(np.inf),
        "time_in_seconds.*got inf",
    ),
    "time text": (
        lambda sim, net: sim.run("1"),
        "time_in_seconds.*got '1'",
    ),
    # -- data for a run
    "unknown node": (
        run_with(lambda net: {OTHER: x(2, N_STEPS, 1)}),
        "data.*Node 'other'.*not in the network",
    ),
    "node with input": (
        run_with(lambda net: {net.b: x()}),
        "data.*Nodes without input.*Node 'b'> with size_in=2",
    ),
    "unknown name": (
        run_with(lambda net: {"z": x()}),
        "data.*one of the names a, .*got 'z'",
    ),
    "node and its name": (
        run_with(lambda net: {"a": x(), net.a: x()}),
        "data.*one entry for <Node 'a'>, got two",
    ),
    "generator": (
        run_with(lambda net: iter([x()])),
        "data.*expected arrays, got <list_iterator",
    ),
    "rank 2": (
        run_with(lambda net: {net.a: x(N_STEPS, 2)}),
        r"data.*Node 'a'.*rank 3 \(batch_size.*got rank 2 with shape \(4, 2\)",
    ),
    "width": (
        run_with(lambda net: {net.a: x(2, N_STEPS, 3)}),
        r"data.*Node 'a'.*2 dimensions.*got 3 with shape \(2, 4, 3\)",
    ),
    "batch size": (
        run_with(lambda net: {net.a: x(3, N_STEPS, 2)}),
        "data.*Node 'a'.*batch size of 2.*got 3",
    ),
    "number of steps": (
        run_with(lambda net: {net.a: x(2, 5, 2)}),
        "data.*Node 'a'.*4 steps.*got 5",
    ),
    "NaN": (
        run_with(lambda net: {net.a: with_value(np.nan)}),
        "data.*Node 'a'.*finite.*got nan first at item 1, step 2, dimension 0",
    ),
    "infinity": (
        run_with(lambda net: {net.a: with_value(-np.inf)}),
        "data.*Node 'a'.*finite.*got -inf first at item 1, step 2",
    ),
    "infinity in float32": (
        run_with(lambda net: {net.a: with_value(1e300)}),
        "data.*Node 'a'.*finite.*1e.300",
    ),
    "text": (
        run_with(lambda net: {net.a: [[["x", "y"]] * N_STEPS] * 2}),
        "data.*Node 'a'.*numbers, got data type <U1",
    ),
    "ragged": (
        run_with(lambda net: {net.a: [[[1, 2]], [[1]]]}),
        "data.*Node 'a'.*an array, got list",
    ),
    # -- data to train on
    "train: unknown node": (
        train_with(lambda net: {OTHER: x(2, N_STEPS, 1), net.p: x()}),
        "data.*Node 'other'.*not in the network",
    ),
    "train: unknown probe": (
        train_with(lambda net: {net.a: x(), OTHER_PROBE: x(2, N_STEPS, 1)}),
        "data.*Probe .other probe..*not in the network",
    ),
    "train: ensemble": (
        train_with(lambda net: {net.ens: x()}),
        "data.*a Node or a Probe.*Ensemble 'ens'",
    ),
    "train: NaN": (
        train_with(lambda net: {net.a: with_value(np.nan), net.p: x()}),
        "data.*Node 'a'.*finite.*got nan first at item 1, step 2, dimension 0",
    ),
    "train: infinite target": (
        train_with(lambda net: {net.a: x(), net.p: with_value(np.inf)}),
        "data.*Probe .p..*finite numbers or NaN, got inf",
    ),
    "train: width": (
        train_with(lambda net: {net.a: x(), net.p: x(2, N_STEPS, 1)}),
        "data.*Probe .p..*2 dimensions.*got 1",
    ),
    "train: steps": (
        train_with(lambda net: {net.a: x(), net.p: x(2, 3, 2)}),
        "data.*Probe .p..*4 steps.*got 3",
    ),
    "train: items": (
        train_with(lambda net: {net.a: x(), net.p: x(3, N_STEPS, 2)}),
        "data.*Probe .p..*batch size of 2.*got 3",
    ),
    "train: too few items": (
        train_with(lambda net: {net.a: x(1, N_STEPS, 2), net.p: x(1, N_STEPS, 2)}),
        "data.*minibatch_size=2 items, got 1",
    ),
    "train: no steps": (
        train_with(lambda net: {net.a: x(2, 0, 2), net.p: x(2, 0, 2)}),
        "data.*step",
    ),
    "train: no data": (train_with(lambda net: None), "data.*got None"),
    "train: minus one step": (
        train_with(lambda net: -1, objective="rank 2"),
        "data.*at least 1, got -1",
    ),
    "train: empty": (
        train_with(lambda net: {}),
        "objective.*at least one",
    ),
    # -- objectives
    "objective: no dictionary": (
        train_with(good, objective=scalar),
        "objective.*dictionary.*got <function scalar",
    ),
    "objective: unknown probe": (
        train_with(good, objective={OTHER_PROBE: scalar}),
        "objective.*probes of the simulated network.*.other probe.",
    ),
    "objective: not callable": (
        train_with(good, objective="not callable"),
        "objective.*function or None.*Probe .p..*got 3",
    ),
    "objective: class": (
        train_with(good, objective="class"),
        r"objective.*function.*Probe .p..*got the class Regularize: make an object of "
        r"it, for example Regularize\(",
    ),
    "objective: class of a loss": (
        train_with(good, objective="class of a loss"),
        r"objective.*got the class Huber: make an object.*Huber\(",
    ),
    "objective: three arguments": (
        train_with(good, objective="three arguments"),
        r"objective.*\(outputs, targets\).*Probe .p..*takes 3",
    ),
    "objective: no argument": (
        train_with(good, objective="no argument"),
        "objective.*Probe .p..*takes 0",
    ),
    "objective: rank": (
        train_with(good, objective="rank 2"),
        r"objective.*Probe .p..*scalar or values for each of 2.*\(4, 2\)",
    ),
    "objective: length": (
        train_with(good, objective="wrong length"),
        r"objective.*Probe .p..*each of 2 items, got shape \(3,\)",
    ),
    "objective: nothing": (
        train_with(good, objective="nothing"),
        "objective.*Probe .p..*return a tensor of numbers, got None",
    ),
    "objective: text": (
        train_with(good, objective="text"),
        "objective.*Probe .p..*got .*loss",
    ),
    "objective: no target": (
        train_with(lambda net: {net.a: x()}, objective="rank 2"),
        "data.*target for <Probe .p..*got none",
    ),
    "objective: none": (
        train_with(lambda net: 3),
        "objective.*number of steps.*got None",
    ),
    # -- targets that losses of Keras cannot compare with the outputs
    "fit: steps": (
        fit_with("mse", 2, 3, 2),
        r"^y: .*target for <Probe .p..*loss mean_squared_error.*output of shape "
        r"\(2, 4, 2\), got one of shape \(2, 3, 2\): .*equal",
    ),
    "fit: steps, for an object": (
        fit_with(keras.losses.Huber(), 2, 3, 2),
        r"^y: .*Probe .p..*huber.*\(2, 4, 2\), got one of shape \(2, 3, 2\)",
    ),
    "fit: size": (
        fit_with("categorical_crossentropy", 2, N_STEPS, 3),
        r"^y: .*Probe .p..*crossentropy.*\(2, 4, 2\), got one of shape \(2, 4, 3\)",
    ),
    "fit: no class": (
        fit_with(keras.losses.SparseCategoricalCrossentropy(), 2, N_STEPS, 2),
        r"^y: .*Probe .p..*sparse.*\(2, 4, 2\), got one of shape \(2, 4, 2\): .*rank",
    ),
    "evaluate: steps": (
        fit_with("mse", 2, 5, 2, method="evaluate"),
        r"^y: .*Probe .p..*\(2, 4, 2\), got one of shape \(2, 5, 2\)",
    ),
    "evaluate: size": (
        fit_with(keras.losses.MeanSquaredError(), 2, N_STEPS, 3, method="evaluate"),
        r"^y: .*Probe .p..*\(2, 4, 2\), got one of shape \(2, 4, 3\)",
    ),
    "validation: steps": (
        validate_with(2, 3, 2),
        r"^y: .*Probe .p..*\(2, 4, 2\), got one of shape \(2, 3, 2\)",
    ),
    # -- other arguments of training
    "optimizer: text": (
        lambda sim, net: sim.train(good(net), "adam"),
        "optimizer.*Keras optimizer, got 'adam'",
    ),
    "optimizer: class": (
        lambda sim, net: sim.train(good(net), keras.optimizers.Adam),
        r"optimizer.*Keras optimizer, got the class Adam: .*example Adam\(0.001\)$",
    ),
    "optimizer: class of TensorFlow 1": (
        lambda sim, net: sim.train(
            good(net), tf.compat.v1.train.GradientDescentOptimizer
        ),
        r"optimizer.*the class GradientDescentOptimizer: .*Optimizer\(0.001\)$",
    ),
    "optimizer: targets": (
        lambda sim, net: sim.train({net.a: x()}, {net.p: x()}, sgd()),
        "train: .*one dictionary.*got two",
    ),
    "optimizer: of another network": (
        lambda sim, net: sim.train(good(net), used_optimizer()),
        "optimizer.*not been used for other parameters",
    ),
    "n_epochs negative": (
        lambda sim, net: sim.train(good(net), sgd(), n_epochs=-1),
        "n_epochs.*at least 0, got -1",
    ),
    "n_epochs text": (
        lambda sim, net: sim.train(good(net), sgd(), n_epochs="2"),
        "n_epochs.*whole number.*got '2'",
    ),
    "summaries: text": (
        lambda sim, net: sim.train(good(net), sgd(), summaries="loss"),
        "summaries.*a list, got 'loss'",
    ),
    "summaries: unknown": (
        lambda sim, net: sim.train(good(net), sgd(), summaries=["mem"]),
        "summaries.*a Connection or a function, got 'mem'",
    ),
    "summaries: of another network": (
        lambda sim, net: sim.train(good(net), sgd(), summaries=[OTHER_ENSEMBLE]),
        "summaries.*of the network that has encoders, got <Ensemble 'other ens'",
    ),
    "progress bar": (
        lambda sim, net: sim.run_steps(2, progress_bar=3),
        "progress_bar.*True, False, None or a progress bar .*got 3",
    ),
}


def used_optimizer():
    optimizer = sgd()
    optimizer.build([keras.Variable(np.zeros(7)), keras.Variable(np.zeros((3, 2)))])
    return optimizer


def everything(sim, net):
    """What must not change: counters, probe data, parameters and state."""
    wanted = [(net.ens, "bias"), (net.ens, "scaled_encoders"), (net.conn, "weights")]
    params = [x for x in sim.data.get_params(*wanted) if x is not None]
    state = [np.array(value) for value in tf.nest.flatten(state_of(sim))]
    return [sim.n_steps, int(sim.training_step), sim.data[net.p], *params, *state]


def refused(sim, net, use, kind, match):
    sim.run_steps(3)
    before = everything(sim, net)
    with pytest.raises(kind, match=f"(?s){match}"):
        use(sim, net)
    for old, new in zip(before, everything(sim, net), strict=True):
        np.testing.assert_array_equal(old, new)
    sim.run_steps(2)
    assert sim.n_steps == 5


@pytest.fixture(scope="module")
def shared():
    net = network()
    with simulator(net, minibatch_size=2) as sim:
        yield sim, net


@pytest.mark.parametrize("use, match", CASES.values(), ids=list(CASES))
def test_refused(shared, use, match):
    sim, net = shared
    sim.reset()
    refused(sim, net, use, ValidationError, match)


ARGUMENTS = {
    "minibatch_size": [0, -1, 2.0, "2", True],
    "unroll_simulation": [0, 1.5, None],
    "jit_compile": ["yes", None, 1],
    "progress_bar": [3],
    "dt": [0, -0.001, np.nan, "x", None],
    "seed": [-1, 1.5, "x"],
    "device": ["no such device", 3, "/tpu:9"],
}


@pytest.mark.parametrize(
    "name, value", [(name, v) for name, values in ARGUMENTS.items() for v in values]
)
def test_arguments(name, value):
    with pytest.raises(ValidationError, match=f"{name}.*got {value!r}"):
        simulator(network(), **{name: value})


def test_no_network():
    with pytest.raises(ValidationError, match="network.*Network or a model"):
        simulator(None)
    with pytest.raises(ValidationError, match="network.*Network.*got 3"):
        simulator(3)


@pytest.mark.parametrize("seed", [2**31 - 1, 2**31, 2**32 - 1, np.int64(3)])
def test_large_seeds_are_fine(seed):
    with simulator(network(), seed=seed) as sim:
        sim.run_steps(2)
        sim.reset(seed=seed)
        assert sim.seed == seed


def test_a_closed_simulator():
    net = network()
    with simulator(net, minibatch_size=2) as sim:
        sim.run_steps(2)
    before = everything(sim, net)
    for use in (
        lambda: sim.run_steps(1),
        lambda: sim.train(good(net), sgd()),
        lambda: sim.reset(),
    ):
        with pytest.raises(SimulatorClosed, match="closed"):
            use()
    for old, new in zip(before, everything(sim, net), strict=True):
        np.testing.assert_array_equal(old, new)


def truncated(path):
    path.write_bytes(path.read_bytes()[:-100])


def damaged(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(bytes(data))


def pickled(path):
    path.write_bytes(pickle.dumps({"weights": np.zeros(3)}))


def other_arrays(path):
    np.savez(path, weights=np.zeros(3))


def objects(path):
    np.savez(path, weights=np.array([{}], dtype=object))


def other_size(path):
    with simulator(network(n_neurons=6)) as sim:
        sim.save_params(path)


def other_network(path):
    with nengo.Network(seed=0) as net:
        ens = nengo.Ensemble(5, 2, label="other")
        nengo.Connection(ens, ens)
    with simulator(net) as sim:
        sim.save_params(path)


FILES = {
    truncated: "complete .npz file",
    damaged: "expected",
    pickled: "complete .npz file",
    other_arrays: "sim.save_params",
    objects: "sim.save_params",
    other_size: r"'ensembles/0 \(ens\)/\w+' of shape.*5.*got.*6",
    other_network: r"'ensembles/0 \(ens\)/\w+' of shape.*missing",
}


@pytest.mark.parametrize("spoil, match", FILES.items(), ids=[f.__name__ for f in FILES])
def test_parameter_files(shared, tmp_path, spoil, match):
    sim, net = shared
    path = tmp_path / "params.npz"
    sim.reset()
    sim.save_params(path, include_local=True)
    spoil(path)
    for options in ({}, {"include_local": True}):
        sim.reset()
        refused(
            sim,
            net,
            lambda sim, net, o=options: sim.load_params(path, **o),
            ValidationError,
            f"params.npz.*{match}",
        )
    sim.reset()
    refused(
        sim,
        net,
        lambda sim, net: sim.load_params(tmp_path / "none.npz"),
        FileNotFoundError,
        "none.npz",
    )


def test_a_file_that_cannot_be_written(shared, tmp_path):
    sim, net = shared
    sim.reset()
    refused(
        sim,
        net,
        lambda sim, net: sim.save_params(tmp_path / "no folder" / "params"),
        OSError,
        "no folder",
    )
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "output, match",
    [
        (lambda t: np.nan if t > 0.0035 else t, "finite numbers"),
        (lambda t: [t, t] if t > 0.0035 else t, r"shape \(1,\)"),
        (lambda t: None if t > 0.0035 else t, "None"),
        (lambda t: 1 / (t < 0.0035), "ZeroDivisionError at t=0.004"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
def test_functions_of_nodes(output, match):
    with nengo.Network() as net:
        node = nengo.Node(output, size_out=1, label="faulty")
        probe = nengo.Probe(node)
    with simulator(net) as sim:
        sim.run_steps(3)
        with pytest.raises(SimulationError, match=f"Node 'faulty'.*{match}"):
            sim.run_steps(3)
        assert sim.n_steps == 3
        assert sim.data[probe].shape == (3, 1)


def test_a_cycle():
    with nengo.Network() as net:
        a, b = nengo.Node(size_in=1), nengo.Node(size_in=1)
        nengo.Connection(a, b, synapse=None)
        nengo.Connection(b, a, synapse=None)
    with pytest.raises(BuildError, match="Cycle.*synapse"):
        simulator(net)


def test_data_in_a_network_of_float64_may_be_large():
    net = network()
    with net:
        configure_settings(dtype="float64")
    with simulator(net, minibatch_size=2) as sim:
        sim.run_steps(N_STEPS, data={net.a: with_value(1e300)})


@pytest.mark.parametrize("rule", [nengo.BCM(), nengo.Oja()], ids=["BCM", "Oja"])
@pytest.mark.parametrize("pre, post", [(slice(4), slice(None)), (slice(None), [0, 2])])
def test_rules_that_nengo_does_not_have_for_slices(rule, pre, post):
    """The error names the connection, when it is built; Nengo's comes in a step."""
    with nengo.Network() as net:
        a, b = (nengo.Ensemble(n, 1, label=name) for n, name in ((6, "aa"), (5, "bb")))
        connection = nengo.Connection(
            a.neurons[pre],
            b.neurons[post],
            transform=np.zeros((b.neurons[post].size_in, a.neurons[pre].size_out)),
            learning_rule_type=rule,
        )
    name = type(rule).__name__
    with pytest.raises(BuildError, match=f"slice of neurons.*support {name}") as error:
        Simulator(net, progress_bar=False)
    assert str(connection) in str(error.value)
