"""Which part of a data set or generator a worker reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import tensorflow as tf
from nengo.exceptions import ValidationError

from ..execution.replicas import Replicas

_Policy = tf.data.experimental.AutoShardPolicy


class WorkerStream(NamedTuple):
    """
    What a worker reads.

    Parameters
    ----------
    stream : iterable
        Where elements come from.
    is_own : bool
        Whether these are items of this worker only; else minibatches of all workers.
    """

    stream: Iterable
    is_own: bool


def worker_stream(
    stream: Iterable, replicas: Replicas, minibatch_size: int
) -> WorkerStream:
    """
    Return what this worker reads of a data set or generator.

    A data set is divided as its `tf.data.experimental.AutoShardPolicy` says. Raises a
    ``ValidationError`` if it cannot be.
    """
    if replicas.n_processes == 1:
        return WorkerStream(stream, False)
    if not isinstance(stream, tf.data.Dataset):
        return WorkerStream(stream, True)
    policy = stream.options().experimental_distribute.auto_shard_policy
    if policy == _Policy.DATA:
        return WorkerStream(stream, False)
    cut = _cut_anew(stream, minibatch_size // replicas.n_processes)
    if policy == _Policy.OFF:
        return WorkerStream(cut, True)
    try:
        return WorkerStream(_sharded(cut, replicas, policy), True)
    except tf.errors.NotFoundError as error:
        if policy == _Policy.AUTO:  # as tf.data does then
            return WorkerStream(stream, False)
        raise ValidationError(
            "expected a data set that begins with a list of files, since its "
            "AutoShardPolicy is FILE, got one that tf.data cannot divide by files: use "
            "AutoShardPolicy.DATA, or dataset.shard and AutoShardPolicy.OFF",
            attr="data",
        ) from error


def _cut_anew(dataset: tf.data.Dataset, n_items: int) -> tf.data.Dataset:
    """Let elements have so many items, those of one worker."""
    try:
        return dataset.rebatch(n_items)
    except ValueError as error:
        raise ValidationError(
            "expected elements whose arrays all have an axis of items, since they are "
            f"divided among workers, got {dataset.element_spec}",
            attr="data",
        ) from error


def _sharded(
    dataset: tf.data.Dataset,
    replicas: Replicas,
    policy: tf.data.experimental.AutoShardPolicy,
) -> tf.data.Dataset:
    """Let tf.data choose the part of this worker, by files if it may choose."""
    specs = tf.nest.flatten(dataset.element_spec)
    part = tf.raw_ops.AutoShardDataset(
        input_dataset=tf.data.experimental.to_variant(dataset),
        num_workers=replicas.n_processes,
        index=replicas.process,
        output_types=[spec.dtype for spec in specs],
        output_shapes=[spec.shape for spec in specs],
        auto_shard_policy=int(_Policy.FILE if policy == _Policy.AUTO else policy),
        num_replicas=replicas.n_processes,
    )
    return tf.data.experimental.from_variant(part, dataset.element_spec)


@contextmanager
def too_few_files() -> Iterator[None]:
    """Say what to do if there are fewer files than workers."""
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        if "FILE based sharding" not in str(error):
            raise
        raise ValidationError(
            "expected a file for each worker, since tf.data divides this data set by "
            "files, got fewer files than workers: use AutoShardPolicy.DATA, with which "
            "all workers read all files",
            attr="data",
        ) from error
