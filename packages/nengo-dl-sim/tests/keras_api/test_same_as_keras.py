"""Forms of data, losses, metrics and weights: the same numbers as a Keras model.

Each row of the tables is given to a simulator and to a Keras model of the same shape,
with the same names of inputs and outputs: they are trained, evaluated, validated and
asked for outputs, and whatever Keras returns must be returned alike.
"""

import operator

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf

from nengo_dl_sim import Simulator, configure_settings

N_ITEMS, N_STEPS, SIZE = 8, 2, 4
RATE = 0.25

#: Both say so where an output has no loss.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Gradients do not exist", "ignore:No gradient reaches"
)

RNG = np.random.RandomState(0)


def values(*shape):
    return RNG.uniform(0.1, 1, shape).astype(np.float32)


A, B = values(N_ITEMS, N_STEPS, 2), values(N_ITEMS, N_STEPS, 1)
P = np.eye(3, dtype=np.float32)[RNG.randint(3, size=(N_ITEMS, N_STEPS))]
LABELS = np.argmax(P, axis=-1)[..., None].astype(np.float32)
Q = RNG.randint(2, size=(N_ITEMS, N_STEPS, 1)).astype(np.float32)
OF_ITEMS, OF_STEPS = values(N_ITEMS), values(N_ITEMS, N_STEPS)
TO_P, TO_Q = values(3, 3), values(3, 1)


def _is_stream(x):
    return not isinstance(x, (list, tuple, dict, np.ndarray))


class Pair:
    """A simulator, and a Keras model that computes the same."""

    def __init__(self, outputs):
        with nengo.Network(seed=0) as net:
            configure_settings(trainable=None)
            nodes = [nengo.Node([0.0, 0.0], label="a"), nengo.Node([0.0], label="b")]
            both = nengo.Node(size_in=3)
            nengo.Connection(nodes[0], both[:2], synapse=None)
            nengo.Connection(nodes[1], both[2:], synapse=None)
            for conn in net.connections:
                net.config[conn].trainable = False
            self.connections = []
            for name, matrix in outputs.items():
                end = nengo.Node(size_in=matrix.shape[1])
                self.connections.append(
                    nengo.Connection(both, end, transform=matrix.T, synapse=None)
                )
                nengo.Probe(end, label=name)
        options = {"progress_bar": False, "jit_compile": False}
        self.sim = Simulator(net, minibatch_size=SIZE, **options)
        inputs = [keras.Input((None, n), name=name) for name, n in (("a", 2), ("b", 1))]
        joined = keras.layers.Concatenate()(inputs)
        self.start = list(outputs.values())
        layers = [
            keras.layers.Dense(matrix.shape[1], use_bias=False, name=name)
            for name, matrix in outputs.items()
        ]
        made = [layer(joined) for layer in layers]
        self._ends = inputs, made if len(made) > 1 else made[0]
        self.model = keras.Model(*self._ends)

    def run(self, make):
        """Return what both return for a row of a table."""
        self.sim.reset()
        self.model.set_weights(self.start)
        return self._in_keras(*make()), self._in_nengo(*make())

    def _in_keras(self, compiled, fitted, others):
        # A new one of the same layers: Keras keeps metrics that are not given again.
        model = self.model = keras.Model(*self._ends)
        model.compile(keras.optimizers.SGD(RATE), run_eagerly=True, **compiled)
        options = {"shuffle": False, "verbose": 0}
        if not _is_stream(fitted["x"]):
            options["batch_size"] = SIZE
        history = model.fit(**options, **fitted).history
        found = {f"fit: {name}": value for name, value in history.items()}
        for number, weights in enumerate(model.get_weights()):
            found[f"weights {number}"] = weights
        for number, (method, arguments) in enumerate(others):
            options = {"verbose": 0}
            if not _is_stream(arguments["x"]):
                options["batch_size"] = SIZE
            if method == "evaluate":
                options["return_dict"] = True
            result = getattr(model, method)(**options, **arguments)
            if method == "predict":
                outputs = result if isinstance(result, list) else [result]
                result = dict(zip(model.output_names, outputs, strict=True))
            head = f"{method} {number}"
            found |= {f"{head}: {name}": value for name, value in result.items()}
        return found

    def _in_nengo(self, compiled, fitted, others):
        sim, found = self.sim, {}
        sim.compile(keras.optimizers.SGD(RATE), **compiled)
        order = {} if _is_stream(fitted["x"]) else {"shuffle": False}
        history = sim.fit(**fitted, **order, verbose=0).history
        found = {f"fit: {name}": value for name, value in history.items()}
        for number, conn in enumerate(self.connections):
            found[f"weights {number}"] = sim.data[conn].weights.T
        for number, (method, arguments) in enumerate(others):
            result = getattr(sim, method)(**arguments, verbose=0)
            if method == "predict":
                result = {sim.get_name(probe): v for probe, v in result.items()}
            head = f"{method} {number}"
            found |= {f"{head}: {name}": value for name, value in result.items()}
        return found


