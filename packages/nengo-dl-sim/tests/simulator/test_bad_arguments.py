"""Arguments of a wrong type or value are refused by name, by every public callable."""

import functools

import helpers
import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from nengo.exceptions import ReadonlyError, ValidationError

from nengo_dl_ops import LeakyReLU, SoftLIFRate, SpikingLeakyReLU
from nengo_dl_sim import Simulator, configure_settings, get_setting
from nengo_dl_sim.callbacks import IsolateState, NengoSummaries
from nengo_dl_sim.dists import Glorot, He, TruncatedNormal, VarianceScaling
from nengo_dl_sim.utils import cache_compilations, minibatch_generator

NAN = float("nan")
with nengo.Network(seed=0) as NET:
    configure_settings(trainable=None)
    A = nengo.Node([0.5, 0.5], label="a")
    ENS = nengo.Ensemble(3, 2, label="ens")
    CONN = nengo.Connection(A, ENS, synapse=None)
    P = nengo.Probe(ENS, label="p")


def x(*shape):
    return np.full(shape or (2, 4, 2), 0.5)


DATA = {A: x(), P: x()}


simulator = functools.partial(helpers.simulator, NET, minibatch_size=2)


@pytest.fixture(scope="module")
def sim():
    with simulator() as sim:
        sim.run_steps(4)
        yield sim


def method(name, *args, **kwargs):
    return lambda sim, **more: getattr(sim, name)(*args, **kwargs, **more)


def train(sim, **more):
    sim.train(DATA, keras.optimizers.SGD(0.1), **more)


def fit(sim, **more):
    sim.compile("sgd", {P: "mse"})
    sim.fit({A: x()}, {P: x()}, **{"verbose": 0, **more})


def compiled(sim, **more):
    sim.compile(**{"optimizer": "sgd", "loss": "mse", **more})


def function(call, **defaults):
    return lambda sim, /, **more: call(**{**defaults, **more})


def generated(sim, **more):
    defaults = {"data": {"x": x()}, "minibatch_size": 1}
    list(minibatch_generator(**{**defaults, **more}))


NO_BOOLEAN = ["no", "", 1.5, 2, None, NAN]
NO_SEED = [True, "a", 1.5, NAN, -1, 2**70, [1]]
NO_PERIOD = ["a", "", True, NAN, -1, 0, np.inf, [], 1j, np.array([1, 2]), object()]
NO_PATH = ["", None, 3, True, []]
NO_PARAMETER = [NAN, np.inf, True, "a", None, [1]]
NO_COUNT = ["a", 1.5, -1, True, NAN]

