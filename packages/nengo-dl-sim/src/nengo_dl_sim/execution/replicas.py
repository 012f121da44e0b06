"""How the items of a minibatch are divided among copies of a program: not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from nengo_dl_ops import Share


class Replica(NamedTuple):
    """
    A copy of a program that this process computes.

    Parameters
    ----------
    share : Share
        The items that it takes.
    device : str
        The device that it is on.
    """

    share: Share
    device: str


class Replicas:
    """
    The copies of a program that share a minibatch: one, which takes all of it.

    Whoever makes variables, minibatches and gradients asks this object. What divides
    minibatches among workers or devices derives from it.

    Attributes
    ----------
    count : int
        How many there are, in all processes.
    process, n_processes : int
        The number of this process, and how many there are.
    """

    count: int = 1
    process: int = 0
    n_processes: int = 1

    @property
    def is_chief(self) -> bool:
        """Whether this process is the one that writes files, and shows progress."""
        return self.process == 0

    @property
    def are_divided(self) -> bool:
        """Whether there are several."""
        return self.count > 1

    def scope(self) -> AbstractContextManager:
        """Return the context in which variables are made: parameters, slots, counts."""
        return nullcontext()

    def here(self, minibatch_size: int) -> list[Replica]:
        """Return those of this process; only asked for if there are several."""
        raise NotImplementedError(minibatch_size)

    def sum(
        self, parts: Sequence[Sequence[tf.Tensor]], n_gradients: int = 0
    ) -> list[tf.Tensor]:
        """
        Return sums over all replicas of all processes.

        ``parts``: for each replica of this process, the same number of tensors of the
        same shapes. Only asked for if there are several. ``n_gradients``: how many of
        them, at the beginning, may be summed up in the type that is for gradients.
        """
        raise NotImplementedError(parts)

    def gather(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """
        Return what each process has, one after another along a new first axis.

        ``arrays``: of the same number, shapes and types in all processes.
        """
        return [array[None] for array in arrays]

    def check_alike(self, facts: Mapping[str, str | bytes]) -> None:
        """
        Check that all processes do the same.

        ``facts``: what must be the same, by what it is; a text has a line for each
        thing that may differ.
        """

    def any(self, flag: bool) -> bool:
        """Tell whether a flag is set in some process."""
        return flag
