import nengo
import numpy as np
import pytest
import scipy.sparse
import tensorflow as tf
from nengo.builder.operator import BsrDotInc, SparseDotInc
from nengo.builder.signal import Signal
from nengo.transforms import SparseMatrix

from nengo_dl_ops import Builder
from nengo_dl_ops.operators.sparse_pattern import SparsePattern


def random(*shape, seed=0):
    return np.random.RandomState(seed).normal(size=shape)


def vector(n, seed=1):
    return Signal(random(n, seed=seed), name="vector")


def entries(rows, columns, n, seed=0, dtype=float):
    """Make the entries of a matrix; some places come twice, some rows not at all."""
    rng = np.random.RandomState(seed)
    places = np.stack([rng.randint(rows, size=n), rng.randint(columns, size=n)], axis=1)
    return places, (10 * rng.normal(size=n)).astype(dtype)


def sparse(rows, columns, n, seed=0, kind=SparseMatrix, X=None, Y=None, dtype=float):
    places, values = entries(rows, columns, n, seed, dtype)
    if kind is SparseMatrix:
        matrix = SparseMatrix(places, values, (rows, columns))
    else:
        matrix = kind(scipy.sparse.coo_matrix((values, places.T), (rows, columns)))
    return SparseDotInc(
        Signal(matrix, name="A", readonly=True),
        vector(columns) if X is None else X,
        vector(rows) if Y is None else Y,
    )


def sharing():
    X, Y = vector(5), vector(4)
    return [
        sparse(4, 5, 6, X=X, Y=Y),
        sparse(4, 5, 7, seed=1, X=X),
        sparse(4, 2, 3, Y=Y),
    ]


def views():
    X, Y = vector(9), vector(8)
    return [sparse(4, 5, 6, X=X[::2], Y=Y[:4]), sparse(3, 2, 4, X=X[:2], Y=Y[7:4:-1])]


