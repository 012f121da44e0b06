"""A session: one network does all the tasks that are asked for."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from .bandit import Choices, play, score_bandit
from .network import Lesions, spaun
from .score import Score, score
from .tasks import TASKS, Trial, make_trials
from .trials import BACKENDS, Answer, Speed, run_trials
from .watching import watch

#: Tasks that there are.
ALL_TASKS = ("A0", "A1", "A2", "A3", "A4", "A5", "A6", "A7")

#: Choices of each item in the bandit, for each trial that is asked for.
CHOICES_PER_TRIAL = 6


@dataclass(frozen=True)
class Session:
    """
    What is run.

    Parameters
    ----------
    tasks : tuple of str
        Names of tasks, as "A1".
    dimensions : int
        Size of the vectors.
    trials : int or None
        How many trials of each task; by default, as many as its acceptance is about.
        The bandit gives each of `minibatch` items 6 choices for each of them.
    minibatch : int
        How many trials run at once.
    seed : int
        Of the network and of the trials.
    backend : {"nengo_dl", "nengo"}
        What runs the network.
    lesions : Lesions
        What is taken away from the network.
    watched : bool
        Whether answers say what went on inside.
    """

    tasks: tuple[str, ...] = ("A1",)
    dimensions: int = 64
    trials: int | None = None
    minibatch: int = 10
    seed: int = 0
    backend: str = "nengo_dl"
    lesions: Lesions = Lesions()
    watched: bool = False


@dataclass(frozen=True)
class Results:
    """
    What came of a session.

    Parameters
    ----------
    session : Session
        What was run.
    n_neurons : int
        Neurons of the network.
    scores : list of Score
        One for each task.
    answers : dict of str to list of Answer
        For each task but the bandit, what was drawn.
    choices : Choices or None
        What was chosen in the bandit.
    speed : Speed
        How long it took.
    """

    session: Session
    n_neurons: int
    scores: list[Score]
    answers: dict[str, list[Answer]]
    choices: Choices | None
    speed: Speed

    def as_json(self) -> list[dict[str, Any]]:
        """Return a list of tasks, for a file."""
        shared = {
            "dimensions": self.session.dimensions,
            "n_neurons": self.n_neurons,
            "seed": self.session.seed,
            "minibatch": self.session.minibatch,
            "backend": self.session.backend,
            "lesions": asdict(self.session.lesions),
            "speed": asdict(self.speed)
            | {"per_second_and_item": self.speed.per_second},
        }
        return [
            _finite(asdict(s) | {"answers": self._answers(s.task)} | shared)
            for s in self.scores
        ]

    def _answers(self, task: str) -> list[Any]:
        """Return what was drawn; of the bandit, all choices of each item."""
        if task == "A2":
            return self.choices.chosen.tolist() if self.choices else []
        return [
            {"text": a.trial.text, "answer": a.trial.answer, "drawn": a.read}
            for a in self.answers[task]
        ]


def run_session(session: Session) -> Iterator[Results]:
    """
    Build one network, and let it do all tasks.

    Parameters
    ----------
    session : Session
        What to run.

    Yields
    ------
    results : Results
        After each minibatch, and each choice of the bandit, what came of it so far.
    """
    speed = Speed()
    start = time.perf_counter()
    net = spaun(session.dimensions, session.seed, session.lesions)
    speed.construction = time.perf_counter() - start
    watched = watch(net) if session.watched else {}
    backend = BACKENDS[session.backend](net, session.minibatch, speed, watched)
    so_far = Results(session, int(net.n_neurons), [], {}, None, speed)
    try:
        for task in session.tasks:
            before = so_far
            for so_far in _run_task(before, task, backend):
                yield so_far
    finally:
        backend.close()


def _run_task(before: Results, task: str, backend: Any) -> Iterator[Results]:
    """Add to results those of one task."""
    session = before.session
    if task == "A2":
        seeds = [session.seed * 1000 + k for k in range(session.minibatch)]
        for choices in play(backend, n_choices(session), seeds):
            scores = [*before.scores, score_bandit(choices)]
            yield replace(before, scores=scores, choices=choices)
        return
    for answers in run_trials(backend, planned(session, task), session.seed):
        scores = [*before.scores, score(task, answers, session.dimensions)]
        yield replace(before, scores=scores, answers=before.answers | {task: answers})


def planned(session: Session, task: str) -> list[Trial]:
    """Return the trials of a task that a session runs."""
    n = TASKS[task].trials if session.trials is None else session.trials
    return make_trials(task, n, session.seed)


def n_choices(session: Session) -> int:
    """Return how many choices of the bandit each item has."""
    return CHOICES_PER_TRIAL * (10 if session.trials is None else session.trials)


def n_planned(session: Session, task: str) -> int:
    """Return how many trials, or choices of all items, a task has."""
    if task == "A2":
        return n_choices(session) * session.minibatch
    return len(planned(session, task))


def _finite(values: dict[str, Any]) -> dict[str, Any]:
    """Return values with None for what is not a number, which JSON does not have."""
    return {
        key: _finite(value)
        if isinstance(value, dict)
        else None
        if isinstance(value, float) and not np.isfinite(value)
        else value
        for key, value in values.items()
    }
