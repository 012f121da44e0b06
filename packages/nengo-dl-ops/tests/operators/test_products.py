import nengo
import numpy as np
import pytest
from nengo.builder.operator import DotInc, ElementwiseInc, SparseDotInc
from nengo.builder.signal import Signal

from nengo_dl_ops import Builder, DotIncBuilder


def random_signal(*shape, readonly=False):
    values = np.random.RandomState(len(shape)).normal(size=shape)
    return Signal(values, readonly=readonly, name=str(shape))


def product(kind, a, x, y, constant=True):
    return kind(
        random_signal(*a, readonly=constant), random_signal(*x), random_signal(*y)
    )


def elementwise(a, x, y, constant=True):
    return product(ElementwiseInc, a, x, y, constant)


def dot(a, x, y, constant=True):
    return product(DotInc, a, x, y, constant)


def one_source(kind, n, a, x, y):
    """Multiply one signal by several others."""
    source = random_signal(*x)
    return [
        kind(random_signal(*a, readonly=True), source, random_signal(*y))
        for _ in range(n)
    ]


def one_target():
    target = random_signal(3)
    return [
        DotInc(random_signal(3, 2, readonly=True), random_signal(2), target)
        for _ in range(3)
    ]


def two_of_each_source():
    first, second = random_signal(7), random_signal(7)
    return [
        DotInc(random_signal(6, 7, readonly=True), source, random_signal(6))
        for source in (first, first, second, second)
    ]


def views():
    matrix, source = random_signal(5, 6, readonly=True), random_signal(8)
    return [
        DotInc(matrix[:, 1:4], source[2:5], random_signal(5)),
        DotInc(matrix[:, ::2], source[::-3], random_signal(9)[4:]),
    ]


def columns_of_one_matrix():
    matrix, target = random_signal(4, 3, readonly=True), random_signal(4)
    return [ElementwiseInc(matrix[:, i], random_signal(4), target) for i in range(3)]


ELEMENTWISE = {
    "vectors": lambda: [elementwise((3,), (3,), (3,)), elementwise((5,), (5,), (5,))],
    "not constant": lambda: [elementwise((3,), (3,), (3,), constant=False)],
    "scalar A": lambda: [elementwise((), (3,), (3,)), elementwise((), (1,), (1,))],
    "scalar X": lambda: [elementwise((3,), (), (3,)), elementwise((2,), (), (2,))],
    "scalars": lambda: [elementwise((), (), ())],
    "one element": lambda: [
        elementwise((1,), (4,), (4,)),
        elementwise((3,), (3,), (3,)),
    ],
    "matrices": lambda: [elementwise((2, 3), (2, 3), (2, 3)) for _ in range(2)],
    "column A": lambda: [elementwise((2, 1), (2, 3), (2, 3)) for _ in range(2)],
    "row A": lambda: [elementwise((3,), (2, 3), (2, 3)) for _ in range(2)],
    "outer product": lambda: [elementwise((2, 1), (1, 3), (2, 3)) for _ in range(2)],
    "scalar times matrix": lambda: [elementwise((), (2, 3), (2, 3)) for _ in range(2)],
    "one source": lambda: one_source(ElementwiseInc, 3, (4,), (4,), (4,)),
    "columns of a matrix": columns_of_one_matrix,
}
DOT = {
    "one number": lambda: [dot((1, 1), (1,), (1,)) for _ in range(3)],
    "narrow": lambda: [dot((6, 2), (2,), (6,)) for _ in range(3)],
    "short": lambda: [dot((2, 6), (6,), (2,)) for _ in range(3)],
    "one column": lambda: [dot((6, 1), (1,), (6,)) for _ in range(2)],
    "one large": lambda: [dot((7, 6), (6,), (7,))],
    "many large": lambda: [dot((7, 6), (6,), (7,)) for _ in range(3)],
    "not constant": lambda: [dot((7, 6), (6,), (7,), False) for _ in range(2)],
    "not constant, narrow": lambda: [dot((7, 2), (2,), (7,), False) for _ in range(2)],
    "row vector": lambda: [dot((6,), (6,), ()) for _ in range(2)],
    "column vectors": lambda: [dot((5, 6), (6, 1), (5, 1)) for _ in range(2)],
    "one source": lambda: one_source(DotInc, 3, (6, 5), (5,), (6,)),
    "two of each source": two_of_each_source,
    "one target": one_target,
    "views": views,
}


@pytest.mark.parametrize("make", ELEMENTWISE.values(), ids=ELEMENTWISE)
def test_elementwise_as_nengo(make, compare):
    compare(make())


@pytest.mark.parametrize("make", DOT.values(), ids=DOT)
def test_dot_as_nengo(make, compare):
    compare(make())


@pytest.mark.parametrize("make", [ELEMENTWISE["vectors"], DOT["many large"]])
def test_one_batch_item(make, compare):
    compare(make(), batch=1)


@pytest.mark.parametrize("make", [ELEMENTWISE["vectors"], DOT["many large"]])
def test_single_precision(make, compare):
    compare(make(), dtype="float32", atol=1e-5)


def test_sparse_matrices_are_left_to_others():
    matrix = nengo.transforms.SparseMatrix([[0, 1], [2, 0]], [1.0, 2.0], (3, 2))
    sparse = Signal(matrix, name="A")
    op = SparseDotInc(sparse, random_signal(2), random_signal(3))
    assert Builder.of(op) is not DotIncBuilder
    assert Builder.of(dot((3, 2), (2,), (3,))) is DotIncBuilder
