"""Losses, tried before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from ..construction import Parts
from ..data.minibatch_data import MinibatchData
from ..measures.measure import Measure


def try_losses(parts: Parts, losses: Sequence[Measure], data: MinibatchData) -> None:
    """
    Find out whether losses can be computed, of shapes alone.

    Parameters
    ----------
    parts : Parts
        The parts of the simulator.
    losses : list of Measure
        The losses.
    data : MinibatchData
        Says what shapes the targets have, and how many steps there are.

    Raises
    ------
    nengo.exceptions.ValidationError
        If a target does not fit its loss. What a user's own loss raises, it raises
        here, too.
    """
    looked_at = {number for loss in losses for number in loss.outputs}
    outputs = {k: _output(parts, k, data) for k in looked_at}
    targets = [_spec(parts, data, *shape) for shape in data.target_shapes]

    def values(outputs: dict[int, tf.Tensor], targets: list[tf.Tensor]) -> list:
        given = [outputs.get(k) for k in range(len(parts.probes))]
        return [loss.value(given, targets) for loss in losses]

    tf.function(values, autograph=False).get_concrete_function(outputs, targets)


def _output(parts: Parts, probe: int, data: MinibatchData) -> tf.TensorSpec:
    n_steps = data.n_steps if parts.probes[probe].keep_history else 1
    return _spec(parts, data, n_steps, *parts.program.probes[probe].shape)


def _spec(parts: Parts, data: MinibatchData, *shape: int) -> tf.TensorSpec:
    return tf.TensorSpec((data.minibatch_size, *shape), parts.config.dtype)
