"""How TensorNodes are computed in a step."""

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from nengo.exceptions import ValidationError

from nengo_dl_ops import BuildConfig, Builder, SimTensorNode, TensorNode
from nengo_dl_signals import SignalDict, SignalLayout

BATCH, TIME = 3, 0.25


class Steps:
    """The TensorNodes of a network, as operators of a step."""

    def __init__(self, net, training=False, **settings):
        self.config = BuildConfig(**{"minibatch_size": BATCH, **settings})
        self.model = nengo.builder.Model()
        self.model.build(net)
        operators = self.model.operators
        self.ops = [op for op in operators if isinstance(op, SimTensorNode)]
        bases = {sig.base: None for op in self.ops for sig in op.all_signals}
        self.layout = SignalLayout(bases, dtype=self.config.dtype)
        self.builders = [
            Builder.build([op], self.layout, self.config) for op in self.ops
        ]
        found = [v for builder in self.builders for v in builder.variables]
        self.variables = list({id(v): v for v in found}.values())
        self.training = training

    def __call__(self, values, *inputs):
        """Compute a step; return outputs (size, batch) and values of variables."""
        signals = SignalDict(self.layout.n_rows)
        time = tf.constant([[TIME]], self.config.dtype)
        signals.load(self.layout[self.model.time].rows, time)
        with_input = [op for op in self.ops if op.input is not None]
        for op, x in zip(with_input, inputs, strict=True):
            signals.load(self.layout[op.input].rows, x)
        for variable, value in zip(self.variables, values, strict=True):
            signals.variables[id(variable)] = value
        for builder in self.builders:
            (builder.build_training_step if self.training else builder.build_step)(
                signals
            )
        outputs = [signals.gather(self.layout[op.output]) for op in self.ops]
        return outputs, [signals.variables[id(v)] for v in self.variables]


@pytest.fixture(params=[False, True], ids=["eager", "compiled"])
def run(request):
    """Compute one step of a network's TensorNodes."""

    def run_step(net, *inputs, values=None, **settings):
        steps = Steps(net, **settings)
        step = steps
        if request.param:
            step = tf.function(steps, jit_compile=True, autograph=False)
        if values is None:
            values = [tf.convert_to_tensor(v) for v in steps.variables]
        inputs = [tf.constant(x, steps.config.dtype) for x in inputs]
        outputs, values = step(values, *inputs)
        return [y.numpy() for y in outputs], values

    return run_step


def some(*shape, seed=0):
    return np.random.RandomState(seed).normal(size=shape).astype("float32")


# functions


def test_the_batch_is_first_in_the_users_function(run):
    def func(t, x):
        assert (t.shape, x.shape) == ((), (BATCH, 2))
        return tf.concat([x * t, tf.reduce_sum(x, axis=1, keepdims=True)], axis=1)

    x = some(2, BATCH)
    with nengo.Network() as net:
        TensorNode(func, size_in=2, size_out=3)
    (y,), _ = run(net, x)
    np.testing.assert_allclose(y, np.concatenate([x * TIME, x.sum(0)[None]]), rtol=1e-6)


def test_shaped_input_and_output(run):
    def func(t, x):
        assert x.shape == (BATCH, 2, 3)
        return tf.transpose(x, (0, 2, 1))

    x = some(6, BATCH)
    with nengo.Network() as net:
        TensorNode(func, shape_in=(2, 3), shape_out=(3, 2))
    (y,), _ = run(net, x)
    expected = x.reshape(2, 3, BATCH).swapaxes(0, 1).reshape(6, BATCH)
    np.testing.assert_array_equal(y, expected)


def test_input_that_all_batch_items_share(run):
    with nengo.Network() as net:
        TensorNode(lambda t, x: x + tf.range(3.0)[:, None], size_in=2, size_out=2)
    (y,), _ = run(net, np.ones((2, 1)))
    np.testing.assert_array_equal(y, [[1, 2, 3], [1, 2, 3]])


