"""What training writes for TensorBoard."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from nengo.connection import Connection
from nengo.ensemble import Ensemble, Neurons
from nengo.probe import Probe
from nengo.transforms import SparseMatrix

from ..errors import SummaryError
from ..evaluation.batch_function import Result
from ..measures.measure import Measure
from .directory import EventDirectory

#: The number of buckets of a histogram.
N_BUCKETS = 30

# SummaryMetadata.DataClass
_SCALAR, _TENSOR = 1, 2


def write_scalar(tag: str, value: float) -> None:
    """Write a number to the default writer."""
    metadata = _metadata("scalars", _SCALAR)
    tf.summary.write(tag, tf.constant(value, tf.float32), metadata=metadata)


def write_histogram(tag: str, values: np.ndarray) -> None:
    """
    Write the distribution of some numbers to the default writer.

    ``values``: the numbers; what is not finite is left out.
    """
    counts, edges = np.histogram(values[np.isfinite(values)], bins=N_BUCKETS)
    buckets = np.stack([edges[:-1], edges[1:], counts], axis=1)
    metadata = _metadata("histograms", _TENSOR)
    tf.summary.write(tag, tf.constant(buckets, tf.float64), metadata=metadata)


def _metadata(plugin: str, data_class: int) -> tf.compat.v1.SummaryMetadata:
    metadata = tf.compat.v1.SummaryMetadata(data_class=data_class)
    metadata.plugin_data.plugin_name = plugin
    return metadata


#: Writes something about the losses of a block of steps.
Entry = Callable[[np.ndarray], None]


class Summaries:
    """
    Writes summaries after each change of the parameters.

    Parameters
    ----------
    entries : list of callable
        What is written.
    board : EventDirectory
        Where it is written to.
    step : tf.Variable
        How often the parameters were changed.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        board: EventDirectory,
        step: tf.Variable,
    ) -> None:
        self.entries = entries
        self.board = board
        self.step = step

    def __call__(self, result: Result) -> None:
        """Write the summaries of a block of steps."""
        with self.board.writing(), self.board.writer.as_default(step=int(self.step)):
            for entry in self.entries:
                entry(result.values)

    def flush(self) -> None:
        """Write what waits to be written to the file."""
        with self.board.writing():
            self.board.writer.flush()


def summary_entries(
    summaries: Sequence[Any],
    data: Mapping[Any, Any],
    probes: Sequence[Probe],
    objectives: Sequence[Measure],
) -> list[Entry]:
    """Find out how to write what a user wants to see."""
    if isinstance(summaries, str) or not isinstance(summaries, Sequence):
        raise SummaryError(f"expected a list, got {summaries!r}", attr="summaries")
    used: Counter[str] = Counter()
    entries = []
    for summary in summaries:
        if isinstance(summary, str) and summary == "loss":
            entries.append(_losses(_loss_tags(probes, objectives)))
        elif isinstance(summary, (Connection, Ensemble, Neurons)):
            entries.append(_histogram(summary, data, used))
        elif callable(summary):
            entries.append(_called(summary))
        else:
            raise SummaryError(
                'expected "loss", an Ensemble, Neurons, a Connection or a function, '
                f"got {summary!r}",
                attr="summaries",
            )
    return entries


def _losses(tags: Sequence[str]) -> Entry:
    def write(losses: np.ndarray) -> None:
        write_scalar("loss/loss", losses.sum())
        if len(tags) > 1:
            for tag, loss in zip(tags, losses, strict=True):
                write_scalar(tag, loss)

    return write


def _called(function: Callable[[], Any]) -> Entry:
    def write(losses: np.ndarray) -> None:
        del losses
        function()

    return write


def _loss_tags(probes: Sequence[Probe], objectives: Sequence[Measure]) -> list[str]:
    used: Counter[str] = Counter()
    names = [_loss_name(probes, objective) for objective in objectives]
    return [_unique(f"loss/{name}_loss", used) for name in names]


def _loss_name(probes: Sequence[Probe], objective: Measure) -> str:
    if objective.attr in ("regularizer", "activity_regularizer"):
        return f"{objective.attr}s"
    return "_".join(_label("Probe", p, probes.index(p)) for p in objective.outputs)


def _histogram(obj: Any, data: Mapping[Any, Any], used: Counter[str]) -> Entry:
    kind, owner, attr = _parameter(obj)
    if owner not in data or getattr(data[owner], attr, None) is None:
        raise SummaryError(
            f"expected an object of the network that has {attr}, got {obj}",
            attr="summaries",
        )
    position = [o for o in data if isinstance(o, type(owner))].index(owner)
    tag = _unique(f"{_label(kind, owner, position)}_{attr}", used)

    def write(losses: np.ndarray) -> None:
        del losses
        value = getattr(data[owner], attr)
        value = value.data if isinstance(value, SparseMatrix) else value
        write_histogram(tag, value)

    return write


def _parameter(obj: Any) -> tuple[str, Any, str]:
    """Return what an object is called, what holds its parameter, and which it is."""
    if isinstance(obj, Neurons):
        return "Ensemble.neurons", obj.ensemble, "bias"
    if isinstance(obj, Ensemble):
        return "Ensemble", obj, "encoders"
    return "Connection", obj, "weights"


def _label(kind: str, obj: Any, position: int) -> str:
    label = str(position) if obj.label is None else obj.label
    return f"{kind}_{re.sub(r'[^A-Za-z0-9_.-]+', '_', label)}"


def _unique(tag: str, used: Counter[str]) -> str:
    used[tag] += 1
    return tag if used[tag] == 1 else f"{tag}_{used[tag] - 1}"
