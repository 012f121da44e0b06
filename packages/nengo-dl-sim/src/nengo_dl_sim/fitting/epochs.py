"""Epochs of training, evaluation and prediction, as Keras arranges them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from nengo.probe import Probe

from ..data.minibatch_data import MinibatchData
from ..measures.measure import Measure
from ..measures.tally import Tally
from ..training.courses import Course
from ..training.feeder import Schedule
from ..training.learner import Learner
from ..training.trainer import Result
from ..training.training import Training
from .callback_calls import Announcer
from .callback_model import CallbackModel
from .compiled import Goals

#: Computes losses and metrics of other data, after the epoch of this number.
Validate = Callable[[int], dict[str, Any]]


def run_epochs(
    learner: Learner,
    goals: Goals,
    epochs: range,
    shuffle: bool,
    callbacks: keras.callbacks.CallbackList,
    model: CallbackModel,
    validate: Validate,
) -> None:
    """
    Train, epoch by epoch.

    Parameters
    ----------
    learner : Learner
        Trains.
    goals : Goals
        What is logged.
    epochs : range
        The numbers of the epochs.
    shuffle : bool
        Whether each epoch has its own order of items.
    callbacks : keras.callbacks.CallbackList
        What is called.
    model : CallbackModel
        Where callbacks say that it shall stop.
    validate : callable
        Returns more to log after an epoch.
    """
    tally = make_tally(goals)

    def log(result: Result) -> dict[str, Any]:
        tally.add(result.values, result.watched, result.n_items)
        return tally.logs()

    announcer = Announcer("train", callbacks, model, log)
    schedule, logs = Schedule(1, shuffle), {}
    model.stop_training = False
    callbacks.on_train_begin()
    for epoch in epochs:
        tally.reset()
        callbacks.on_epoch_begin(epoch)
        learner.train(schedule, [announcer.after], announcer.before)
        logs = tally.logs() | validate(epoch)
        callbacks.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    if epochs.stop > 0:
        learner.finish()
    callbacks.on_train_end(logs)


def run_test(
    training: Training,
    course: Course,
    data: MinibatchData,
    goals: Goals,
    callbacks: keras.callbacks.CallbackList,
    model: CallbackModel,
    rates: bool = False,
) -> dict[str, Any]:
    """
    Compute losses and metrics.

    Parameters
    ----------
    training : Training
        Computes measures.
    course : Course
        How the minibatches follow each other.
    data : MinibatchData
        Inputs and targets.
    goals : Goals
        What is computed.
    callbacks : keras.callbacks.CallbackList
        What is called.
    model : CallbackModel
        Where callbacks say that it shall stop.
    rates : bool
        Whether spiking neurons give rates.

    Returns
    -------
    logs : dict from str to float
        Losses and metrics of all minibatches.
    """
    tally, n_losses = make_tally(goals), len(goals.losses)

    def log(result: Result) -> dict[str, Any]:
        losses, pairs = result.values[:n_losses], result.values[n_losses:]
        tally.add(losses, pairs, result.n_items)
        return tally.logs()

    announcer = Announcer("test", callbacks, model, log)
    measures = [*goals.losses, *goals.watched]
    model.stop_evaluating = False
    callbacks.on_test_begin()
    training.run(
        course,
        data,
        measures,
        Schedule(),
        False,
        [announcer.after],
        announcer.before,
        rates,
    )
    logs = tally.logs()
    callbacks.on_test_end(logs)
    return logs


def run_predict(
    training: Training,
    course: Course,
    data: MinibatchData,
    probes: list[Probe],
    callbacks: keras.callbacks.CallbackList,
    model: CallbackModel,
    rates: bool = False,
) -> dict[Probe, np.ndarray]:
    """
    Compute the outputs of all probes.

    Parameters
    ----------
    training, course, data, callbacks, model, rates
        As in `run_test`.
    probes : list of nengo.Probe
        The probes of the network.

    Returns
    -------
    outputs : dict from nengo.Probe to (n_items, n_steps, *shape) array
        Those of all minibatches; nothing if it was stopped before the first.
    """
    found: list[list[np.ndarray]] = []

    def log(result: Result) -> dict[str, Any]:
        found.append(result.values)
        return {"outputs": list(result.values)}

    announcer = Announcer("predict", callbacks, model, log)
    model.stop_predicting = False
    callbacks.on_predict_begin()
    training.run(
        course,
        data,
        [_as_it_is(number, probe) for number, probe in enumerate(probes)],
        Schedule(),
        False,
        [announcer.after],
        announcer.before,
        rates,
    )
    callbacks.on_predict_end()
    pairs = zip(probes, zip(*found, strict=True), strict=bool(found))
    return {probe: np.concatenate(part) for probe, part in pairs}


def make_tally(goals: Goals) -> Tally:
    """Make what collects some losses and metrics."""
    weights = [measure.weight for measure in goals.losses]
    return Tally(goals.loss_names, weights, goals.metrics)


def _as_it_is(number: int, probe: Probe) -> Measure:
    return Measure(str(probe), (number,), (), _first, None, of_items=True)


def _first(outputs: list[Any], targets: list[Any]) -> Any:
    del targets
    return outputs[0]
