"""Operators on signals of every rank, slice, stride and type that Nengo takes."""

import itertools

import numpy as np
import pytest
import scipy.sparse
from nengo.builder.operator import (
    BsrDotInc,
    Copy,
    DotInc,
    ElementwiseInc,
    Reset,
    SparseDotInc,
    TimeUpdate,
)
from nengo.builder.signal import Signal
from nengo.exceptions import BuildError
from nengo.transforms import SparseMatrix

from nengo_dl_ops import Builder

RANKS = [(), (1,), (3,), (1, 1), (2, 3), (2, 1), (1, 3)]
VIEWS = {
    "base": lambda new, shape: new(shape),
    "every other": lambda new, shape: new((2 * shape[0], *shape[1:]))[::2],
    "backwards": lambda new, shape: new(shape)[::-1],
    "inner": lambda new, shape: new([n + 2 for n in shape])[
        tuple(slice(1, n + 1) for n in shape)
    ],
}
SLICES = [
    None,
    slice(1, 3),
    slice(None, None, 2),
    slice(None, None, -1),
    slice(2, 0, -1),
    [0, 2],
    [-1, 0],
    [1, 1],
    [1, -2],
    [True, False, True],
    np.array([2, 1, 0]),
    [[0, 1], [2, 1]],
    0,
    [],
]
COPIED = [
    ((3,), (3,)),
    ((3, 2), (3, 2)),
    ((3, 2, 2), (3, 2, 2)),
    ((1,), (3,)),
    ((2,), (3, 2)),
    ((1, 3), (3,)),
    ((), (3,)),
    ((3, 1), (3, 2)),
    ((1,), ()),
    ((3,), (2, 3)),
    ((3,), (3, 3)),
]
#: Of thousands of forms of an operator, so many are tried.
MOST = 60

TYPES = [float, int, np.uint8, bool, complex]


def signal(shape, view="base", constant=False, dtype=float):
    def new(shape):
        values = 3 * np.random.RandomState(len(shape)).normal(size=shape)
        return Signal(np.asarray(values).astype(dtype), readonly=constant, name="s")

    return VIEWS[view if shape else "base"](new, shape)


def elementwise(a, x, y, views=("base",) * 3, constant=True):
    shapes, constants = (a, x, y), (constant, False, False)
    return ElementwiseInc(*map(signal, shapes, views, constants))


def dot(a, x, y, views=("base",) * 3, constant=True, reshape=None):
    shapes, constants = (a, x, y), (constant, False, False)
    return DotInc(*map(signal, shapes, views, constants), reshape=reshape)


def copy(src, dst, constant=False, views=("base", "base"), **options):
    return Copy(signal(src, views[0], constant), signal(dst, views[1]), **options)


def sparse(m, n, x, y, kind):
    matrix = scipy.sparse.random(m, n, 0.7, random_state=1, format="coo")
    if kind == "nengo":
        places = np.stack([matrix.row, matrix.col], axis=1)
        matrix = SparseMatrix(places, matrix.data, (m, n))
    else:
        matrix = matrix.asformat(kind)
    return SparseDotInc(Signal(matrix, readonly=True, name="A"), signal(x), signal(y))


def blocks(shape, indices, indptr, x, y, reshape, constant):
    A = signal(shape, constant=constant)
    indices, indptr = np.array(indices), np.array(indptr)
    return BsrDotInc(A, signal(x), signal(y), indices, indptr, reshape=reshape)


def typed(kind, a, x, y):
    shapes = [(3,), (3,), (3,)] if kind is ElementwiseInc else [(2, 3), (3,), (2,)]
    A, X, Y = (
        signal(shape, dtype=dtype)
        for shape, dtype in zip(shapes, (a, x, y), strict=True)
    )
    return kind(A, X, Y)


def in_all_views(make, shapes):
    for form, *views in itertools.product(shapes, VIEWS, VIEWS, VIEWS):
        for constant in (True, False):
            yield lambda f=form, v=views, c=constant: make(*f, v, c)


def elementwise_forms():
    for shapes in itertools.product(RANKS, RANKS, [*RANKS, (2, 3, 4)]):
        for constant in (True, False):
            yield lambda s=shapes, c=constant: elementwise(*s, constant=c)
    forms = [[(3,)] * 3, [(2, 3)] * 3, [(2, 1), (3,), (2, 3)], [(), (3,), (3,)]]
    yield from in_all_views(elementwise, forms)
    yield lambda: elementwise((0,), (0,), (0,))


def dot_forms():
    ranks = [*RANKS, (3, 1), (2,), (2, 1, 3), (3, 2), (3, 1, 1), (4, 2)]
    for *shapes, reshape in itertools.product(ranks, ranks, ranks, (None, True, False)):
        yield lambda s=shapes, r=reshape: dot(*s, reshape=r)
    for shapes in itertools.product(RANKS[:5], RANKS[:5], RANKS[:5]):
        yield lambda s=shapes: dot(*s, constant=False)
    forms = [
        [(2, 3), (3,), (2,)],
        [(3,), (3,), ()],
        [(), (3,), (3,)],
        [(3,), (), (3,)],
        [(2, 3), (3, 1), (2, 1)],
    ]
    yield from in_all_views(dot, forms)
    yield lambda: dot((2, 0), (0,), (2,))


