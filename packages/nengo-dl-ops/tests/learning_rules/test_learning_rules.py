import numpy as np
import pytest
import tensorflow as tf
from nengo.builder.learning_rules import SimBCM, SimOja, SimPES, SimRLS, SimVoja
from nengo.builder.operator import Copy
from nengo.builder.signal import Signal

from nengo_dl_ops import Builder


def signal(*shape, seed=0):
    values = np.random.RandomState(seed).normal(size=shape)
    return Signal(values, name=f"{shape}")


def weights(rows, columns, view):
    """Make a matrix, or a part of a larger one."""
    return signal(rows + 2, 2 * columns)[1:-1, ::2] if view else signal(rows, columns)


def pes(pre, post, rate=1e-2, view=False):
    return SimPES(signal(pre), signal(post), weights(post, pre, view), rate)


def bcm(pre, post, rate=1e-2, view=False):
    delta = weights(post, pre, view)
    return SimBCM(signal(pre), signal(post), signal(post), delta, rate)


def oja(pre, post, rate=1e-2, beta=0.5, view=False):
    pair = weights(post, pre, view), weights(post, pre, view)
    return SimOja(signal(pre), signal(post), *pair, rate, beta)


def voja(pre, post, rate=1e-2, seed=0, view=False):
    scale = np.random.RandomState(seed).uniform(1, 2, size=post)
    pair = weights(post, pre, view), weights(post, pre, view)
    learning = signal(1)
    return SimVoja(signal(pre), signal(post), *pair, scale, learning, rate)


def rls(pre, post, rate=1e-2, view=False, n_errors=None):
    inverse = Signal(np.eye(pre) * rate, name="inv_gamma")
    error = signal(n_errors or post)
    return SimRLS(signal(pre), error, weights(post, pre, view), inverse)


RULES = {"PES": pes, "BCM": bcm, "Oja": oja, "Voja": voja, "RLS": rls}
each_rule = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)

GROUPS = {
    **{f"{name}, one": lambda rule=rule: [rule(5, 3)] for name, rule in RULES.items()},
    **{
        f"{name}, merged": lambda rule=rule: [rule(4, 2), rule(4, 2), rule(4, 2, 0.3)]
        for name, rule in RULES.items()
    },
    **{
        f"{name}, views": lambda rule=rule: [rule(4, 2), rule(4, 2, view=True)]
        for name, rule in RULES.items()
    },
    "Oja, other forgetting": lambda: [oja(4, 2), oja(4, 2, beta=0), oja(4, 2, beta=2)],
    "Voja, other lengths": lambda: [voja(4, 2, seed=i) for i in range(3)],
    "RLS, one error for all": lambda: [rls(4, 3, n_errors=1), rls(4, 3, n_errors=1)],
    "one neuron": lambda: [pes(1, 1), pes(1, 1, 0.1)],
}


@pytest.mark.parametrize("make", GROUPS.values(), ids=GROUPS)
def test_as_nengo(make, compare):
    compare(make(), n_steps=4, batch=3)


@each_rule
def test_single_precision(rule, compare_eagerly):
    compare_eagerly([rule(5, 3)], dtype="float32", atol=1e-5)


@each_rule
def test_one_batch_item_and_another_time_step(rule, compare_eagerly):
    compare_eagerly([rule(5, 3)], batch=1, dt=0.01)


@each_rule
def test_rules_of_other_shapes_do_not_merge(rule):
    merge_key = Builder.find(type(rule(1, 1))).merge_key
    shapes = [(4, 2), (2, 4), (4, 3), (4, 2)]
    assert len({merge_key(rule(*shape)) for shape in shapes}) == 3


@each_rule
def test_gradients_as_finite_differences(rule, build):
    """The changes of weights are differentiable in all that they follow from."""
    (op,) = ops = [rule(3, 2)]
    group = build(ops, dtype="float64", minibatch_size=2)
    rng = np.random.RandomState(0)
    values = [
        tf.constant(rng.normal(size=(*base.shape, 2)) + (base.ndim == 2))
        for base in group.bases
    ]
    factor = rng.normal(size=(*op.delta.shape, 2))

    def loss(values):
        return tf.reduce_sum(factor * group.build(values)[group.bases.index(op.delta)])

    with tf.GradientTape() as tape:
        tape.watch(values)
        total = loss(values)
    gradients = tape.gradient(total, values)
    followed = [sig for sig in op.reads if sig is not op.delta]
    for base in followed:
        place = group.bases.index(base)
        delta = np.zeros(values[place].shape)
        delta[tuple(n - 1 for n in delta.shape)] = 1e-6
        above, below = (
            loss([v + sign * delta if i == place else v for i, v in enumerate(values)])
            for sign in (1, -1)
        )
        found = gradients[place].numpy()[delta > 0]
        np.testing.assert_allclose(found, (above - below) / 2e-6, rtol=1e-5, atol=1e-9)
        assert found != 0


def test_rules_that_change_the_same_weights(compare_eagerly):
    """Each rule has a change of its own; the weights take the sum of all."""
    target = signal(3, 5)
    changes = [signal(3, 5, seed=i) for i in range(3)]
    compare_eagerly([Copy(change, target, inc=True) for change in changes])