# The callable, the argument, the wrong values, what the message says.
TABLE = [
    (method("trange"), "sample_every", NO_PERIOD, "finite time of more than 0"),
    (train, "shuffle", NO_BOOLEAN, "True or False"),
    (train, "n_epochs", [*NO_COUNT, None], "whole number"),
    (train, "truncation", [*NO_COUNT, 0], "whole number"),
    (train, "checkpoint", ["", 3, True, []], "path of a folder"),
    (train, "profile", [3, 1.5, "", [], None], "True, False or a directory"),
    (method("loss", DATA), "training", NO_BOOLEAN, "True or False"),
    (method("loss", DATA), "combine", ["mean", None, 3], "function"),
    (
        method("loss", DATA),
        "combine",
        [lambda values: "a", lambda values: [1, 2]],
        "one number of those of all minibatches",
    ),
    (method("run_batch", {A: x()}, {P: None}), "shuffle", NO_BOOLEAN, "True or False"),
    (method("run_batch", {A: x()}, {P: None}), "training", NO_BOOLEAN, "True or F"),
    (method("run_batch", {A: x()}, {P: None}), "isolate_state", NO_BOOLEAN, "True or"),
    (method("reset"), "seed", NO_SEED, "whole number from 0 to"),
    (method("reset"), "include_trainable", NO_BOOLEAN, "True or False"),
    (method("reset"), "include_probes", NO_BOOLEAN, "True or False"),
    (method("reset"), "include_processes", NO_BOOLEAN, "True or False"),
    (method("soft_reset"), "include_trainable", NO_BOOLEAN, "True or False"),
    (method("soft_reset"), "include_probes", NO_BOOLEAN, "True or False"),
    (method("save_params"), "path", NO_PATH, "path of a file"),
    (method("save_params", "w"), "include_global", NO_BOOLEAN, "True or False"),
    (method("save_params", "w"), "include_local", NO_BOOLEAN, "True or False"),
    (method("save_params", "w"), "include_state", NO_BOOLEAN[:4], "True or False"),
    (method("load_params"), "path", NO_PATH, "path of a file"),
    (method("load_params", "w"), "include_local", NO_BOOLEAN, "True or False"),
    (method("save_checkpoint"), "path", NO_PATH, "path of a folder"),
    (method("restore_checkpoint"), "path", NO_PATH, "path of a folder"),
    (method("get_nengo_params", ENS), "as_dict", NO_BOOLEAN, "True or False"),
    (method("check_gradients"), "atol", ["a", -1, NAN, None, True], "at least 0"),
    (method("check_gradients"), "rtol", ["a", -1, NAN, None, True], "at least 0"),
    (fit, "shuffle", NO_BOOLEAN, "True or False"),
    (
        fit,
        "sample_weight",
        [np.ones((2, 4)) * 1j, "a", np.array(["a", "b"]), np.array([NAN, 1])],
        "numbers for <Probe",
    ),
    (compiled, "optimizer", ["nope", 3, None, {}], "Keras optimizer"),
    (function(simulator), "dt", NO_PERIOD, "finite time of more than 0 seconds"),
    (function(simulator), "dt", ["1ms", "0.001", None], "finite time of more than 0"),
    (function(simulator), "seed", NO_SEED, "whole number from 0 to"),
    (function(simulator), "model", ["a", 3, NET], "nengo.builder.Model"),
    (function(simulator), "tensorboard", ["", 3, True], "path of a folder"),
    (function(simulator), "jit_compile", ["a", 1, None], "True, False or 'auto'"),
    (function(LeakyReLU), "negative_slope", NO_PARAMETER, "finite number"),
    (function(LeakyReLU), "amplitude", NO_PARAMETER, "finite number"),
    (function(SpikingLeakyReLU), "negative_slope", NO_PARAMETER, "finite number"),
    (function(SpikingLeakyReLU), "amplitude", NO_PARAMETER, "finite number"),
    (function(SoftLIFRate), "sigma", [*NO_PARAMETER, 0, -1], ""),
    (function(SoftLIFRate), "tau_rc", [*NO_PARAMETER, 0, -1], ""),
    (function(SoftLIFRate), "tau_ref", [*NO_PARAMETER, -1], ""),
    (function(SoftLIFRate), "amplitude", [*NO_PARAMETER, -1], ""),
    (function(TruncatedNormal), "mean", [NAN, np.inf, "a", None, [1]], ""),
    (function(TruncatedNormal), "stddev", [NAN, np.inf, "a", None, 0, -1], ""),
    (function(VarianceScaling), "scale", [NAN, np.inf, "a", None, 0, -1], ""),
    (function(VarianceScaling), "mode", ["a", None, 3], ""),
    (function(He), "distribution", ["a", None, 3], ""),
    (function(Glorot().sample, n=3), "d", NO_COUNT, "whole number"),
    (function(Glorot().sample), "n", [*NO_COUNT, None], "whole number"),
    (function(TruncatedNormal().sample), "n", [*NO_COUNT, None], "whole number"),
    (function(Glorot().sample, n=3), "rng", ["a", 3], "RandomState"),
    (generated, "shuffle", NO_BOOLEAN, "True or False"),
    (generated, "rng", ["a", 3], "RandomState"),
    (generated, "minibatch_size", [*NO_COUNT, 0, None], "whole number"),
    (function(cache_compilations), "folder", ["", 3, True], "path of a folder"),
    (
        function(get_setting, setting="dtype"),
        "model_or_network",
        ["a", 3, ENS],
        "Network, or the Model",
    ),
    (function(IsolateState), "sim", ["a", None, NET], "nengo_dl.Simulator"),
    (
        function(NengoSummaries, log_dir="d", objects=[ENS]),
        "sim",
        ["a", None, NET],
        "nengo_dl.Simulator",
    ),
]
ROWS = [(row, value) for row in TABLE for value in row[2]]


@pytest.mark.parametrize(("row", "value"), ROWS)
def test_wrong_value_is_refused(row, value, sim, tmp_path, monkeypatch):
    call, name, _, text = row
    monkeypatch.chdir(tmp_path)
    before = sim.n_steps, sim.data[CONN].weights
    with pytest.raises(ValidationError, match=f"(?s){name}.*{text}.*") as caught:
        call(sim, **{name: value})
    if text:
        assert "got" in str(caught.value)
    assert len(str(caught.value)) < 400
    assert sim.n_steps == before[0]
    np.testing.assert_array_equal(sim.data[CONN].weights, before[1])
    assert list(tmp_path.iterdir()) == []


def test_summaries_take_a_list_and_a_folder(sim):
    with pytest.raises(ValidationError, match="objects: expected a list .*got <Ens"):
        NengoSummaries("d", sim, ENS)
    with pytest.raises(ValidationError, match="log_dir: expected the path of a folder"):
        NengoSummaries(3, sim, [ENS])


