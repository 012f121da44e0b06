"""From data to minibatches, and the states that these start from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from nengo.node import Node

from nengo_dl_ops.step.program import InputSplit
from nengo_dl_ops.step.state import State

from ..data.batches import Batch, Order
from ..data.data_adapter import DataAdapter, Items
from ..data.epoch_plan import EpochPlan, TrainingProgress
from ..engine.engine import Engine
from ..engine.simulation_state import SimulationState
from ..inputs.feed import InputFeed
from ..inputs.nodes import NodeInputs
from ..inputs.operators import Source


class StartState(NamedTuple):
    """
    Where minibatches start that know nothing of each other.

    Parameters
    ----------
    state : State
        The state of the simulation.
    n_steps : int
        How many steps were done before.
    """

    state: State
    n_steps: int


class MinibatchSource:
    """
    Makes minibatches.

    Parameters
    ----------
    engine : Engine
        The engine of the simulator.
    inputs : NodeInputs
        Generates the values of nodes that are not given.
    is_live : bool
        Whether it is the simulation itself that goes on in the minibatches.
    """

    def __init__(
        self, engine: Engine, inputs: NodeInputs, is_live: bool = False
    ) -> None:
        self.is_live = is_live
        self._engine = engine
        self._inputs = inputs
        self._feeds: dict[tuple[frozenset[Node], ...], InputFeed] = {}

    def close(self) -> None:
        """Forget where the values of nodes belong."""
        self._feeds.clear()

    def split(self, data: DataAdapter) -> InputSplit:
        """Return which input nodes change from step to step."""
        return self._feed(data).split

    def stepped_sizes(self, data: DataAdapter) -> dict[Source, int]:
        """Return how many rows those nodes have that change, in order."""
        return self._feed(data).sizes

    def example(self, data: DataAdapter, n_steps: int) -> Batch:
        """Return what a block of steps looks like."""
        feed, dtype = self._feed(data), self._engine.config.dtype
        cut = n_steps < data.n_steps
        n_stepped, size = sum(feed.sizes.values()), data.minibatch_size
        targets = [
            tf.TensorSpec((size, *(_cut(shape, n_steps) if cut else shape)), dtype)
            for shape in data.target_shapes
        ]
        return Batch(
            tf.TensorSpec(feed.held_shape, dtype),
            tf.TensorSpec((n_steps, n_stepped, size), dtype),
            targets,
        )

    def start(self, seed: int) -> StartState:
        """Return the beginning of a simulation with some seed."""
        return StartState(self._engine.initial.state(seed), 0)

    def minibatches(
        self,
        data: DataAdapter,
        epoch_plan: EpochPlan,
        seed: int,
        position: TrainingProgress,
        start_state: StartState,
    ) -> Iterator[tuple[State, Batch]]:
        """
        Make minibatches that all start from the same state.

        Each has random numbers of its own, which follow from the seed and its
        number. Ask for the next one after the one before is done with, and in the
        context of `isolated`.

        ``position``: where to begin; is moved on before a minibatch is handed out.
        ``start_state``: where each of them starts. (What processes of nodes, and Python
        code in the simulation, remember is not part of it: they begin anew.)
        """
        pairs = self._starts(data, epoch_plan, seed, position, start_state.state)
        for state, items in pairs:
            yield state, self._batch(data, items, start_state.n_steps)

    def starts(self, data: DataAdapter, seed: int) -> Iterator[tuple[State, Items]]:
        """
        Go through data once, from the beginning of a simulation for each minibatch.

        As `minibatches`, but that the values of nodes are left to whoever runs them.
        """
        state = self.start(seed).state
        yield from self._starts(data, EpochPlan(), seed, TrainingProgress(), state)

    def _starts(
        self,
        data: DataAdapter,
        epoch_plan: EpochPlan,
        seed: int,
        position: TrainingProgress,
        start: State,
    ) -> Iterator[tuple[State, Items]]:
        """Let each minibatch start from a state, with random numbers of its own."""
        first = start.key.numpy()
        for items in _epochs(data, epoch_plan, seed, position):
            self.restart(seed, position.n_minibatches)
            key = _moved(first, position.n_minibatches * data.n_steps)
            position.n_minibatches += 1
            yield start._replace(key=key), items

    def continued(
        self,
        data: DataAdapter,
        epoch_plan: EpochPlan,
        seed: int,
        position: TrainingProgress,
        simulation: SimulationState,
    ) -> Iterator[tuple[State, Batch]]:
        """
        Make minibatches of which each starts from the state after the one before.

        ``simulation``: where to begin. Whoever takes the minibatches keeps it up to
        date.
        """
        for items in _epochs(data, epoch_plan, seed, position):
            position.n_minibatches += 1
            yield simulation.state, self._batch(data, items, simulation.n_steps)

    def take_back(self) -> None:
        """Undo the making of the last minibatch: it failed."""
        self._inputs.take_back()

    def with_variables(self, state: State) -> State:
        """Return a state with the current values of the operators' variables."""
        variables = self._engine.program.state_variables
        return state._replace(variables=[tf.convert_to_tensor(v) for v in variables])

    def restart(self, seed: int, number: int = 0) -> None:
        """
        Let processes, and all that runs in Python, begin anew.

        ``number``: the number of the minibatch: each has other random numbers, and the
        first one those of a simulation.
        """
        if self._inputs.has_memory:
            self._inputs.reset(seed if number == 0 else _stream(seed, number))
            for group in self._engine.program.groups:
                group.reset(self._inputs.streams)

    @contextmanager
    def isolated(self) -> Iterator[None]:
        """Leave what Python code in the simulation remembers alone."""
        with ExitStack() as stack:
            for group in self._engine.program.groups:
                if group.python:
                    stack.enter_context(group.isolated())
            yield

    def _batch(self, data: DataAdapter, items: Items, start_step: int) -> Batch:
        feed, n_steps = self._feed(data), data.n_steps
        stepped = feed.stepped(items.inputs, start_step, n_steps, capacity=n_steps)
        held = feed.held(items.inputs)
        return Batch(held, stepped, items.targets, items.n_items, start_step)

    def _feed(self, data: DataAdapter) -> InputFeed:
        key = data.nodes, data.held_nodes
        if key not in self._feeds:
            self._feeds[key] = InputFeed(self._inputs, *key, self._engine.program)
        return self._feeds[key]


