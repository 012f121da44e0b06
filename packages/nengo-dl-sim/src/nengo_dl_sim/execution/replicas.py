"""How the items of a minibatch are divided among copies of a program: not at all."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

#: A `.data.batches.Batch`: inputs, targets, and how many items there are.
Batch = TypeVar("Batch", bound=tuple)


class Replicas:
    """
    The copies of a program that share a minibatch: one, which takes all of it.

    Whoever makes variables, minibatches and gradients asks this object. What divides
    minibatches among devices derives from it, by the methods of a
    ``tf.distribute.Strategy``.

    Notes
    -----
    What is random belongs to a minibatch, not to how it is divided: the order of items
    is drawn before `share` is asked, and the key of random numbers is the same for all
    replicas.
    """

    def scope(self) -> AbstractContextManager:
        """Return the context in which variables are made: parameters, slots, counts."""
        return nullcontext()

    def share(self, batch: Batch) -> Batch:
        """Return those items of a minibatch that this replica takes."""
        return batch

    def sum(self, tensors: Sequence[Any]) -> list[Any]:
        """Return sums over all replicas, each of a tf.Tensor (or None, which stays)."""
        return list(tensors)
