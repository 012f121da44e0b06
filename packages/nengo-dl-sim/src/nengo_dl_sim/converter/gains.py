"""A process that multiplies each element by a number of its own."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import nengo
import numpy as np
import tensorflow as tf
from nengo.builder.processes import SimProcess
from nengo.params import NdarrayParam

from nengo_dl_ops import BuildConfig, Builder, ProcessBuilder


class Gains(nengo.Process):
    """
    Multiply by constants that, unlike weights of connections, are no parameters.

    Parameters
    ----------
    factors : (size,) array_like
        One for each element.
    """

    factors = NdarrayParam("factors", shape=("*",))

    def __init__(self, factors: Any) -> None:
        super().__init__(default_size_in=len(factors), default_size_out=len(factors))
        self.factors = factors

    def make_step(
        self, shape_in: Any, shape_out: Any, dt: float, rng: Any, state: Any
    ) -> Callable:
        """Make the step of Nengo's own simulator."""
        del shape_in, shape_out, dt, rng, state
        factors = self.factors
        return lambda t, x: factors * x


@Builder.register(Gains)
class GainsBuilder(ProcessBuilder):
    """Compute `Gains`: the output is the input times the factors."""

    def __init__(self, ops: Sequence[SimProcess], config: BuildConfig) -> None:
        super().__init__(ops, config)
        factors = np.concatenate([op.process.factors for op in ops])
        self._factors = factors.astype(config.dtype)[:, None]

    @classmethod
    def merge_key(cls, op: SimProcess) -> Hashable:
        """All of them merge."""
        del op
        return None

    def step(
        self, u: tf.Tensor, state: Mapping[str, tf.Tensor]
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Multiply; there is no state."""
        del state
        return self._factors * u, {}