def copy_forms():
    rng = np.random.RandomState(0)
    for (src, dst), i, j, inc, constant in itertools.product(
        COPIED, SLICES, SLICES, (False, True), (False, True)
    ):
        if rng.uniform() < 0.15 or i is None or j is None:
            yield lambda s=src, d=dst, c=constant, i=i, j=j, inc=inc: copy(
                s, d, c, src_slice=i, dst_slice=j, inc=inc
            )
    for shape, *views in itertools.product([(3,), (3, 2), (3, 2, 2)], VIEWS, VIEWS):
        for i, inc, constant in itertools.product(
            (None, [2, 0, 0]), (False, True), (False, True)
        ):
            yield lambda s=shape, v=views, i=i, inc=inc, c=constant: copy(
                s, s, c, v, src_slice=i, inc=inc
            )


def sparse_forms():
    for (m, n), kind in itertools.product(
        [(2, 3), (1, 3), (3, 1), (1, 1)], ("nengo", "csr", "coo", "bsr")
    ):
        for x in [(), (n,), (n, 1), (n + 1,)]:
            for y in [(), (m,), (m, 1), (1, m), (5,), (5, 1)]:
                yield lambda m=m, n=n, x=x, y=y, kind=kind: sparse(m, n, x, y, kind)


def block_forms():
    places = [([0, 1, 2], [0, 1, 2, 3]), ([0, 0, 0], [0, 3]), ([2, 1, 0], [0, 0, 3])]
    for (indices, indptr), reshape, constant in itertools.product(
        places, (True, False), (True, False)
    ):
        columns, rows = (max(indices) + 1) * 3, (len(indptr) - 1) * 2
        for x in [(columns,), (columns, 1), (), (columns + 1,)]:
            for y in [(rows,), (rows, 1), (), (5,), (rows // 2, 2)]:
                yield (
                    lambda i=indices, p=indptr, x=x, y=y, r=reshape, c=constant: blocks(
                        (3, 2, 3), i, p, x, y, r, c
                    )
                )


def reset_forms():
    for shape, view, value in itertools.product(RANKS, VIEWS, (0, 1.5, -3)):
        yield lambda s=shape, v=view, n=value: Reset(signal(s, v), value=n)
    for dtype in (int, bool, np.uint8):
        yield lambda d=dtype: Reset(signal((3,), dtype=d), value=2.7)


def time_forms():
    shapes = [(), (1,), (3,), (2, 2), (4, 3)]
    for step, time in itertools.product(shapes, shapes):
        for dtype in (int, np.int32, float):
            yield lambda s=step, t=time, d=dtype: TimeUpdate(
                signal(s, dtype=d), signal(t)
            )


def type_forms():
    for src, dst, inc in itertools.product(TYPES, TYPES, (False, True)):
        yield lambda s=src, d=dst, inc=inc: Copy(
            signal((3,), dtype=s), signal((3,), dtype=d), inc=inc
        )
    for kind, *types in itertools.product((ElementwiseInc, DotInc), *[TYPES] * 3):
        yield lambda k=kind, t=types: typed(k, *t)


FORMS = {
    "ElementwiseInc": elementwise_forms,
    "DotInc": dot_forms,
    "Copy": copy_forms,
    "SparseDotInc": sparse_forms,
    "BsrDotInc": block_forms,
    "Reset": reset_forms,
    "TimeUpdate": time_forms,
    "types": type_forms,
}


@pytest.mark.parametrize("forms", FORMS.values(), ids=FORMS)
@pytest.mark.filterwarnings("ignore")
def test_what_nengo_takes_and_what_it_refuses(forms, in_nengo, compare_eagerly):
    """The same values; or an error that names the operator, before anything is run."""
    counts, every = {True: 0, False: 0}, list(forms())
    chosen = np.random.RandomState(0).permutation(len(every))
    for make in (every[i] for i in chosen):
        if sum(counts.values()) == MOST:
            break
        try:
            op = make()
        except Exception:  # Nengo's own operator refuses
            continue
        try:
            in_nengo([op])()
            taken = True
        except Exception:
            taken = False
        in_python = Builder.of(op).python
        if taken:
            Builder.check(op)
            if not in_python:
                compare_eagerly([make()], n_steps=2, batch=2)
        elif not in_python:
            with pytest.raises(BuildError) as error:
                Builder.check(op)
                pytest.fail(f"accepted: {op}")
            assert str(op) in str(error.value)
        counts[taken] += 1
    assert counts[True] > 1


def test_merged_forms(compare):
    """Operators of one form, among others of the same rank."""
    compare([dot((), (3,), (3,)) for _ in range(2)])
    compare([dot((3,), (), (3,)) for _ in range(2)])
    compare([elementwise((), (3,), (3,)), elementwise((), (1,), (1,))])
    compare(
        [
            copy((3, 2), (3, 2), src_slice=[2, 0, 0]),
            copy((3,), (4,), dst_slice=[3, 1, 0]),
            copy((4, 2), (3,), src_slice=([3, 0, 1], [0, 1, 1])),
            copy((), (2, 2)),
        ]
    )
    source, factor = signal((3,)), signal((), constant=True)
    compare([DotInc(factor, source, signal((3,))) for _ in range(2)])
