"""Which compiled function there is for which data and measures."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar, cast

from ..data.data_adapter import DataAdapter
from ..data.epoch_plan import EpochPlan
from ..engine.engine import Engine
from ..execution.divided_program import DividedProgram
from ..execution.jit_policy import check_xla
from ..execution.sequence import Keep
from ..lru_cache import LRUCache
from ..measures.measure import Measure
from .batch_function import BatchFunction
from .minibatch_source import MinibatchSource

#: How many of them are kept.
N_FUNCTIONS = 32

F = TypeVar("F", bound=BatchFunction)


class BatchFunctionCache:
    """
    Finds or makes batch functions.

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
        self._functions: LRUCache[BatchFunction] = LRUCache(N_FUNCTIONS)

    def find(
        self,
        kind: type[F],
        minibatch_source: MinibatchSource,
        data: DataAdapter,
        measures: Sequence[Measure],
        watched: Sequence[Measure],
        epoch_plan: EpochPlan,
        rates: bool = False,
        check: Callable[[F, int], None] | None = None,
    ) -> F:
        """
        Find or make the function for some measures.

        ``check``: takes a new function, and the number of steps of a block; what it
        raises comes as it is.
        """
        n_steps = min(epoch_plan.truncation or data.n_steps, data.n_steps)
        for length in (n_steps, data.n_steps % n_steps or n_steps):
            self._engine.runner.check_length(length)
        replicas = self._engine.replicas
        follows = minibatch_source.is_live or epoch_plan.truncation is not None
        carries_state = replicas.are_divided and follows
        identities = tuple(measure.identity for measure in (*measures, *watched))
        key = (
            kind,
            rates,
            minibatch_source,
            data.nodes,
            data.held_nodes,
            identities,
            len(watched),
            n_steps,
            carries_state,
        )

        def make() -> BatchFunction:
            program = self._engine.program.in_rates if rates else self._engine.program
            variables = self._engine.parameters.variables
            split = minibatch_source.split(data)
            keep = _keep(self._engine, [*measures, *watched])
            function = kind(
                program,
                variables,
                measures,
                watched,
                split,
                keep,
                self._compiles(n_steps),
                self._jit_compile == "auto",
                DividedProgram(program, variables, split, keep, replicas, carries_state)
                if replicas.are_divided
                else None,
            )
            if check is not None:
                check(function, n_steps)
            return function

        return cast(F, self._functions.get(key, make))  # the kind is part of the key

    def close(self) -> None:
        """Give up what was compiled."""
        self._functions.clear()

    def _compiles(self, n_steps: int) -> bool:
        """Decide whether XLA compiles a function: single steps gain nothing from it."""
        program, asked = self._engine.program, self._jit_compile
        wanted = n_steps > 1 if asked == "auto" else bool(asked)
        if program.runs_python or not wanted:
            return False
        return check_xla(asked, program.unknown_to_xla)


def _keep(engine: Engine, measures: Sequence[Measure]) -> dict[Hashable, Keep]:
    """Say which values of outputs some measures look at."""
    looked_at = {key for measure in measures for key in measure.outputs}
    last = {key for key, store in engine.probes.items() if not store.keep_history}
    return {
        key: Keep.LAST if key in last else Keep.ALL
        for key in engine.program.outputs
        if key in looked_at
    }