@pytest.mark.parametrize("n", [1, BATCH])
def test_output_without_input_may_be_shared(n, run):
    with nengo.Network() as net:
        TensorNode(lambda t: tf.fill((n, 2), t), size_out=2)
    (y,), _ = run(net)
    np.testing.assert_array_equal(y, np.full((2, BATCH), TIME))


def test_one_function_in_several_nodes(run):
    def func(t, x):
        return x[:, : x.shape[1] - 1]

    with nengo.Network() as net:
        TensorNode(func, size_in=3)
        TensorNode(func, size_in=2)
    x = some(3, BATCH), some(2, BATCH)
    outputs, _ = run(net, *x)
    for y, x_i in zip(outputs, x, strict=True):
        np.testing.assert_array_equal(y, x_i[:-1])


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_types(dtype, run):
    def func(t, x):
        assert t.dtype == x.dtype == dtype
        return x * t

    with nengo.Network() as net:
        TensorNode(func, size_in=2, size_out=2)
    (y,), _ = run(net, np.ones((2, BATCH)), dtype=dtype)
    np.testing.assert_array_equal(y, np.full((2, BATCH), TIME, dtype))


WRONG = {
    "no tensor": (lambda t, x: 3.0, "tf.Tensor, got float"),
    "size": (lambda t, x: x[:, :1], r"shape \(3, 2\).*got \(3, 1\)"),
    "batch": (lambda t, x: x[:2], r"shape \(3, 2\).*got \(2, 2\)"),
    "shared": (lambda t, x: x[:1], r"shape \(3, 2\).*got \(1, 2\)"),
    "rank": (lambda t, x: x[..., None], r"shape \(3, 2\).*got \(3, 2, 1\)"),
    "type": (lambda t, x: tf.cast(x, tf.float64), "float32, got float64"),
    "exception": (lambda t, x: 1 / 0, "division by zero"),
    "layer": (keras.layers.Dense(3), r"shape \(3, 2\).*got \(3, 3\)"),
}


@pytest.mark.parametrize("func, message", WRONG.values(), ids=WRONG)
def test_wrong_outputs_are_found_when_the_step_is_built(func, message):
    with nengo.Network() as net:
        TensorNode(func, size_in=2, size_out=2, label="culprit")
    with pytest.raises(ValidationError, match=f"'culprit'.*{message}"):
        Steps(net)


# Keras layers


def test_layer(run):
    layer, x = keras.layers.Dense(2, activation="tanh"), some(3, BATCH)
    with nengo.Network() as net:
        TensorNode(layer, size_in=3)
    (y,), _ = run(net, x)
    np.testing.assert_allclose(y, np.asarray(layer(x.T)).T, rtol=1e-5)


def test_layer_with_axes(run):
    layer, x = keras.layers.Conv2D(3, 2), some(32, BATCH)
    with nengo.Network() as net:
        TensorNode(layer, shape_in=(4, 4, 2))
    (y,), _ = run(net, x)
    expected = np.asarray(layer(x.T.reshape(BATCH, 4, 4, 2))).reshape(BATCH, -1).T
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)


def test_a_layer_computes_with_the_values_it_is_given(run):
    layer, x = keras.layers.Dense(2), some(3, BATCH)
    with nengo.Network() as net:
        TensorNode(layer, size_in=3)
    kernel, bias = some(3, 2, seed=1), some(2, seed=2)
    before = [tf.convert_to_tensor(v) for v in layer.variables]
    (y,), _ = run(net, x, values=[tf.constant(kernel), tf.constant(bias)])
    np.testing.assert_allclose(y, (x.T @ kernel + bias).T, rtol=1e-5)
    for variable, value in zip(layer.variables, before, strict=True):
        np.testing.assert_array_equal(tf.convert_to_tensor(variable), value)


def test_a_layer_in_another_precision(run):
    layer, x = keras.layers.Dense(2, dtype="float32"), some(3, BATCH)
    with nengo.Network() as net:
        TensorNode(layer, size_in=3)
    (y,), _ = run(net, x, dtype="float64")
    assert y.dtype == "float64"
    np.testing.assert_allclose(y, np.asarray(layer(x.T)).T, rtol=1e-5, atol=1e-6)