@pytest.fixture(scope="module")
def two():
    pair = Pair({"p": TO_P, "q": TO_Q})
    with pair.sim:
        yield pair


@pytest.fixture(scope="module")
def one():
    pair = Pair({"p": TO_P})
    with pair.sim:
        yield pair


def compare(pair, make):
    expected, found = pair.run(make)
    for name, value in expected.items():
        mine = found.get(name)
        if mine is None:  # Keras leaves the only output out of names
            head, _, tail = name.partition(": ")
            val = "val_" if tail.startswith("val_") else ""
            mine = found[f"{head}: {val}p_{tail.removeprefix('val_')}"]
        np.testing.assert_allclose(mine, value, rtol=2e-5, atol=1e-6, err_msg=name)
    assert len(expected) >= 3


def rows(table):
    return pytest.mark.parametrize("row", table.values(), ids=table.keys())


# -- what is given to compile, for two outputs


def absolute(y_true, y_pred):
    return tf.reduce_mean(tf.abs(y_true - y_pred), axis=-1)


def with_state():
    return [keras.metrics.AUC(name="auc"), keras.metrics.Precision(0.9, name="pr")]


XY = {"x": [A, B], "y": [P, Q]}
COMPILED = {
    "one loss for all": lambda: {"loss": "mse"},
    "list": lambda: {"loss": ["mse", "mae"]},
    "tuple": lambda: {"loss": ("mse", "mae")},
    "dictionary": lambda: {"loss": {"q": "mae", "p": "mse"}},
    "None in a list": lambda: {"loss": ["mse", None]},
    "None first": lambda: {"loss": [None, "mse"]},
    "None in a dictionary": lambda: {"loss": {"p": None, "q": "mse"}},
    "objects": lambda: {"loss": [keras.losses.Huber(), keras.losses.LogCosh()]},
    "sum": lambda: {"loss": [keras.losses.MeanSquaredError(reduction="sum"), "mse"]},
    "functions": lambda: {"loss": [absolute, keras.losses.mean_squared_error]},
    "crossentropy": lambda: {"loss": "crossentropy"},
    "ce": lambda: {"loss": ["ce", "binary_crossentropy"]},
    "loss_weights: list": lambda: {"loss": ["mse", "mae"], "loss_weights": [0.5, 2]},
    "loss_weights: number": lambda: {"loss": "mse", "loss_weights": 0.25},
    "loss_weights: dictionary": lambda: {
        "loss": {"p": "mse", "q": "mae"},
        "loss_weights": {"p": 0.5, "q": 2.0},
    },
    "loss_weights: NumPy": lambda: {
        "loss": ["mse", "mae"],
        "loss_weights": [np.float32(0.5), np.float32(2)],
    },
    "loss_weights: of None": lambda: {"loss": ["mse", None], "loss_weights": [3.0, 1]},
    "loss_weights: zero": lambda: {"loss": ["mse", "mae"], "loss_weights": [0.0, 1.0]},
    "metrics: list": lambda: {"loss": "mse", "metrics": ["mae", "mse"]},
    "metrics: lists": lambda: {"loss": "mse", "metrics": [["mae", "mse"], ["mae"]]},
    "metrics: dictionary": lambda: {"loss": "mse", "metrics": {"q": "mae"}},
    "metrics: lists by name": lambda: {"loss": "mse", "metrics": {"p": ["mae", "mse"]}},
    "metrics: None": lambda: {"loss": "mse", "metrics": [None, "mae"]},
    "metrics: accuracy": lambda: {"loss": "mse", "metrics": ["accuracy", "acc"]},
    "metrics: with state": lambda: {
        "loss": "mse",
        "metrics": {"q": with_state()},
    },
    "metrics: function": lambda: {"loss": "mse", "metrics": [absolute, None]},
    "metrics: twice": lambda: {"loss": "mse", "metrics": {"p": ["mae", "mae"]}},
    "weighted_metrics: list": lambda: {"loss": "mse", "weighted_metrics": ["acc"] * 2},
    "weighted_metrics: dictionary": lambda: {
        "loss": "mse",
        "weighted_metrics": {"q": ["mae", keras.metrics.AUC(name="auc")]},
    },
    "weighted_metrics: beside": lambda: {
        "loss": "mse",
        "metrics": ["mae", None],
        "weighted_metrics": ["mae", "mae"],
    },
}  # fmt: skip


