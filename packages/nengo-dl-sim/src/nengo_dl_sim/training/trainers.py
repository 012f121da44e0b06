"""Compiled trainers: which one there is for which data and measures."""

from __future__ import annotations

from collections.abc import Sequence

from ..compile import Program, check_xla
from ..compile.sequence import Keep
from ..construction import Parts
from ..data.minibatch_data import MinibatchData
from ..measures.measure import Measure
from ..recent import Recent
from .feeder import Feeder, Schedule
from .reach import check_reach, warn_layer_losses, warn_short_rest
from .trained_parts import trained_parts
from .trainer import Trainer

#: How many of them are kept.
N_TRAINERS = 32


class Trainers:
    """
    Finds or makes trainers.

    Parameters
    ----------
    parts : Parts
        The parts of the simulator.
    jit_compile : bool or "auto"
        Whether XLA compiles them.
    """

    def __init__(self, parts: Parts, jit_compile: bool | str) -> None:
        self._parts = parts
        self._jit_compile = jit_compile
        self._trainers: Recent[Trainer] = Recent(N_TRAINERS)

    def find(
        self,
        feeder: Feeder,
        data: MinibatchData,
        measures: Sequence[Measure],
        watched: Sequence[Measure],
        schedule: Schedule,
        training: bool = False,
        rates: bool = False,
    ) -> Trainer:
        """
        Find or make the trainer for some measures.

        Parameters
        ----------
        feeder : Feeder
            Makes the minibatches.
        data : MinibatchData
            What they are made of.
        measures : list of Measure
            What is computed.
        watched : list of Measure
            What is looked at in training.
        schedule : Schedule
            How to go through the data.
        training : bool
            Whether the measures are minimised; if so, a new trainer is checked.
        rates : bool
            Whether spiking neurons give rates without training, too.

        Returns
        -------
        trainer : Trainer
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
        n_steps = min(schedule.truncation or data.n_steps, data.n_steps)
        for length in (n_steps, data.n_steps % n_steps or n_steps):
            self._parts.runner.check_length(length)
        identities = tuple(measure.identity for measure in (*measures, *watched))
        key = training, rates, feeder, data.nodes, identities, len(watched), n_steps

        def make() -> Trainer:
            program = self._parts.program
            program = program.in_rates if rates else program
            trainer = self._make(program, feeder, data, measures, watched, n_steps)
            if training:
                self._check(trainer, feeder, data, n_steps)
            return trainer

        return self._trainers.get(key, make)

    def close(self) -> None:
        """Give up what was compiled."""
        self._trainers.clear()

    def _make(
        self,
        program: Program,
        feeder: Feeder,
        data: MinibatchData,
        measures: Sequence[Measure],
        watched: Sequence[Measure],
        n_steps: int,
    ) -> Trainer:
        return Trainer(
            program,
            self._parts.parameters.variables,
            measures,
            watched,
            feeder.split(data),
            _keep(self._parts, [*measures, *watched]),
            self._compiles(n_steps),
            lambda: trained_parts(self._parts),
            falls_back=self._jit_compile == "auto",
        )

    def _check(
        self, trainer: Trainer, feeder: Feeder, data: MinibatchData, n_steps: int
    ) -> None:
        """Look at what the gradients reach, before anything is computed."""
        state = self._parts.program.initial_state(seed=0)
        reach = trainer.reach(state, feeder.example(data, n_steps))
        check_reach(self._parts, trainer.measures, reach)
        rest = data.n_steps % n_steps
        if rest and any(reach.variables):
            last = trainer.reach(state, feeder.example(data, rest))
            warn_short_rest(rest, last)
        warn_layer_losses(self._parts.program.groups)

    def _compiles(self, n_steps: int) -> bool:
        """Decide whether XLA compiles training: single steps gain nothing from it."""
        program, asked = self._parts.program, self._jit_compile
        wanted = n_steps > 1 if asked == "auto" else bool(asked)
        if program.runs_python or not wanted:
            return False
        return check_xla(asked, program.unknown_to_xla)


def _keep(parts: Parts, measures: Sequence[Measure]) -> list[Keep]:
    """Say which values of each probe some measures look at."""
    looked_at = {i for measure in measures for i in measure.outputs}
    kept = [Keep.ALL if store.keep_history else Keep.LAST for store in parts.probes]
    return [keep if i in looked_at else Keep.NONE for i, keep in enumerate(kept)]
