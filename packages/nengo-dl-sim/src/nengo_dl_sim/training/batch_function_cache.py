"""Compiled trainers: which one there is for which data and measures."""

from __future__ import annotations

from collections.abc import Sequence

from nengo_dl_ops.step.program import Program

from ..data.data_adapter import DataAdapter
from ..engine.engine import Engine
from ..execution.jit_policy import check_xla
from ..execution.sequence import Keep
from ..lru_cache import LRUCache
from ..measures.measure import Measure
from .batch_function import BatchFunction
from .gradient_coverage import check_coverage, warn_layer_losses, warn_short_rest
from .minibatch_source import EpochPlan, MinibatchSource
from .trainable_parameters import trainable_parameters

#: How many of them are kept.
N_TRAINERS = 32


class BatchFunctionCache:
    """
    Finds or makes trainers.

    Parameters
    ----------
    engine : Engine
        The engine of the simulator.
    jit_compile : bool or "auto"
        Whether XLA compiles them.
    """

    def __init__(self, engine: Engine, jit_compile: bool | str) -> None:
        self._engine = engine
        self._jit_compile = jit_compile
        self._batch_functions: LRUCache[BatchFunction] = LRUCache(N_TRAINERS)

    def find(
        self,
        minibatch_source: MinibatchSource,
        data: DataAdapter,
        measures: Sequence[Measure],
        watched: Sequence[Measure],
        epoch_plan: EpochPlan,
        training: bool = False,
        rates: bool = False,
    ) -> BatchFunction:
        """
        Find or make the trainer for some measures.

        Parameters
        ----------
        feeder : MinibatchSource
            Makes the minibatches.
        data : DataAdapter
            What they are made of.
        measures : list of Measure
            What is computed.
        watched : list of Measure
            What is looked at in training.
        epoch_plan : EpochPlan
            How to go through the data.
        training : bool
            Whether the measures are minimised; if so, a new trainer is checked.
        rates : bool
            Whether spiking neurons give rates without training, too.

        Returns
        -------
        batch_function : BatchFunction
            The same as before, if it was asked for before.

        Raises
        ------
        nengo.exceptions.ValidationError
            If a measure does not return numbers to minimise.

        Warns
        -----
        UserWarning
            If no gradient reaches some of the trainable parameters, or any of them in
            a last block of steps that is shorter; if Keras layers have losses of
            their own.
        """
        n_steps = min(epoch_plan.truncation or data.n_steps, data.n_steps)
        for length in (n_steps, data.n_steps % n_steps or n_steps):
            self._engine.runner.check_length(length)
        identities = tuple(measure.identity for measure in (*measures, *watched))
        key = (
            training,
            rates,
            minibatch_source,
            data.nodes,
            identities,
            len(watched),
            n_steps,
        )

        def make() -> BatchFunction:
            program = self._engine.program
            program = program.in_rates if rates else program
            batch_function = self._make(
                program, minibatch_source, data, measures, watched, n_steps
            )
            if training:
                self._check(batch_function, minibatch_source, data, n_steps)
            return batch_function

        return self._batch_functions.get(key, make)

    def close(self) -> None:
        """Give up what was compiled."""
        self._batch_functions.clear()

    def _make(
        self,
        program: Program,
        minibatch_source: MinibatchSource,
        data: DataAdapter,
        measures: Sequence[Measure],
        watched: Sequence[Measure],
        n_steps: int,
    ) -> BatchFunction:
        return BatchFunction(
            program,
            self._engine.parameters.variables,
            measures,
            watched,
            minibatch_source.split(data),
            _keep(self._engine, [*measures, *watched]),
            self._compiles(n_steps),
            lambda: trainable_parameters(self._engine),
            falls_back=self._jit_compile == "auto",
        )

    def _check(
        self,
        batch_function: BatchFunction,
        minibatch_source: MinibatchSource,
        data: DataAdapter,
        n_steps: int,
    ) -> None:
        """Look at what the gradients reach, before anything is computed."""
        state = self._engine.program.initial_state(seed=0)
        coverage = batch_function.coverage(
            state, minibatch_source.example(data, n_steps)
        )
        check_coverage(self._engine, batch_function.measures, coverage)
        rest = data.n_steps % n_steps
        if rest and any(coverage.variables):
            last = batch_function.coverage(state, minibatch_source.example(data, rest))
            warn_short_rest(rest, last)
        warn_layer_losses(self._engine.program.groups)

    def _compiles(self, n_steps: int) -> bool:
        """Decide whether XLA compiles training: single steps gain nothing from it."""
        program, asked = self._engine.program, self._jit_compile
        wanted = n_steps > 1 if asked == "auto" else bool(asked)
        if program.runs_python or not wanted:
            return False
        return check_xla(asked, program.unknown_to_xla)


def _keep(engine: Engine, measures: Sequence[Measure]) -> list[Keep]:
    """Say which values of each probe some measures look at."""
    looked_at = {i for measure in measures for i in measure.outputs}
    kept = [Keep.ALL if store.keep_history else Keep.LAST for store in engine.probes]
    return [keep if i in looked_at else Keep.NONE for i, keep in enumerate(kept)]
