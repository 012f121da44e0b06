"""A program of which each replica computes some of the items."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import keras
import tensorflow as tf
from nengo.exceptions import SimulationError

from nengo_dl_ops.step.program import InputSplit, Program
from nengo_dl_ops.step.state import State

from .compiled_call import CompiledForShapes
from .plain_variables import check_plain
from .replicas import Replicas
from .sequence import Keep, run_sequence


class Given(NamedTuple):
    """
    What steps are computed from: of all items.

    Parameters
    ----------
    values : list of tf.Tensor
        The values of variables.
    state : State
        The state to start from.
    held : (n_held, batch or 1) tf.Tensor
        Values of nodes that do not change.
    stepped : (n_steps, n_stepped, batch) tf.Tensor
        Values of nodes that do.
    """

    values: list[tf.Tensor]
    state: State
    held: tf.Tensor
    stepped: tf.Tensor


class DividedProgram:
    """
    Computes the steps of a program, of which each replica takes some items.

    What a replica computes of its items is put among zeros in the place of the others,
    so that the sum over replicas is what there is of all.

    Parameters
    ----------
    program : Program
        What to compute, for all items.
    variables : list of keras.Variable or tf.Variable
        The values of its parameters.
    split : InputSplit
        Which input nodes change from step to step.
    keep : dict from hashable to Keep
        Which of the program's outputs are wanted.
    replicas : Replicas
        Who takes which items.
    carries_state : bool
        Whether the state of all items is wanted afterwards. If not, the one returned
        has the values from before, but for those of variables and the count of steps.
    """

    def __init__(
        self,
        program: Program,
        variables: Sequence[keras.Variable | tf.Variable],
        split: InputSplit,
        keep: Mapping[Hashable, Keep],
        replicas: Replicas,
        carries_state: bool,
    ) -> None:
        _check(program)
        self.program = program
        self.replicas = replicas
        self.keep = keep
        self._variables = variables
        self._split = split
        self._carries_state = carries_state
        self._here = replicas.here(program.minibatch_size)
        self._programs = [program.of_share(replica.share) for replica in self._here]

    def given(self, state: State, held: tf.Tensor, stepped: tf.Tensor) -> Given:
        """Return what steps are computed from, with the current values of variables."""
        values = [tf.convert_to_tensor(variable) for variable in self._variables]
        return Given(values, state, held, stepped)

    def compiled(
        self, function: Callable, jit_compile: bool
    ) -> Callable[..., list[Any]]:
        """
        Compile a function for each replica of this process.

        ``function``: takes the number of the replica, then what it is called with.
        Returns a function that returns a list of what those do.
        """
        compiled = [
            CompiledForShapes(_bound(function, number), jit_compile)
            for number in range(len(self._here))
        ]

        def call(number: int, *arguments: Any) -> Any:
            with tf.device(self._here[number].device):
                return compiled[number](*arguments)

        if len(compiled) == 1:
            return lambda *arguments: [call(0, *arguments)]
        for_all = range(len(compiled))

        def call_all(*arguments: Any) -> list[Any]:
            with ThreadPoolExecutor(len(compiled)) as pool:
                return list(pool.map(lambda n: call(n, *arguments), for_all))

        return call_all

    def run(
        self, number: int, given: Given, training: bool, check: bool
    ) -> tuple[State, dict[Hashable, tf.Tensor], tf.Tensor | None]:
        """Compute the items of a replica, as `run_sequence` does."""
        items = self._here[number].share.items
        state, held = self._part(given.state, items), given.held
        return run_sequence(
            self._programs[number],
            given.values,
            state,
            self._split,
            held[:, items] if held.shape[-1] > 1 else held,
            given.stepped[..., items],
            training,
            self.keep,
            check,
        )

    @property
    def first_item(self) -> int:
        """The number of the first item of this process in a minibatch."""
        return self._here[0].share.start

    def items(self, number: int, value: tf.Tensor) -> tf.Tensor:
        """Return what a replica has of something whose first axis is that of items."""
        return value[self._here[number].share.items]

    def among_zeros(self, number: int, value: tf.Tensor, axis: int = 0) -> tf.Tensor:
        """Put what a replica has in its place, with zeros in that of others."""
        share = self._here[number].share
        n_after = share.whole - share.start - share.size
        if value.dtype == tf.bool:
            value = tf.cast(value, tf.int32)
        paddings = [[0, 0]] * value.shape.rank
        paddings[axis] = [share.start, n_after]
        return tf.pad(value, paddings)

    def state_parts(self, number: int, before: State, after: State) -> list[tf.Tensor]:
        """Return what sums up to the state after some steps (see `joined_state`)."""
        changes = [
            new - old
            for new, old in zip(after.variables, before.variables, strict=True)
            if new.dtype.is_floating
        ]
        if not self._carries_state:
            return changes
        arrays = zip(self.program.states, after.arrays, strict=True)
        own = [
            self.among_zeros(number, value, 0 if array.batch_first else 1)
            for array, value in arrays
            if array.batch > 1
        ]
        return [*changes, *own]

    def joined_state(
        self, before: State, first: State, sums: Sequence[tf.Tensor]
    ) -> State:
        """
        Return the state of all items after some steps.

        What all items share is that of the first replica here, and equal in all. What
        layers learn beside their parameters, such as mean values, changes by the
        average over replicas.

        ``sums``: those of `state_parts`.
        """
        found = iter(sums)
        variables = [
            old + next(found) / self.replicas.count if new.dtype.is_floating else new
            for new, old in zip(first.variables, before.variables, strict=True)
        ]
        arrays = before.arrays
        if self._carries_state:
            arrays = [
                tf.cast(next(found), value.dtype) if array.batch > 1 else value
                for array, value in zip(self.program.states, first.arrays, strict=True)
            ]
        return State(arrays, variables, first.key)

    def _part(self, state: State, items: slice) -> State:
        pairs = zip(self.program.states, state.arrays, strict=True)
        return state._replace(arrays=[a.items(value, items) for a, value in pairs])


def _check(program: Program) -> None:
    """Check that what a step does of an item can be done by any replica."""
    for group in program.groups:
        op = group.ops[0]
        if group.python:
            raise SimulationError(
                f"{op}: expected steps that TensorFlow computes, since a strategy "
                "divides minibatches among several workers or devices, got one that "
                "calls Python, which may remember what other items did. Use a "
                "nengo_dl.TensorNode, or a simulator outside of the strategy's scope"
            )
        check_plain(f"{op}", group.variables, "tensor_func")
        layers = _layers(getattr(op, "func", None))
        if any(getattr(layer, "synchronized", False) for layer in layers):
            raise SimulationError(
                f"{op}: expected layers that compute with the items of one worker, got "
                "synchronized=True: use synchronized=False, with which mean values are "
                "those of the items of each worker, and moving averages are averaged"
            )


def _layers(func: Any) -> list[keras.Layer]:
    """List a layer and those within it."""
    if not isinstance(func, keras.Layer):
        return []
    within = func.layers if isinstance(func, keras.Model) else []
    return [func, *(found for layer in within for found in _layers(layer))]


def _bound(function: Callable, number: int) -> Callable:
    return lambda *arguments: function(number, *arguments)
