"""Losses, tried before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from ..data.data_adapter import DataAdapter
from ..engine.engine import Engine
from ..measures.measure import Measure


def try_losses(engine: Engine, losses: Sequence[Measure], data: DataAdapter) -> None:
    """
    Find out whether losses can be computed, of shapes alone.

    Parameters
    ----------
    engine : Engine
        The engine of the simulator.
    losses : list of Measure
        The losses.
    data : DataAdapter
        Says what shapes the targets have, and how many steps there are.

    Raises
    ------
    nengo.exceptions.ValidationError
        If a target does not fit its loss. What a user's own loss raises, it raises
        here, too.
    """
    looked_at = {number for loss in losses for number in loss.outputs}
    outputs = {k: _output(engine, k, data) for k in looked_at}
    targets = [_spec(engine, data, *shape) for shape in data.target_shapes]

    def values(outputs: dict[int, tf.Tensor], targets: list[tf.Tensor]) -> list:
        given = [outputs.get(k) for k in range(len(engine.probes))]
        return [loss.value(given, targets) for loss in losses]

    tf.function(values, autograph=False).get_concrete_function(outputs, targets)


def _output(engine: Engine, probe: int, data: DataAdapter) -> tf.TensorSpec:
    n_steps = data.n_steps if engine.probes[probe].keep_history else 1
    return _spec(engine, data, n_steps, *engine.program.probes[probe].shape)


def _spec(engine: Engine, data: DataAdapter, *shape: int) -> tf.TensorSpec:
    return tf.TensorSpec((data.minibatch_size, *shape), engine.config.dtype)
