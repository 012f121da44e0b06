"""How items are cut into minibatches, and their steps into blocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from nengo.exceptions import ValidationError

from nengo_dl_ops.user_warnings import warn_user

from ..checks import check_count_or_none


class Batch(NamedTuple):
    """
    One minibatch, or a block of its steps.

    Parameters
    ----------
    held : (n_held, batch or 1) tf.Tensor
        Values of nodes that do not change.
    stepped : (n_steps, n_stepped, batch) array
        Values of nodes that do.
    targets : list of (batch, n_steps, ...) array
        What the outputs are compared with.
    n_items : int or None
        How many items there are, before those that only fill the minibatch; None: all.
    start_step : int
        How many steps of the simulation were before.
    """

    held: tf.Tensor
    stepped: np.ndarray
    targets: list[np.ndarray]
    n_items: int | None = None
    start_step: int = 0

    def blocks(self, truncation: int | None) -> Iterator[Batch]:
        """
        Cut the minibatch into blocks of steps.

        ``truncation``: the number of steps of a block. None: one block of all steps.
        """
        if truncation is None:
            yield self  # with targets of any number of steps
            return
        for steps in step_blocks(len(self.stepped), truncation):
            targets = [target[:, steps] for target in self.targets]
            start = self.start_step + steps.start
            yield Batch(self.held, self.stepped[steps], targets, self.n_items, start)


class Order(NamedTuple):
    """
    What draws the order of items in an epoch.

    Parameters
    ----------
    seed : int
        The seed of everything random.
    epoch : int
        The number of the epoch.
    """

    seed: int
    epoch: int

    def rng(self) -> np.random.RandomState:
        """Return what draws the order."""
        return np.random.RandomState([self.seed, self.epoch])

    def before(self, n_epochs: int) -> Order:
        """Return what drew the order some epochs before."""
        return Order(self.seed, self.epoch - n_epochs)


def minibatches(
    n_items: int,
    minibatch_size: int,
    shuffle: bool,
    rng: np.random.RandomState | None = None,
) -> Iterator[np.ndarray | slice]:
    """
    Cut items into minibatches.

    Parameters
    ----------
    n_items : int
        The number of items.
    minibatch_size : int
        The number of items in each minibatch.
    shuffle : bool
        Whether the items are put in a random order first.
    rng : numpy.random.RandomState, optional
        Draws the order; needed only to shuffle.

    Returns
    -------
    items : iterator over (minibatch_size,) ndarray of int or slice
        What to index the first axis of arrays with.

    Raises
    ------
    nengo.exceptions.ValidationError
        If there are not enough items for one minibatch.

    Warns
    -----
    UserWarning
        If items are left over, which are left out.
    """
    check_divisible(n_items, minibatch_size)
    return cut_items(n_items, minibatch_size, (rng or np.random) if shuffle else None)


def cut_items(
    n_items: int, minibatch_size: int, order: Any, keep_remainder: bool = False
) -> Iterator[np.ndarray | slice]:
    """
    Cut items into minibatches, without a word about those left over.

    Shapes: returns (minibatch_size,). ``order``: draws the order of the items. None:
    they stay in order.
    """
    drawn = None if order is None else order.permutation(n_items)
    stop = n_items if keep_remainder else n_items - minibatch_size + 1
    for start in range(0, stop, minibatch_size):
        items = slice(start, start + minibatch_size)
        yield items if drawn is None else drawn[items]


def filled(array: np.ndarray, minibatch_size: int) -> np.ndarray:
    """
    Fill a minibatch with copies of its last item.

    Shapes: ``array`` (n_items, ...); returns (minibatch_size, ...).
    """
    n_missing = minibatch_size - len(array)
    if not n_missing:
        return array
    return np.concatenate([array, np.repeat(array[-1:], n_missing, axis=0)])


def check_divisible(n_items: int, minibatch_size: int) -> None:
    """
    Check that items make up minibatches.

    Parameters
    ----------
    n_items : int
        The number of items.
    minibatch_size : int
        The number of items in each minibatch.

    Raises
    ------
    nengo.exceptions.ValidationError
        If there are not enough items for one minibatch.

    Warns
    -----
    UserWarning
        If items are left over, which are left out.
    """
    if n_items < minibatch_size:
        raise ValidationError(
            f"expected at least minibatch_size={minibatch_size} items, got {n_items}",
            attr="data",
        )
    if n_items % minibatch_size:
        warn_user(
            f"Number of items ({n_items}) is not a multiple of minibatch_size "
            f"({minibatch_size}): {n_items % minibatch_size} of them are left out"
        )


def step_blocks(n_steps: int, truncation: int | None) -> list[slice]:
    """
    Cut steps into blocks.

    ``truncation``: the number of steps of a block. None: one block of all steps.
    """
    length = truncation or max(n_steps, 1)
    starts = range(0, n_steps, length)
    return [slice(start, min(start + length, n_steps)) for start in starts]


def check_truncation(value: Any) -> int | None:
    """Check the argument ``truncation``."""
    return check_count_or_none("truncation", value, low=1)


def warn_uneven(n_steps: int, truncation: int | None) -> None:
    """
    Warn if steps cannot be cut into equal blocks.

    Parameters
    ----------
    n_steps : int
        The number of steps.
    truncation : int or None
        The number of steps of a block.

    Warns
    -----
    UserWarning
        If the last block is shorter.
    """
    if truncation is not None and n_steps % truncation:
        warn_user(
            f"Number of steps ({n_steps}) is not a multiple of truncation "
            f"({truncation}): the last block has {n_steps % truncation} steps"
        )