WANTED = {
    "unknown name": ((ENS, "nope"), r"encoders, .*\), got 'nope'"),
    "no pair": (ENS, r"tuples of an object and a name.*got <Ensemble 'ens'"),
    "one thing": ((ENS,), "tuples of an object and a name"),
    "text": ("ab", "tuples of an object and a name.*got 'ab'"),
    "number for a name": ((ENS, 3), "tuples of an object and a name"),
    "no parameters": ((A, "encoders"), "it has none.*got 'encoders'"),
    "None": (None, "tuples of an object and a name.*got None"),
}


@pytest.mark.parametrize("row", WANTED)
def test_parameters_that_cannot_be_wanted(row, sim):
    wanted, text = WANTED[row]
    with pytest.raises(ValidationError, match=f"wanted: expected .*{text}"):
        sim.data.get_params(wanted)


@pytest.mark.parametrize("key", ["a", 3, None, [], {}, A[:1], ENS.neurons])
def test_what_is_not_in_the_data(key, sim):
    for kind in (ValidationError, KeyError):
        with pytest.raises(kind, match="expected an object of the simulated network"):
            sim.data[key]


@pytest.mark.parametrize(
    "name", ["data", "signals", "model", "minibatch_size", "device", "unroll", "time"]
)
def test_attributes_that_would_have_no_effect(name, sim):
    with pytest.raises(ReadonlyError, match=f"{name} is read-only"):
        setattr(sim, name, 3)


@pytest.mark.parametrize(("name", "value"), [("seed", "a"), ("jit_compile", "a")])
def test_attributes_that_may_be_set_are_checked(name, value, sim):
    before = getattr(sim, name)
    with pytest.raises(ValidationError, match=f"{name}.*got 'a'"):
        setattr(sim, name, value)
    assert getattr(sim, name) == before


def test_checkpoint_every_needs_a_folder(sim):
    with pytest.raises(ValidationError, match="checkpoint: expected a folder.*=5, got"):
        train(sim, checkpoint_every=5)


NO_DATA = {
    "text": "a",
    "None": None,
    "list": [],
    "array": x(),
    "pair": (x(), x()),
    "objects": [object()],
}


@pytest.mark.parametrize("row", NO_DATA)
def test_what_is_no_data(row, sim):
    text = "data: expected a dictionary {node: values, probe: targets}, a number of"
    with pytest.raises(ValidationError, match=text):
        sim.train(NO_DATA[row], keras.optimizers.SGD(0.1))


def test_a_name_is_no_optimizer(sim):
    with pytest.raises(
        ValidationError, match=r"got 'adam': write keras.optimizers.get"
    ):
        sim.train(DATA, "adam")


def numpy_mean(y, t):
    return np.mean(np.square(y - t))


def as_array(y, t):
    return tf.reduce_sum(np.asarray(y) - t)


def branch(y, t):
    return tf.reduce_sum(y) if tf.reduce_sum(t) > 0 else tf.reduce_sum(t)


def as_float(y, t):
    return float(tf.reduce_sum(y - t))


def as_numpy(y, t):
    return tf.reduce_sum(y.numpy() - t)


VALUES = [numpy_mean, as_array, branch, as_float, as_numpy]


@pytest.mark.parametrize("objective", VALUES)
def test_functions_that_ask_for_values(objective, sim):
    text = "operations for <Probe .p..*asks for the values.*tf.reduce_mean for np.mean"
    for use in (
        sim.loss,
        lambda *args: sim.train(args[0], keras.optimizers.SGD(0.1), 1, args[1]),
    ):
        with pytest.raises(ValidationError, match=f"objective: .*{text}"):
            use(DATA, {P: objective})
    sim.compile("sgd", {P: lambda y_true, y_pred: objective(y_pred, y_true)})
    with pytest.raises(ValidationError, match=f"loss: .*{text}"):
        sim.fit({A: x()}, {P: x()}, verbose=0)
    with pytest.raises(ValidationError, match=f"outputs: .*{text}"):
        sim.run_batch(DATA, {P: objective})


def test_what_a_function_raises_itself_comes_as_it_is(sim):
    with pytest.raises(ZeroDivisionError):
        sim.loss(DATA, {P: lambda y, t: 1 / 0})


def plan(**settings):
    with nengo.Network() as net:
        configure_settings(**settings)
        nengo.Probe(nengo.Ensemble(3, 1))
    Simulator(net, progress_bar=False).close()


def zero(*args):
    return 1 / 0


def singles(ops, merge_key):
    return [(op,) for op in ops]


