"""What programs of NengoDL 1, 2 and 3 ask of a simulator: there, or explained."""

import inspect
import warnings

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import sgd, simulator, total
from nengo.exceptions import ReadonlyError, SimulatorClosed, ValidationError
from networks import labelled

from nengo_dl_ops import Layer, TensorNode
from nengo_dl_sim import Simulator, configure_settings
from nengo_dl_sim.legacy import MODEL_REPLACEMENTS, REPLACEMENTS


def network():
    with nengo.Network(seed=0) as net:
        configure_settings(trainable=None)
        net.a = nengo.Node([0.5], label="a")
        ens = nengo.Ensemble(5, 1, neuron_type=nengo.RectifiedLinear())
        net.config[ens].trainable = False
        net.dense = Layer(keras.layers.Dense(3))(net.a)
        conn = nengo.Connection(net.a, ens, transform=[[1.0]], synapse=None)
        net.conn = conn
        net.p = nengo.Probe(ens, label="p")
        net.q = nengo.Probe(net.dense, label="q", sample_every=0.002)
    return net


@pytest.fixture(scope="module")
def sim():
    with simulator(network()) as sim:
        yield sim


def test_keras_model_counts_and_lists_parameters(sim):
    model, lines = sim.keras_model, []
    weights = model.get_weights()
    assert model.count_params() == sum(array.size for array in weights)
    trained = [weight.shape for weight in model.trainable_weights]
    assert sorted(trained) == [(1, 1), (1, 3), (3,)]  # the connection, and Dense
    assert len(model.weights) == len(weights)
    assert len(model.non_trainable_weights) == len(weights) - 3
    model.summary(print_fn=lines.append)
    assert len(lines) == len(weights) + 4
    assert lines[-3:] == [
        f"Total params: {model.count_params():,}",
        "Trainable params: 7",
        f"Non-trainable params: {model.count_params() - 7:,}",
    ]


def test_keras_model_prints(sim, capsys):
    sim.keras_model.summary(line_length=20)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Parameter")
    assert max(map(len, lines)) == 20


def test_keras_model_sets_weights():
    with simulator(network()) as sim:
        model = sim.keras_model
        weights = [array + 1 for array in model.get_weights()]
        built = model.get_weights()
        names = [weight.name for weight in model.trainable_weights]
        new = [
            x if weight.name in names else old
            for x, old, weight in zip(weights, built, model.weights, strict=True)
        ]
        model.set_weights(new)
        for found, expected in zip(model.get_weights(), new, strict=True):
            np.testing.assert_array_equal(found, expected)
        with pytest.raises(ValidationError, match="weights: expected arrays of shapes"):
            model.set_weights(new[1:])


def test_keras_model_of_a_closed_simulator():
    with simulator(network()) as sim:
        pass
    with pytest.raises(SimulatorClosed, match="keras_model"):
        _ = sim.keras_model


@pytest.mark.parametrize("name", MODEL_REPLACEMENTS)
def test_keras_model_says_what_it_does_not_do(name, sim):
    assert not hasattr(sim.keras_model, name)
    with pytest.raises(AttributeError, match=f"CallbackModel.{name}: .*instead, "):
        getattr(sim.keras_model, name)


@pytest.mark.parametrize("name", REPLACEMENTS)
def test_simulator_says_what_takes_the_place_of_an_attribute(name, sim):
    assert not hasattr(sim, name)
    with pytest.raises(AttributeError, match=f"Simulator.{name}: .*instead, "):
        getattr(sim, name)


@pytest.mark.parametrize("minibatch_size", [None, 2])
def test_model_params_hold_samples_as_in_nengo(minibatch_size):
    net = network()
    with simulator(net, minibatch_size=minibatch_size) as sim:
        assert len(sim.model.params[net.p]) == 0
        sim.run_steps(5)
        for probe, n_samples in ((net.p, 5), (net.q, 2)):
            samples, data = sim.model.params[probe], sim.data[probe]
            assert len(samples) == n_samples
            time_first = data if minibatch_size is None else data.swapaxes(0, 1)
            np.testing.assert_array_equal(samples, time_first)
            np.testing.assert_array_equal(samples[-1], time_first[-1])
            np.testing.assert_array_equal(list(samples), time_first)
            assert isinstance(samples[:2], list)
        with pytest.raises(ReadonlyError, match="single samples"):
            del sim.model.params[net.p][0]
        del sim.model.params[net.p][:]
        assert sim.data[net.p].size == 0
        sim.clear_probes()
        assert len(sim.model.params[net.q]) == 0


def test_model_can_be_given_to_nengo_afterwards():
    net = network()
    net.nodes.remove(net.dense)
    net.connections[:] = [net.conn]
    net.probes[:] = [net.p]
    with simulator(net) as sim:
        sim.run_steps(3)
    with nengo.Simulator(None, model=sim.model, progress_bar=False) as core:
        core.run_steps(3)
    np.testing.assert_allclose(core.data[net.p], sim.data[net.p], atol=1e-5)


def arrays(net):
    x = np.full((2, 3, 1), 0.5)
    return {net.a: x}, {net.p: x}, keras.optimizers.SGD(0.1)


