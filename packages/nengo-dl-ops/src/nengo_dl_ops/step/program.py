"""One simulation step as a pure function of parameters, state and inputs."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from nengo_dl_signals import SignalDict, SignalLayout, TensorSignal, repeat_batch

from ..config import Share
from ..op_builder import OpBuilder
from .description import describe_program, describe_xla_error
from .rates import in_rates
from .segments import Segment, segments
from .stages import Stage, Stages, one_stage, split_in_stages
from .state import ParameterArray, State, StateArray
from .state_index import StateIndex
from .time_batching import Parts

logger = logging.getLogger(__name__)


class StepSize(NamedTuple):
    """
    How much there is to do in a step.

    Parameters
    ----------
    n_groups : int
        The number of merged groups.
    n_values : int
        The number of values that are computed, for all batch items.
    n_parameters : int
        The number of constant values that are read.
    """

    n_groups: int
    n_values: int
    n_parameters: int


class InputSplit(NamedTuple):
    """
    Where the values of the input nodes come from in a run.

    Parameters
    ----------
    held : TensorSignal or None
        Nodes that keep their value during the run, one for each item or for all.
    stepped : TensorSignal or None
        Nodes that get a new value in every step.
    """

    held: TensorSignal | None = None
    stepped: TensorSignal | None = None


#: What groups made of parameters before the first step, by their numbers.
Prepared = Mapping[int, Sequence[tf.Tensor]]
NOTHING_PREPARED: Prepared = MappingProxyType({})

#: Where no value of a node is given: operators of the step compute all of them.
NO_INPUTS = InputSplit()


@dataclass(frozen=True, eq=False)
class Program:
    """
    Everything that a simulation computes in one step.

    Parameters
    ----------
    layout : SignalLayout
        The addresses of all signals.
    groups : list of OpBuilder
        The merged operators, in order.
    parameters : list of ParameterArray
        Constants; outside the loop.
    states : list of StateArray
        What one step hands to the next; the only thing the loop carries.
    outputs : dict from hashable to TensorSignal
        What may be read at the end of each step, by any keys: for probes, by these.
    minibatch_size : int
        The number of items that are simulated at once.
    learning_phase : bool or None
        Whether to compute what is computed in training. None: in training.
    use_loop : bool
        Whether many steps are a loop, or written out.
    remat_steps : int or None
        How many steps of training are computed again at a time for gradients, instead
        of keeping what they computed. None: none are.
    gives_rates : bool
        Whether spiking neurons give rates in a run, too (see `in_rates`).
    """

    layout: SignalLayout
    groups: list[OpBuilder]
    parameters: list[ParameterArray]
    states: list[StateArray]
    outputs: dict[Hashable, TensorSignal]
    minibatch_size: int
    learning_phase: bool | None = None
    use_loop: bool = True
    remat_steps: int | None = None
    gives_rates: bool = False

    def __repr__(self) -> str:
        n, batch = len(self.groups), self.minibatch_size
        return f"<Program: {n} groups of operators, minibatch of {batch}>"

    def __str__(self) -> str:
        lines = describe_program(self.groups, self.parameters, self.states)
        return "\n".join([repr(self), *lines])

    @cached_property
    def trainable_variables(self) -> list[tf.Variable]:
        """The variables that operators bring along for training."""
        return [v for v in _variables(self.groups) if v.trainable]

    @cached_property
    def state_variables(self) -> list[tf.Variable]:
        """The variables that operators bring along and may change in a step."""
        return [v for v in _variables(self.groups) if not v.trainable]

    @cached_property
    def n_values(self) -> int:
        """How many values a step computes, for all batch items."""
        constant = sum(len(self.layout.rows(base)) for base in self.layout.constants)
        kept = sum(array.signal.size - array.n_in_step for array in self.states)
        return (self.layout.n_rows - constant - kept) * self.minibatch_size

    @cached_property
    def step_size(self) -> StepSize:
        """How much there is to do in a step."""
        read = (base.size for array in self.parameters for base in array.bases)
        return StepSize(len(self.groups), self.n_values, sum(read))

    @cached_property
    def checked(self) -> list[tuple[str, TensorSignal]]:
        """What must be finite in each step of a run: what it is of, and where."""
        return [item for group in self.groups for item in group.checked.items()]

    @property
    def runs_python(self) -> bool:
        """Whether some groups run in Python."""
        return any(group.python for group in self.groups)

    @cached_property
    def unknown_to_xla(self) -> dict[str, str]:
        """What XLA says of operators that it cannot compile, by what they are of."""
        errors = {str(g.ops[0].tag): g.compiler_error() for g in self.groups if g.ops}
        found = {tag: describe_xla_error(text) for tag, text in errors.items() if text}
        for tag, reason in found.items():
            logger.warning(
                "Running without XLA, which cannot compile %s%s", tag, reason
            )
        return found

    @cached_property
    def is_self_contained(self) -> bool:
        """Whether a step is nothing but arithmetic on parameters and state."""
        # Else it calls Python, has layers, or draws random numbers.
        brings_along = self.trainable_variables or self.state_variables
        ops = [op for group in self.groups for op in group.ops]
        draws = any(getattr(op, "state_extra", None) for op in ops) or any(
            group.draws for group in self.groups
        )
        return not (self.runs_python or brings_along or draws)

    def of_size(self, minibatch_size: int, share: Share | None = None) -> Program:
        """
        Return the same program for another number of items.

        Parameters
        ----------
        minibatch_size : int
            The number of items that are simulated at once.
        share : Share, optional
            Which items of a minibatch they are, if others compute the rest of it.
        """

        def of_size(group: OpBuilder) -> OpBuilder:
            config = replace(group.config, minibatch_size=minibatch_size, share=share)
            return group.with_config(self.layout, config)

        groups = [of_size(group) for group in self.groups]
        return replace(
            self,
            groups=in_rates(groups) if self.gives_rates else groups,
            states=[array.of_size(minibatch_size) for array in self.states],
            minibatch_size=minibatch_size,
        )

    def of_share(self, share: Share) -> Program:
        """Return the program that computes some of the items of a minibatch."""
        return self.of_size(share.size, share)

    @cached_property
    def in_rates(self) -> Program:
        """The same, but that spiking neurons give rates, however they are trained."""
        return replace(self, groups=in_rates(self.groups), gives_rates=True)

    def with_checked_gradients(self) -> Program:
        """Return the same, but that TensorNodes raise errors in back-propagation."""
        return replace(self, groups=[g.with_checked_gradients() for g in self.groups])

    @cached_property
    def looked_at(self) -> dict[Hashable, TensorSignal]:
        """All that may be read at the end of a step: outputs, and what is checked."""
        return {**self.outputs, **{("checked", tag): sig for tag, sig in self.checked}}

    @cached_property
    def _segments(self) -> list[Segment]:
        ends = [*(array.signal for array in self.states), *self.outputs.values()]
        ends += [signal for _, signal in self.checked]
        return segments(self.groups, self.layout, ends)

    def initial_state(
        self, seed: int, starts: Sequence[np.ndarray] | None = None
    ) -> State:
        """
        Return the state before the first step.

        Parameters
        ----------
        seed : int
            The seed of the random numbers that are drawn in the steps.
        starts : list of (n_elements,) array, optional
            The initial values, for each of `states`. None: as they were built.
        """
        starts = [array.start for array in self.states] if starts is None else starts
        pairs = zip(self.states, starts, strict=True)
        return State(
            [array.initial(start) for array, start in pairs],
            [tf.convert_to_tensor(v) for v in self.state_variables],
            tf.constant([seed, 0], tf.int32),
        )

    def carried(self, state: State) -> State:
        """
        Give arrays of a state the shapes in which a loop carries them.

        Learned matrices stay matrices from one step to the next: a product with a
        vector that is reshaped to a matrix takes XLA several times as long.
        """
        pairs = zip(self.states, state.arrays, strict=True)
        return state._replace(arrays=[array.carried(value) for array, value in pairs])

    def listed(self, state: State) -> State:
        """Undo `carried`."""
        pairs = zip(self.states, state.arrays, strict=True)
        return state._replace(arrays=[array.listed(value) for array, value in pairs])

    @cached_property
    def state_index(self) -> StateIndex:
        """Where each signal lies in the state."""
        return StateIndex(self.layout, self.states)

    def step(
        self,
        parameters: Sequence[tf.Tensor],
        state: State,
        split: InputSplit = NO_INPUTS,
        held: tf.Tensor | None = None,
        stepped: tf.Tensor | None = None,
        outputs: Sequence[TensorSignal] = (),
        training: bool = False,
        clusters: bool = False,
        invariants: Parts = (),
        prepared: Prepared = NOTHING_PREPARED,
        before: Sequence[TensorSignal] = (),
    ) -> tuple[State, list[tf.Tensor]]:
        """
        Compute one step.

        Parameters
        ----------
        parameters : list of tf.Tensor
            The values of `parameters`, then of the operators' trainable variables.
        state : State
            The state after the step before.
        split : InputSplit
            Which nodes ``held`` and ``stepped`` are for. By default no node.
        held : (n_held, batch) tf.Tensor, optional
            Values of nodes that do not change; the batch axis has one item if all items
            have the same.
        stepped : (n_stepped, batch) tf.Tensor, optional
            Values of nodes in this step.
        outputs : list of TensorSignal
            What to read at the end of the step: parts of `Program.outputs`. By
            default nothing.
        training : bool
            Whether to compute the differentiable approximation.
        clusters : bool
            Whether XLA compiles what lies between groups that run in Python.
        invariants : list of (rows, array)
            What was computed before the loop; see `.LoopInvariants`.
        prepared : dict from int to list of tf.Tensor
            What `prepare` returned. By default nothing.
        before : list of TensorSignal
            What to read of ``state``. By default nothing.

        Returns
        -------
        state : State
            The state after the step; same shapes.
        probed : ``list of (*shape, batch) tf.Tensor``
            The values of ``before``, then of ``outputs``.
        """
        training = self.in_training(training)
        signals = self.loaded(parameters, split, held, stepped)
        signals.take_over(invariants)
        signals.prepared = {id(self.groups[i]): found for i, found in prepared.items()}
        self._load_state(signals, state, self.states)
        found = self._read(signals, before)
        for segment in self._segments:
            if clusters and not segment.python:
                emit = partial(segment.emit, signals, training)
                signals.cluster(emit, segment.needed)
            else:
                segment.emit(signals, training)
        # At the end, after updates: as Nengo's probes read at the end of a step.
        found += self._read(signals, outputs)
        return self._next_state(signals, state.key, self.states), found

    @cached_property
    def prepared_steps(self) -> int:
        """In runs of more than so many steps, `prepare` repays the time it takes."""
        return max((group.prepared_steps for group in self.groups), default=0)

    def prepare(self, parameters: Sequence[tf.Tensor]) -> dict[int, list[tf.Tensor]]:
        """
        Compute what groups need of parameters, once for many steps.

        Parameters
        ----------
        parameters : list of tf.Tensor
            As in `step`.

        Returns
        -------
        prepared : dict from int to list of tf.Tensor
            See `.OpBuilder.prepare`; by the number of the group.
        """
        signals = self.loaded(parameters)
        found = {i: group.prepare(signals) for i, group in enumerate(self.groups)}
        return {i: tensors for i, tensors in found.items() if tensors}

    def stage_step(
        self,
        stage: Stage,
        parameters: Sequence[tf.Tensor],
        state: State,
        split: InputSplit,
        held: tf.Tensor | None,
        stepped: tf.Tensor | None,
        invariants: Parts,
        taken: Parts,
        outputs: Sequence[TensorSignal],
        training: bool,
    ) -> tuple[State, list[tf.Tensor]]:
        """
        Compute one step of a stage that is a loop.

        Parameters
        ----------
        stage : Stage
            Which groups to compute.
        parameters, split, held, stepped, invariants, training
            As in `step`.
        state : State
            As in `step`, but with those arrays only that the stage carries.
        taken : list of (rows, array)
            What stages before it have computed for this step.
        outputs : list of TensorSignal
            What to read at the end of the step.

        Returns
        -------
        state : State
            The state after the step.
        values : ``list of (*shape, batch) tf.Tensor``
            The values of ``stage.before``, ``stage.after`` and ``outputs``.
        """
        signals = self.loaded(parameters, split, held, stepped)
        carried = [self.states[i] for i in stage.states]
        self._load_state(signals, state, carried)
        signals.take_over([*invariants, *taken])
        before = self._read(signals, stage.before)
        training = self.in_training(training)
        for group in stage.groups:
            (group.build_training_step if training else group.build_step)(signals)
        after = self._read(signals, [*stage.after, *outputs])
        return self._next_state(signals, state.key, carried), [*before, *after]

    def _read(
        self, signals: SignalDict, which: Sequence[TensorSignal]
    ) -> list[tf.Tensor]:
        batch = self.minibatch_size
        return [repeat_batch(signals.gather(sig), batch) for sig in which]

    def in_training(self, training: bool) -> bool:
        """Tell whether the differentiable approximation is what is computed."""
        return training if self.learning_phase is None else self.learning_phase

    def stages(self, training: bool) -> Stages:
        """
        Tell what has to wait for the step before from what does not.

        Parameters
        ----------
        training : bool
            Whether the differentiable approximation is computed.
        """
        if training not in self._stages:
            self._stages[training] = split_in_stages(
                self.groups,
                self.layout,
                self.states,
                self.looked_at,
                training,
                self.minibatch_size,
            )
        return self._stages[training]

    @cached_property
    def _stages(self) -> dict[bool, Stages]:
        return {}

    @cached_property
    def one_stage(self) -> Stages:
        """All of it, step by step."""
        return one_stage(self.groups, self.layout, self.states, self.looked_at)

    def loaded(
        self,
        parameters: Sequence[tf.Tensor],
        split: InputSplit = NO_INPUTS,
        held: tf.Tensor | None = None,
        stepped: tf.Tensor | None = None,
    ) -> SignalDict:
        """
        Return a step's values before anything is computed, but for the state.

        Parameters
        ----------
        parameters, split, held, stepped
            As in `step`.

        Returns
        -------
        signals : SignalDict
            Parameters and inputs.
        """
        signals = SignalDict(self.layout.n_rows)
        # All that a step reads is passed in, and nothing is read from a variable: so a
        # step can be compiled, differentiated, repeated, and be the body of a loop.
        n = len(self.parameters)
        for array, value in zip(self.parameters, parameters[:n], strict=True):
            # A batch axis of one item, over which products broadcast: a parameter is
            # never copied for each item.
            signals.load(array.rows, value[..., None])
        for variable, value in zip(
            self.trainable_variables, parameters[n:], strict=True
        ):
            signals.variables[id(variable)] = value
        for nodes, values in zip(split, (held, stepped), strict=True):
            if nodes is not None:
                signals.load_given(nodes.rows, values)
        return signals

    def _load_state(
        self, signals: SignalDict, state: State, arrays: Sequence[StateArray]
    ) -> None:
        for array, value in zip(arrays, state.arrays, strict=True):
            array.load(signals, value)
        for variable, value in zip(self.state_variables, state.variables, strict=True):
            signals.variables[id(variable)] = value
        signals.key = state.key

    def _next_state(
        self, signals: SignalDict, key: tf.Tensor, arrays: Sequence[StateArray]
    ) -> State:
        values = [array.taken(signals) for array in arrays]
        variables = [signals.variables[id(v)] for v in self.state_variables]
        # What a step draws follows from the seed and from its number alone, so that
        # runs repeat, however they are cut into calls.
        return State(values, variables, key + tf.constant([0, 1]))


def _variables(groups: Sequence[OpBuilder]) -> list[tf.Variable]:
    """Collect the variables of all groups once each (they may share a layer)."""
    return list({id(v): v for group in groups for v in group.variables}.values())
