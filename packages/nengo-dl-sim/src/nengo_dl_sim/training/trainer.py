"""Training of a simulator's network: gradient descent with any optimizer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import nengo
import numpy as np
import tensorflow as tf
from nengo.exceptions import ValidationError

from ..checks import check_built
from ..data.data_adapter import DataAdapter
from ..data.epoch_plan import EpochPlan, TrainingProgress
from ..engine.engine import Engine
from ..evaluation.batch_function import Callback
from ..evaluation.evaluator import BatchHook, Evaluator, check_differentiable
from ..evaluation.state_policy import StatePolicy
from ..measures.measure import Measure
from .gradient_check import GradientCheck, GradientComparison, check_smooth
from .gradient_coverage import check_function
from .gradient_function import GradientFunction
from .optimizer_store import OptimizerStore
from .penalties import check_constraints
from .train_loop import TrainLoop
from .trainable_parameters import TrainableParameter, trainable_parameters


class Trainer:
    """
    Trains a simulator's parameters.

    What it draws at random (the order of items, processes, random operators) follows
    from the seed and the position of the evaluator alone.

    Parameters
    ----------
    engine : Engine
        The engine of the simulator.
    evaluator : Evaluator
        Makes minibatches, and keeps what was compiled.
    network : nengo.Network or None
        The top-level network, to see whether anything was added to it.

    Attributes
    ----------
    step : tf.Variable of int64
        How often an optimizer changed the parameters.
    """

    def __init__(
        self, engine: Engine, evaluator: Evaluator, network: nengo.Network | None
    ) -> None:
        self._engine = engine
        self._evaluator = evaluator
        self._network = network
        with engine.replicas.scope():
            self.step = tf.Variable(0, trainable=False, dtype=tf.int64, name="step")
        self._optimizers = OptimizerStore(self.step)

    @property
    def position(self) -> TrainingProgress:
        """How far training has got."""
        return self._evaluator.position

    def reset(self, seed: int) -> None:
        """Start all random numbers anew, and count from zero."""
        self._evaluator.go_to(seed, TrainingProgress())
        self.step.assign(0)
        self._optimizers.forget()

    def close(self) -> None:
        """Give up what was compiled."""
        self._optimizers.close()

    def train(
        self,
        data: DataAdapter,
        objectives: Sequence[Measure],
        optimizer: Any,
        epoch_plan: EpochPlan,
        callbacks: Sequence[Callback],
        batch_hook: BatchHook = iter,
    ) -> None:
        """
        Train for a number of epochs.

        Parameters
        ----------
        data : DataAdapter
            Inputs and targets.
        objectives : list of Measure
            What is summed up and minimised.
        optimizer : keras.optimizers.Optimizer or tf.compat.v1.train.Optimizer
            What turns gradients into changes.
        epoch_plan : EpochPlan
            How to go through the data.
        callbacks : list of callable
            Called after each change of the parameters, and after it was counted.
        batch_hook : callable
            Takes the minibatches, and hands them on.

        Raises
        ------
        nengo.exceptions.ValidationError
            If there is nothing to train.
        nengo.exceptions.SimulationError
            If a loss, a gradient or the learning rate is not finite.

        Warns
        -----
        UserWarning
            If no gradient reaches some of the trainable parameters, or a single step
            is trained through synapses.
        """
        self._evaluator.warn_single_step("Training", data, objectives)
        train_loop = self.train_loop(
            self._evaluator.isolated_policy(),
            data,
            objectives,
            (),
            optimizer,
            epoch_plan,
        )

        def to_the_end(minibatches: Iterator) -> Iterator:
            yield from minibatches
            if epoch_plan.n_epochs > 0:
                train_loop.finish()  # before a hook takes notice of the end

        train_loop.train(
            epoch_plan, callbacks, lambda batches: batch_hook(to_the_end(batches))
        )

    def train_loop(
        self,
        state_policy: StatePolicy,
        data: DataAdapter,
        objectives: Sequence[Measure],
        watched: Sequence[Measure],
        optimizer: Any,
        epoch_plan: EpochPlan,
    ) -> TrainLoop:
        """
        Prepare training.

        Parameters
        ----------
        state_policy : StatePolicy
            How the minibatches follow each other.
        data : DataAdapter
            Inputs and targets.
        objectives : list of Measure
            What is summed up and minimised.
        watched : list of Measure
            What else is computed on the way.
        optimizer : keras.optimizers.Optimizer or tf.compat.v1.train.Optimizer
            What turns gradients into changes.
        epoch_plan : EpochPlan
            How the steps of a minibatch are divided.

        Returns
        -------
        train_loop : TrainLoop
            Trains; nothing has changed yet.

        Raises
        ------
        nengo.exceptions.ValidationError
            If there is nothing to train; if a call is to be resumed that it cannot be.

        Warns
        -----
        UserWarning
            If no gradient reaches some of the trainable parameters.
        """
        check_differentiable(self._engine)
        _check_trainable(self._engine)
        check_constraints(self._engine)
        self.position.check_resumed(epoch_plan.n_epochs, data.n_batches)
        source = state_policy.minibatch_source
        function = self._evaluator.functions.find(
            GradientFunction,
            source,
            data,
            objectives,
            watched,
            epoch_plan,
            check=partial(check_function, self._engine, source, data),
        )
        with self._engine.replicas.scope():
            update = self._optimizers.find(optimizer, function.trainable, self._names)
        return TrainLoop(
            function,
            update,
            state_policy,
            data,
            self._evaluator.seed,
            self.position,
            self._engine.parameters,
            self._names,
        )

    def _names(self) -> Iterator[TrainableParameter]:
        return trainable_parameters(self._engine)

    def compare_gradients(
        self, data: DataAdapter, probes: Sequence[nengo.Probe]
    ) -> dict[nengo.Probe, list[GradientComparison]]:
        """Compare gradients of outputs with finite differences; change nothing."""
        check_differentiable(self._engine)
        check_smooth(self._engine, probes)
        source, seed = self._evaluator.minibatch_source, self._evaluator.seed
        with source.isolated():
            check = GradientCheck(self._engine, source, data, seed)
            return {probe: check.compare(probe) for probe in probes}

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what training goes on from, besides parameters and seed."""
        return {
            "training/step": np.array(self.step.numpy(), np.int64),
            "training/optimizer": np.array(self._optimizers.last, np.int64),
            **self.position.arrays(),
        }

    def optimizer_arrays(self) -> dict[str, np.ndarray]:
        """Return what the optimizers go on from, in a form like `arrays`."""
        return self._optimizers.arrays()

    def check_optimizers(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Check that the optimizers in use can go on from arrays."""
        self._optimizers.check(arrays)

    def restore(self, seed: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Go on from where training was."""
        self.step.assign(arrays["training/step"])
        self._evaluator.go_to(seed, TrainingProgress.resumed(arrays))
        optimizers = [name for name in arrays if name.startswith("optimizers/")]
        interrupted = arrays["training/optimizer"] if self.position.in_call else -1
        self._optimizers.restore(
            {name: arrays[name] for name in optimizers}, int(interrupted)
        )

    def check_built(self) -> None:
        """Check that all that is trained in the network was built."""
        check_built(self._network, self._engine.model)


def _check_trainable(engine: Engine) -> None:
    if not engine.parameters.trainable:
        raise ValidationError(
            "expected a network with trainable parameters, got none: see "
            "configure_settings(trainable=...)",
            attr="trainable",
        )
