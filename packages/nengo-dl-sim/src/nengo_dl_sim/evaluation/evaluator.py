"""Predictions, losses and other measures of a simulator's network."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from nengo_dl_ops.step.state import State

from ..data.batches import Batch
from ..data.data_adapter import DataAdapter
from ..data.epoch_plan import EpochPlan, TrainingProgress
from ..engine.engine import Engine
from ..engine.simulation_state import SimulationState
from ..errors import InferenceOnlyError
from ..measures.measure import Measure
from .batch_function import BatchFunction, Callback, Result
from .batch_function_cache import BatchFunctionCache
from .minibatch_source import MinibatchSource, StartState
from .single_step import warn_single_step
from .state_policy import Isolated, Stateful, StatePolicy

#: Takes the minibatches, and hands them on: it may announce them, or let none pass.
BatchHook = Callable[[Iterator[tuple[State, Batch]]], Iterator[tuple[State, Batch]]]


class Evaluator:
    """
    Computes measures of a network's outputs; parameters stay as they are.

    What it draws at random (processes, random operators) follows from the seed, and
    from how far training has got.

    Parameters
    ----------
    engine : Engine
        The engine of the simulator.
    seed : int
        The seed of everything random.
    jit_compile : bool or "auto"
        Whether XLA compiles what is computed.

    Attributes
    ----------
    seed : int
        The seed in use.
    position : TrainingProgress
        How far training has got.
    minibatch_source : MinibatchSource
        Makes minibatches that leave the simulation alone.
    functions : BatchFunctionCache
        What was compiled.
    """

    def __init__(self, engine: Engine, seed: int, jit_compile: bool | str) -> None:
        self._engine = engine
        # Streams of its own: they do not disturb those of the simulation.
        self.minibatch_source = MinibatchSource(engine, copy.copy(engine.inputs))
        self._live_source = MinibatchSource(engine, engine.inputs, is_live=True)
        self.functions = BatchFunctionCache(engine, jit_compile)
        self.go_to(seed, TrainingProgress())

    def go_to(self, seed: int, position: TrainingProgress) -> None:
        """Draw random numbers from a seed, at a position in training."""
        self.seed = seed
        self.position = position

    def close(self) -> None:
        """Give up what was compiled."""
        self.functions.close()
        self.minibatch_source.close()
        self._live_source.close()

    def losses(
        self,
        data: DataAdapter,
        objectives: Sequence[Measure],
        training: bool,
        callbacks: Sequence[Callback],
    ) -> tuple[np.ndarray, np.ndarray]:
        """
        Compute the losses of all minibatches.

        Parameters
        ----------
        data : DataAdapter
            Inputs and targets.
        objectives : list of Measure
            What is computed.
        training : bool
            Whether spiking neurons do what they do in training: by default, give
            rates (see ``training_mode`` of `.configure_settings`).
        callbacks : list of callable
            Called after each minibatch.

        Returns
        -------
        losses : (n_batches, n_objectives) array
            The value of each objective for each minibatch.
        n_items : (n_batches,) array of int
            How many items each has.

        Warns
        -----
        UserWarning
            If a single step is computed through synapses.
        """
        self.warn_single_step("Calculating loss", data, objectives)
        summed = [measure.summed() for measure in objectives]
        found: list[Any] = []
        n_items: list[int] = []

        def keep(result: Result) -> None:
            found.append(result.values)
            n_items.append(result.n_items)

        callbacks = [keep, *callbacks]
        self.run(self.isolated_policy(), data, summed, EpochPlan(), training, callbacks)
        return np.asarray(found), np.asarray(n_items)

    def run(
        self,
        state_policy: StatePolicy,
        data: DataAdapter,
        measures: Sequence[Measure],
        epoch_plan: EpochPlan,
        training: bool,
        callbacks: Sequence[Callback],
        batch_hook: BatchHook = iter,
        rates: bool = False,
    ) -> None:
        """
        Compute measures of all minibatches.

        ``rates``: whether spiking neurons are replaced by their rate approximation, and
        nothing else is as in training.
        """
        if training or rates:
            check_differentiable(self._engine)
        function = self.functions.find(
            BatchFunction,
            state_policy.minibatch_source,
            data,
            measures,
            (),
            epoch_plan,
            rates,
        )
        minibatches = state_policy.minibatches(
            data, epoch_plan, self.seed, replace(self.position, resumes=False)
        )
        callbacks = [state_policy.follow, *callbacks]
        with state_policy.around():
            function.evaluate(
                batch_hook(minibatches), training, epoch_plan.truncation, callbacks
            )

    def isolated_policy(self, start_state: StartState | None = None) -> StatePolicy:
        """
        Let minibatches know nothing of each other.

        ``start_state``: where they start. None: at the beginning of a simulation.
        """
        return Isolated(
            self.minibatch_source,
            start_state or self.minibatch_source.start(self.seed),
        )

    def stateful_policy(self, simulation: SimulationState) -> StatePolicy:
        """Let minibatches follow each other."""
        return Stateful(self._live_source, simulation)

    @contextmanager
    def fresh_inputs(self) -> Iterator[None]:
        """Let the processes of the simulation begin anew, and go on with them later."""
        with self._live_source.isolated(), self._engine.inputs.kept():
            self._live_source.restart(self.seed)
            yield

    def refreshed(self, state: State) -> State:
        """Return a state of the simulation with what layers learned in training."""
        return self.minibatch_source.with_variables(state)

    def warn_single_step(
        self, doing: str, data: DataAdapter, objectives: Sequence[Measure]
    ) -> None:
        """
        Warn if a single step is computed through synapses.

        Parameters
        ----------
        doing : str
            What is done, for the message.
        data : DataAdapter
            Says how many steps there are.
        objectives : list of Measure
            Say which outputs count.

        Warns
        -----
        UserWarning
            If there is one step only, and a synapse on the way to these.
        """
        looked_at = [key for measure in objectives for key in measure.outputs]
        warn_single_step(doing, self._engine.model, looked_at, data.n_steps)


def check_differentiable(engine: Engine) -> None:
    """
    Check that the network was not built for inference only.

    Raises an ``InferenceOnlyError`` if it was: there is no rate approximation then, and
    nothing to train.
    """
    if engine.settings.inference_only:
        raise InferenceOnlyError(
            "expected a network that may be trained, got one with "
            "configure_settings(inference_only=True)",
            attr="inference_only",
        )
