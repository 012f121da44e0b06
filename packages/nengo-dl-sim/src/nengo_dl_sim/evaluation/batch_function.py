"""Compiled functions from minibatches to measures of the outputs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from nengo.exceptions import SimulationError

from nengo_dl_ops.step.packed_state import with_packed_state
from nengo_dl_ops.step.program import InputSplit, Program
from nengo_dl_ops.step.state import State, state_of_items

from ..data.batches import Batch
from ..execution.compiled_call import CompiledForShapes
from ..execution.divided_program import DividedProgram
from ..execution.sequence import Keep, run_sequence
from ..execution.step_errors import check_finite_steps
from ..measures.measure import Measure
from .divided_values import DividedValues, OwnValues

logger = logging.getLogger(__name__)

#: What is raised where XLA cannot compile something.
_XLA_ERRORS = (
    tf.errors.InvalidArgumentError,
    tf.errors.UnimplementedError,
    tf.errors.NotFoundError,
    tf.errors.InternalError,
)

#: The state to start from, and the data, of each minibatch.
Minibatches = Iterable[tuple[State, Batch]]


class Result(NamedTuple):
    """
    What came out of a minibatch, or of a block of its steps.

    Parameters
    ----------
    state : State
        The state after the last time step.
    n_steps : int
        How many steps it had.
    values : list
        The value of each measure: in training an array of losses (before the
        parameters changed), else what its function returns, as arrays. Outputs as they
        are, if several processes divide the items: of those of this process.
    n_items : int
        How many items it had, without those that only fill a minibatch.
    watched : list
        In training, the value of each measure that is looked at only.
    """

    state: State
    n_steps: int
    values: Any
    n_items: int
    watched: Any = ()


#: Called with every result.
Callback = Callable[[Result], None]


class BatchFunction:
    """
    Computes measures of a program's outputs.

    It knows nothing of nodes, probes and forms of arguments. Parameters and state are
    passed to the program as values.

    Parameters
    ----------
    program : Program
        What to compute in each step.
    variables : list of keras.Variable or tf.Variable
        The values of its parameters.
    measures : list of Measure
        What is computed.
    watched : list of Measure
        What is looked at in training.
    split : InputSplit
        Which input nodes change from step to step.
    keep : dict from hashable to Keep
        Which outputs of the program the measures look at, and which values of them.
    jit_compile : bool
        Whether XLA compiles the computation.
    falls_back : bool
        Whether to go on without XLA if it cannot compile the measures.
    divided : DividedProgram, optional
        The same program, if several replicas compute it. None: all of it is here.
    """

    def __init__(
        self,
        program: Program,
        variables: Sequence[keras.Variable | tf.Variable],
        measures: Sequence[Measure],
        watched: Sequence[Measure],
        split: InputSplit,
        keep: Mapping[Hashable, Keep],
        jit_compile: bool,
        falls_back: bool,
        divided: DividedProgram | None = None,
    ) -> None:
        self.program = program
        self.variables = variables
        self.measures = measures
        self.watched = watched
        self.split = split
        self.keep = keep
        self._falls_back = falls_back
        self._divided = divided
        self._compile(jit_compile)

    def _compile(self, jit_compile: bool) -> None:
        self._is_compiled = jit_compile
        self._values: Callable = CompiledForShapes(self._compute_values, jit_compile)
        if self._divided is not None:
            kind = OwnValues if self._is_of_items else DividedValues
            self._values = kind(self._divided, self._measure, jit_compile)

    @property
    def _is_of_items(self) -> bool:
        """Whether all measures have an axis of items, each of which is of one item."""
        return all(measure.of_items for measure in self.measures)

    def evaluate(
        self,
        minibatches: Minibatches,
        training: bool,
        truncation: int | None,
        callbacks: Sequence[Callback],
    ) -> None:
        """
        Compute the measures of minibatches, as they are.

        ``truncation``: the number of steps that are computed at once. None: all.
        """
        for state, batch in minibatches:
            begun = state
            for block in batch.blocks(truncation):
                values, state, finite = self._with_or_without_xla(
                    self._measured, state, block, training
                )
                self._check_finite(finite, block)
                arrays = tf.nest.map_structure(np.asarray, values)
                n_items = block.n_items or self.program.minibatch_size
                kept = self._of_items(block.n_items, state, begun)
                for callback in callbacks:
                    callback(Result(kept, len(block.stepped), arrays, n_items))

    def _measured(
        self, state: State, block: Batch, training: bool
    ) -> tuple[list[Any], State, tf.Tensor | None]:
        """Compute the measures of those items that there are."""
        n_items, arguments = block.n_items, tensors(block)
        if n_items is None or not self._is_of_items:
            return self._values(state, *arguments, training, n_items)
        # No need to compile this for another number of items.
        values, *others = self._values(state, *arguments, training, None)
        n_here = n_items
        if self._divided is not None:  # they begin with the first item of this process
            n_here = max(n_items - self._divided.first_item, 0)
        return tf.nest.map_structure(lambda value: value[:n_here], values), *others

    def _check_finite(
        self, finite: tf.Tensor | None, block: Batch, more: str = ""
    ) -> None:
        if finite is not None and not (found := finite.numpy()).all():
            failed = np.where(found.all(axis=0), -1, found.argmin(axis=0))
            check_finite_steps(self.program, failed, block.start_step, more)

    def _of_items(self, n_items: int | None, state: State, begun: State) -> State:
        """Leave the state of those that only filled a minibatch as it was."""
        if n_items is None:
            return state
        return state_of_items(self.program.states, n_items, state, begun)

    def _with_or_without_xla(self, compute: Callable, *arguments: Any) -> Any:
        """Compute something, without XLA if XLA lacks what measures are made of."""
        try:
            return compute(*arguments)
        except _XLA_ERRORS as error:
            if not self._is_compiled:
                raise
            if not self._falls_back:
                raise _refused(self.measures, error) from error
            self._compile(False)
            result = compute(*arguments)  # or what fails, fails without XLA, too
            logger.warning("Training without XLA, which said: %s", _first_line(error))
            return result

    def _compute_values(
        self,
        state: State,
        held: tf.Tensor,
        stepped: tf.Tensor,
        targets: list[tf.Tensor],
        training: bool,
        n_items: int | None,
    ) -> tuple[list[Any], State, tf.Tensor | None]:
        state, outputs, finite = self._run(state, held, stepped, training, check=True)
        return self._measure(outputs, targets, n_items), state, finite

    def _measure(
        self,
        outputs: dict[Hashable, tf.Tensor],
        targets: list[tf.Tensor],
        n_items: int | None,
    ) -> list[Any]:
        """Compute the measures of those items that there are."""
        if n_items is not None:
            outputs = {key: values[:n_items] for key, values in outputs.items()}
            targets = [target[:n_items] for target in targets]
        return [measure.value(outputs, targets) for measure in self.measures]

    def _run(
        self,
        state: State,
        held: tf.Tensor,
        stepped: tf.Tensor,
        training: bool,
        check: bool = False,
    ) -> tuple[State, dict[Hashable, tf.Tensor], tf.Tensor | None]:
        # Nothing has a gradient through a form that is packed.
        packs = self._is_compiled and not training
        return run_sequence(
            with_packed_state(self.program) if packs else self.program,
            [tf.convert_to_tensor(v) for v in self.variables],
            state,
            self.split,
            held,
            stepped,
            training,
            self.keep,
            check,
        )


def tensors(batch: Batch) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
    """Return what a compiled function takes: ``held``, ``stepped`` and targets."""
    targets = [tf.constant(target) for target in batch.targets]
    return batch.held, tf.constant(batch.stepped), targets


def _first_line(error: tf.errors.OpError) -> str:
    return str(error.message).partition("\n")[0][:200]


def _refused(measures: Sequence[Measure], error: tf.errors.OpError) -> SimulationError:
    names = ", ".join(measure.name for measure in measures)
    return SimulationError(
        f"The network and the objectives of {names}: expected what XLA can compile, "
        f"since jit_compile=True; XLA says: {_first_line(error)}. Use "
        'jit_compile="auto", which trains such networks without XLA'
    )
