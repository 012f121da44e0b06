"""What ``compile`` was given: an optimizer, and losses and metrics of probes."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from numbers import Real
from typing import Any

import keras
import tensorflow as tf
from nengo.exceptions import ValidationError
from nengo.probe import Probe

from ..checks import described
from ..data.data_adapter import DataAdapter
from ..data.names import Names
from ..engine.engine import Engine
from ..execution.plain_variables import check_plain, outside_scopes
from ..lru_cache import LRUCache
from ..measures.keras_losses import loss_form, make_metric
from ..measures.objective_forms import Form
from ..training.optimizers import check_optimizer
from .choices import Chosen, Watched, choose
from .losses_and_metrics import LossesAndMetrics, make_losses_and_metrics

#: For how many kinds of data the metrics are kept.
N_KEPT = 8


class CompileSpec:
    """
    An optimizer, losses and metrics.

    Parameters
    ----------
    engine : Engine
        The engine of the simulator.
    names : Names
        The names of its probes.
    optimizer : keras.optimizers.Optimizer or str
        What turns gradients into changes.
    loss : keras.losses.Loss or str or callable or list or dict or None
        One loss for all probes with targets, one for each of the first probes in
        order, or some by probe or name. (See `.loss_form`.)
    metrics, weighted_metrics : keras.metrics.Metric or str or callable or list or dict
        The same for metrics; there may be a list of them in place of one. (See
        `.make_metric`.) None: no metrics.
    loss_weights : float or list or dict or None
        What losses are multiplied by; by default 1. One number is for all losses.

    Attributes
    ----------
    arguments : dict from str to object
        Losses and metrics as they were given.

    Raises
    ------
    nengo.exceptions.ValidationError
        If an argument is not what is described here.
    """

    def __init__(
        self,
        engine: Engine,
        names: Names,
        optimizer: Any,
        loss: Any,
        metrics: Any,
        loss_weights: Any,
        weighted_metrics: Any = None,
    ) -> None:
        self._engine, self._names = engine, names
        self.optimizer = outside_scopes(lambda: _optimizer(optimizer))
        self.arguments = {
            "loss": loss,
            "loss_weights": loss_weights,
            "metrics": metrics,
            "weighted_metrics": weighted_metrics,
        }
        chosen = self._chosen("loss", loss)
        self._unwanted = chosen.unwanted
        self._losses = {p: loss_form(p, found) for p, found in chosen.values.items()}
        self._losses_for_all = chosen.for_all
        self._metrics = [
            *self._watched("metrics", metrics, weighted=False),
            *self._watched("weighted_metrics", weighted_metrics, weighted=True),
        ]
        if not isinstance(loss_weights, (list, tuple, Mapping, type(None))):
            loss_weights = dict.fromkeys(self._losses, loss_weights)
        weights = self._chosen("loss_weights", loss_weights).values
        self._weights = {
            probe: _weight(probe, value) for probe, value in weights.items()
        }
        self._check_metrics()
        self._check_known("loss_weights", self._weights, self._losses)
        self._kept: LRUCache[LossesAndMetrics] = LRUCache(N_KEPT)

    def lacks(self, method: str) -> bool:
        """Tell whether there is nothing to minimise, or else nothing to compute."""
        return not (self._losses or (method == "evaluate" and self._metrics))

    def sample_weights(
        self, weights_given: Any, targets: Mapping[Probe, Any]
    ) -> dict[Probe, Any]:
        """
        Say which weights of samples belong to which probe.

        ``weights_given``: weights for all probes with a loss; a list with some for each
        of the first probes, in order; or a dictionary of probes, or of their names.
        """
        if weights_given is None:
            return {}
        weighted = {m.probe for m in self._metrics if m.weighted}
        if not isinstance(weights_given, (list, tuple, Mapping)):
            losses = self._needed_losses(targets)
            probes = [*losses, *(weighted & set(targets)) - losses.keys()]
            return dict.fromkeys(probes, weights_given)
        weights = self._chosen("sample_weight", weights_given).values
        used = self._losses.keys() | weighted
        self._check_known("sample_weight", weights, used)
        return {probe: value for probe, value in weights.items() if probe in used}

    def losses_and_metrics(self, data: DataAdapter) -> LossesAndMetrics:
        """
        Number the outputs and targets that are needed.

        Returns the same as before for the same targets and number of steps.
        """
        with_targets = data.probes or []
        losses = self._needed_losses(with_targets)
        metrics = self._needed_metrics(with_targets)
        self._check_targets(with_targets, losses, metrics)
        key = data.n_steps, *with_targets, None, *data.weighted, *data.target_shapes
        with self._engine.replicas.scope():
            return self._kept.get(
                key,
                lambda: make_losses_and_metrics(
                    self._engine, self._names, losses, self._weights, metrics, data
                ),
            )

    def _needed_losses(self, with_targets: Collection[Probe]) -> dict[Probe, Form]:
        """Leave out losses for all probes where there is no target."""
        return {
            probe: form
            for probe, form in self._losses.items()
            if not self._losses_for_all
            or form.n_arguments == 1
            or probe in with_targets
        }

    def _needed_metrics(self, with_targets: Collection[Probe]) -> list[Watched]:
        """Leave out metrics for all probes where there is no target."""
        return [m for m in self._metrics if not m.for_all or m.probe in with_targets]

    def _check_targets(
        self,
        with_targets: Sequence[Probe],
        losses: Mapping[Probe, Form],
        metrics: Sequence[Watched],
    ) -> None:
        for probe in self._losses if not losses and not metrics else ():
            raise _no_target(probe)
        needed = {p for p, form in losses.items() if form.n_arguments == 2}
        needed |= {metric.probe for metric in metrics}
        for probe in needed - set(with_targets):
            raise _no_target(probe)
        for probe in set(with_targets) - needed - losses.keys() - self._unwanted:
            raise ValidationError(
                f"{probe} is not a valid target: expected a probe with a loss or a "
                "metric that takes a target",
                attr="y",
            )

    def _check_metrics(self) -> None:
        """Check that names are names, and that no metric would mix up two probes."""
        objects = [metric.source for metric in self._metrics]
        for probe, metric, *_ in self._metrics:
            if isinstance(metric, keras.metrics.Metric) and objects.count(metric) > 1:
                raise ValidationError(
                    f"expected a metric of its own for {probe}, got {metric!r} for "
                    "several probes: give its name, or a dictionary",
                    attr="metrics",
                )
            if isinstance(metric, keras.metrics.Metric):
                check_plain(type(metric).__name__, metric.variables, "metrics")
            with self._engine.replicas.scope():
                make_metric(probe, metric, 1, 1)

    def _check_known(
        self, attr: str, probes: Collection[Probe], known: Collection[Probe]
    ) -> None:
        for probe in probes:
            if probe not in known and probe not in self._unwanted:
                raise ValidationError(
                    f"expected weights for probes with a loss, got some for {probe}",
                    attr=attr,
                )

    def _watched(self, attr: str, metrics: Any, weighted: bool) -> list[Watched]:
        """Say which metrics there are of which probe."""
        probes = self._engine.model.probes
        if isinstance(metrics, (list, tuple)) and len(probes) == 1:
            metrics = {probes[0]: metrics}  # of the only probe
        chosen = self._chosen(attr, metrics)
        return [
            Watched(probe, metric, weighted, chosen.for_all)
            for probe, found in chosen.values.items()
            for metric in _flat(found)
        ]

    def _chosen(self, attr: str, value: Any) -> Chosen:
        return choose(attr, value, self._engine.model.probes, self._names)


def _optimizer(value: Any) -> Any:
    if isinstance(value, tf.compat.v1.train.Optimizer):
        return value
    try:
        optimizer = keras.optimizers.get(value)
    except (KeyError, TypeError, ValueError) as error:
        raise ValidationError(
            f"expected a Keras optimizer or its name, got {described(value, '0.001')}",
            attr="optimizer",
        ) from error
    check_optimizer(optimizer)
    return optimizer


def _no_target(probe: Probe) -> ValidationError:
    return ValidationError(
        f"expected targets for {probe}, which has a loss or a metric, got none",
        attr="y",
    )


def _flat(metrics: Any) -> list[Any]:
    """List metrics, however deep they are in lists."""
    if not isinstance(metrics, (list, tuple)):
        return [] if metrics is None else [metrics]
    return [metric for entry in metrics for metric in _flat(entry)]


def _weight(probe: Probe, value: Any) -> float:
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value):
        raise ValidationError(
            f"expected a finite number for {probe}, got {value!r}", attr="loss_weights"
        )
    return float(value)