@rows(COMPILED)
def test_compiled(row, two):
    data = {**XY, "sample_weight": [OF_STEPS, OF_STEPS[::-1]]}
    compare(two, lambda: (row(), {**data, "epochs": 2}, [("evaluate", data)]))


# -- what is given as data

BOTH = {"loss": ["mse", "mae"], "weighted_metrics": ["mae", "mse"]}
FIRST = {"loss": ["mse", None]}
WEIGHTS = [OF_STEPS, OF_ITEMS[:, None]]
DATA = {
    "lists": (BOTH, XY),
    "tuples": (BOTH, {"x": (A, B), "y": (P, Q)}),
    "dictionaries": (BOTH, {"x": {"b": B, "a": A}, "y": {"q": Q, "p": P}}),
    "tensors": (BOTH, {"x": [tf.constant(A), B], "y": [P, tf.constant(Q)]}),
    "types": (BOTH, {"x": [A.astype(float), B], "y": [P.astype(int), Q > 0]}),
    "a target for None": (FIRST, XY),
    "no target for None": (FIRST, {"x": [A, B], "y": [P, None]}),
    "weights: of items": (BOTH, {**XY, "sample_weight": OF_ITEMS[:, None]}),
    "weights: list": (BOTH, {**XY, "sample_weight": WEIGHTS}),
    "split": (BOTH, {**XY, "validation_split": 0.5}),
    "split and weights": (
        BOTH, {**XY, "sample_weight": WEIGHTS, "validation_split": 0.5}
    ),
    "validation": (BOTH, {**XY, "validation_data": ([A, B], [P, Q])}),
    "validation: dictionaries": (
        BOTH, {**XY, "validation_data": ({"a": A, "b": B}, {"p": P, "q": Q})}
    ),
    "validation and weights": (
        BOTH, {**XY, "validation_data": ([A, B], [P, Q], WEIGHTS)}
    ),
    "validation and split": (
        BOTH,
        {**XY, "validation_split": 0.5, "validation_data": ([A, B], [P, Q])},
    ),
    "initial_epoch": (BOTH, {**XY, "epochs": 3, "initial_epoch": 1}),
}  # fmt: skip
OF_FIT = ("validation_split", "validation_data", "initial_epoch", "epochs")


