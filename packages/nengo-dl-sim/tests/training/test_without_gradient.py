"""Training where there is no gradient, or only in some blocks; and masked data."""

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from nengo.exceptions import ValidationError

from nengo_dl_ops import TensorNode
from nengo_dl_sim import Simulator

X, Y = np.ones((2, 7, 1)), np.zeros((2, 7, 1))


def chain(synapse=None, between=None):
    """Make a connection that is trained, and what comes between it and the probe."""
    with nengo.Network(seed=0) as net:
        net.x = nengo.Node([1.0])
        middle = nengo.Node(size_in=1)
        net.conn = nengo.Connection(net.x, middle, transform=2.0, synapse=None)
        end = middle if between is None else between()
        if between is not None:
            nengo.Connection(middle, end, synapse=None)
        net.p = nengo.Probe(end, synapse=synapse)
    return net


def python_node():
    return nengo.Node(lambda t, x: 2 * x, size_in=1)


def stopped():
    return TensorNode(lambda t, x: tf.stop_gradient(x), size_in=1, size_out=1)


def constant(y):
    return tf.constant(1.0, y.dtype)


#: Network, number of steps, objective.
NO_GRADIENT = {
    "Python": (lambda: chain(between=python_node), 3, None),
    "one step, Python": (lambda: chain(between=python_node), 1, None),
    "stopped": (lambda: chain(between=stopped), 1, None),
    "delay": (lambda: chain(nengo.Alpha(0.1)), 1, None),
    "constant": (chain, 3, constant),
    "rounded": (
        chain,
        1,
        lambda y: tf.reduce_sum(tf.cast(tf.cast(y, "int32"), "float32")),
    ),
}


def with_target(objective):
    return "mse" if objective is None else lambda y_true, y_pred: objective(y_pred)


@pytest.mark.filterwarnings("ignore:.*for one timestep")
@pytest.mark.parametrize(
    "name, optimizer",
    [(name, "momentum") for name in NO_GRADIENT]
    + [("one step, Python", kind) for kind in ("TF1", "loss scale")],
)
def test_training_without_any_gradient_warns(name, optimizer):
    make, n_steps, objective = NO_GRADIENT[name]
    net = make()
    optimizer = {
        "momentum": lambda: keras.optimizers.SGD(0.1, momentum=0.9, use_ema=True),
        "TF1": lambda: tf.compat.v1.train.GradientDescentOptimizer(0.1),
        "loss scale": lambda: keras.optimizers.LossScaleOptimizer(
            keras.optimizers.Adam(0.1)
        ),
    }[optimizer]()
    data = {net.x: X[:, :n_steps], net.p: Y[:, :n_steps]}
    options = {} if objective is None else {"objective": {net.p: objective}}
    if objective is not None:
        del data[net.p]
    with Simulator(net, progress_bar=False, jit_compile=False) as sim:
        with pytest.warns(UserWarning, match="No gradient reaches.*changes nothing"):
            sim.train(data, optimizer, n_epochs=2, **options)
        assert sim.data[net.conn].weights == 2.0
        if isinstance(optimizer, keras.optimizers.SGD):
            sim.compile(optimizer, loss={net.p: with_target(objective)})
            x, y = {net.x: X[:, :n_steps]}, {net.p: Y[:, :n_steps]}
            with pytest.warns(UserWarning, match="No gradient reaches"):
                history = sim.fit(x, y, verbose=0).history
            assert np.isfinite(history["loss"][0])
            assert sim.data[net.conn].weights == 2.0


@pytest.mark.parametrize("n_steps, truncation", [(7, 3), (7, 2), (5, 4)])
@pytest.mark.parametrize("jit_compile", [False, "auto"])
def test_last_block_that_is_too_short(n_steps, truncation, jit_compile):
    """One step of an Alpha synapse has no gradient; the blocks before have."""
    net = chain(nengo.Alpha(0.002))
    data = {net.x: X[:, :n_steps], net.p: Y[:, :n_steps]}
    weights = []
    for steps in (n_steps, n_steps - n_steps % truncation):
        part = {obj: array[:, :steps] for obj, array in data.items()}
        with Simulator(net, progress_bar=False, jit_compile=jit_compile) as sim:

            def train(sim=sim, part=part):
                sgd = keras.optimizers.SGD(0.1, momentum=0.5)
                sim.train(part, sgd, truncation=truncation)

            if steps < n_steps:
                train()
            else:
                with pytest.warns(UserWarning) as caught:
                    train()
                (message,) = [
                    m for m in (str(w.message) for w in caught) if "too short" in m
                ]
                assert "1 of them" in message
            weights.append(float(sim.data[net.conn].weights))
    assert weights[1] < 2.0
    if truncation == 4:  # nothing came after the last block: one minibatch a time
        assert weights[0] < 2.0


def test_block_that_is_long_enough():
    net = chain(nengo.Lowpass(0.002))
    with Simulator(net, progress_bar=False, jit_compile=False) as sim:
        with pytest.warns(UserWarning) as caught:
            data = {net.x: X, net.p: Y}
            sim.train(data, keras.optimizers.SGD(0.1), truncation=5)
        assert ["last block has 2 steps" in str(w.message) for w in caught] == [True]


def masked(shape=(2, 7, 1), number=3):
    mask = np.arange(np.prod(shape)).reshape(shape) < number
    return np.ma.array(np.ones(shape), mask=mask)


#: What is done with a masked array.
MASKED = {
    "target of train": lambda sim, net: sim.train({net.p: masked()}, "sgd"),
    "loss": lambda sim, net: sim.loss({net.x: masked(), net.p: Y}),
    "fit, input": lambda sim, net: sim.fit({net.x: masked()}, {net.p: Y}),
    "fit, target": lambda sim, net: sim.fit({net.x: X}, {net.p: masked()}),
    "fit, one array": lambda sim, net: sim.fit(X, masked()),
    "list of arrays": lambda sim, net: sim.fit({net.x: list(masked())}, {net.p: Y}),
    "validation": lambda sim, net: sim.fit(X, Y, validation_data=(X, masked())),
    "part for validation": lambda sim, net: sim.fit(X, masked(), validation_split=0.5),
    "sample weights": lambda sim, net: sim.fit(
        X, Y, sample_weight=masked((2,), number=1)
    ),
    "evaluate": lambda sim, net: sim.evaluate(X, masked()),
    "predict": lambda sim, net: sim.predict({net.x: masked()}),
    "generator": lambda sim, net: sim.fit(iter([(X[:1], masked()[:1])])),
    "run": lambda sim, net: sim.run_steps(7, {net.x: masked()[:1]}),
}


@pytest.fixture(scope="module")
def built():
    net = chain()
    with Simulator(net, progress_bar=False, jit_compile=False, minibatch_size=1) as sim:
        sim.compile("sgd", loss={net.p: "mse"})
        yield sim, net


@pytest.mark.parametrize("name", MASKED)
def test_masks_are_not_lost(name, built):
    sim, net = built
    message = "expected an array without a mask, got [123] masked elements.*filled"
    if name == "target of train":
        with pytest.raises(ValidationError, match=message):
            sim.train({net.x: X, net.p: masked()}, keras.optimizers.SGD(0.1))
        return
    with pytest.raises(ValidationError, match=message):
        MASKED[name](sim, net)


def test_arrays_that_could_have_a_mask_are_taken(built):
    sim, net = built
    np.testing.assert_allclose(sim.predict({net.x: np.ma.array(X)})[net.p], 2.0)
