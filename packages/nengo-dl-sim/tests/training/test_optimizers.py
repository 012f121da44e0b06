"""Optimizers do what they do to a Keras model of the same shape."""

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import engine_of
from nengo.exceptions import SimulationError, ValidationError

from nengo_dl_sim import Simulator
from nengo_dl_sim.settings.config import configure_settings

RNG = np.random.RandomState(0)
SIZES = (3, 4, 2)
WEIGHTS = [RNG.normal(size=(n, m)) for m, n in zip(SIZES, SIZES[1:], strict=False)]
X = RNG.normal(size=(16, 1, SIZES[0]))
Y = RNG.normal(size=(16, 1, SIZES[-1]))
opt = keras.optimizers


def layers():
    """Make two dense layers without biases."""
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64")
        net.x = nengo.Node(np.zeros(SIZES[0]))
        hidden, y = (nengo.Node(size_in=n) for n in SIZES[1:])
        net.conns = [
            nengo.Connection(a, b, transform=w, synapse=None)
            for a, b, w in zip((net.x, hidden), (hidden, y), WEIGHTS, strict=True)
        ]
        net.p = nengo.Probe(y)
    return net


@pytest.fixture(scope="module")
def sim_and_net():
    net = layers()
    with Simulator(net, minibatch_size=4, jit_compile=False, progress_bar=False) as sim:
        yield sim, net


@pytest.fixture(scope="module")
def model():
    keras_layers = [
        keras.layers.EinsumDense("btj,ij->bti", (1, n), dtype="float64")
        for n in SIZES[1:]
    ]
    return keras.Sequential(
        [keras.Input((1, SIZES[0]), dtype="float64"), *keras_layers]
    )


def schedule():
    return opt.schedules.ExponentialDecay(0.1, decay_steps=2, decay_rate=0.5)


def excluded(var_names):
    optimizer = opt.AdamW(0.05, weight_decay=0.3)
    optimizer.exclude_from_weight_decay(var_names=var_names)
    return optimizer


#: Makes an optimizer. All of their public options are in some row.
OPTIMIZERS = {
    "SGD": lambda: opt.SGD(0.1),
    "momentum": lambda: opt.SGD(0.1, momentum=0.9),
    "nesterov": lambda: opt.SGD(0.1, momentum=0.9, nesterov=True),
    "Adam": lambda: opt.Adam(0.05),
    "amsgrad": lambda: opt.Adam(0.05, amsgrad=True),
    "AdamW": lambda: opt.AdamW(0.05, weight_decay=0.1),
    "Nadam": lambda: opt.Nadam(0.05),
    "RMSprop": lambda: opt.RMSprop(0.01, momentum=0.5, centered=True),
    "Adagrad": lambda: opt.Adagrad(0.1),
    "Adadelta": lambda: opt.Adadelta(1.0),
    "Adamax": lambda: opt.Adamax(0.05),
    "Ftrl": lambda: opt.Ftrl(0.1, l1_regularization_strength=0.01),
    "Lion": lambda: opt.Lion(0.01),
    "Lamb": lambda: opt.Lamb(0.05),
    "Adafactor": lambda: opt.Adafactor(0.1),
    "Muon": lambda: opt.Muon(0.05),
    "loss scale": lambda: opt.LossScaleOptimizer(opt.SGD(0.1)),
    "loss scale grows": lambda: opt.LossScaleOptimizer(
        opt.Adam(0.05), initial_scale=4.0, dynamic_growth_steps=2
    ),
    "loss scale, averages": lambda: opt.LossScaleOptimizer(
        opt.SGD(0.1, use_ema=True, ema_momentum=0.5)
    ),
    "loss scale factor": lambda: opt.SGD(0.1, loss_scale_factor=1000.0),
    "averages": lambda: opt.SGD(0.1, use_ema=True, ema_momentum=0.9),
    "averages now and then": lambda: opt.Adam(
        0.05, use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=3
    ),
    "weight decay": lambda: opt.SGD(0.1, weight_decay=0.3),
    "no decay of some": lambda: excluded(["kernel", "weights"]),
    "clipnorm": lambda: opt.SGD(0.1, clipnorm=0.1),
    "global clipnorm": lambda: opt.SGD(0.1, global_clipnorm=0.1),
    "clipvalue": lambda: opt.SGD(0.1, clipvalue=0.05),
    "accumulation": lambda: opt.Adam(0.05, gradient_accumulation_steps=3),
    "schedule": lambda: opt.SGD(schedule()),
    "schedule, averages": lambda: opt.Adam(schedule(), use_ema=True, ema_momentum=0.5),
    "callable rate": lambda: opt.SGD(lambda: 0.07),
    "several": lambda: opt.MultiOptimizer(
        lambda v: opt.Adam(0.05) if v.shape[1] == SIZES[0] else opt.SGD(0.1)
    ),
    "schedule-free": lambda: opt.ScheduleFreeAdamW(0.05, warmup_steps=2),
}