@rows(DATA)
def test_data(row, two):
    compiled, data = row
    measured = {key: value for key, value in data.items() if key not in OF_FIT}
    others = [("evaluate", measured), ("predict", {"x": data["x"]})]
    compare(two, lambda: (compiled, {"epochs": 2, **data}, others))


# -- one output

ONE = {
    "array": ({"loss": "mse"}, {"y": P}),
    "list": ({"loss": ["mse"]}, {"y": [P]}),
    "metrics": ({"loss": "mse", "metrics": ["mae", "mse", "accuracy"]}, {"y": P}),
    "metrics in lists": ({"loss": "mse", "metrics": [["mae", "mse"]]}, {"y": P}),
    "weighted_metrics": (
        {"loss": "mse", "metrics": ["mae"], "weighted_metrics": ["mae", "acc"]},
        {"y": P, "sample_weight": OF_STEPS},
    ),
    "labels": (
        {"loss": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
         "metrics": ["accuracy"]},
        {"y": LABELS},
    ),
    "crossentropy of labels": ({"loss": "crossentropy"}, {"y": LABELS}),
    "one weight": ({"loss": "mse", "loss_weights": 0.5}, {"y": P}),
    "weights in a list": ({"loss": "mse", "loss_weights": [0.5]}, {"y": P}),
}  # fmt: skip


@rows(ONE)
def test_one_output(row, one):
    compiled, data = row
    data = {"x": [A, B], **data}
    compare(one, lambda: (compiled, {**data, "epochs": 2}, [("evaluate", data)]))


def test_class_weight(one):
    """Of one step: Keras weighs items, not their steps."""
    data = {"x": [A[:, :1], B[:, :1]], "y": LABELS[:, 0]}
    weights = {0: 0.5, 2: 3.0}
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    of_items = keras.losses.sparse_categorical_crossentropy
    compiled = {"loss": loss, "weighted_metrics": ["accuracy"]}
    one.sim.reset()
    one.model.set_weights(one.start)
    expected = one._in_keras(
        {"loss": lambda t, y: of_items(t, y[:, 0], from_logits=True)},
        {**data, "class_weight": weights},
        [],
    )
    data["y"] = LABELS[:, :1]
    found = one._in_nengo(compiled, {**data, "class_weight": weights}, [])
    one.sim.reset()
    stream = dataset(tuple(data["x"]), data["y"])
    streamed = one._in_nengo(compiled, {"x": stream, "class_weight": weights}, [])
    for name in ("fit: loss", "weights 0"):
        np.testing.assert_allclose(found[name], expected[name], rtol=2e-5)
        np.testing.assert_allclose(streamed[name], expected[name], rtol=2e-5)


# -- data sets and generators


def elements(*columns):
    """Cut into minibatches."""
    for start in range(0, N_ITEMS, SIZE):
        items = slice(start, start + SIZE)
        yield tf.nest.map_structure(operator.itemgetter(items), columns)


def dataset(*columns, size=SIZE):
    return tf.data.Dataset.from_tensor_slices(columns).batch(size)


X_, Y_, W_ = {"a": A, "b": B}, {"p": P, "q": Q}, tuple(WEIGHTS)
STREAMS = {
    "data set of dictionaries": lambda: dataset(X_, Y_),
    "data set of tuples": lambda: dataset((A, B), (P, Q)),
    "data set with weights": lambda: dataset(X_, Y_, W_),
    "data set with weights in tuples": lambda: dataset((A, B), (P, Q), (OF_STEPS,) * 2),
    "generator": lambda: elements(X_, Y_),
    "generator of tuples": lambda: elements((A, B), (P, Q)),
    "generator with weights": lambda: elements((A, B), (P, Q), tuple(WEIGHTS)),
}


@pytest.mark.filterwarnings("ignore:Your input ran out of data")  # of a generator
@rows(STREAMS)
def test_streams(row, two):
    def make():
        others = [("evaluate", {"x": row()}), ("predict", {"x": row()})]
        return BOTH, {"x": row()}, others

    compare(two, make)


