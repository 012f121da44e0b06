"""A program of the network in which everything is there that is to be counted."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from nengo.builder.probe import SimProbe
from nengo.builder.signal import Signal

from nengo_dl_ops.step.program import Program

from ..data.data_adapter import DataAdapter
from ..engine.engine import Engine
from ..evaluation.minibatch_source import MinibatchSource
from ..execution.jit_policy import Mode
from .activity_counter import ChunkCounts
from .count_runner import CountRunner
from .products import populations, products_of
from .watched import watched


class CountingProgram:
    """
    Runs a network from its beginning, and counts.

    Simplifications of the simulator's own program may have left out, or joined, what is
    to be counted: so there is another one.

    Parameters
    ----------
    engine : Engine
        The engine of the simulator.

    Attributes
    ----------
    products : list of Product
        The products with weights.
    populations : list of Population
        The neurons.
    """

    def __init__(self, engine: Engine) -> None:
        model, factory = engine.model, engine.program_factory
        self.products = products_of(model)
        self.populations = populations(model)
        look_at = watched(model, self.products, self.populations)
        factory = replace(
            factory,
            # Simplifications leave out what nothing reads.
            operators=[*factory.operators, *(SimProbe(s) for s in look_at.signals)],
            outputs={sig: sig for sig in look_at.signals},
            probes={},
        )
        self.relies_on_values = engine.parameters.as_built
        settings = replace(engine.plan_settings, relies_on_values=self.relies_on_values)
        planned = factory.plan(settings)
        inputs = copy.copy(engine.inputs)
        self._runner = CountRunner(
            planned.program,
            planned.parameters.variables,
            inputs,
            factory.unroll,
            look_at,
        )
        self._engine = replace(
            engine, **planned._replace(runner=self._runner)._asdict()
        )
        self._source = MinibatchSource(self._engine, inputs)

    @property
    def program(self) -> Program:
        """What is computed in each step."""
        return self._engine.program

    @property
    def dtype(self) -> str:
        """The type of the simulation."""
        return self._engine.config.dtype

    def take_values(self, engine: Engine) -> None:
        """Take current parameters of a simulator, and what its state starts from."""
        if not (engine.parameters.as_built and self._engine.parameters.as_built):
            signals = self._engine.parameters.signals
            current = {sig: engine.parameters.value(sig) for sig in signals}
            self._engine.parameters.assign(_known(current))
        starts = {sig: engine.initial.value(sig) for sig in engine.initial_names}
        self._engine.initial.assign(_known(starts))

    def run(
        self, data: DataAdapter, seed: int, mode: Mode
    ) -> Iterator[tuple[int, Iterator[ChunkCounts]]]:
        """
        Go through all items, a minibatch at a time.

        Yields how many items there are, and the counts of each chunk of steps.
        """
        with self._source.isolated():
            for state, items in self._source.starts(data, seed):
                size = data.minibatch_size if items.n_items is None else items.n_items
                yield size, self._runner.counts(state, data.n_steps, items.inputs, mode)

    def close(self) -> None:
        """Give up what was compiled, and the variables."""
        self._source.close()
        self._engine.close()


def _known(values: dict[Signal, np.ndarray | None]) -> dict[Signal, np.ndarray]:
    return {sig: value for sig, value in values.items() if value is not None}