ONE_DICTIONARY = "expected inputs and targets in one dictionary.*NengoDL 1"


CALLS = {
    "train 1.x": (
        lambda sim, x, y, opt: sim.train(x, y, opt, n_epochs=2),
        "train: " + ONE_DICTIONARY,
    ),
    "train 1.x, keywords": (
        lambda sim, x, y, opt: sim.train(inputs=x, targets=y, optimizer=opt),
        "train: " + ONE_DICTIONARY,
    ),
    "train 1.x, an optimizer first": (
        lambda sim, x, y, opt: sim.train(x, y, optimizer=opt),
        "train: " + ONE_DICTIONARY,
    ),
    "loss 1.x": (
        lambda sim, x, y, opt: sim.loss(x, y, "mse"),
        "loss: " + ONE_DICTIONARY,
    ),
    "loss 1.x, objective": (
        lambda sim, x, y, opt: sim.loss(x, y, objective="mse"),
        "loss: " + ONE_DICTIONARY,
    ),
    "epochs": (
        lambda sim, x, y, opt: sim.train({**x, **y}, opt, epochs=3),
        r"train: .*'epochs': expected \(data, optimizer, n_epochs.*epochs: write n_ep",
    ),
    "batch_size": (
        lambda sim, x, y, opt: sim.train({**x, **y}, opt, batch_size=3),
        r"batch_size: it belongs into nengo_dl.Simulator\(network, minibatch_size",
    ),
    "x and y": (
        lambda sim, x, y, opt: sim.train(x=x, y=y, optimizer=opt),
        "train: .*x: put it into the first argument.*y: put it into",
    ),
    "no optimizer": (
        lambda sim, x, y, opt: sim.train({**x, **y}),
        r"train: missing a required argument: 'optimizer': expected \(data, opt",
    ),
    "unknown": (
        lambda sim, x, y, opt: sim.loss({**x, **y}, foo=1),
        r"loss: .*'foo': expected \(data, objective, combine",
    ),
    "run_batch": (
        lambda sim, x, y, opt: sim.run_batch(x, {}, epochs=1),
        "run_batch: .*epochs: write n_epochs",
    ),
    "run_steps": (
        lambda sim, x, y, opt: sim.run_steps(3, inputs=x),
        "run_steps: .*inputs: write data={node: values}",
    ),
    "save_params": (
        lambda sim, x, y, opt: sim.save_params("w", include_non_trainable=True),
        "save_params: .*include_non_trainable: leave it out",
    ),
    "load_params": (
        lambda sim, x, y, opt: sim.load_params("w", include_non_trainable=True),
        "load_params: .*include_non_trainable: leave it out",
    ),
    "Simulator(net, 32)": (
        lambda sim, x, y, opt: Simulator(network(), 32),
        "expected dt .*seconds.* got 32: write minibatch_size=32 .*dt=32",
    ),
    "Simulator(step_blocks)": (
        lambda sim, x, y, opt: Simulator(network(), step_blocks=3),
        "'step_blocks': expected .*step_blocks: write unroll_simulation",
    ),
    "Simulator(batch_size)": (
        lambda sim, x, y, opt: Simulator(network(), batch_size=3),
        "batch_size: write minibatch_size",
    ),
    "Simulator()": (
        lambda sim, x, y, opt: Simulator(),
        "missing a required argument: 'network'",
    ),
}


@pytest.mark.parametrize("row", CALLS)
def test_calls_that_do_not_fit_are_explained(row, sim):
    call, text = CALLS[row]
    net = network()
    with pytest.raises(ValidationError, match=text) as caught:
        call(sim, *arrays(net))
    assert isinstance(caught.value, TypeError)


def test_signatures_stay_as_they_are():
    names = list(inspect.signature(Simulator.train).parameters)
    assert names[:4] == ["self", "data", "optimizer", "n_epochs"]
    assert list(inspect.signature(Simulator).parameters)[:2] == ["network", "dt"]


class Ramp(keras.layers.Layer):
    """A layer of NengoDL 3, to which the time was passed."""

    def build(self, shapes):
        self.factor = self.add_weight(shape=(shapes[1][-1],), initializer="ones")

    def call(self, inputs):
        t, x = inputs
        return self.factor * x + 1000 * t


@pytest.mark.parametrize("minibatch_size", [None, 2])
@pytest.mark.parametrize("pass_time", [None, True, nengo.Default])
def test_layers_that_take_the_time(pass_time, minibatch_size):
    with nengo.Network() as net:
        source = nengo.Node([0.5, 0.25], label="source")
        layer = TensorNode(Ramp(), shape_in=(2,), pass_time=pass_time)
        nengo.Connection(source, layer, synapse=None)
        probe = nengo.Probe(layer)
    assert layer.pass_time
    with simulator(net, minibatch_size=minibatch_size) as sim:
        sim.run_steps(3)
        expected = np.arange(1, 4)[:, None] + [0.5, 0.25]
        data = sim.data[probe] if minibatch_size is None else sim.data[probe][1]
        np.testing.assert_allclose(data, expected, atol=1e-5)
        x, y = np.ones((2, 1, 2)), np.zeros((2, 1, 2))
        sim.compile(keras.optimizers.SGD(0.1), loss={probe: "mse"})
        losses = sim.fit({source: x}, {probe: y}, epochs=2, verbose=0).history["loss"]
    assert losses[1] < losses[0]


