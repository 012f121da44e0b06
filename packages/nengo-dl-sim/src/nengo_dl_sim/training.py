"""The doors to the trainer: from nodes and probes to arrays and numbers."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import nengo
import numpy as np
import tensorflow as tf
from nengo.exceptions import ValidationError
from nengo.node import Node
from nengo.probe import Probe

from .checks import check_count
from .compile import State
from .construction import Parts
from .data import check_inputs, check_targets, minibatches, split_data
from .errors import InferenceOnlyError
from .input_feed import InputFeed
from .objectives import Objectives, resolve_objectives
from .progress import ProgressBar
from .trainer import Batch, Objective, Trainer

#: Inputs by node and targets by probe; or a number of steps.
TrainingData = Mapping["Node | Probe", np.ndarray] | int


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """
    Data and objectives that fit each other.

    Parameters
    ----------
    inputs : dict from nengo.Node to (n_items, n_steps, size_out) array
        Values of nodes.
    targets : list of (n_items, n_steps, size_in) array
        What the outputs are compared with, in the order that objectives number.
    objectives : list of Objective
        What is minimised.
    n_items, n_steps, minibatch_size : int
        How many items there are, of how many steps, and how many go together.
    """

    inputs: dict[Node, np.ndarray]
    targets: list[np.ndarray]
    objectives: list[Objective]
    n_items: int
    n_steps: int
    minibatch_size: int

    @property
    def n_batches(self) -> int:
        """The number of minibatches."""
        return self.n_items // self.minibatch_size


class Training:
    """
    Trains a simulator's parameters, and computes losses.

    Parameters
    ----------
    parts : Parts
        The parts of the simulator.
    network : nengo.Network or None
        The top-level network, to warn about its synapses.
    seed : int
        The seed of the order of items.
    jit_compile : bool or "auto"
        Whether XLA compiles training.

    Attributes
    ----------
    n_trained : int
        The number of minibatches that were trained on.
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
        self._inputs = copy.copy(parts.inputs)
        self._jit_compile = jit_compile
        self._trainers: dict[tuple, Trainer] = {}
        self._feeds: dict[frozenset[Node], InputFeed] = {}
        self.reset(seed)

    def reset(self, seed: int) -> None:
        """
        Start all random numbers anew, and count minibatches from zero.

        Parameters
        ----------
        seed : int
            The seed of the order of items, of processes and of random operators.
        """
        self.n_trained = 0
        self._seed = seed
        self._inputs.reset(seed)
        self._rng = np.random.RandomState(seed)

    def close(self) -> None:
        """Give up what was compiled."""
        self._trainers.clear()

    def training_set(
        self, data: TrainingData, objective: Objectives | None
    ) -> TrainingSet:
        """
        Check data and objectives.

        Parameters
        ----------
        data : dict or int
            Inputs and targets, or a number of steps.
        objective : dict or None
            What to minimise.

        Returns
        -------
        training_set : TrainingSet
            Data and objectives that fit each other.

        Raises
        ------
        nengo.exceptions.ValidationError
            If they do not.
        """
        parts, size = self._parts, self._parts.config.minibatch_size
        probes = parts.model.probes
        if isinstance(data, Mapping):
            nodes, targets = split_data(data, parts.inputs.nodes, probes)
            n_items, n_steps = _common_shape(data, size)
            _check_any_steps(n_steps)
        else:
            check_count("data", data, low=1)
            nodes, targets, n_items, n_steps = {}, None, size, int(data)
        dtype = parts.config.dtype
        inputs = check_inputs(nodes, parts.inputs.nodes, n_items, n_steps, dtype)
        checked = check_targets(targets or {}, probes, n_items, n_steps, dtype)
        objectives = resolve_objectives(
            objective, probes, None if targets is None else list(checked)
        )
        self._warn_single_step(n_steps, objectives)
        arrays = [np.asarray(array, dtype) for array in checked.values()]
        return TrainingSet(inputs, arrays, objectives, n_items, n_steps, size)

    def train(
        self,
        training_set: TrainingSet,
        optimizer: Any,
        n_epochs: int,
        shuffle: bool,
        bar: ProgressBar,
    ) -> None:
        """
        Train for a number of epochs.

        Parameters
        ----------
        training_set : TrainingSet
            Data and objectives.
        optimizer : keras.optimizers.Optimizer or tf.compat.v1.train.Optimizer
            What turns gradients into changes.
        n_epochs : int
            How often to go through the data.
        shuffle : bool
            Whether each epoch has its own order of items.
        bar : ProgressBar
            Shows the loss.

        Raises
        ------
        nengo.exceptions.ValidationError
            If there is nothing to train.
        nengo.exceptions.SimulationError
            If a loss is not finite.
        """
        trainer = self._trainer(training_set)
        if self._parts.inference_only:
            raise InferenceOnlyError(
                "expected a network that may be trained, got one with "
                "configure_settings(inference_only=True)",
                attr="inference_only",
            )
        if not trainer.trainable:
            raise ValidationError(
                "expected a network with trainable parameters, got none: see "
                "configure_settings(trainable=...)",
                attr="trainable",
            )
        for _ in range(n_epochs):
            for batch in self._batches(training_set, shuffle):
                state = self._state(training_set.n_steps)
                state, losses = trainer.train_batch(state, batch, optimizer)
                self._keep_variables(state)
                self.n_trained += 1
                bar.step(loss=float(losses.sum()))

    def loss(
        self,
        training_set: TrainingSet,
        combine: Callable,
        training: bool,
        bar: ProgressBar,
    ) -> float:
        """
        Compute the loss over all minibatches.

        Parameters
        ----------
        training_set : TrainingSet
            Data and objectives.
        combine : callable
            Makes one value of those of all minibatches, for each objective.
        training : bool
            Whether spiking neurons are replaced by their rate approximation.
        bar : ProgressBar
            Shows how far it is.

        Returns
        -------
        loss : float
            The sum over the objectives.
        """
        trainer, losses = self._trainer(training_set), []
        for batch in self._batches(training_set, shuffle=False):
            state = self._state(training_set.n_steps)
            losses.append(trainer.batch_losses(state, batch, training))
            bar.step()
        return float(sum(combine(values) for values in np.transpose(losses)))

    def _state(self, n_steps: int) -> State:
        """Return the initial state, with random numbers of its own for each batch."""
        state = self._parts.program.initial_state(self._seed)
        drawn = tf.constant([0, self.n_trained * n_steps])
        return state._replace(key=state.key + drawn)

    def _keep_variables(self, state: State) -> None:
        """Keep what layers learned beside their parameters, such as mean values."""
        variables = self._parts.program.state_variables
        for variable, value in zip(variables, state.variables, strict=True):
            variable.assign(value)

    def _trainer(self, training_set: TrainingSet) -> Trainer:
        """Find or make the compiled trainer for these objectives and inputs."""
        given = frozenset(training_set.inputs)
        identity = tuple(entry.identity for entry in training_set.objectives)
        compiled = self._compiles(training_set.n_steps)
        key = given, identity, compiled
        if key not in self._trainers:
            self._trainers[key] = Trainer(
                self._parts.program,
                self._parts.parameters.variables,
                training_set.objectives,
                self._feed(given).split,
                compiled,
            )
        return self._trainers[key]

    def _compiles(self, n_steps: int) -> bool:
        """Decide whether XLA compiles training: single steps gain nothing from it."""
        if self._parts.program.runs_python:
            return False
        return n_steps > 1 if self._jit_compile == "auto" else bool(self._jit_compile)

    def _feed(self, given: frozenset[Node]) -> InputFeed:
        if given not in self._feeds:
            parts = self._parts
            self._feeds[given] = InputFeed(self._inputs, given, parts.program)
        return self._feeds[given]

    def _batches(self, data: TrainingSet, shuffle: bool) -> Iterator[Batch]:
        feed = self._feed(frozenset(data.inputs))
        held, n_steps = feed.held, data.n_steps
        for items in minibatches(data.n_items, data.minibatch_size, shuffle, self._rng):
            given = {node: array[items] for node, array in data.inputs.items()}
            stepped = feed.stepped(given, 0, n_steps, capacity=n_steps)
            yield Batch(held, stepped, [target[items] for target in data.targets])

    def _warn_single_step(self, n_steps: int, objectives: list[Objective]) -> None:
        if n_steps != 1 or self._network is None:
            return
        probes = self._parts.model.probes
        probed = [probes[i] for entry in objectives for i in entry.outputs]
        for obj in (*self._network.all_connections, *probed):
            if obj.synapse is not None:
                warnings.warn(
                    f"Training for one timestep, but {obj} has a synapse: its output "
                    "after one step hardly depends on its input. Train for more "
                    "steps, or remove synapses (synapse=None)",
                    stacklevel=4,
                )
                return


def _check_any_steps(n_steps: int) -> None:
    if n_steps == 0:
        raise ValidationError("expected at least one step, got 0", attr="data")


def _common_shape(data: Mapping, minibatch_size: int) -> tuple[int, int]:
    """Return the numbers of items and steps of the first array."""
    for array in data.values():
        shape = np.shape(array)
        if len(shape) == 3:
            return shape[0], shape[1]
    return minibatch_size, 1
