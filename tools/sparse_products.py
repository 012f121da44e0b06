"""Time products of sparse matrices here and in SciPy; print a table of ratios.

``uv run tools/sparse_products.py`` takes about a minute. Each product is a step of a
loop that XLA compiles; the smallest time of several counts. Nothing else should run.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import scipy.sparse
import tensorflow as tf

from nengo_dl_ops.operators.sparse_pattern import SparsePattern

#: Rows, and density; minibatches of each.
SHAPES = [
    *((100, density) for density in (0.2, 0.02)),
    *((1000, density) for density in (0.2, 0.05, 0.01, 0.001)),
    *((10_000, density) for density in (0.05, 0.01, 0.001)),
    (100_000, 0.0001),
]
BATCHES = 1, 64

#: At most so many products of an entry and an element are computed in one step.
MAX_WORK = 10**8

#: Seconds spent on each figure.
SECONDS = 0.25

HEAD = " rows  density  batch    here us   SciPy us   times as fast"


def random_matrix(n: int, density: float) -> scipy.sparse.csr_matrix:
    """Make a square matrix with entries in random places."""
    rng = np.random.default_rng(0)
    size = round(n * n * density)
    values = rng.normal(size=size).astype(np.float32)
    places = rng.integers(n, size=(2, size))
    return scipy.sparse.coo_matrix((values, places), (n, n)).tocsr()


def smallest_time(operation: Callable[[], Any]) -> float:
    """Call again and again; return the seconds of the shortest call."""
    operation()
    times: list[float] = []
    end = time.perf_counter() + SECONDS
    while len(times) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        operation()
        times.append(time.perf_counter() - start)
    return min(times)


def time_here(matrix: scipy.sparse.csr_matrix, X: np.ndarray) -> float:
    """Return the seconds of a product in a loop of many."""
    entries, n = matrix.tocoo(), matrix.shape[0]
    pattern = SparsePattern(entries.col.astype(int), entries.row.astype(int), n, n)
    n_steps = int(np.clip(3e7 / (matrix.nnz * X.shape[1]), 2, 300))

    @tf.function(jit_compile=True, autograph=False)
    def run(A: tf.Tensor, X: tf.Tensor) -> tf.Tensor:
        arranged = pattern.arranged(A)

        def step(i: tf.Tensor, X: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            # What is multiplied depends on the step before: nothing is left out.
            return i + 1, X + 1e-9 * pattern.sums(arranged, X)

        return tf.while_loop(lambda i, _: i < n_steps, step, (0, X))[1]

    A, X = tf.constant(entries.data[:, None]), tf.constant(X)
    return smallest_time(lambda: run(A, X).numpy()) / n_steps


def rows() -> Iterator[str]:
    """Yield the rows of the table."""
    for n, density in SHAPES:
        matrix = random_matrix(n, density)
        for batch in BATCHES:
            if matrix.nnz * batch > MAX_WORK:
                continue
            X = np.random.default_rng(1).normal(size=(n, batch)).astype(np.float32)
            here = 1e6 * time_here(matrix, X)
            vectors = X[:, 0] if batch == 1 else X
            scipys = 1e6 * smallest_time(lambda: matrix @ vectors)  # noqa: B023
            figures = f"{here:10.1f} {scipys:10.1f} {scipys / here:10.2f}"
            yield f"{n:6d} {density:7.4f} {batch:6d} {figures}"


if __name__ == "__main__":
    print(HEAD)
    for row in rows():
        print(row, flush=True)