#: What older versions of Keras do not have.
NEWER = {
    "Muon": "Muon",
    "several": "MultiOptimizer",
    "one of several": "MultiOptimizer",
    "schedule-free": "ScheduleFreeAdamW",
}


def needs(name):
    if name in NEWER and not hasattr(opt, NEWER[name]):
        pytest.skip(f"keras.optimizers has no {NEWER[name]}")


def of_keras(model, optimizer, **kwargs):
    """Fit the Keras model, from the beginning; return its weights."""
    model.set_weights(WEIGHTS)
    model.compile(optimizer, loss="mse", run_eagerly=True)
    model.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0, **kwargs)
    return model.get_weights()


def of_fit(sim, net, optimizer, **kwargs):
    sim.reset()
    sim.compile(optimizer, loss={net.p: "mse"})
    sim.fit({net.x: X}, {net.p: Y}, epochs=2, shuffle=False, verbose=0, **kwargs)
    return [sim.data[conn].weights for conn in net.conns]


def of_train(sim, net, optimizer):
    sim.reset()
    sim.train({net.x: X, net.p: Y}, optimizer, n_epochs=2, shuffle=False)
    return [sim.data[conn].weights for conn in net.conns]


#: Those whose hooks `train` calls, too (what they do to gradients is the same).
IN_TRAIN = ("Adam", "loss scale grows", "loss scale factor", "averages", "several")


#: Those of which each step is Keras's alone, as that of others is.
ALIKE = (
    "nesterov amsgrad Nadam RMSprop Adagrad Adadelta Adamax Ftrl Lion clipvalue".split()
)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow) if name in ALIKE else name
        for name in OPTIMIZERS
    ],
)
def test_fit_as_in_keras(name, sim_and_net, model):
    needs(name)
    sim, net = sim_and_net
    make = OPTIMIZERS[name]
    compare(of_fit(sim, net, make()), of_keras(model, make()))


@pytest.mark.parametrize("name", IN_TRAIN)
def test_train_as_in_keras(name, sim_and_net, model):
    needs(name)
    sim, net = sim_and_net
    make = OPTIMIZERS[name]
    compare(of_train(sim, net, make()), of_keras(model, make()))


def compare(found, expected):
    for mine, theirs, before in zip(found, expected, WEIGHTS, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-6, atol=1e-9)
        assert not np.allclose(mine, before)


#: Optimizers that compute something of whole variables.
OF_WHOLE_VARIABLES = {
    **{name: OPTIMIZERS[name] for name in ("clipnorm", "Lamb", "Adafactor", "Muon")},
    "global clipnorm": OPTIMIZERS["global clipnorm"],
    "scaled": lambda: opt.LossScaleOptimizer(
        opt.SGD(0.1, clipnorm=0.1, use_ema=True, ema_momentum=0.5)
    ),
    "several": lambda: opt.MultiOptimizer(of_its_own),
}


def of_its_own(variable):
    """Choose another optimizer for each of the two matrices, by their first values."""
    first = float(tf.convert_to_tensor(variable)[0, 0])
    return opt.Adam(0.05) if first > 0 else opt.SGD(0.05)


@pytest.fixture(scope="module")
def alike():
    """Two connections of one shape, which share a variable."""
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64")
        net.x = nengo.Node(np.zeros(3))
        weights = [sign + RNG.uniform(-0.5, 0.5, size=(3, 3)) for sign in (1, -1)]
        net.ends = [nengo.Node(size_in=3) for _ in weights]
        net.conns = [
            nengo.Connection(net.x, end, transform=w, synapse=None)
            for w, end in zip(weights, net.ends, strict=True)
        ]
        net.outputs = [nengo.Probe(end) for end in net.ends]
    inputs = keras.Input((1, 3), dtype="float64")
    dense = [keras.layers.EinsumDense("btj,ij->bti", (1, 3)) for _ in weights]
    with Simulator(net, minibatch_size=4, jit_compile=False, progress_bar=False) as sim:
        model = keras.Model(inputs, [layer(inputs) for layer in dense])
        assert len(engine_of(sim).parameters.trainable) == 1
        yield sim, net, model, weights


