"""Small things that users of the simulator may need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from nengo.exceptions import ValidationError

from .checks import check_boolean, check_count
from .data.batches import check_truncation, minibatches, step_blocks, warn_uneven
from .execution.cluster import check_cluster as check_cluster
from .execution.compile_cache import cache_compilations as cache_compilations


def minibatch_generator(
    data: Mapping[Any, np.ndarray] | int,
    minibatch_size: int,
    shuffle: bool = True,
    truncation: int | None = None,
    rng: np.random.RandomState | None = None,
) -> Iterator[tuple[int, dict[Any, np.ndarray] | int]]:
    """
    Cut data into minibatches, and those into blocks of steps.

    Parameters
    ----------
    data : dict or int
        Arrays ``(n_items, n_steps, size)`` under any keys; or a number of steps, of
        one minibatch without data.
    minibatch_size : int
        The number of items in each minibatch.
    shuffle : bool
        Whether the items are put in a random order first.
    truncation : int, optional
        The number of steps of a block. None: all.
    rng : numpy.random.RandomState, optional
        Draws the order. None: NumPy's global one.

    Returns
    -------
    blocks : iterator over (int, dict or int)
        The first step of each block (the blocks of a minibatch follow each other, the
        first one begins at step 0), and its data: arrays ``(minibatch_size, n, size)``
        under the same keys, or the number of steps.

    Raises
    ------
    nengo.exceptions.ValidationError
        If an argument is not what is described here.

    Warns
    -----
    UserWarning
        If items are left over, which are left out; if the last block is shorter.

    Examples
    --------
    >>> data = {"x": np.arange(12).reshape(2, 6, 1)}
    >>> for offset, part in minibatch_generator(data, 1, shuffle=False, truncation=3):
    ...     print(offset, part["x"].ravel())
    0 [0 1 2]
    3 [3 4 5]
    0 [6 7 8]
    3 [ 9 10 11]
    """
    minibatch_size = check_count("minibatch_size", minibatch_size, low=1)
    check_boolean("shuffle", shuffle)
    truncation = check_truncation(truncation)
    if rng is not None and not hasattr(rng, "permutation"):
        raise ValidationError(
            f"expected a numpy.random.RandomState, got {rng!r:.100}", attr="rng"
        )
    if not isinstance(data, Mapping):
        n_steps = check_count("data", data, low=1)
        warn_uneven(n_steps, truncation)
        blocks = step_blocks(n_steps, truncation)
        return ((steps.start, steps.stop - steps.start) for steps in blocks)
    n_items, n_steps = _lengths(data)
    warn_uneven(n_steps, truncation)
    chosen = minibatches(n_items, minibatch_size, shuffle, rng)
    return (
        (steps.start, {key: array[items][:, steps] for key, array in data.items()})
        for items in chosen
        for steps in step_blocks(n_steps, truncation)
    )


def _lengths(data: Mapping[Any, np.ndarray]) -> tuple[int, int]:
    """Return the numbers of items and steps, which must be those of all arrays."""
    found = {np.shape(array)[:2] for array in data.values()}
    if len(found) != 1 or len(next(iter(found))) != 2:
        raise ValidationError(
            "expected arrays with the same numbers of items and steps (the first two "
            f"axes), got {sorted(found)}",
            attr="data",
        )
    n_items, n_steps = found.pop()
    return n_items, n_steps