def test_validation_with_a_data_set(two):
    def make():
        validation = {"validation_data": dataset(X_, Y_, W_)}
        return BOTH, {"x": dataset(X_, Y_), "epochs": 2, **validation}, []

    compare(two, make)


# -- numbers of minibatches

LONG = {
    "x": [np.concatenate([v, v[::-1], v * 0.5]) for v in (A, B)],
    "y": [np.concatenate([v, v[::-1], v]) for v in (P, Q)],
}  # 24 items: six minibatches
STEPS = {
    "of all": {"steps_per_epoch": 6, "epochs": 2},
    "of a part": {"steps_per_epoch": 2, "epochs": 4},
    "that end with the data": {"steps_per_epoch": 3, "epochs": 3},
    "validation": {"validation_data": (LONG["x"], LONG["y"]), "validation_steps": 2},
    "validation of lists of epochs": {
        "validation_data": (LONG["x"], LONG["y"]),
        "validation_freq": [1, 3],
        "epochs": 3,
    },
}


@rows(STEPS)
def test_steps(row, two):
    others = [
        ("evaluate", {**LONG, "steps": 2}),
        ("predict", {"x": LONG["x"], "steps": 3}),
    ]
    compare(two, lambda: (BOTH, {**LONG, **row}, others))


@pytest.mark.parametrize("in_memory", [True, False])
def test_data_that_ends_within_an_epoch(in_memory, two):
    """As in Keras, with a warning: the epoch is shorter, the next one begins anew."""

    def make():
        source = (
            LONG if in_memory else {"x": dataset(tuple(LONG["x"]), tuple(LONG["y"]))}
        )
        steps = {"steps_per_epoch": 4, "epochs": 3}
        return BOTH, {**source, **steps}, [("evaluate", {**source, "steps": 9})]

    two.sim.reset()
    two.model.set_weights(two.start)
    with pytest.warns(UserWarning, match="ran out of data"):
        expected = two._in_keras(*make())
    with pytest.warns(UserWarning, match="Data came to its end after") as caught:
        found = two._in_nengo(*make())
    assert {warning.filename for warning in caught} == {__file__}
    assert len(caught) == 2
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=2e-5, err_msg=name)


# -- the last minibatch

N_REST = 6  # a minibatch, and half of one
REST = {
    "losses": lambda: BOTH,
    "sum": lambda: {"loss": [keras.losses.MeanSquaredError(reduction="sum"), "mae"]},
    "metrics with state": lambda: {
        "loss": "mse",
        "metrics": {
            "q": [
                keras.metrics.AUC(name="auc"),
                keras.metrics.Precision(0.9, name="pr"),
            ]
        },
        "weighted_metrics": {"q": [keras.metrics.Recall(0.9, name="re")], "p": ["acc"]},
    },
    "functions": lambda: {
        "loss": [lambda t, y: tf.reduce_max(t - y, axis=-1), absolute]
    },
}


@pytest.mark.parametrize("weighted", [False, True])
@rows(REST)
def test_the_last_minibatch(row, weighted, two):
    """All items are measured, however few the last minibatch has."""
    x, y = [A[:N_REST], B[:N_REST]], [P[:N_REST], Q[:N_REST]]
    given = {"x": x, "y": y}
    weights = (OF_STEPS[:N_REST],) * 2
    if weighted:
        given["sample_weight"] = list(weights)
    validation = (x, y, list(weights)) if weighted else (x, y)

    def make():
        stream = dataset(tuple(x), tuple(y), *([weights] if weighted else []))
        others = [
            ("evaluate", given),
            ("evaluate", {"x": stream}),
            ("predict", {"x": x}),
            ("predict", {"x": stream}),
            ("evaluate", {key: [v[:1] for v in part] for key, part in given.items()}),
            ("predict", {"x": [v[:1] for v in x]}),
        ]
        return row(), {**XY, "validation_data": validation}, others

    compare(two, make)