@pytest.mark.parametrize("name", OF_WHOLE_VARIABLES)
def test_parameters_of_one_variable_are_not_mixed(name, alike):
    needs(name)
    sim, net, model, weights = alike
    make = OF_WHOLE_VARIABLES[name]
    targets = [3 * Y[..., [0, 1, 0]], Y[..., [1, 0, 1]]]
    options = {"epochs": 2, "shuffle": False, "verbose": 0}
    model.set_weights(weights)
    model.compile(make(), loss=["mse", "mse"], run_eagerly=True)
    model.fit(X, targets, batch_size=4, **options)
    sim.reset()
    sim.compile(make(), loss=["mse", "mse"])
    sim.fit(X, targets, **options)
    expected = model.get_weights()
    for conn, theirs, before in zip(net.conns, expected, weights, strict=True):
        mine = sim.data[conn].weights
        np.testing.assert_allclose(mine, theirs, rtol=1e-6, atol=1e-9)
        assert not np.allclose(mine, before)


def test_averages_are_not_exchanged_in_copies(alike):
    sim, net, _, weights = alike
    sim.reset()
    sim.compile(OF_WHOLE_VARIABLES["scaled"](), loss="mse")
    swap = keras.callbacks.SwapEMAWeights()
    targets = {probe: X for probe in net.outputs}
    with pytest.raises(ValidationError, match="callbacks: .*SwapEMAWeights"):
        sim.fit({net.x: X}, targets, callbacks=[swap], verbose=0)
    for conn, before in zip(net.conns, weights, strict=True):
        np.testing.assert_array_equal(sim.data[conn].weights, before)


def test_averages_follow_training_that_a_callback_stops(sim_and_net, model):
    sim, net = sim_and_net

    def arguments():
        stop = keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs: batch == 2 and stop_all()
        )

        def stop_all():
            stop.model.stop_training = True

        return {"callbacks": [stop]}

    make = OPTIMIZERS["averages"]
    expected = of_keras(model, make(), **arguments())
    compare(of_fit(sim, net, make(), **arguments()), expected)


def test_validation_with_averages(sim_and_net, model):
    sim, net = sim_and_net
    keras_history, history = (
        fit(validation_data=data, callbacks=[keras.callbacks.SwapEMAWeights()])
        for fit, data in (
            (lambda **k: of_keras(model, OPTIMIZERS["averages"](), **k), (X, Y)),
            (
                lambda **k: of_fit(sim, net, OPTIMIZERS["averages"](), **k),
                ({net.x: X}, {net.p: Y}),
            ),
        )
    )
    compare(history, keras_history)
    mine, theirs = sim.keras_model.history.history, model.history.history
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(mine[name], theirs[name], rtol=1e-6)


def test_loss_scale_that_is_too_large():
    """Minibatches are passed over until the scale is small enough."""
    x, y = np.full((4, 1, 1), 8.0), np.full((4, 1, 1), 3.0)
    dense = keras.layers.Dense(
        1, use_bias=False, kernel_initializer="ones", dtype="float32"
    )
    model = keras.Sequential([keras.Input((1, 1), dtype="float32"), dense])
    net, conn = one_weight()

    def make():
        return opt.LossScaleOptimizer(opt.SGD(1e-3), initial_scale=2.0**127)

    model.compile(make(), loss="mse", run_eagerly=True)
    model.fit(x, y, epochs=10, verbose=0)
    with Simulator(net, minibatch_size=4, progress_bar=False) as sim:
        optimizer = make()
        sim.train({net.x: x, net.p: y}, optimizer, n_epochs=3)
        assert sim.data[conn].weights == 1.0
        sim.train({net.x: x, net.p: y}, optimizer, n_epochs=7)
        assert sim.data[conn].weights == pytest.approx(
            float(model.get_weights()[0][0, 0]), rel=1e-6
        )
        assert sim.data[conn].weights != 1.0
        scale = float(tf.convert_to_tensor(optimizer.dynamic_scale))
        assert scale == float(tf.convert_to_tensor(model.optimizer.dynamic_scale))


