"""From the ``data`` of ``train``, ``loss`` and ``run_batch`` to minibatches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from nengo.exceptions import ValidationError
from nengo.node import Node
from nengo.probe import Probe

from ..checks import check_count, whole_number
from ..engine.engine import Engine
from .array_data import ArrayData
from .arrays import check_inputs, check_targets, common_shape, split_data
from .batches import check_divisible
from .data_adapter import DataAdapter
from .from_stream import stream_data
from .keras_forms import UserData, is_stream, without_n_steps
from .names import RESERVED, Names
from .stream_epochs import StreamEpochs

#: Inputs by node and targets by probe; or a number of steps; or what gives such
#: dictionaries, for a minibatch each.
Data = Mapping[Node | Probe, np.ndarray] | int | Iterable[Any]


def train_data(
    engine: Engine,
    names: Names,
    data: Any,
    n_epochs: int = 1,
    shuffle: bool = False,
    keep_remainder: bool = False,
) -> DataAdapter:
    """
    Check the data of a training, or of a run over many items.

    ``shuffle``: whether the order of items was asked to be random, which it can be only
    if all are in memory. ``keep_remainder``: as in `.DataAdapter`. If not, items that
    are left over are left out.
    """
    size, dtype = engine.config.minibatch_size, engine.config.dtype
    if isinstance(data, Mapping):
        return _check_arrays(engine, names, data, keep_remainder)
    if is_stream(data):
        if shuffle:
            raise ValidationError(
                "expected False for a data set or generator, which comes in its own "
                "order, got True: use dataset.shuffle(n, seed=...)",
                attr="shuffle",
            )
        return stream_data(
            engine,
            names,
            UserData(data, check=check_targets),
            lambda stream: StreamEpochs(stream, n_epochs),
            keep_remainder,
        )
    if whole_number(data) is None and not isinstance(data, (int, float, np.number)):
        raise ValidationError(
            "expected a dictionary {node: values, probe: targets}, a number of steps, "
            f"or a data set or generator, got {data!r:.100}",
            attr="data",
        )
    return ArrayData(check_count("data", data, low=1), size, dtype, size, {}, None)


def _check_arrays(
    engine: Engine, names: Names, data: Mapping[Any, Any], keep_remainder: bool
) -> ArrayData:
    size, dtype = engine.config.minibatch_size, engine.config.dtype
    nodes, probes = engine.inputs.nodes, engine.model.probes
    data, counted = without_n_steps("data", data)
    found = names.by_object("data", data)
    data = {key: values for key, values in found.items() if values is not None}
    inputs, targets = split_data(data, nodes, probes)
    n_items, n_steps = common_shape(data, size)
    if not data and counted:
        n_steps = counted
    elif counted not in (None, n_steps):
        raise ValidationError(
            f"expected {RESERVED} to be {n_steps}, as in the arrays, got {counted}",
            attr="data",
        )
    if n_steps == 0:
        raise ValidationError("expected at least one step, got 0", attr="data")
    inputs = check_inputs(inputs, nodes, n_items, n_steps, dtype)
    targets = check_targets(targets, probes, n_items, n_steps, dtype)
    if not keep_remainder or n_items < size:
        check_divisible(n_items, size)
    return ArrayData(
        n_steps, size, dtype, n_items, inputs, targets, keep_remainder=keep_remainder
    )
