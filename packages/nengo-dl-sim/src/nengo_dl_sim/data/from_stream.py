"""From data sets and generators to minibatches."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..engine.engine import Engine
from .joint_stream import JointStreamData
from .keras_forms import UserData
from .names import Names
from .stream_data import Reader, StreamData
from .stream_epochs import StreamEpochs
from .worker_streams import too_few_files, worker_stream


def stream_data(
    engine: Engine,
    names: Names,
    user_data: UserData,
    epochs_of: Callable[[Iterable], StreamEpochs],
    keep_remainder: bool = False,
) -> StreamData:
    """
    Read minibatches, or the part of this worker of each.

    ``user_data``: its ``x`` is the data set or generator. ``epochs_of``: says how often
    to go through what this worker reads of it. ``keep_remainder``: as in
    `.DataAdapter`.
    """
    size, dtype = engine.config.minibatch_size, engine.config.dtype
    replicas = engine.replicas
    part = worker_stream(user_data.x, replicas, size)
    with too_few_files():
        stream_epochs = epochs_of(part.stream)
    n_items = size // replicas.n_processes if part.is_own else size
    reader = Reader(engine, names, user_data, n_items)
    if part.is_own:
        return JointStreamData(
            stream_epochs, reader, size, dtype, keep_remainder, replicas=replicas
        )
    return StreamData(stream_epochs, reader, size, dtype, keep_remainder)
