"""What ``compile`` was given: an optimizer, and losses and metrics of probes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf
from nengo.exceptions import ValidationError
from nengo.probe import Probe

from ..checks import described
from ..construction import Parts
from ..data.minibatch_data import MinibatchData
from ..data.names import Names
from ..measures.keras_losses import loss_form, make_metric
from ..measures.measure import Measure
from ..measures.objective_forms import Form
from ..measures.tally import MetricValue
from ..recent import Recent
from ..training.optimizers import check_optimizer
from .trial import try_losses

#: For how many kinds of data the metrics are kept.
N_GOALS = 8


class Goals(NamedTuple):
    """
    Losses and metrics, for data with certain targets.

    Parameters
    ----------
    losses : list of Measure
        What is minimised, by `Measure.weight`.
    loss_names : list of str
        What each is called in logs.
    watched : list of Measure
        For each metric, a pair of targets and outputs.
    metrics : list of MetricValue
        What is collected from them.
    """

    losses: list[Measure]
    loss_names: list[str]
    watched: list[Measure]
    metrics: list[MetricValue]


class Compiled:
    """
    An optimizer, losses and metrics.

    Parameters
    ----------
    parts : Parts
        The parts of the simulator.
    names : Names
        The names of its probes.
    optimizer : keras.optimizers.Optimizer or str
        What turns gradients into changes.
    loss : keras.losses.Loss or str or callable or list or dict or None
        One loss for all probes, one for each in order, or some by probe or name. (See
        `.loss_form`.)
    metrics : keras.metrics.Metric or str or callable or list or dict or None
        The same for metrics; there may be a list of them in place of one. (See
        `.make_metric`.)
    loss_weights : float or list or dict or None
        What losses are multiplied by; by default 1. One number is for all losses.

    Raises
    ------
    nengo.exceptions.ValidationError
        If an argument is not what is described here.
    """

    def __init__(
        self,
        parts: Parts,
        names: Names,
        optimizer: Any,
        loss: Any,
        metrics: Any,
        loss_weights: Any,
    ) -> None:
        self._parts, self._names = parts, names
        self.optimizer = _optimizer(optimizer)
        probes = parts.model.probes
        losses = _by_probe("loss", loss, probes, names)
        self._losses = {probe: loss_form(probe, given) for probe, given in losses}
        found = _by_probe("metrics", _listed(metrics, probes), probes, names)
        self._metrics = [
            (probe, metric)
            for probe, given in found
            for metric in (given if isinstance(given, (list, tuple)) else [given])
        ]
        if not isinstance(loss_weights, (list, tuple, Mapping, type(None))):
            loss_weights = dict.fromkeys(self._losses, loss_weights)
        weights = _by_probe("loss_weights", loss_weights, probes, names)
        self._weights = {probe: _weight(probe, value) for probe, value in weights}
        self._check_metrics()
        self._goals: Recent[Goals] = Recent(N_GOALS)

    def lacks(self, method: str) -> bool:
        """Tell whether there is nothing to minimise, or else nothing to compute."""
        return not (self._losses or (method == "evaluate" and self._metrics))

    def sample_weights(self, given: Any) -> dict[Probe, Any]:
        """
        Say which weights of samples belong to which probe.

        Parameters
        ----------
        given : array_like or list or dict or None
            Weights for all probes with a loss; a list with some for each probe, in
            order; or a dictionary of probes, or of their names.

        Returns
        -------
        weights : dict from nengo.Probe to array_like
            The weights. Their shapes are not checked yet.

        Raises
        ------
        nengo.exceptions.ValidationError
            If some are for a probe without a loss.
        """
        if not isinstance(given, (list, tuple, Mapping, type(None))):
            given = dict.fromkeys(self._losses, given)
        probes = self._parts.model.probes
        weights = dict(_by_probe("sample_weight", given, probes, self._names))
        for probe in weights.keys() - self._losses.keys():
            raise ValidationError(
                f"expected weights for probes with a loss, got some for {probe}",
                attr="sample_weight",
            )
        return weights

    def goals(self, data: MinibatchData) -> Goals:
        """
        Number the outputs and targets that are needed.

        Parameters
        ----------
        data : MinibatchData
            Says for which probes there are targets, and their shapes.

        Returns
        -------
        goals : Goals
            The same as before for the same targets and number of steps.

        Raises
        ------
        nengo.exceptions.ValidationError
            If a target is missing, is not used, or does not fit its loss.
        """
        given = data.probes or []
        self._check_targets(given)
        key = data.n_steps, *given, None, *data.weighted, *data.target_shapes
        return self._goals.get(key, lambda: self._make_goals(given, data))

    def _make_goals(self, given: Sequence[Probe], data: MinibatchData) -> Goals:
        metrics = []
        for probe, source in self._metrics:
            size = data.target_shapes[given.index(probe)][1]
            name, metric = make_metric(probe, source, probe.size_in, size)
            metrics.append(MetricValue(f"{self._names.of(probe)}_{name}", metric))
        losses = [self._loss(probe, form, data) for probe, form in self._losses.items()]
        try_losses(self._parts, losses, data)
        return Goals(
            losses,
            [f"{self._names.of(probe)}_loss" for probe in self._losses],
            [self._measure(probe, _PAIR, given, []) for probe, _ in self._metrics],
            metrics,
        )

    def _loss(self, probe: Probe, form: Form, data: MinibatchData) -> Measure:
        weight = self._weights.get(probe, 1.0)
        measure = self._measure(probe, form, data.probes or [], data.weighted)
        return measure._replace(weight=weight).summed()

    def _measure(
        self,
        probe: Probe,
        form: Form,
        given: Sequence[Probe],
        weighted: Sequence[Probe],
    ) -> Measure:
        number = self._parts.model.probes.index(probe)
        keeps_all = self._parts.probes[number].keep_history
        targets = [given.index(probe)] if form.n_arguments == 2 else []
        if probe in weighted:  # weights come after the targets
            targets.append(len(given) + weighted.index(probe))
        return Measure(
            name=str(probe),
            outputs=(number,),
            targets=tuple(targets),
            function=_of_lists(form, keeps_all, probe in weighted),
            source=form.function,
        )

    def _check_targets(self, given: Sequence[Probe]) -> None:
        needed = {p for p, form in self._losses.items() if form.n_arguments == 2}
        needed |= {probe for probe, _ in self._metrics}
        for probe in needed - set(given):
            raise ValidationError(
                f"expected targets for {probe}, which has a loss or a metric, got none",
                attr="y",
            )
        for probe in set(given) - needed:
            raise ValidationError(
                f"{probe} is not a valid target: expected a probe with a loss or a "
                "metric that takes a target",
                attr="y",
            )

    def _check_metrics(self) -> None:
        """Check that names are names, and that no metric would mix up two probes."""
        objects = [metric for _, metric in self._metrics]
        for probe, metric in self._metrics:
            if isinstance(metric, keras.metrics.Metric) and objects.count(metric) > 1:
                raise ValidationError(
                    f"expected a metric of its own for {probe}, got {metric!r} for "
                    "several probes: give its name, or a dictionary",
                    attr="metrics",
                )
            make_metric(probe, metric, 1, 1)
        for probe in self._weights.keys() - self._losses.keys():
            raise ValidationError(
                f"expected weights of probes with a loss, got one of {probe}",
                attr="loss_weights",
            )


def _optimizer(given: Any) -> Any:
    if isinstance(given, tf.compat.v1.train.Optimizer):
        return given
    try:
        optimizer = keras.optimizers.get(given)
    except (TypeError, ValueError) as error:
        raise ValidationError(
            f"expected a Keras optimizer or its name, got {described(given, '0.001')}",
            attr="optimizer",
        ) from error
    check_optimizer(optimizer)
    return optimizer


def _listed(metrics: Any, probes: Sequence[Probe]) -> Any:
    """Take a list of metrics for those of the only probe, if there is one."""
    if isinstance(metrics, (list, tuple)) and len(probes) == 1:
        return {probes[0]: metrics}
    return metrics


def _by_probe(
    attr: str, given: Any, probes: Sequence[Probe], names: Names
) -> list[tuple[Probe, Any]]:
    """Say what belongs to which probe."""
    if given is None:
        return []
    if isinstance(given, Mapping) and "class_name" not in given:
        found = names.by_object(attr, given)
    elif isinstance(given, (list, tuple)):
        if len(given) != len(probes):
            raise ValidationError(
                f"expected a list with an entry for each of {len(probes)} probes, got "
                f"{len(given)} entries",
                attr=attr,
            )
        found = dict(zip(probes, given, strict=True))
    else:
        found = dict.fromkeys(probes, given)
    for probe in found:
        if probe not in probes:
            raise ValidationError(
                f"expected probes of the simulated network as keys, got {probe!r}",
                attr=attr,
            )
    return [(probe, value) for probe, value in found.items() if value is not None]


def _weight(probe: Probe, value: Any) -> float:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value):
        raise ValidationError(
            f"expected a finite number for {probe}, got {value!r}", attr="loss_weights"
        )
    return float(value)


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


def _pair(outputs: tf.Tensor, targets: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    return targets, outputs


_PAIR = Form(_pair, 2)
