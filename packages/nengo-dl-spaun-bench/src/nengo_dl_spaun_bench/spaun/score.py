"""How well tasks were done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from .drawing import reduced, render, strokes
from .symbols import digit_images, split
from .tasks import TASKS
from .trials import Answer


@dataclass(frozen=True)
class Score:
    """
    How well a task was done.

    Parameters
    ----------
    task : str
        As "A1".
    title : str
        What it is called.
    trials : int
        How many trials there were.
    right, of : int
        How many answers were right (of lists: items of lists of four), and of how many.
    low, high : float
        Wilson's interval of the fraction that is right, with a probability of 95 %.
    chance : float
        The fraction that guessing gets right.
    accepted : float
        The fraction that must be right.
    passed : bool
        Whether that is so, in as many trials as the task asks for, and all else that it
        asks for.
    enough : bool
        Whether there were as many trials as that.
    also : dict
        What else was measured.
    """

    task: str
    title: str
    trials: int
    right: int
    of: int
    low: float
    high: float
    chance: float
    accepted: float
    passed: bool
    enough: bool
    also: dict[str, float] = field(default_factory=dict)


def wilson(right: int, of: int) -> tuple[float, float]:
    """Return Wilson's interval of a fraction, with a probability of 95 %."""
    if of == 0:
        return 0.0, 1.0
    z, p = 1.96, right / of
    middle = (p + z**2 / (2 * of)) / (1 + z**2 / of)
    half = z / (1 + z**2 / of) * np.sqrt(p * (1 - p) / of + z**2 / (4 * of**2))
    return float(middle - half), float(middle + half)


def score(name: str, answers: Sequence[Answer], dimensions: int) -> Score:
    """
    Score the answers of a task.

    Parameters
    ----------
    name : str
        A key of `tasks.TASKS`.
    answers : list of Answer
        What was drawn.
    dimensions : int
        Size of the vectors: what is accepted depends on it.

    Returns
    -------
    score : Score
        The score.
    """
    task = TASKS[name]
    right, of = sum(a.right for a in answers), len(answers)
    also: dict[str, float] = {}
    fine = True
    if name == "A0":
        also["own beats other"] = own_beats_other(answers)
        fine = also["own beats other"] >= 0.7
    if name == "A3":
        fours = [a for a in answers if a.trial.kind == "4"]
        right = sum(int(items(a).sum()) for a in fours)
        of = 4 * len(fours)
        also |= _curve(answers)
        fine = also.get("ends above middle", 0.0) >= 0.1
    if name == "A4":
        also |= _timing(answers)
        fine = also["R2 of times"] > 0.9 and 0.3 <= also["seconds per count"] <= 0.55
    low, high = wilson(right, of)
    accepted = task.accepted[64 if dimensions < 128 else 128]
    fraction = right / of if of else 0.0
    return Score(
        name,
        task.title,
        len(answers),
        right,
        of,
        low,
        high,
        task.chance,
        accepted,
        bool(fine and fraction >= accepted and len(answers) >= task.trials),
        len(answers) >= task.trials,
        also,
    )


def items(answer: Answer) -> np.ndarray:
    """Return which items of a list are right, each at its place."""
    wanted = answer.trial.answer
    drawn = answer.read.ljust(len(wanted))
    return np.array([a == b for a, b in zip(drawn, wanted, strict=False)])


def own_beats_other(answers: Sequence[Answer]) -> float:
    """Return how often a copy is more like its original than like another image."""
    images, labels = digit_images()
    _, test = split()
    rng = np.random.RandomState(0)
    better = []
    for answer in answers:
        drawn = strokes(answer.pen)
        if not drawn:
            better.append(False)
            continue
        # The digit is the fourth symbol.
        original = answer.stimulus[_shown_at(3)]
        same = test[labels[test] == int(answer.trial.answer)]
        others = [i for i in same if not np.allclose(images[i], original, atol=1e-3)]
        other = images[rng.choice(others)]
        copy = reduced(render(drawn[0]))
        better.append(_alike(copy, original) > _alike(copy, other))
    return float(np.mean(better)) if better else 0.0


def _shown_at(k: int) -> int:
    """Return a step at which a symbol is in sight."""
    from .stimulus import BEFORE, BLANK, SHOWN

    return BEFORE + k * (SHOWN + BLANK) + SHOWN // 2


def _alike(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a, b)[0, 1])


def _curve(answers: Sequence[Answer]) -> dict[str, float]:
    """Return the fraction right at each place of the longest lists, and all lengths."""
    found = {}
    for n in (4, 5, 6, 7):
        mine = [items(a) for a in answers if a.trial.kind == str(n)]
        if mine:
            found[f"items right of {n}"] = float(np.mean(mine))
    longest = [items(a) for a in answers if a.trial.kind == "7"]
    if longest:
        curve = np.mean(longest, axis=0)
        found |= {f"place {k} of 7": float(v) for k, v in enumerate(curve, start=1)}
        middle = curve[2:5].mean()
        found["ends above middle"] = float(min(curve[0], curve[-1]) - middle)
    return found


def _timing(answers: Sequence[Answer]) -> dict[str, float]:
    """Return how the time until the answer depends on how far was counted."""
    from .drawing import stroke_times

    n, seconds = [], []
    for answer in answers:
        times = stroke_times(answer.pen)
        if times:
            asked = _shown_at(len(answer.trial.text) - 1)
            n.append(int(answer.trial.kind))
            seconds.append((times[0][0] - asked) * 1e-3)
    if len(set(n)) < 2:
        return {"seconds per count": float("nan"), "R2 of times": 0.0}
    slope, start = np.polyfit(n, seconds, 1)
    rest = np.array(seconds) - (slope * np.array(n) + start)
    spread = np.array(seconds) - np.mean(seconds)
    found = {
        "seconds per count": float(slope),
        "R2 of times": float(1 - (rest**2).sum() / (spread**2).sum()),
    }
    for k in sorted(set(n)):
        mine = [s for s, m in zip(seconds, n, strict=True) if m == k]
        found[f"standard deviation of {k} counts"] = float(np.std(mine))
    return found
