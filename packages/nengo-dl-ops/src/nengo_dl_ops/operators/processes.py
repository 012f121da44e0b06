"""The operator that runs Nengo processes, and what is known of their types."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from functools import partial
from math import prod
from types import MappingProxyType
from typing import Any

import numpy as np
import tensorflow as tf
from nengo.base import Process
from nengo.builder.operator import Operator
from nengo.builder.processes import SimProcess
from nengo.builder.signal import Signal
from nengo.exceptions import BuildError
from nengo.processes import Piecewise, PresentInput

from nengo_dl_signals import SignalDict, SignalLayout, TensorSignal, join

from ..builder import Builder
from ..config import BuildConfig
from ..op_builder import OpBuilder
from .process_coefficients import TrainableProcess
from .process_parameters import join_parameters, of_elements, parameters_key


class ProcessBuilder(ABC):
    """
    Computes one type of process with input, for all of a merged group at once.

    To be implemented by subclasses: `merge_key` and `step`. Register them with
    ``@Builder.register(MyProcess)``.

    Parameters
    ----------
    ops : list of nengo.builder.processes.SimProcess
        The operators of the group.
    config : BuildConfig
        The settings of the simulation.
    """

    #: Whether each element of the output and of every state follows from the same
    #: element of the input and of the states alone, by what is the same for all
    #: elements: not from the time, nor from random numbers. All states then have the
    #: shape of the output, or ``(n, *output.shape)``. Of equal processes (as Nengo
    #: compares them) with one input one is computed, and of equal elements one.
    elementwise: bool = False

    #: Those numbers of `step_with` that may come from signals, by name: for all
    #: elements of the output, (rows, columns, n_elements or 1, 1).
    parameters: Mapping[str, np.ndarray] = MappingProxyType({})

    #: The states, by name, that are rings: each step writes the next of their
    #: ``length`` rows. They have the shape ``(length, *output.shape)``.
    rings: Collection[str] = ()

    #: The states, by name, that are the same for all batch items, whatever the input:
    #: their last axis may have one item, in `step` and in what it returns.
    shared: Collection[str] = ()

    def __init__(self, ops: Sequence[SimProcess], config: BuildConfig) -> None:
        self.ops = ops
        self.config = config

    @classmethod
    @abstractmethod
    def merge_key(cls, op: SimProcess) -> Hashable:
        """
        Say which processes one group can compute.

        Parameters
        ----------
        op : nengo.builder.processes.SimProcess
            An operator whose process has the registered type.

        Returns
        -------
        key : hashable
            Equal for processes that may be merged.
        """

    @classmethod
    def trainable(
        cls, process: Process, updates: bool = False
    ) -> TrainableProcess | None:
        """
        Say what can be trained of a process, and how `parameters` follow from it.

        Parameters
        ----------
        process : nengo.Process
            A process of the registered type.
        updates : bool
            Whether its output is read one step later.

        Returns
        -------
        form : TrainableProcess or None
            By default None: there is nothing.
        """
        del process, updates
        return None

    @abstractmethod
    def step(
        self, u: tf.Tensor, state: Mapping[str, tf.Tensor]
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """
        Compute one time step.

        Parameters
        ----------
        u : (n_elements, batch) tf.Tensor
            The flattened inputs of all operators, one after another.
        state : mapping from str to (length, n_elements, batch) tf.Tensor
            The states after the previous step. For every element of the output there
            are the ``length`` values that Nengo keeps along the first axis, or one
            value if the state has the shape of the output. A state of any other shape
            belongs to a whole process: (size, n_ops, batch).

        Returns
        -------
        y : (n_elements, batch) tf.Tensor
            The outputs.
        state : dict from str to tf.Tensor
            The states after this step, with the same names and shapes.
        """

    def step_with(
        self,
        parameters: Mapping[str, tf.Tensor],
        u: tf.Tensor,
        state: Mapping[str, tf.Tensor],
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """
        Compute one time step, with parameters that are values of the program.

        Called in place of `step` where some of them are signals.

        Parameters
        ----------
        parameters : mapping from str to (rows, columns, n_elements or 1, 1) array
            Those of `parameters`, or tensors of the same names.
        u, state
            As in `step`.

        Returns
        -------
        y, state
            As in `step`.

        Raises
        ------
        nengo.exceptions.BuildError
            By default: builders that have `parameters` implement it.
        """
        del u, state
        raise BuildError(
            f"{type(self).__name__} has no step_with(parameters, u, state), which "
            f"{sorted(parameters)} need: write one"
        )


class InputProcess:
    """
    Tells what matters of a type of process without input, which Nengo itself computes.

    Register subclasses with ``@Builder.register(MyProcess)``; there is no need to.
    """

    #: Whether it draws from the random numbers that ``make_step`` gets. If no process
    #: without a seed of its own does, a simulator need not know in which order Nengo
    #: seeds them, for which it has to sort all operators.
    draws: bool = True


@Builder.register(Piecewise)
@Builder.register(PresentInput)
class GivenValues(InputProcess):
    """Processes whose values are their parameters."""

    draws = False


@Builder.register(SimProcess)
class SimProcessBuilder(OpBuilder):
    """
    Compute processes: ``output, state = process.step(t, input, state)``.

    Notes
    -----
    1. sets ``[output] if mode == "set" else []``
    2. incs ``[output] if mode == "inc" else []``
    3. reads ``[t, input]``, and those of `SimParametricProcess`
    4. updates ``[output] + state if mode == "update" else state``
    """

    def __init__(
        self, ops: Sequence[Operator], layout: SignalLayout, config: BuildConfig
    ) -> None:
        super().__init__(ops, layout, config)
        self.input = _flatten([layout[op.input] for op in ops])
        self.output = _flatten([layout[op.output] for op in ops])
        self.state = {
            name: _join_states([layout[op.state[name]] for op in ops], ops)
            for name in ops[0].state
        }
        self.mode = "inc" if ops[0].mode == "inc" else "update"
        builder = Builder.find(type(ops[0].process))
        self.process: ProcessBuilder = builder(ops, config)
        self.parameters = join_parameters(ops, layout, self.process.parameters)

    @classmethod
    def supports(cls, op: Operator) -> bool:
        """Processes with an input, of a type that has a builder."""
        return op.input is not None and _builder(op) is not None

    @classmethod
    def merge_key(cls, op: Operator) -> Hashable:
        """Processes merge if one builder computes them and says so."""
        builder = Builder.find(type(op.process))
        key = builder, op.mode, tuple(sorted(op.state)), builder.merge_key(op)
        return (*key, parameters_key(op))

    @classmethod
    def rings(cls, op: Operator) -> list[Signal]:
        """Return those of the process."""
        return [op.state[name] for name in Builder.find(type(op.process)).rings]

    @classmethod
    def shared_signals(cls, op: Operator) -> list[Signal]:
        """Return those of the process."""
        return [op.state[name] for name in Builder.find(type(op.process)).shared]

    def build_step(self, signals: SignalDict) -> None:
        """Compute outputs and new states of all processes at once."""
        state = {name: signals.gather(sig) for name, sig in self.state.items()}
        y, new_state = self._step(signals)(signals.gather(self.input), state)
        signals.scatter(self.output, y, mode=self.mode)
        for name, sig in self.state.items():
            signals.scatter(sig, new_state[name])

    def _step(self, signals: SignalDict) -> Callable:
        """Return the step of the process, with the present values of parameters."""
        if not self.parameters:
            return self.process.step
        given = {name: signals.gather(sig) for name, sig in self.parameters.items()}
        return partial(self.process.step_with, {**self.process.parameters, **given})


def is_elementwise(op: Operator) -> bool:
    """
    Tell whether an operator is a process that is computed element by element.

    Returns whether its builder says so; see `ProcessBuilder.elementwise`.
    """
    if type(op) is not SimProcess or op.input is None:
        return False
    builder = _builder(op)
    return builder is not None and builder.elementwise


def trainable_process(op: SimProcess) -> TrainableProcess | None:
    """Say what can be trained of the process of an operator; None: there is nothing."""
    updates = op.mode == "update"
    return None if op.input is None else trainable_form(op.process, updates)


def trainable_form(
    process: Process | None, updates: bool = False
) -> TrainableProcess | None:
    """Say what can be trained of a synapse; None: there is nothing."""
    builder = None if process is None else _find(process)
    if builder is None or issubclass(builder, InputProcess):
        return None
    form: TrainableProcess | None = builder.trainable(process, updates)
    return form


def draws_random_numbers(process: Process) -> bool:
    """
    Tell whether a process without input may draw from the random numbers it gets.

    See `InputProcess.draws`; True if nothing is known of the type.
    """
    known = _find(process)
    return not (known and issubclass(known, InputProcess)) or known.draws


def _builder(op: SimProcess) -> type[ProcessBuilder] | None:
    """Return what computes a process with input; None if nothing does."""
    found = _find(op.process)
    return None if found and issubclass(found, InputProcess) else found


def _find(process: Process) -> Any:
    """Return the class that is registered for the type of a process, or None."""
    try:
        return Builder.find(type(process))
    except BuildError:
        return None


def _flatten(parts: Sequence[TensorSignal]) -> TensorSignal:
    return join([part.reshape((-1,)) for part in parts])


def _join_states(
    parts: Sequence[TensorSignal], ops: Sequence[SimProcess]
) -> TensorSignal:
    """Join a state of all operators along a second axis."""
    rows = np.concatenate(
        [
            part.rows.reshape(_arranged(part.shape, op.output.shape))
            for part, op in zip(parts, ops, strict=True)
        ],
        axis=1,
    )
    return of_elements(rows, parts[0])


def _arranged(state: tuple[int, ...], output: tuple[int, ...]) -> tuple[int, int]:
    """Return how many values a state has, and for how many things."""
    if len(state) > len(output) and state[1:] == output:
        return state[0], prod(output)
    return (1, prod(output)) if state == output else (prod(state), 1)
