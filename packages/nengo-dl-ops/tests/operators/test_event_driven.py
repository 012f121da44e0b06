import numpy as np
import pytest
import tensorflow as tf
from nengo.builder.operator import DotInc, SparseDotInc
from nengo.builder.signal import Signal
from nengo.transforms import SparseMatrix

from nengo_dl_ops import Builder
from nengo_dl_ops.operators.event_driven import (
    COSTS,
    DENSE_COSTS,
    EventDrivenDotInc,
    EventDrivenSparseDotInc,
)
from nengo_dl_ops.operators.nonzero import Nonzero
from nengo_dl_signals import SignalDict


@pytest.fixture
def follow_always(monkeypatch):
    """Follow spikes however small the product is."""
    costs = COSTS._replace(entry=100.0)
    monkeypatch.setattr("nengo_dl_ops.operators.event_driven.COSTS", costs)


@pytest.fixture
def follow_few(monkeypatch):
    """Follow at most three pieces of columns; the plain product takes over then."""
    costs = COSTS._replace(find=0.0, find_element=0.0, piece=1.0, piece_entry=0.0)
    for name, value in (("COSTS", costs._replace(entry=1e-3)), ("_GAIN", 0)):
        monkeypatch.setattr(f"nengo_dl_ops.operators.event_driven.{name}", value)


def product(rows, columns, n, seed=0, X=None, Y=None, full=0):
    """A product with a matrix of which some places come twice."""
    rng = np.random.RandomState(seed)
    places = np.stack([rng.randint(rows, size=n), rng.randint(columns, size=n)], axis=1)
    places[:full, 1] = 2
    matrix = SparseMatrix(places, rng.normal(size=n), (rows, columns))
    return EventDrivenSparseDotInc(
        SparseDotInc(
            Signal(matrix, name="A", readonly=True),
            Signal(np.zeros(columns), name="X") if X is None else X,
            Signal(np.zeros(rows), name="Y") if Y is None else Y,
        )
    )


def sharing():
    """Products of parts of the same spikes, one of them backwards."""
    X, Y = Signal(np.zeros(9), name="X"), Signal(np.zeros(8), name="Y")
    return [
        product(8, 9, 20, X=X, Y=Y),
        product(4, 5, 9, 1, X=X[::2], Y=Y[:4]),
        product(3, 4, 5, 2, X=X[7:3:-1]),
    ]


def unequal():
    """One column holds most entries, another one holds none."""
    return [product(30, 9, 60, full=50)]


PRODUCTS = {
    "one": lambda: [product(6, 5, 12)],
    "one entry": lambda: [product(1, 1, 1)],
    "more than a word": lambda: [product(9, 70, 300)],
    "merged": lambda: [product(4, 5, 6), product(3, 9, 7, 1)],
    "sharing": sharing,
    "unequal columns": unequal,
}

#: Which part of the elements are spikes.
RATES = {"none": 0.0, "few": 0.2, "all": 1.0}


def spikes(rate):
    """Draw spikes of unlike height."""

    def draw(rng, shape):
        return (rng.uniform(size=shape) < rate) * rng.uniform(1, 2, size=shape)

    return draw


@pytest.mark.parametrize("rate", RATES.values(), ids=RATES)
@pytest.mark.parametrize("make", PRODUCTS.values(), ids=PRODUCTS)
def test_as_nengo(make, rate, compare_eagerly, follow_always):
    compare_eagerly(make(), draw=spikes(rate), compiled=True, atol=1e-12)


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_many_spikes_as_nengo(rate, compare_eagerly, follow_few):
    ops = [product(9, 12, 3000)]
    compare_eagerly(ops, spikes(rate), n_steps=8, batch=1, compiled=True)


def test_single_precision(compare_eagerly, follow_always):
    options = {"dtype": "float32", "atol": 1e-5, "compiled": True}
    compare_eagerly(sharing(), spikes(0.5), **options)


def test_not_a_number_stays_in_its_column(build, follow_always):
    ops = unequal()
    group = build(ops, compiled=True, dtype="float64", minibatch_size=1)
    values = group.initial_values()
    values[ops[0].product.X][3] = np.nan
    found = group(values)[ops[0].product.Y][:, 0]
    there = np.zeros(30, dtype=bool)
    places = ops[0].product.A.initial_value.indices
    there[places[places[:, 1] == 3, 0]] = True
    np.testing.assert_array_equal(np.isnan(found), there)


