"""Losses and metrics for certain data: which outputs and targets they need."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow as tf
from nengo.probe import Probe

from ..data.data_adapter import DataAdapter
from ..data.names import Names
from ..engine.engine import Engine
from ..measures.epoch_averages import MetricValue
from ..measures.keras_losses import make_metric
from ..measures.measure import Measure
from ..measures.objective_forms import Form
from ..training.penalties import penalties
from .choices import MetricNames, Watched


class LossesAndMetrics(NamedTuple):
    """
    Losses and metrics, for data with certain targets.

    Parameters
    ----------
    losses : list of Measure
        What is minimised, by `Measure.weight`; regularizers come last.
    loss_names : list of str
        What each is called in logs, without those of regularizers.
    watched : list of Measure
        For each metric, a pair of targets and outputs.
    metrics : list of MetricValue
        What is collected from them.
    """

    losses: list[Measure]
    loss_names: list[str]
    watched: list[Measure]
    metrics: list[MetricValue]

    @property
    def measures(self) -> list[Measure]:
        """All that is computed: the losses, then what metrics are collected from."""
        return [*self.losses, *self.watched]


def make_losses_and_metrics(
    engine: Engine,
    names: Names,
    losses: Mapping[Probe, Form],
    weights: Mapping[Probe, float],
    metrics: Sequence[Watched],
    data: DataAdapter,
) -> LossesAndMetrics:
    """
    Number the outputs and targets that losses and metrics need, and try the losses.

    ``weights``: what they are multiplied by; by default 1.
    """
    values = _metric_values(names, metrics, data)
    measures = [
        _measure(engine, probe, form, data, data.weighted)
        ._replace(weight=weights.get(probe, 1.0))
        .summed()
        for probe, form in losses.items()
    ]
    try_losses(engine, measures, data)
    pairs = [
        _measure(engine, m.probe, _PAIR, data, data.weighted if m.weighted else [])
        for m in metrics
    ]
    loss_names = [f"{names.of(probe)}_loss" for probe in losses]
    all_losses = [*measures, *penalties(engine)]
    return LossesAndMetrics(all_losses, loss_names, pairs, values)


def _metric_values(
    names: Names, metrics: Sequence[Watched], data: DataAdapter
) -> list[MetricValue]:
    """Make what collects metrics, each with a name of its own."""
    targets, metric_names, found = data.probes or [], MetricNames(), []
    for probe, source, weighted, _ in metrics:
        size = data.target_shapes[targets.index(probe)][1]
        name, metric = make_metric(probe, source, probe.size_in, size)
        name = metric_names.of(names.of(probe), name, weighted)
        found.append(MetricValue(name, metric))
    return found


def _measure(
    engine: Engine,
    probe: Probe,
    form: Form,
    data: DataAdapter,
    weighted: Sequence[Probe],
) -> Measure:
    probes, keeps_all = data.probes or [], engine.probes[probe].keep_history
    targets = [probes.index(probe)] if form.n_arguments == 2 else []
    if probe in weighted:  # weights come after the targets
        targets.append(len(probes) + weighted.index(probe))
    return Measure(
        name=str(probe),
        outputs=(probe,),
        targets=tuple(targets),
        function=_of_lists(form, keeps_all, probe in weighted),
        source=form.function,
        attr="loss",
        is_mean=form.is_mean,
    )


def try_losses(engine: Engine, losses: Sequence[Measure], data: DataAdapter) -> None:
    """
    Find out whether losses can be computed, of shapes alone.

    Raises a ``ValidationError`` if a target does not fit its loss. What a user's own
    loss raises, it raises here, too.
    """
    looked_at = list(dict.fromkeys(probe for loss in losses for probe in loss.outputs))
    outputs = [_output(engine, probe, data) for probe in looked_at]
    targets = [_spec(engine, data, *shape) for shape in data.target_shapes]

    def values(outputs: list[tf.Tensor], targets: list[tf.Tensor]) -> list:
        of_probes = dict(zip(looked_at, outputs, strict=True))
        return [loss.value(of_probes, targets) for loss in losses]

    tf.function(values, autograph=False).get_concrete_function(outputs, targets)


def _output(engine: Engine, probe: Probe, data: DataAdapter) -> tf.TensorSpec:
    n_steps = data.n_steps if engine.probes[probe].keep_history else 1
    return _spec(engine, data, n_steps, *engine.program.outputs[probe].shape)


def _spec(engine: Engine, data: DataAdapter, *shape: int) -> tf.TensorSpec:
    return tf.TensorSpec((data.minibatch_size, *shape), engine.config.dtype)


def _of_lists(form: Form, keeps_all: bool, weighted: bool) -> Callable:
    """Turn a function of outputs, targets and weights into one of lists."""

    def evaluate(outputs: list[tf.Tensor], targets: list[tf.Tensor]) -> Any:
        # Of a probe that keeps its last step only, the last one is wanted.
        wanted = targets if keeps_all else list(map(_last_step, targets))
        options = {"weights": wanted[-1]} if weighted else {}
        return form.function(*outputs, *wanted[: form.n_arguments - 1], **options)

    return evaluate


def _last_step(target: tf.Tensor) -> tf.Tensor:
    """Take the last step of a target; weights of items have no steps."""
    return target[:, -1:] if len(target.shape) > 1 else target


def _pair(
    outputs: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor | None = None
) -> tuple[tf.Tensor, ...]:
    return (targets, outputs) if weights is None else (targets, outputs, weights)


_PAIR = Form(_pair, 2)