def one_weight(**settings):
    with nengo.Network(seed=0) as net:
        configure_settings(**settings)
        net.x = nengo.Node([1.0], label="x")
        y = nengo.Node(size_in=1)
        conn = nengo.Connection(net.x, y, transform=1.0, synapse=None)
        net.p = nengo.Probe(y, label="p")
    return net, conn


def root(y):
    return tf.sqrt(tf.reduce_sum(y**2))


@tf.custom_gradient
def wrong_slope(y):
    return tf.reduce_sum(y), lambda upstream: upstream * tf.ones_like(y) * np.inf


class BreaksDown(opt.schedules.LearningRateSchedule):
    def __call__(self, step):
        return tf.where(tf.cast(step, tf.int64) < 2, 0.125, np.nan)


ZERO, ONE = np.zeros((1, 1, 1)), np.ones((1, 1, 1))

#: Input, objective, optimizer, and what the message names.
NOT_FINITE = {
    "norm at zero": (ZERO, root, lambda: opt.Adam(0.1), "Gradient of connections/0/"),
    "infinite slope": (ONE, wrong_slope, lambda: opt.SGD(0.1), "weights.*got inf"),
    "slope, TF1": (
        ONE,
        wrong_slope,
        lambda: tf.compat.v1.train.MomentumOptimizer(0.1, 0.9),
        "Gradient of connections/0/weights",
    ),
    "slope, small loss scale": (
        ONE,
        wrong_slope,
        lambda: opt.LossScaleOptimizer(opt.SGD(0.1), initial_scale=1.0),
        "Gradient of connections/0/weights",
    ),
    "loss": (ONE, lambda y: y * np.inf, lambda: opt.SGD(0.1), "Objective of .*Probe"),
    "huge rate": (ONE, lambda y: 9 * y, lambda: opt.SGD(3e38), "Change of conn.*3e.38"),
    "huge rate, TF1": (
        ONE,
        lambda y: 9 * y,
        lambda: tf.compat.v1.train.GradientDescentOptimizer(3e38),
        "Change of connections/0/weights",
    ),
    "NaN rate, TF1": (
        ONE,
        lambda y: y,
        lambda: tf.compat.v1.train.AdamOptimizer(np.nan),
        "Change of connections/0/weights",
    ),
    "schedule": (
        ONE,
        lambda y: y,
        lambda: opt.SGD(BreaksDown()),
        "Learning rate.*got nan",
    ),
    "scale factor": (
        ONE,
        lambda y: 9 * y,
        lambda: opt.SGD(1.0, loss_scale_factor=1e38),
        "Gradient of connections/0/weights",
    ),
    "norm that overflows": (
        ONE,
        lambda y: 1e30 * y,
        lambda: opt.SGD(0.1, global_clipnorm=1.0),
        "Change of connections/0/weights",
    ),
}


@pytest.mark.parametrize("name", NOT_FINITE)
def test_numbers_that_are_not_finite_change_nothing(name):
    x, objective, make, message = NOT_FINITE[name]
    net, conn = one_weight()
    optimizer = make()
    with Simulator(net, progress_bar=False, jit_compile=False) as sim:
        data, objectives = {net.x: x}, {net.p: objective}
        with pytest.raises(SimulationError, match=message):
            sim.train(data, optimizer, n_epochs=3, objective=objectives)
        weight = sim.data[conn].weights
        assert np.isfinite(weight)
        if name != "schedule":  # whose first rates are good
            assert weight == 1.0
            assert int(sim.training_step) == 0
        if isinstance(optimizer, opt.Optimizer):
            values = [tf.convert_to_tensor(v).numpy() for v in optimizer.variables]
            assert all(np.isfinite(value).all() for value in values)
        # The simulator is as good as before.
        sim.train({net.x: ONE}, opt.SGD(0.25), objective={net.p: lambda y: y})
        assert sim.data[conn].weights == weight - 0.25


TF1 = tf.compat.v1.train

#: Optimizers of TensorFlow 1 that make slots in their first step, by their rate.
WITH_SLOTS = {
    "Adam": TF1.AdamOptimizer,
    "Momentum": lambda rate: TF1.MomentumOptimizer(rate, 0.9),
    "Adagrad": TF1.AdagradOptimizer,
    "Adadelta": TF1.AdadeltaOptimizer,
    "RMSProp": lambda rate: TF1.RMSPropOptimizer(rate, momentum=0.5),
}


def no_rate():
    raise RuntimeError("no rate")


