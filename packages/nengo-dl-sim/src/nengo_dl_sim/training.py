"""Training, losses and other measures of a simulator's network."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import nengo
import numpy as np
import tensorflow as tf
from nengo.exceptions import ValidationError

from .array_data import ArrayData
from .compile import State
from .construction import Parts
from .errors import InferenceOnlyError
from .feeder import Feeder, Live, Position, Schedule
from .gradient_check import Comparison, GradientCheck
from .measures import Measure
from .optimizers import Update, make_update
from .reach import warn_single_step
from .recent import Recent
from .trainer import Callback, Result
from .trainers import Trainers

#: How many optimizers' compiled updates are kept.
N_UPDATES = 16


class Training:
    """
    Trains a simulator's parameters, and computes measures of its outputs.

    What it draws at random (the order of items, processes, random operators) follows
    from the seed and from `position` alone.

    Parameters
    ----------
    parts : Parts
        The parts of the simulator.
    network : nengo.Network or None
        The top-level network, to warn of its synapses.
    seed : int
        The seed of everything random.
    jit_compile : bool or "auto"
        Whether XLA compiles training.

    Attributes
    ----------
    step : tf.Variable of int64
        How often an optimizer changed the parameters.
    position : Position
        How far training has got.
    """

    def __init__(
        self,
        parts: Parts,
        network: nengo.Network | None,
        seed: int,
        jit_compile: bool | str,
    ) -> None:
        self._parts = parts
        self._network = network
        # Streams of its own: training does not disturb those of the simulation.
        self._feeder = Feeder(parts, copy.copy(parts.inputs))
        self._live_feeder = Feeder(parts, parts.inputs)
        self._trainers = Trainers(parts, jit_compile)
        self._updates: Recent[Update] = Recent(N_UPDATES)
        self.step = tf.Variable(0, trainable=False, dtype=tf.int64, name="step")
        self.reset(seed)

    def reset(self, seed: int) -> None:
        """
        Start all random numbers anew, and count from zero.

        Parameters
        ----------
        seed : int
            The seed of everything random.
        """
        self._seed = seed
        self.position = Position()
        self.step.assign(0)

    def close(self) -> None:
        """Give up what was compiled."""
        self._trainers.close()
        self._updates.clear()

    def train(
        self,
        data: ArrayData,
        objectives: Sequence[Measure],
        optimizer: Any,
        schedule: Schedule,
        callbacks: Sequence[Callback],
    ) -> None:
        """
        Train for a number of epochs.

        Parameters
        ----------
        data : ArrayData
            Inputs and targets.
        objectives : list of Measure
            What is summed up and minimised.
        optimizer : keras.optimizers.Optimizer or tf.compat.v1.train.Optimizer
            What turns gradients into changes.
        schedule : Schedule
            How to go through the data.
        callbacks : list of callable
            Called after each change of the parameters, and after it was counted.

        Raises
        ------
        nengo.exceptions.ValidationError
            If there is nothing to train.
        nengo.exceptions.SimulationError
            If a loss is not finite.

        Warns
        -----
        UserWarning
            If no gradient reaches some of the trainable parameters, or a single step
            is trained through synapses.
        """
        self.check_differentiable()
        _check_trainable(self._parts)
        self._warn_single_step("Training", data, objectives)
        trainer = self._trainers.find(
            self._feeder, data, objectives, schedule, training=True
        )
        # One update for all trainers: an optimizer's slots belong to parameters.
        update = self._updates.get(
            id(optimizer), lambda: make_update(optimizer, trainer.trainable, self.step)
        )
        minibatches = self._feeder.minibatches(
            data, schedule, self._seed, self.position
        )
        callbacks = [self._keep_variables, *callbacks]
        with self._feeder.isolated():
            trainer.train(minibatches, update, schedule.truncation, callbacks)

    def losses(
        self,
        data: ArrayData,
        objectives: Sequence[Measure],
        training: bool,
        callbacks: Sequence[Callback],
    ) -> np.ndarray:
        """
        Compute the losses of all minibatches.

        Parameters
        ----------
        data : ArrayData
            Inputs and targets.
        objectives : list of Measure
            What is computed.
        training : bool
            Whether spiking neurons are replaced by their rate approximation.
        callbacks : list of callable
            Called after each minibatch.

        Returns
        -------
        losses : (n_batches, n_objectives) array
            The value of each objective for each minibatch.

        Warns
        -----
        UserWarning
            If a single step is computed through synapses.
        """
        self._warn_single_step("Calculating loss", data, objectives)
        summed = [measure.summed() for measure in objectives]
        return np.asarray(self.run(data, summed, Schedule(), training, callbacks))

    def run(
        self,
        data: ArrayData,
        measures: Sequence[Measure],
        schedule: Schedule,
        training: bool,
        callbacks: Sequence[Callback],
    ) -> list[list[Any]]:
        """
        Compute measures of all minibatches, each from the initial state.

        Parameters
        ----------
        data : ArrayData
            Inputs and targets.
        measures : list of Measure
            What is computed.
        schedule : Schedule
            How to go through the data.
        training : bool
            Whether spiking neurons are replaced by their rate approximation.
        callbacks : list of callable
            Called after each block of steps.

        Returns
        -------
        values : list of list
            For each block the value of each measure.
        """
        if training:
            self.check_differentiable()
        trainer = self._trainers.find(self._feeder, data, measures, schedule)
        minibatches = self._feeder.minibatches(
            data, schedule, self._seed, replace(self.position)
        )
        with self._feeder.isolated():
            return trainer.evaluate(
                minibatches, training, schedule.truncation, callbacks
            )

    def run_on(
        self,
        live: Live,
        data: ArrayData,
        measures: Sequence[Measure],
        schedule: Schedule,
        training: bool,
        callbacks: Sequence[Callback],
    ) -> list[list[Any]]:
        """
        Compute measures of all minibatches, each from the state after the one before.

        Parameters
        ----------
        live : Live
            The simulation to go on from; it is moved on, by whole minibatches.
        data, measures, schedule, training, callbacks
            As in `run`.

        Returns
        -------
        values : list of list
            For each block the value of each measure.
        """
        if training:
            self.check_differentiable()
        trainer = self._trainers.find(self._live_feeder, data, measures, schedule)
        minibatches = self._live_feeder.continued(data, schedule, self._seed, live)

        def move_on(result: Result) -> None:
            live.state = result.state
            live.n_steps += result.n_steps

        try:
            return trainer.evaluate(
                minibatches, training, schedule.truncation, [move_on, *callbacks]
            )
        except BaseException:
            self._live_feeder.take_back(live)
            raise

    def compare_gradients(
        self, data: ArrayData, probes: Sequence[nengo.Probe]
    ) -> dict[nengo.Probe, list[Comparison]]:
        """
        Compare gradients of outputs with finite differences; change nothing.

        Parameters
        ----------
        data : ArrayData
            Values of nodes, one minibatch.
        probes : list of nengo.Probe
            The outputs.

        Returns
        -------
        comparisons : dict from nengo.Probe to list of Comparison
            See `.GradientCheck`.
        """
        self.check_differentiable()
        with self._feeder.isolated():
            check = GradientCheck(self._parts, self._feeder, data, self._seed)
            return {probe: check.compare(probe) for probe in probes}

    def refreshed(self, state: State) -> State:
        """Return a state of the simulation with what layers learned in training."""
        return self._feeder.with_variables(state)

    def check_differentiable(self) -> None:
        """
        Check that the network was not built for inference only.

        Raises
        ------
        InferenceOnlyError
            If it was: there is no rate approximation then, and nothing to train.
        """
        if self._parts.inference_only:
            raise InferenceOnlyError(
                "expected a network that may be trained, got one with "
                "configure_settings(inference_only=True)",
                attr="inference_only",
            )

    def _warn_single_step(
        self, doing: str, data: ArrayData, objectives: Sequence[Measure]
    ) -> None:
        probes = self._parts.model.probes
        looked_at = [probes[i] for measure in objectives for i in measure.outputs]
        warn_single_step(doing, self._network, looked_at, data.n_steps)

    def _keep_variables(self, result: Result) -> None:
        """Keep what layers learned beside their parameters, such as mean values."""
        variables = self._parts.program.state_variables
        for variable, value in zip(variables, result.state.variables, strict=True):
            variable.assign(value)


def _check_trainable(parts: Parts) -> None:
    if not parts.parameters.trainable:
        raise ValidationError(
            "expected a network with trainable parameters, got none: see "
            "configure_settings(trainable=...)",
            attr="trainable",
        )