@pytest.mark.parametrize("training, batch", [(True, 1), (False, 64)])
def test_plain_in_training_and_in_large_minibatches(
    training, batch, build, follow_always, monkeypatch
):
    group = build([product(4, 5, 6)], training=training, minibatch_size=batch)
    monkeypatch.setattr(Nonzero, "__init__", None)
    signals = [
        tf.constant(value, "float32") for value in group.initial_values().values()
    ]
    group.build(signals)


def test_small_products_are_plain(build):
    group = build([product(4, 5, 6)])
    assert not group.builder.prepare(SignalDict(group.layout.n_rows))


def test_gradients_are_those_of_the_plain_product(build, follow_always):
    (op,) = unequal()

    @tf.function(jit_compile=True)
    def gradients(group, values):
        with tf.GradientTape() as tape:
            tape.watch(values)
            total = tf.reduce_sum(
                group.build(values)[group.bases.index(op.product.Y)] ** 2
            )
        return tape.gradient(total, values)

    found = []
    for ops in ([op], [op.product]):
        group = build(ops, compiled=True, dtype="float64", minibatch_size=2)
        initial = group.initial_values()
        initial[op.product.X][::2] = 1.5
        values = [tf.constant(initial[base]) for base in group.bases]
        found.append(gradients(group, values))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)
        assert np.any(other)


def test_products_merge_whatever_their_shape():
    merge_key = Builder.find(EventDrivenSparseDotInc).merge_key
    assert len({merge_key(op) for op in sharing()}) == 1


@pytest.mark.parametrize("n", [1, 31, 32, 33, 100, 5000, 600_000])
def test_all_that_is_not_zero_is_found_once(n):
    rng = np.random.RandomState(n)
    values = np.where(rng.uniform(size=n) < 30 / n, rng.normal(size=n), 0)
    found = Nonzero(tf.constant(values))
    places = [int(found.place(tf.constant(i))) for i in range(int(found.count))]
    assert sorted(places) == np.flatnonzero(values).tolist()


# -- dense matrices


@pytest.fixture
def follow_dense(monkeypatch):
    """Follow spikes in dense products of any size, as many as there are."""
    costs = DENSE_COSTS._replace(entry=100.0)
    monkeypatch.setattr("nengo_dl_ops.operators.event_driven.DENSE_COSTS", costs)


def dense(rows, columns, seed=0, X=None, Y=None):
    weights = np.random.RandomState(seed).normal(size=(rows, columns))
    return EventDrivenDotInc(
        DotInc(
            Signal(weights, name="A", readonly=True),
            Signal(np.zeros(columns), name="X") if X is None else X,
            Signal(np.zeros(rows), name="Y") if Y is None else Y,
        )
    )


def dense_sharing():
    """Products of the same spikes, and of parts of them."""
    X = Signal(np.zeros(10), name="X")
    return [dense(6, 5, 0, X[:5]), dense(6, 5, 1, X[:5]), dense(6, 5, 2, X[::2])]


DENSE = {
    "one": lambda: [dense(7, 40)],
    "merged": lambda: [dense(6, 5), dense(6, 5, 1)],
    "sharing": dense_sharing,
    "one target": lambda: [dense(3, 4, 0, Y=Y) for Y in [Signal(np.zeros(3))] * 2],
}


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("make", DENSE.values(), ids=DENSE)
def test_dense_as_nengo(make, batch, compare_eagerly, follow_dense):
    options = {"compiled": True, "atol": 1e-12, "batch": batch}
    compare_eagerly(make(), spikes(0.3), **options)


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_dense_without_spikes_or_with_nothing_else(rate, compare_eagerly, follow_dense):
    compare_eagerly(dense_sharing(), spikes(rate), compiled=True, atol=1e-12)


def test_dense_with_many_spikes_as_nengo(compare_eagerly, monkeypatch):
    """Up to three are followed; the whole product takes over then."""
    costs = DENSE_COSTS._replace(find=-1e6, entry=3 / 480, piece=1.0, piece_entry=0.0)
    monkeypatch.setattr("nengo_dl_ops.operators.event_driven.DENSE_COSTS", costs)
    compare_eagerly([dense(12, 40)], spikes(0.1), n_steps=8, batch=1, compiled=True)


def test_only_large_dense_matrices_are_worth_it():
    assert not EventDrivenDotInc.is_worth_it(dense(64, 3200).product)
    assert EventDrivenDotInc.is_worth_it(dense(1000, 1000).product)
