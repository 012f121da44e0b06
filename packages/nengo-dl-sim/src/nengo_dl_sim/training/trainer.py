"""Training, losses and other measures of a simulator's network."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import nengo
import numpy as np
import tensorflow as tf
from nengo.exceptions import ValidationError

from nengo_dl_ops.step.state import State

from ..checks import check_built
from ..data.data_adapter import DataAdapter
from ..engine.engine import Engine
from ..engine.simulation_state import SimulationState
from ..errors import InferenceOnlyError
from ..measures.measure import Measure
from .batch_function import Callback, Result
from .batch_function_cache import BatchFunctionCache
from .gradient_check import GradientCheck, GradientComparison
from .gradient_coverage import warn_single_step
from .minibatch_source import EpochPlan, MinibatchSource, StartState
from .optimizer_store import OptimizerStore
from .state_policy import Isolated, Stateful, StatePolicy
from .train_loop import BatchHook, TrainLoop
from .trainable_parameters import trainable_parameters
from .training_progress import TrainingProgress


class Trainer:
    """
    Trains a simulator's parameters, and computes measures of its outputs.

    What it draws at random (the order of items, processes, random operators) follows
    from the seed and from `position` alone.

    Parameters
    ----------
    engine : Engine
        The engine of the simulator.
    network : nengo.Network or None
        The top-level network, to see whether anything was added to it.
    seed : int
        The seed of everything random.
    jit_compile : bool or "auto"
        Whether XLA compiles training.

    Attributes
    ----------
    step : tf.Variable of int64
        How often an optimizer changed the parameters.
    position : TrainingProgress
        How far training has got.
    """

    def __init__(
        self,
        engine: Engine,
        network: nengo.Network | None,
        seed: int,
        jit_compile: bool | str,
    ) -> None:
        self._engine = engine
        self._network = network
        # Streams of its own: training does not disturb those of the simulation.
        self._minibatch_source = MinibatchSource(engine, copy.copy(engine.inputs))
        self._live_feeder = MinibatchSource(engine, engine.inputs)
        self._batch_functions = BatchFunctionCache(engine, jit_compile)
        self.step = tf.Variable(0, trainable=False, dtype=tf.int64, name="step")
        self._optimizers = OptimizerStore(self.step)
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
        self.position = TrainingProgress()
        self.step.assign(0)
        self._optimizers.forget()

    def close(self) -> None:
        """Give up what was compiled."""
        self._batch_functions.close()
        self._optimizers.close()
        self._minibatch_source.close()
        self._live_feeder.close()

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
        passage : callable
            What minibatches pass through on their way to the trainer.

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
        self.warn_single_step("Training", data, objectives)
        train_loop = self.train_loop(
            self.isolated_policy(), data, objectives, (), optimizer, epoch_plan
        )

        def to_the_end(minibatches: Iterator) -> Iterator:
            yield from minibatches
            if epoch_plan.n_epochs > 0:
                train_loop.finish()  # before a passage takes notice of the end

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
        course : StatePolicy
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
        learner : TrainLoop
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
        self.check_differentiable()
        _check_trainable(self._engine)
        self.position.check_resumed(epoch_plan.n_epochs, data.n_batches)
        trainer = self._batch_functions.find(
            state_policy.minibatch_source,
            data,
            objectives,
            watched,
            epoch_plan,
            training=True,
        )
        update = self._optimizers.find(
            optimizer, trainer.trainable, lambda: trainable_parameters(self._engine)
        )
        return TrainLoop(
            trainer,
            update,
            state_policy,
            data,
            self._seed,
            self.position,
            self._engine.parameters,
        )

    def losses(
        self,
        data: DataAdapter,
        objectives: Sequence[Measure],
        training: bool,
        callbacks: Sequence[Callback],
    ) -> tuple[np.ndarray, np.ndarray]:
        """
        Compute the losses of all minibatches.

        Parameters
        ----------
        data : DataAdapter
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
        n_items : (n_batches,) array of int
            How many items each has.

        Warns
        -----
        UserWarning
            If a single step is computed through synapses.
        """
        self.warn_single_step("Calculating loss", data, objectives)
        summed = [measure.summed() for measure in objectives]
        found: list[Any] = []
        n_items: list[int] = []

        def keep(result: Result) -> None:
            found.append(result.values)
            n_items.append(result.n_items)

        callbacks = [keep, *callbacks]
        self.run(self.isolated_policy(), data, summed, EpochPlan(), training, callbacks)
        return np.asarray(found), np.asarray(n_items)

    def run(
        self,
        state_policy: StatePolicy,
        data: DataAdapter,
        measures: Sequence[Measure],
        epoch_plan: EpochPlan,
        training: bool,
        callbacks: Sequence[Callback],
        batch_hook: BatchHook = iter,
        rates: bool = False,
    ) -> None:
        """
        Compute measures of all minibatches.

        Parameters
        ----------
        course : StatePolicy
            How the minibatches follow each other.
        data : DataAdapter
            Inputs and targets.
        measures : list of Measure
            What is computed.
        epoch_plan : EpochPlan
            How to go through the data.
        training : bool
            Whether everything computes what it does in training.
        callbacks : list of callable
            Called after each block of steps, with the values of the measures.
        passage : callable
            What minibatches pass through on their way to the trainer.
        rates : bool
            Whether spiking neurons are replaced by their rate approximation, and
            nothing else is as in training.
        """
        if training or rates:
            self.check_differentiable()
        trainer = self._batch_functions.find(
            state_policy.minibatch_source, data, measures, (), epoch_plan, rates=rates
        )
        minibatches = state_policy.minibatches(
            data, epoch_plan, self._seed, replace(self.position, resumes=False)
        )
        callbacks = [state_policy.follow, *callbacks]
        with state_policy.around():
            trainer.evaluate(
                batch_hook(minibatches), training, epoch_plan.truncation, callbacks
            )

    def isolated_policy(self, start_state: StartState | None = None) -> StatePolicy:
        """
        Let minibatches know nothing of each other.

        Parameters
        ----------
        start_state : StartState, optional
            Where they start. None: at the beginning of a simulation.

        Returns
        -------
        course : StatePolicy
            The simulation is left alone.
        """
        return Isolated(
            self._minibatch_source,
            start_state or self._minibatch_source.start(self._seed),
        )

    def stateful_policy(self, simulation: SimulationState) -> StatePolicy:
        """
        Let minibatches follow each other.

        Parameters
        ----------
        simulation : SimulationState
            The present of the simulation.

        Returns
        -------
        course : StatePolicy
            It moves the simulation on.
        """
        return Stateful(self._live_feeder, simulation)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Let the processes of the simulation begin anew, and go on with them later."""
        with self._live_feeder.isolated(), self._engine.inputs.kept():
            self._live_feeder.restart(self._seed)
            yield

    def compare_gradients(
        self, data: DataAdapter, probes: Sequence[nengo.Probe]
    ) -> dict[nengo.Probe, list[GradientComparison]]:
        """
        Compare gradients of outputs with finite differences; change nothing.

        Parameters
        ----------
        data : DataAdapter
            Values of nodes, one minibatch.
        probes : list of nengo.Probe
            The outputs.

        Returns
        -------
        comparisons : dict from nengo.Probe to list of GradientComparison
            See `.GradientCheck`.
        """
        self.check_differentiable()
        with self._minibatch_source.isolated():
            check = GradientCheck(
                self._engine, self._minibatch_source, data, self._seed
            )
            return {probe: check.compare(probe) for probe in probes}

    def refreshed(self, state: State) -> State:
        """Return a state of the simulation with what layers learned in training."""
        return self._minibatch_source.with_variables(state)

    def arrays(self) -> dict[str, np.ndarray]:
        """
        Return what training goes on from, besides parameters and seed.

        Returns
        -------
        arrays : dict from str to array
            By name.
        """
        return {
            "training/step": np.array(self.step.numpy(), np.int64),
            "training/optimizer": np.array(self._optimizers.last, np.int64),
            **self.position.arrays(),
        }

    def optimizer_arrays(self) -> dict[str, np.ndarray]:
        """Return what the optimizers go on from, in a form like `arrays`."""
        return self._optimizers.arrays()

    def check_optimizers(self, arrays: Mapping[str, np.ndarray]) -> None:
        """
        Check that the optimizers in use can go on from arrays.

        Parameters
        ----------
        arrays : dict from str to array
            What `optimizer_arrays` returned.

        Raises
        ------
        nengo.exceptions.ValidationError
            If they are of other kinds.
        """
        self._optimizers.check(arrays)

    def restore(self, seed: int, arrays: Mapping[str, np.ndarray]) -> None:
        """
        Go on from where training was.

        Parameters
        ----------
        seed : int
            The seed of everything random.
        arrays : dict from str to array
            What `arrays` and `optimizer_arrays` returned.
        """
        self._seed = seed
        self.step.assign(arrays["training/step"])
        self.position = TrainingProgress.resumed(arrays)
        optimizers = [name for name in arrays if name.startswith("optimizers/")]
        interrupted = arrays["training/optimizer"] if self.position.in_call else -1
        self._optimizers.restore(
            {name: arrays[name] for name in optimizers}, int(interrupted)
        )

    def check_built(self) -> None:
        """
        Check that all that is trained in the network was built.

        Raises
        ------
        nengo.exceptions.ValidationError
            If something was added since.
        """
        check_built(self._network, self._engine.model)

    def check_differentiable(self) -> None:
        """
        Check that the network was not built for inference only.

        Raises
        ------
        InferenceOnlyError
            If it was: there is no rate approximation then, and nothing to train.
        """
        if self._engine.settings.inference_only:
            raise InferenceOnlyError(
                "expected a network that may be trained, got one with "
                "configure_settings(inference_only=True)",
                attr="inference_only",
            )

    def warn_single_step(
        self, doing: str, data: DataAdapter, objectives: Sequence[Measure]
    ) -> None:
        """
        Warn if a single step is computed through synapses.

        Parameters
        ----------
        doing : str
            What is done, for the message.
        data : DataAdapter
            Says how many steps there are.
        objectives : list of Measure
            Say which probes count.

        Warns
        -----
        UserWarning
            If there is one step only, and a synapse on the way to a probe.
        """
        probes = self._engine.model.probes
        looked_at = [probes[i] for measure in objectives for i in measure.outputs]
        warn_single_step(doing, self._engine.model, looked_at, data.n_steps)


def _check_trainable(engine: Engine) -> None:
    if not engine.parameters.trainable:
        raise ValidationError(
            "expected a network with trainable parameters, got none: see "
            "configure_settings(trainable=...)",
            attr="trainable",
        )
