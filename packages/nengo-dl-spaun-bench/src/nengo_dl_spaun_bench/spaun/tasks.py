"""Trials of each task, with the answers that are right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from nengo.exceptions import ValidationError

from .stimulus import duration


@dataclass(frozen=True)
class Trial:
    """
    What is shown, and what is to be drawn.

    Parameters
    ----------
    text : str
        The symbols that are shown.
    answer : str
        The digits that are to be drawn.
    n_counts : int
        How many steps are taken before the answer can be drawn.
    kind : str
        Which variant of the task it is.
    """

    text: str
    answer: str
    n_counts: int = 0
    kind: str = ""

    @property
    def n_steps(self) -> int:
        """How long the trial takes, with time for one digit more than is right."""
        return duration(self.text, len(self.answer) + 1, self.n_counts)


@dataclass(frozen=True)
class Task:
    """
    A task.

    Parameters
    ----------
    make : callable
        Takes a random state and the number of the trial, returns the trial.
    trials : int
        How many trials the acceptance is about.
    accepted : dict of int to float
        For each size of vectors, the fraction that must be right.
    chance : float
        The fraction that guessing gets right.
    title : str
        What it is called.
    """

    make: Callable[[np.random.RandomState, int], Trial]
    trials: int
    accepted: dict[int, float]
    chance: float
    title: str


def make_trials(name: str, n: int, seed: int) -> list[Trial]:
    """
    Make trials of a task.

    Parameters
    ----------
    name : str
        A key of `TASKS`.
    n : int
        How many.
    seed : int
        Of the digits that are drawn by chance.

    Returns
    -------
    trials : list of Trial
        The first ones are the same for any `n`.

    Raises
    ------
    ValidationError
        If there is no such task.
    """
    if name not in TASKS:
        raise ValidationError(f"Must be one of {list(TASKS)} (got {name!r})", "name")
    return [
        TASKS[name].make(np.random.RandomState([seed, int(name[1]), k]), k)
        for k in range(n)
    ]


def _digits(rng: np.random.RandomState, n: int) -> str:
    """Draw a list of digits."""
    return "".join(str(d) for d in rng.randint(10, size=n))


def _different(rng: np.random.RandomState, n: int) -> str:
    """Draw a list of digits, each of which comes once."""
    return "".join(str(d) for d in rng.permutation(10)[:n])


def _copy(rng: np.random.RandomState, k: int) -> Trial:
    digit = _digits(rng, 1)
    return Trial(f"A0[{digit}]?", digit)


def _recognize(rng: np.random.RandomState, k: int) -> Trial:
    digit = _digits(rng, 1)
    return Trial(f"A1[{digit}]?", digit)


def _remember(rng: np.random.RandomState, k: int) -> Trial:
    n = 4 + k % 4
    digits = _digits(rng, n)
    return Trial(f"A3[{digits}]?", digits, kind=str(n))


def _count(rng: np.random.RandomState, k: int) -> Trial:
    n = 1 + k % 5
    start = rng.randint(10 - n)
    return Trial(f"A4[{start}][{n}]?", str(start + n), n + 1, str(n))


def _question(rng: np.random.RandomState, k: int) -> Trial:
    digits, place = _different(rng, 5), k // 2 % 5
    if k % 2:
        text, answer = f"A5[{digits}]K[{digits[place]}]?", str(place + 1)
    else:
        text, answer = f"A5[{digits}]P[{place + 1}]?", digits[place]
    return Trial(text, answer, 1, f"{'PK'[k % 2]}{place + 1}")


def _variable(rng: np.random.RandomState, k: int) -> Trial:
    """Two digits are shown; the first is always the same, the second the answer."""
    constant = rng.randint(10)
    digits = rng.permutation(np.delete(np.arange(10), constant))[:4]
    pairs = "".join(f"[{constant}{d}][{d}]" for d in digits[:3])
    return Trial(f"A6{pairs}[{constant}{digits[3]}]?", str(digits[3]))


def _induction(rng: np.random.RandomState, k: int) -> Trial:
    kind = ("count", "constant", "count", "repeat")[k % 4]
    if kind == "count":
        starts = rng.permutation(8)[:3]
        cells = [str(start + step) for start in starts for step in range(3)]
    else:
        digits = _different(rng, 3)
        lengths = (1, 1, 1) if kind == "constant" else (1, 2, 3)
        cells = [digit * length for digit in digits for length in lengths]
    shown = "".join(f"[{cell}]" for cell in cells[:-1])
    return Trial(f"A7{shown}?", cells[-1], kind=kind)


#: The tasks that a trial has a right answer in; the bandit, A2, is none of them.
TASKS: dict[str, Task] = {
    "A0": Task(_copy, 50, {64: 0.85, 128: 0.85}, 0.1, "copy drawing"),
    "A1": Task(_recognize, 100, {64: 0.9, 128: 0.9}, 0.1, "recognition"),
    "A3": Task(_remember, 160, {64: 0.8, 128: 0.9}, 0.1, "serial memory"),
    "A4": Task(_count, 50, {64: 0.9, 128: 0.9}, 0.1, "counting"),
    "A5": Task(_question, 40, {64: 0.65, 128: 0.8}, 0.1, "question answering"),
    "A6": Task(_variable, 20, {64: 0.5, 128: 0.75}, 0.1, "rapid variable creation"),
    "A7": Task(_induction, 40, {64: 0.65, 128: 0.75}, 0.1, "induction"),
}
