"""A session: one network does all the tasks that are asked for."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .bandit import play, score_bandit
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
    speed : Speed
        How long it took.
    """

    session: Session
    n_neurons: int
    scores: list[Score]
    answers: dict[str, list[Answer]]
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
            asdict(s)
            | {
                "answers": [
                    {"text": a.trial.text, "answer": a.trial.answer, "drawn": a.read}
                    for a in self.answers.get(s.task, [])
                ]
            }
            | shared
            for s in self.scores
        ]


def run_session(
    session: Session, told: Callable[[str, int], None] = lambda task, n: None
) -> Results:
    """
    Build one network, and let it do all tasks.

    Parameters
    ----------
    session : Session
        What to run.
    told : callable
        Is told the task and how many more of its trials are done.

    Returns
    -------
    results : Results
        The results.
    """
    speed = Speed()
    start = time.perf_counter()
    net = spaun(session.dimensions, session.seed, session.lesions)
    speed.construction = time.perf_counter() - start
    watched = watch(net) if session.watched else {}
    backend = BACKENDS[session.backend](net, session.minibatch, speed, watched)
    answers, scores = {}, []
    try:
        for task in session.tasks:
            if task == "A2":
                scores.append(_bandit(session, backend, told))
                continue
            trials = planned(session, task)
            answers[task] = run_trials(
                backend, trials, session.seed, functools.partial(told, task)
            )
            scores.append(score(task, answers[task], session.dimensions))
    finally:
        backend.close()
    return Results(session, int(net.n_neurons), scores, answers, speed)


def planned(session: Session, task: str) -> list[Trial]:
    """Return the trials of a task that a session runs."""
    n = TASKS[task].trials if session.trials is None else session.trials
    return make_trials(task, n, session.seed)


def n_planned(session: Session, task: str) -> int:
    """Return how many steps of progress a task makes."""
    if task == "A2":
        return CHOICES_PER_TRIAL * (10 if session.trials is None else session.trials)
    return len(planned(session, task))


def _bandit(session: Session, backend: Any, told: Callable[[str, int], None]) -> Score:
    seeds = session.seed * 1000 + np.arange(session.minibatch)
    choices = play(
        backend, n_planned(session, "A2"), list(seeds), functools.partial(told, "A2")
    )
    return score_bandit(choices)
