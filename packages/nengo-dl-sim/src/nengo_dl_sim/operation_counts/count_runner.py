"""Runs a program in chunks, and counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from nengo.node import Node

from nengo_dl_ops.step.program import Program
from nengo_dl_ops.step.state import State

from ..execution.jit_policy import Mode
from ..execution.recorder import Recorder
from ..execution.runner import Runner
from ..inputs.nodes import NodeInputs
from .activity_counter import ActivityCounter, ChunkCounts
from .watched import Watched


class CountRunner(Runner):
    """
    Runs a program as a `.Runner` does; counts, and records nothing.

    Parameters
    ----------
    program, variables, inputs, unroll
        As in `.Runner`.
    watched : Watched
        What is looked at.
    """

    def __init__(
        self,
        program: Program,
        variables: Sequence[tf.Variable],
        inputs: NodeInputs,
        unroll: int,
        watched: Watched,
    ) -> None:
        super().__init__(program, variables, inputs, {}, unroll)
        self._watched = watched
        self._counter = ActivityCounter(program, watched)

    def counts(
        self,
        state: State,
        n_steps: int,
        data: Mapping[Node, np.ndarray],
        mode: Mode,
    ) -> Iterator[ChunkCounts]:
        """Run some steps from the beginning of a simulation; count in each chunk."""
        feed = self.feed(data)
        for progress in self.run(state, 0, n_steps, data, feed, mode):
            yield self._counter.counts(list(progress.probed.values()))

    def _recorder(self, program: Program, capacity: int) -> Recorder:
        return ActivityCounter(program, self._watched)

    def _slots(self, start_step: int, n_steps: int, capacity: int) -> tf.Tensor:
        """Tell which step is the first of an item."""
        return tf.constant((start_step + np.arange(capacity) == 0)[None], tf.int32)

    def _split(self, recorded: Sequence[tf.Tensor]) -> dict[Any, np.ndarray]:
        return {i: array.numpy() for i, array in enumerate(recorded)}