PLANS = {
    "planner: nothing": ({"planner": lambda ops, key: None}, "list of tuples.*None"),
    "planner: numbers": ({"planner": lambda ops, key: [(3,)]}, "list of tuples of op"),
    "planner: empty": ({"planner": lambda ops, key: []}, r"all \d+ operators.*without"),
    "planner: twice": (
        {"planner": lambda ops, key: singles(ops, key) * 2},
        r"each of \d+ operators once",
    ),
    "planner: backwards": (
        {"planner": lambda ops, key: singles(ops, key)[::-1]},
        "operators after those that they wait for, got .* too early",
    ),
    "planner: one group": (
        {"planner": lambda ops, key: [tuple(ops)]},
        "groups of operators that merge",
    ),
    "planner: one argument": (
        {"planner": lambda ops: []},
        "<lambda> raised TypeError: .*takes 1 positional",
    ),
    "planner: fails": ({"planner": zero}, "zero raised ZeroDivisionError"),
    "sorter: nothing": ({"sorter": lambda plan, c: None}, "list of tuples.*None"),
    "sorter: empty": ({"sorter": lambda plan, c: []}, r"all \d+ operators.*without"),
    "sorter: two lists": ({"sorter": lambda plan, c: ([], plan)}, "list of tuples of"),
    "sorter: fails": ({"sorter": zero}, "zero raised ZeroDivisionError"),
    "simplifications: nothing": (
        {"simplifications": [lambda ops, fixed: None]},
        "list of operators from <lambda>, got None",
    ),
    "simplifications: one argument": (
        {"simplifications": [lambda ops: ops]},
        "<lambda> raised TypeError",
    ),
    "simplifications: fails": ({"simplifications": [zero]}, "zero raised ZeroDiv"),
}


@pytest.mark.parametrize("row", PLANS)
def test_wrong_plans_are_refused(row):
    settings, text = PLANS[row]
    name = row.partition(":")[0]
    with pytest.raises(ValidationError, match=f"(?s){name}: .*{text}"):
        plan(**settings)


FORMS = {
    "x: rank 2": (
        lambda sim: sim.predict({A: x(2, 2)}),
        r"x: for <Node 'a'>: .*add a time axis, x\[:, None\]",
    ),
    "x: rank 1": (lambda sim: sim.predict({A: x(2)}), "x: .*np.reshape"),
    "x: width": (lambda sim: sim.evaluate({A: x(2, 4, 1)}, {P: x()}), "x: for .*2 dim"),
    "x: key": (
        lambda sim: fit_with(sim, {P: x()}, {P: x()}),
        "x: .*values for nodes, got some for <Probe .*, a probe, .*targets in y",
    ),
    "x: probe, too": (
        lambda sim: sim.evaluate({A: x(), "p": x()}, x()),
        "x: .*values for nodes, got some for <Probe .*, a probe, .*targets in y",
    ),
    "x: probe": (
        lambda sim: sim.predict({P: x()}),
        "n_steps: .*x is for <Probe .*, a probe, whose targets belong in y",
    ),
    "x: probe twice": (lambda sim: sim.predict({P: x(), "p": x()}), "x: .*got two"),
    "x: name": (lambda sim: fit_with(sim, {"z": x()}, {}), "x: .*names a, got 'z'"),
    "x: NaN": (lambda sim: fit_with(sim, {A: x() * NAN}, {P: x()}), "x: .*got nan"),
    "y: rank 2": (
        lambda sim: fit_with(sim, {A: x()}, {P: x(2, 2)}),
        r"y: for <Probe .p..*add a time axis, x\[:, None\]",
    ),
    "y: key": (lambda sim: fit_with(sim, {A: x()}, {A: x()}), "y: expected a Probe"),
    "y: name": (lambda sim: fit_with(sim, {A: x()}, {"z": x()}), "y: .*names p, got"),
    "y: items": (lambda sim: fit_with(sim, {A: x()}, {P: x(4, 4, 2)}), "y: .*batch"),
    "data: rank 2": (
        lambda sim: sim.run_steps(4, data={A: x(4, 2)}),
        r"data: .*one item, a batch axis, x\[None\]",
    ),
    "data: name": (
        lambda sim: sim.run_steps(4, data={"p_": x()}),
        "data: expected one of the names a, got 'p_'",
    ),
}


def fit_with(sim, inputs, targets):
    sim.compile("sgd", {P: "mse"})
    sim.fit(inputs, targets, verbose=0)


@pytest.mark.parametrize("row", FORMS)
def test_data_is_called_as_it_was_given(row, sim):
    call, text = FORMS[row]
    sim.compile("sgd", {P: "mse"})
    with pytest.raises(ValidationError, match=f"^{text}"):
        call(sim)


def test_labels_of_any_length_are_saved(tmp_path):
    with nengo.Network(seed=0) as net:
        nengo.Probe(nengo.Ensemble(3, 1, label="x" * 70_000))
    options = {"progress_bar": False, "jit_compile": False}
    with Simulator(net, **options) as first, Simulator(net, **options) as second:
        first.save_params(tmp_path / "w")
        second.load_params(tmp_path / "w")
        first.save_checkpoint(tmp_path / "checkpoint")
        second.restore_checkpoint(tmp_path / "checkpoint")
