"""What is computed again for a gradient has the same gradient, and is let go of."""

import gc
import weakref

import numpy as np
import pytest
import tensorflow as tf

from nengo_dl_ops.neurons.recomputed import recomputed

N_STEPS = 6


def step(x, state, scale):
    """Two results of nested arguments, one of them an integer."""
    v = tf.tanh(0.9 * state["v"] + scale * x)
    return v * v, {"v": v, "n": state["n"] + 1}


def plain(function, *arguments):
    return function(*arguments)


def result(call, x, scale, loop):
    def body(i, total, state):
        y, state = call(step, x[i], state, scale)
        return i + 1, total + tf.reduce_sum(y), state

    now = (tf.constant(0), tf.constant(0.0, x.dtype), {"v": x[0], "n": tf.constant(0)})
    if loop:
        now = tf.while_loop(
            lambda i, *_: i < N_STEPS, body, now, maximum_iterations=N_STEPS
        )
    else:
        for _ in range(N_STEPS):
            now = body(*now)
    return now[1]


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("loop", [False, True])
def test_gradients_are_the_same(loop, jit_compile):
    x = tf.constant(np.random.RandomState(0).randn(N_STEPS, 4))
    scale = tf.constant([0.5, 1.0, 1.5, 2.0], tf.float64)

    def gradients(call):
        @tf.function(jit_compile=jit_compile)
        def compute(x, scale):
            with tf.GradientTape() as tape:
                tape.watch([x, scale])
                y = result(call, x, scale, loop)
            return y, tape.gradient(y, [x, scale])

        return compute(x, scale)

    found, expected = gradients(recomputed), gradients(plain)
    for one, other in zip(
        tf.nest.flatten(found), tf.nest.flatten(expected), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-12)
        assert np.all(np.asarray(other) != 0)


def test_a_step_of_a_loop_keeps_its_arguments_only():
    """The gradient needs no more arrays of all steps, however much is computed."""

    def n_kept(call):
        def long(x, v):
            for _ in range(20):
                v = tf.tanh(v + x)
            return v

        @tf.function
        def compute(x):
            with tf.GradientTape() as tape:
                tape.watch(x)
                loop = tf.while_loop(
                    lambda i, v: i < N_STEPS,
                    lambda i, v: (i + 1, call(long, x, v)),
                    (tf.constant(0), x),
                    maximum_iterations=N_STEPS,
                )
            return tape.gradient(loop[1], x)

        graph = compute.get_concrete_function(tf.TensorSpec((3,))).graph
        loops = [op for op in graph.get_operations() if "While" in op.type]
        return max(len(op.outputs) for op in loops)

    assert n_kept(recomputed) <= n_kept(plain) - 15


def test_graphs_are_let_go():
    @tf.function
    def compute(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = result(recomputed, x, tf.constant(1.0), loop=True)
        return tape.gradient(y, x)

    concrete = compute.get_concrete_function(tf.TensorSpec((N_STEPS, 2)))
    graph = weakref.ref(concrete.graph)
    del concrete, compute
    gc.collect()
    assert graph() is None