@pytest.mark.parametrize("breaks_down", [lambda: np.nan, no_rate])
@pytest.mark.parametrize("name", WITH_SLOTS)
def test_a_first_step_that_fails_leaves_no_slots_behind(name, breaks_down):
    found = []
    for fails in (False, True):
        net, conn = one_weight()
        rates = [breaks_down] * fails + [lambda: 0.5]
        optimizer = WITH_SLOTS[name](lambda rates=rates: rates[0]())
        objective = {net.p: lambda y: 9 * y}
        with Simulator(net, progress_bar=False, jit_compile=False) as sim:
            if fails:
                with pytest.raises((SimulationError, RuntimeError)):
                    sim.train({net.x: ONE}, optimizer, objective=objective)
                assert sim.data[conn].weights == 1
                rates.pop(0)
            sim.train({net.x: ONE}, optimizer, objective=objective, n_epochs=3)
            assert sim.training_step == 3
            found.append(sim.data[conn].weights)
    np.testing.assert_array_equal(*found)


def test_weighted_sum_that_is_not_finite():
    net, conn = one_weight()
    with Simulator(net, progress_bar=False, jit_compile=False) as sim:
        sim.compile(opt.SGD(0.1), loss={net.p: "mse"}, loss_weights={net.p: 3e38})
        with pytest.raises(
            SimulationError, match="Weighted sum.*3e.38 \\* 9 of .*Probe"
        ):
            sim.fit({net.x: ONE}, {net.p: 4 * ONE}, verbose=0)
        assert sim.data[conn].weights == 1.0


#: Rates and decays that no optimizer can use.
WRONG_NUMBERS = {
    "NaN": lambda: opt.SGD(np.nan),
    "infinite": lambda: opt.Adam(np.inf),
    "negative": lambda: opt.SGD(-0.1),
    "inner": lambda: opt.LossScaleOptimizer(opt.SGD(np.nan)),
    "one of several": lambda: opt.MultiOptimizer(opt.OptimizerMap(opt.SGD(-1.0))),
    "decay": lambda: opt.SGD(0.1, weight_decay=np.inf),
}


@pytest.mark.parametrize("name", WRONG_NUMBERS)
def test_numbers_of_optimizers_are_checked_first(name, sim_and_net):
    needs(name)
    sim, net = sim_and_net
    with pytest.raises(ValidationError, match="optimizer: .*finite.*not negative"):
        sim.train({net.x: X, net.p: Y}, WRONG_NUMBERS[name]())
    with pytest.raises(ValidationError, match="optimizer: .*finite.*not negative"):
        sim.compile(WRONG_NUMBERS[name](), loss="mse")


#: Optimizers that would divide a gradient of zero by zero.
DIVIDE_BY_ZERO = {
    "Adam": lambda: opt.Adam(0.1, epsilon=0),
    "RMSprop": lambda: opt.RMSprop(0.1, epsilon=0.0),
    "Adagrad": lambda: opt.Adagrad(0.1, epsilon=np.float32(0)),
    "Adafactor": lambda: opt.Adafactor(0.1, epsilon_1=0.0),
    "Nadam": lambda: opt.LossScaleOptimizer(opt.Nadam(0.1, epsilon=1e-50)),
    "AdamW": lambda: opt.AdamW(0.1, epsilon=np.nan),
}


@pytest.mark.parametrize("name", DIVIDE_BY_ZERO)
def test_epsilon_of_optimizers_is_checked_first(name, sim_and_net):
    sim, net = sim_and_net
    words = f"optimizer: expected epsilon.* of {name} .* above 0.*divided by zero"
    with pytest.raises(ValidationError, match=words):
        sim.train({net.x: X, net.p: Y}, DIVIDE_BY_ZERO[name]())
    with pytest.raises(ValidationError, match=words):
        sim.compile(DIVIDE_BY_ZERO[name](), loss="mse")


def test_rate_that_a_callback_makes_negative(sim_and_net):
    sim, net = sim_and_net
    sim.reset()
    sim.compile(opt.SGD(0.1), loss="mse")

    class Negative(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            self.model.optimizer.learning_rate = -1.0

    with pytest.raises(SimulationError, match="Learning rate.*got -1"):
        sim.fit({net.x: X}, {net.p: Y}, callbacks=Negative(), verbose=0)
    for conn, weights in zip(net.conns, WEIGHTS, strict=True):
        np.testing.assert_array_equal(sim.data[conn].weights, weights)
