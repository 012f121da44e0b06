"""Epochs of training, evaluation and prediction, as Keras arranges them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from nengo.probe import Probe

from ..data.data_adapter import DataAdapter
from ..data.epoch_plan import EpochPlan
from ..evaluation.batch_function import Result
from ..evaluation.evaluator import Evaluator
from ..evaluation.kept_values import KeptValues
from ..evaluation.state_policy import StatePolicy
from ..measures.epoch_averages import EpochAverages
from ..measures.measure import Measure
from ..training.train_loop import TrainLoop
from .callback_calls import Announcer
from .callback_model import CallbackModel
from .losses_and_metrics import LossesAndMetrics

#: Computes losses and metrics of other data, after the epoch of this number.
Validate = Callable[[int], dict[str, Any]]


def run_epochs(
    train_loop: TrainLoop,
    measured: LossesAndMetrics,
    epochs: range,
    shuffle: bool,
    callbacks: keras.callbacks.CallbackList,
    model: CallbackModel,
    validate: Validate,
) -> None:
    """Train, epoch by epoch."""
    averages = make_averages(measured)

    def log(result: Result) -> dict[str, Any]:
        averages.add(result.values, result.watched, result.n_items)
        return averages.logs()

    announcer = Announcer("train", callbacks, model, log)
    epoch_plan, logs = EpochPlan(1, shuffle), {}
    model.stop_training = False
    callbacks.on_train_begin()
    for epoch in epochs:
        averages.reset()
        callbacks.on_epoch_begin(epoch)
        train_loop.train(epoch_plan, [announcer.after], announcer.before)
        logs = averages.logs() | validate(epoch)
        callbacks.on_epoch_end(epoch, logs)
        model.stop_together()
        if model.stop_training:
            break
    if epochs.stop > 0:
        train_loop.finish()
    callbacks.on_train_end(logs)


def run_test(
    evaluator: Evaluator,
    state_policy: StatePolicy,
    data: DataAdapter,
    measured: LossesAndMetrics,
    callbacks: keras.callbacks.CallbackList,
    model: CallbackModel,
    rates: bool = False,
) -> dict[str, Any]:
    """Compute losses and metrics."""
    averages, n_losses = (
        make_averages(measured),
        len(measured.losses),
    )

    def log(result: Result) -> dict[str, Any]:
        losses, pairs = result.values[:n_losses], result.values[n_losses:]
        averages.add(losses, pairs, result.n_items)
        return averages.logs()

    announcer = Announcer("test", callbacks, model, log)
    measures = measured.measures
    model.stop_evaluating = False
    callbacks.on_test_begin()
    evaluator.run(
        state_policy,
        data,
        measures,
        EpochPlan(),
        False,
        [announcer.after],
        announcer.before,
        rates,
    )
    logs = averages.logs()
    callbacks.on_test_end(logs)
    return logs


def run_predict(
    evaluator: Evaluator,
    state_policy: StatePolicy,
    data: DataAdapter,
    probes: list[Probe],
    callbacks: keras.callbacks.CallbackList,
    model: CallbackModel,
    kept: KeptValues,
    rates: bool = False,
) -> dict[Probe, np.ndarray]:
    """
    Compute the outputs of all probes.

    ``kept``: keeps them. Returns those of all minibatches; nothing if it was stopped
    before the first, or if they are for another process.
    """

    def log(result: Result) -> dict[str, Any]:
        kept.add(result)
        return {"outputs": list(result.values)}

    announcer = Announcer("predict", callbacks, model, log)
    model.stop_predicting = False
    callbacks.on_predict_begin()
    evaluator.run(
        state_policy,
        data,
        as_they_are(probes),
        EpochPlan(),
        False,
        [announcer.after],
        announcer.before,
        rates,
    )
    callbacks.on_predict_end()
    found = kept.everything() or ()
    pairs = zip(probes, zip(*found, strict=True), strict=bool(found))
    return {probe: np.concatenate(part) for probe, part in pairs}


def make_averages(measured: LossesAndMetrics) -> EpochAverages:
    """Make what collects some losses and metrics."""
    weights = [measure.weight for measure in measured.losses]
    return EpochAverages(measured.loss_names, weights, measured.metrics)


def as_they_are(probes: Sequence[Probe]) -> list[Measure]:
    """Return what has the outputs of probes as its values."""
    return [
        Measure(str(probe), (probe,), (), _first, None, of_items=True)
        for probe in probes
    ]


def _first(outputs: list[Any], targets: list[Any]) -> Any:
    del targets
    return outputs[0]