def _cut(shape: tuple[int, ...], n_steps: int) -> tuple[int, ...]:
    """Return the shape of a target, with so many steps at most."""
    return min(shape[0], n_steps), *shape[1:]


def _epochs(
    data: DataAdapter, epoch_plan: EpochPlan, seed: int, position: TrainingProgress
) -> Iterator[Items]:
    if not position.resumes:
        position.in_call = position.in_epoch = 0
    position.resumes = False
    if position.in_call:
        yield from _rest_of_epoch(data, epoch_plan, seed, position)
    while position.in_call < epoch_plan.n_epochs:
        position.n_epochs += 1
        position.in_call += 1
        position.in_epoch = 0
        yield from _rest_of_epoch(data, epoch_plan, seed, position)
    position.in_call = position.in_epoch = 0


def _rest_of_epoch(
    data: DataAdapter, epoch_plan: EpochPlan, seed: int, position: TrainingProgress
) -> Iterator[Items]:
    # From a count, not from a generator that goes on: to begin in the middle.
    order = Order(seed, position.n_epochs - 1)
    epoch = data.epoch(order if epoch_plan.shuffle else None)
    for items in islice(epoch, position.in_epoch, None):
        position.in_epoch += 1
        yield items


def _stream(seed: int, number: int) -> int:
    """Return the seed of a minibatch."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])


def _moved(key: np.ndarray, n_steps: int) -> tf.Tensor:
    """Return a key, moved on by a number of steps (the count wraps around)."""
    return tf.constant((key + np.array([0, n_steps])).astype(key.dtype))