def test_layer_that_takes_the_time_behind_an_object():
    with nengo.Network() as net:
        source = nengo.Node([0.5, 0.25])
        probe = nengo.Probe(Layer(Ramp())(source))
    with simulator(net) as sim:
        sim.run_steps(2)
    np.testing.assert_allclose(sim.data[probe], [[1.5, 1.25], [2.5, 2.25]], atol=1e-5)


def test_usual_layers_do_not_take_the_time():
    with nengo.Network():
        assert not TensorNode(keras.layers.Dense(3), shape_in=(2,)).pass_time
        with pytest.raises(ValidationError, match=r"in a list \[t, x\]"):
            TensorNode(keras.layers.Dense(3), shape_in=(2,), pass_time=True)
        with pytest.raises(ValidationError, match="input .*Keras layer 'dense.*none"):
            TensorNode(keras.layers.Dense(3, name="dense_x"))


def test_functions_of_time_stay_as_they_are():
    with nengo.Network():
        assert TensorNode(lambda t: tf.reshape(t, (1, 1))).pass_time


@pytest.fixture
def net():
    return labelled()


@pytest.mark.parametrize(
    "use",
    [
        lambda sim, net, **kw: sim.run_steps(2, **kw),
        lambda sim, net, **kw: sim.run(0.002, **kw),
        lambda sim, net, **kw: sim.step(**kw),
        lambda sim, net, **kw: sim.train(2, sgd(), objective={net.p: total}, **kw),
        lambda sim, net, **kw: sim.loss(2, {net.p: total}, **kw),
        lambda sim, net, **kw: sim.run_batch(2, {net.p: None}, **kw),
    ],
    ids=["run_steps", "run", "step", "train", "loss", "run_batch"],
)
@pytest.mark.row("S068")
def test_nothing_is_fed(net, use):
    with simulator(net) as sim:
        for empty in (None, {}):
            use(sim, net, extra_feeds=empty)
        with pytest.raises(ValidationError, match=r"extra_feeds.*tf\.Variable"):
            use(sim, net, extra_feeds={"x:0": 1.0})


@pytest.mark.row("S024")
def test_nothing_is_fetched(net):
    with simulator(net) as sim:
        sim.run_batch(2, {net.p: None}, extra_fetches=[])
        with pytest.raises(ValidationError, match="extra_fetches.*probe"):
            sim.run_batch(2, {net.p: None}, extra_fetches=tf.constant(0.0))


@pytest.mark.row("S068")
def test_a_variable_takes_the_place_of_a_feed():
    factor = tf.Variable(2.0)
    with nengo.Network() as net:
        a, b = nengo.Node([0.5]), nengo.Node(size_in=1)
        nengo.Connection(a, b, transform=1.0)
        p = nengo.Probe(b)
    with simulator(net) as sim:
        objective = {p: lambda y: factor * tf.reduce_sum(0 * y + 1)}
        assert sim.loss(3, objective) == 6
        factor.assign(5.0)
        assert sim.loss(3, objective) == 15


@pytest.mark.parametrize(
    ("name", "replacement"),
    [
        ("rng", r"np.random.RandomState\(sim.seed\)"),
        ("sess", "no sessions; instead, .*sim.run_batch"),
        ("summary", r"sim.train\(summaries=...\)"),
        ("tensor_graph", "sim.signals.*sim.step_order"),
    ],
)
@pytest.mark.row("S073")
def test_attributes_that_are_gone(net, name, replacement):
    with simulator(net) as sim:
        for kind in (AttributeError, ValidationError):
            with pytest.raises(kind, match=f"Simulator.{name}: .*{replacement}"):
                getattr(sim, name)
        assert not hasattr(sim, name)


def test_unknown_attributes_and_errors_of_properties(net):
    with simulator(net) as sim:
        with pytest.raises(AttributeError, match="no attribute 'n_stepps'") as caught:
            _ = sim.n_stepps
        assert caught.value.name == "n_stepps"
        model = sim.model
        del sim.model
        with pytest.raises(AttributeError, match="no attribute 'model'"):
            _ = sim.dt
        sim.model = model


@pytest.mark.parametrize("dtype", ["float64", tf.float64])
@pytest.mark.row("S051")
def test_dtype_of_the_simulator(net, dtype):
    with pytest.warns(DeprecationWarning, match="configure_settings.dtype="):
        sim = Simulator(net, dtype=dtype, progress_bar=False)
    with sim:
        sim.run_steps(2)
        assert sim.data[net.p].dtype == np.float64
    with simulator(net) as sim:  # the network is as it was
        sim.run_steps(2)
        assert sim.data[net.p].dtype == np.float32
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValidationError, match="dtype.*got 'int32'"):
            Simulator(net, dtype="int32", progress_bar=False)