def test_a_layer_is_told_whether_it_is_trained(run):
    class Wrapper(keras.layers.Layer):
        """Hand the call on without mentioning training."""

        def __init__(self):
            super().__init__()
            self.dropout = keras.layers.Dropout(0.5, seed=0)

        def call(self, x):
            return self.dropout(x)

    with nengo.Network() as net:
        TensorNode(Wrapper(), size_in=50)
    x = np.ones((50, BATCH))
    (y,), (before,) = run(net, x, training=False)
    np.testing.assert_array_equal(y, x)
    (y,), (after,) = run(net, x, training=True)
    assert set(np.unique(y)) == {0, 2}
    assert np.any(before != after)  # the next step draws other numbers


def test_new_values_of_variables_that_are_not_trained(run):
    layer, x = keras.layers.BatchNormalization(momentum=0.9), some(2, BATCH)
    with nengo.Network() as net:
        TensorNode(layer, size_in=2)
    steps = Steps(net)
    trained = [v.trainable for v in steps.variables]
    assert trained == [True, True, False, False]
    _, values = run(net, x, training=True)
    np.testing.assert_allclose(values[2], 0.1 * x.mean(axis=1), rtol=1e-5)
    np.testing.assert_allclose(values[3], 0.9 + 0.1 * x.var(axis=1), rtol=1e-5)
    _, values = run(net, x, training=False)
    np.testing.assert_array_equal(values[2], [0, 0])
    np.testing.assert_array_equal(layer.moving_mean.numpy(), [0, 0])


def test_nodes_share_the_variables_of_their_layer():
    layer = keras.layers.Dense(2)
    with nengo.Network() as net:
        TensorNode(layer, size_in=3)
        TensorNode(layer, size_in=3)
    steps = Steps(net)
    assert [id(v) for v in steps.variables] == [id(v) for v in layer.variables]


# variables of the user's functions


class WithAttribute:
    def __init__(self):
        self.kernel = tf.Variable(some(2, 2))

    def __call__(self, t, x):
        return x @ self.kernel


class WithKerasVariable:
    def __init__(self):
        self.kernel = keras.Variable(some(2, 2))

    def __call__(self, t, x):
        return x @ self.kernel


class WithList:
    def __init__(self):
        self.layer = keras.layers.Dense(2, use_bias=False)
        self.layer.build((None, 2))
        self.trainable_variables = self.layer.trainable_variables

    def __call__(self, t, x):
        return self.layer(x)


class Module(tf.Module):
    def __init__(self):
        super().__init__()
        self.inner = tf.Module()
        self.inner.kernel = tf.Variable(some(2, 2))

    def __call__(self, t, x):
        return x @ self.inner.kernel


class MadeBeforeTheBuild:
    def pre_build(self, shape_in, shape_out):
        self.kernel = tf.Variable(tf.zeros((shape_in[1], shape_out[1])))

    def __call__(self, t, x):
        return x @ self.kernel


@pytest.mark.parametrize(
    "kind", [WithAttribute, WithKerasVariable, WithList, Module, MadeBeforeTheBuild]
)
def test_variables_of_functions(kind, run):
    func, x = kind(), some(2, BATCH)
    with nengo.Network() as net:
        TensorNode(func, size_in=2, size_out=2)
    steps = Steps(net)
    (variable,) = steps.variables
    before = tf.convert_to_tensor(variable).numpy()

    def loss(value):
        (y,), _ = steps([value], tf.constant(x))
        return tf.reduce_sum(y)

    value = tf.constant(some(2, 2, seed=1))
    with tf.GradientTape() as tape:
        tape.watch(value)
        total = loss(value)
    np.testing.assert_allclose(total, (x.T @ value.numpy()).sum(), rtol=1e-5)
    expected = np.repeat(x.sum(axis=1)[:, None], 2, axis=1)
    np.testing.assert_allclose(tape.gradient(total, value), expected, rtol=1e-5)
    np.testing.assert_array_equal(tf.convert_to_tensor(variable), before)
    (y,), _ = run(net, x, values=[value])
    np.testing.assert_allclose(y, (x.T @ value.numpy()).T, rtol=1e-5)