def unequal():
    """Rows of all lengths, from one entry to many."""
    counts = np.maximum(200 // np.arange(1, 60), 1)
    rows = np.repeat(np.arange(59), counts)
    columns = np.random.RandomState(0).randint(300, size=len(rows))
    matrix = SparseMatrix(
        np.stack([rows, columns], axis=1), random(len(rows)), (59, 300)
    )
    A = Signal(matrix, name="A", readonly=True)
    return [SparseDotInc(A, vector(300), vector(59))]


SPARSE = {
    "one": lambda: [sparse(4, 5, 6)],
    "one entry": lambda: [sparse(1, 1, 1)],
    "merged": lambda: [sparse(4, 5, 6), sparse(1, 3, 2), sparse(6, 2, 5, seed=2)],
    "many in a row": lambda: [sparse(2, 30, 80)],
    "unequal rows": unequal,
    "integers": lambda: [sparse(4, 5, 6, dtype=int)],
    "sharing": sharing,
    "views": views,
    **{
        kind.__name__: lambda kind=kind: [sparse(4, 6, 9, kind=kind)]
        for kind in (
            scipy.sparse.coo_matrix,
            scipy.sparse.csr_matrix,
            scipy.sparse.csc_matrix,
            scipy.sparse.bsr_matrix,
            scipy.sparse.dia_matrix,
        )
    },
    "kinds": lambda: [sparse(4, 6, 9), sparse(4, 6, 9, kind=scipy.sparse.csr_matrix)],
}


def blocks(n, rows, columns, indices=None, indptr=None, constant=True, seed=0):
    indices = np.arange(n) if indices is None else np.array(indices)
    indptr = np.arange(n + 1) if indptr is None else np.array(indptr)
    return BsrDotInc(
        Signal(random(n, rows, columns, seed=seed), name="A", readonly=constant),
        vector((indices.max() + 1) * columns),
        vector((len(indptr) - 1) * rows),
        indices=indices,
        indptr=indptr,
        reshape=False,
    )


BLOCKS = {
    "diagonal": lambda: [blocks(3, 2, 4)],
    "merged": lambda: [blocks(3, 2, 4), blocks(2, 2, 4, seed=1)],
    "in any place": lambda: [blocks(4, 2, 3, [2, 0, 0, 1], [0, 2, 2, 4])],
    "large": lambda: [blocks(3, 6, 7)],
    "not constant": lambda: [blocks(3, 2, 4, constant=False)],
}


@pytest.mark.parametrize("make", SPARSE.values(), ids=SPARSE)
def test_sparse_as_nengo(make, compare):
    compare(make())


@pytest.mark.parametrize("make", BLOCKS.values(), ids=BLOCKS)
def test_blocks_as_nengo(make, compare):
    compare(make())


@pytest.mark.parametrize("make", [SPARSE["merged"], BLOCKS["merged"]])
def test_single_precision_and_one_batch_item(make, compare_eagerly):
    compare_eagerly(make(), dtype="float32", atol=1e-5, batch=1)


def test_sparse_without_scipy(compare_eagerly, monkeypatch):
    """Nengo itself multiplies by the dense matrix then; there places come once."""
    monkeypatch.setattr(nengo.transforms, "scipy_sparse", None)
    matrix = SparseMatrix([[0, 1], [2, 0], [2, 3]], [0.5, -2, 3], (3, 4))
    op = SparseDotInc(Signal(matrix, readonly=True, name="A"), vector(4), vector(3))
    with pytest.warns(UserWarning, match="require Scipy"):
        compare_eagerly([op])


@pytest.mark.parametrize("compiled", [False, True])
def test_gradients_as_finite_differences(compiled, build):
    """The product is linear in either factor: any step gives the gradient."""
    ops = [sparse(4, 5, 6), sparse(2, 30, 80, seed=1)]
    group = build(ops, dtype="float64", minibatch_size=2)
    initial = group.initial_values()
    start = [tf.constant(initial[base]) for base in group.bases]
    factors = [random(op.Y.size, 2, seed=i) for i, op in enumerate(ops)]

    def loss(values):
        outcome = group.build(values)
        return sum(
            tf.reduce_sum(factor * outcome[group.bases.index(op.Y)])
            for factor, op in zip(factors, ops, strict=True)
        )

    @tf.function(jit_compile=compiled)
    def gradients(values):
        with tf.GradientTape() as tape:
            tape.watch(values)
            total = loss(values)
        return tape.gradient(total, values)

    found = gradients(start)
    for sig in [sig for op in ops for sig in op.reads]:
        at = group.bases.index(sig)
        place = tuple(n - 1 for n in start[at].shape)
        step = np.zeros(start[at].shape)
        step[place] = 1
        moved = [v + step if i == at else v for i, v in enumerate(start)]
        difference = loss(moved) - loss(start)
        np.testing.assert_allclose(found[at][place], difference, rtol=1e-9)
        assert difference != 0


def test_sparse_products_merge_whatever_their_shape():
    merge_key = Builder.find(SparseDotInc).merge_key
    assert len({merge_key(op) for op in SPARSE["merged"]()}) == 1


def test_blocks_of_other_shapes_do_not_merge():
    merge_key = Builder.find(BsrDotInc).merge_key
    assert (
        len({merge_key(blocks(3, *shape)) for shape in [(2, 4), (4, 2), (2, 4)]}) == 2
    )


@pytest.mark.parametrize("batch", [1, 3])
def test_several_tables_as_nengo(batch, compare_eagerly, monkeypatch):
    """As in large matrices: rows of similar length together."""
    monkeypatch.setattr("nengo_dl_ops.operators.sparse_pattern._TABLE_COST", 20)
    compare_eagerly(unequal(), batch=batch)
    (op,) = unequal()
    tables = build_tables(op)
    assert len(tables) > 3
    filled_up = sum(table.entries.size for table in tables)
    assert filled_up < 2 * op.A.size


def build_tables(op):
    entries = op.A.initial_value.indices
    return SparsePattern(entries[:, 1], entries[:, 0], 300, 59).tables


def test_not_a_number_stays_in_its_column(build):
    (op,) = unequal()
    group = build([op], dtype="float64", minibatch_size=1)
    values = group.initial_values()
    places = op.A.initial_value.indices
    column = places[0, 1]
    values[op.X][column] = np.nan
    there = np.isin(np.arange(59), places[places[:, 1] == column, 0])
    np.testing.assert_array_equal(np.isnan(group(values)[op.Y][:, 0]), there)
    assert 0 < there.sum() < 59
