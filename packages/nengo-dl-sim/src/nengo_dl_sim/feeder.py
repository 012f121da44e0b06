"""From data to the minibatches, and states to start from, that a trainer takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from nengo.node import Node

from .array_data import ArrayData, Items
from .batches import Batch, step_blocks
from .compile import InputSplit, State
from .construction import Parts
from .input_feed import InputFeed
from .input_operators import Source
from .inputs import NodeInputs


@dataclass(frozen=True)
class Schedule:
    """
    How to go through data.

    Parameters
    ----------
    n_epochs : int
        How often.
    shuffle : bool
        Whether each epoch has its own order of items.
    truncation : int or None
        The number of steps that are computed at once. None: all.
    """

    n_epochs: int = 1
    shuffle: bool = False
    truncation: int | None = None

    def n_blocks(self, data: ArrayData) -> int:
        """Return the number of blocks of steps in all minibatches of all epochs."""
        blocks = step_blocks(data.n_steps, self.truncation)
        return self.n_epochs * data.n_batches * len(blocks)


@dataclass
class Position:
    """
    How far training has got: with the seed, what everything random follows from.

    Parameters
    ----------
    n_epochs, n_minibatches : int
        How many of them were begun.
    """

    n_epochs: int = 0
    n_minibatches: int = 0


@dataclass
class Live:
    """
    A simulation that goes on from minibatch to minibatch.

    Parameters
    ----------
    state : State
        Its state.
    n_steps : int
        How many steps were done.
    begun : tuple of (State, int), optional
        What both were when the present minibatch was begun.
    """

    state: State
    n_steps: int
    begun: tuple[State, int] | None = None


class Feeder:
    """
    Makes minibatches.

    Parameters
    ----------
    parts : Parts
        The parts of the simulator.
    inputs : NodeInputs
        Generates the values of nodes that are not given.
    """

    def __init__(self, parts: Parts, inputs: NodeInputs) -> None:
        self._parts = parts
        self._inputs = inputs
        self._feeds: dict[frozenset[Node], InputFeed] = {}

    def split(self, data: ArrayData) -> InputSplit:
        """Return which input nodes change from step to step."""
        return self._feed(data).split

    def stepped_sizes(self, data: ArrayData) -> dict[Source, int]:
        """Return how many rows those nodes have that change, in order."""
        return self._feed(data).sizes

    def example(self, data: ArrayData, n_steps: int) -> Batch:
        """
        Return what a block of steps looks like.

        Parameters
        ----------
        data : ArrayData
            Inputs and targets.
        n_steps : int
            The number of steps.

        Returns
        -------
        batch : Batch of tf.TensorSpec
            Shapes and types.
        """
        feed, dtype = self._feed(data), self._parts.config.dtype
        n_stepped, size = sum(feed.sizes.values()), data.minibatch_size
        targets = (data.targets or {}).values()
        return Batch(
            tf.TensorSpec(feed.held.shape, dtype),
            tf.TensorSpec((n_steps, n_stepped, size), dtype),
            [tf.TensorSpec((size, n_steps, t.shape[2]), dtype) for t in targets],
        )

    def minibatches(
        self, data: ArrayData, schedule: Schedule, seed: int, position: Position
    ) -> Iterator[tuple[State, Batch]]:
        """
        Make minibatches that start from the initial state.

        Each has random numbers of its own, which follow from the seed and its
        number. Ask for the next one after the one before is done with, and in the
        context of `isolated`.

        Parameters
        ----------
        data : ArrayData
            Inputs and targets.
        schedule : Schedule
            How to go through the data.
        seed : int
            The seed of everything random.
        position : Position
            Where to begin; is moved on before a minibatch is handed out.

        Yields
        ------
        state : State
            The state to start from.
        batch : Batch
            The data.
        """
        start = self._parts.program.initial_state(seed)
        first = start.key.numpy()
        for items in _epochs(data, schedule, seed, position):
            self.restart(seed, position.n_minibatches)
            key = _moved(first, position.n_minibatches * data.n_steps)
            position.n_minibatches += 1
            state = self.with_variables(start)._replace(key=key)
            yield state, self._batch(data, items, 0)

    def continued(
        self, data: ArrayData, schedule: Schedule, seed: int, live: Live
    ) -> Iterator[tuple[State, Batch]]:
        """
        Make minibatches of which each starts from the state after the one before.

        Parameters
        ----------
        data, schedule, seed
            As in `minibatches`.
        live : Live
            Where to begin. Whoever takes the minibatches keeps it up to date.

        Yields
        ------
        state : State
            The state to start from.
        batch : Batch
            The data.
        """
        for items in _epochs(data, schedule, seed, Position()):
            live.begun = live.state, live.n_steps
            yield live.state, self._batch(data, items, live.n_steps)

    def take_back(self, live: Live) -> None:
        """
        Undo the minibatch that was handed out last by `continued`: it failed.

        Parameters
        ----------
        live : Live
            Is put back to where the minibatch was begun.
        """
        if live.begun is not None:
            live.state, live.n_steps = live.begun
            self._inputs.take_back()

    def with_variables(self, state: State) -> State:
        """Return a state with the present values of the operators' variables."""
        variables = self._parts.program.state_variables
        return state._replace(variables=[tf.convert_to_tensor(v) for v in variables])

    def restart(self, seed: int, number: int = 0) -> None:
        """
        Let processes, and all that runs in Python, begin anew.

        Parameters
        ----------
        seed : int
            The seed of everything random.
        number : int
            The number of the minibatch: each has other random numbers, and the first
            one those of a simulation.
        """
        if self._inputs.has_memory:
            self._inputs.reset(seed if number == 0 else _stream(seed, number))
            for group in self._parts.program.groups:
                group.reset(self._inputs.streams)

    @contextmanager
    def isolated(self) -> Iterator[None]:
        """Leave what Python code in the simulation remembers alone."""
        with ExitStack() as stack:
            for group in self._parts.program.groups:
                if group.python:
                    stack.enter_context(group.isolated())
            yield

    def _batch(self, data: ArrayData, items: Items, start_step: int) -> Batch:
        feed, n_steps = self._feed(data), data.n_steps
        stepped = feed.stepped(items.inputs, start_step, n_steps, capacity=n_steps)
        return Batch(feed.held, stepped, items.targets)

    def _feed(self, data: ArrayData) -> InputFeed:
        given = frozenset(data.inputs)
        if given not in self._feeds:
            feed = InputFeed(self._inputs, given, self._parts.program)
            self._feeds[given] = feed
        return self._feeds[given]


def _epochs(
    data: ArrayData, schedule: Schedule, seed: int, position: Position
) -> Iterator[Items]:
    for _ in range(schedule.n_epochs):
        # From a count, not from a generator that goes on: to begin in the middle.
        order = np.random.RandomState([seed, position.n_epochs])
        position.n_epochs += 1
        yield from data.epoch(order if schedule.shuffle else None)


def _stream(seed: int, number: int) -> int:
    """Return the seed of a minibatch."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])


def _moved(key: np.ndarray, n_steps: int) -> tf.Tensor:
    """Return a key, moved on by a number of steps (the count wraps around)."""
    return tf.constant((key + np.array([0, n_steps])).astype(key.dtype))