def test_functions_see_their_variables_again_after_a_step(run):
    func = WithAttribute()
    kernel = func.kernel
    with nengo.Network() as net:
        TensorNode(func, size_in=2, size_out=2)
    run(net, some(2, BATCH))
    assert func.kernel is kernel


def test_one_object_in_several_nodes_has_variables_for_each():
    func = MadeBeforeTheBuild()
    with nengo.Network() as net:
        TensorNode(func, size_in=2, size_out=2)
        TensorNode(func, size_in=2, size_out=3)
    steps = Steps(net)
    assert [tuple(v.shape) for v in steps.variables] == [(2, 2), (2, 3)]
    kernels = [tf.constant(some(2, n)) for n in (2, 3)]
    x = some(2, BATCH)
    outputs, _ = steps(kernels, tf.constant(x), tf.constant(x))
    for y, kernel in zip(outputs, kernels, strict=True):
        np.testing.assert_allclose(y, (x.T @ kernel.numpy()).T, rtol=1e-5)


def test_a_variable_that_cannot_be_given_a_value_is_refused():
    func = WithAttribute()
    func.trainable_variables = [tf.Variable(1.0, name="hidden")]
    with nengo.Network(), pytest.raises(ValidationError, match="'hidden.*attribute"):
        TensorNode(func, size_in=2)


# hooks


class Hooks:
    def __init__(self):
        self.calls = []

    def pre_build(self, shape_in, shape_out):
        self.calls.append((shape_in, shape_out))

    def post_build(self, rng):
        self.calls.append(rng)

    def __call__(self, t, x=None):
        return tf.fill((BATCH, 2), t) if x is None else x


@pytest.mark.parametrize(
    "options, shape_in, shape_out",
    [
        ({"size_out": 2}, None, (BATCH, 2)),
        ({"size_in": 2, "size_out": 2}, (BATCH, 2), (BATCH, 2)),
        ({"shape_in": (2, 3), "shape_out": (2, 3)}, (BATCH, 2, 3), (BATCH, 2, 3)),
    ],
)
def test_hooks(options, shape_in, shape_out):
    func, rng = Hooks(), np.random.RandomState(0)
    with nengo.Network() as net:
        TensorNode(func, **options)
    assert func.calls == []
    (builder,) = Steps(net).builders
    assert func.calls == [(shape_in, shape_out)]
    builder.post_build(rng)
    assert func.calls[1:] == [rng]
    builder.post_build(rng)
    assert func.calls[1:] == [rng, rng]


def test_a_hook_that_expects_a_session_gets_none():
    class OldHooks(Hooks):
        def post_build(self, sess, rng):
            self.calls.append((sess, rng))

    func, rng = OldHooks(), np.random.RandomState(0)
    with nengo.Network() as net:
        TensorNode(func, size_in=2, size_out=2)
    (builder,) = Steps(net).builders
    with pytest.warns(DeprecationWarning, match=r"post_build\(rng\)"):
        builder.post_build(rng)
    assert func.calls[-1] == (None, rng)


def test_functions_without_hooks():
    with nengo.Network() as net:
        TensorNode(lambda t, x: x, size_in=2, size_out=2)
    (builder,) = Steps(net).builders
    assert builder.post_build(np.random.RandomState(0)) is None


def test_hooks_are_found_inside_decorators():
    import functools

    from nengo_dl_ops import reshaped

    func, rng = Hooks(), np.random.RandomState(0)
    with nengo.Network() as net:
        TensorNode(reshaped((2, 1))(functools.partial(func)), size_in=2, size_out=2)
    (builder,) = Steps(net).builders
    builder.post_build(rng)
    assert func.calls == [((BATCH, 2), (BATCH, 2)), rng]
