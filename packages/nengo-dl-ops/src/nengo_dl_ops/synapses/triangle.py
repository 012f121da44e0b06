"""The synapse with a triangular, finite impulse response."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import tensorflow as tf
from nengo.builder.processes import SimProcess
from nengo.synapses import Triangle

from nengo_dl_signals import gather_rows

from ..builder import Builder
from ..config import BuildConfig
from ..operators.processes import ProcessBuilder


@Builder.register(Triangle)
class TriangleBuilder(ProcessBuilder):
    r"""
    Compute ``nengo.synapses.Triangle``.

    .. math:: y[t] = \sum_{k=0}^{n-1} (n - k) \, d \, u[t-k]

    for the input :math:`u`, the output :math:`y` (both in the unit of the signal) and
    :math:`n` taps, as many as time steps fit into the triangle, and one more;
    :math:`d = 2 / (n (n + 1))`, so that the weights add up to one.

    As in Nengo the output is carried on: each step adds :math:`n \, d \, u[t]` and
    subtracts the last :math:`n` inputs times :math:`d`. These are kept in a ring of
    which ``Xi`` is the place written last. Triangles of the same length merge.
    """

    def __init__(self, ops: Sequence[SimProcess], config: BuildConfig) -> None:
        super().__init__(ops, config)
        self.op_of_element = np.repeat(
            np.arange(len(ops)), [op.input.size for op in ops]
        )
        n_taps = ops[0].state["X"].shape[0]
        self.last = 2 / (n_taps * (n_taps + 1))
        self.first = n_taps * self.last

    @classmethod
    def merge_key(cls, op: SimProcess) -> Hashable:
        """Triangles merge if they have as many taps."""
        return op.state["X"].shape[0]

    def step(
        self, u: tf.Tensor, state: Mapping[str, tf.Tensor]
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Filter the input by one step."""
        X = state["X"]
        n_taps = X.shape[0]
        y = state["Y"][0] + self.first * u - tf.reduce_sum(X, axis=0)
        place = (state["Xi"] + 1) % n_taps
        taps = np.arange(n_taps)[:, None, None]
        here = gather_rows(place[0], self.op_of_element) == taps.astype(X.dtype.name)
        X = tf.where(here, self.last * u, X)
        return y, {"X": X, "Y": y[None], "Xi": place}
