"""The bandit, A2: the experimenter sees what is drawn, and rewards it by chance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .score import Score, wilson
from .stimulus import BEFORE, images, show
from .symbols import SIDE
from .trials import read_pen

#: How often arms pay: the best one, and the others; and how often the best one moves.
BEST, OTHERS, BLOCK = 0.72, 0.12, 20

#: Steps for one choice and its drawing, after the question; and for the reward.
CHOICE, REWARDED = 1100, 350

#: What must be chosen in the last trials of each block, and how many those are.
ACCEPTED, LAST = 0.6, 10

#: How many choices the acceptance is about: 10 items, 60 each.
ASKED = 600

N_ARMS = 3


@dataclass(frozen=True)
class Choices:
    """
    What was chosen.

    Parameters
    ----------
    chosen : (n_items, n_trials) array
        Arms, or -1 where nothing, or no arm, was drawn.
    best : (n_trials,) array
        The arm that paid most often.
    """

    chosen: np.ndarray
    best: np.ndarray

    @property
    def late(self) -> np.ndarray:
        """For each block and item, which of its last choices were the best arm."""
        n_blocks = len(self.best) // BLOCK
        right = self.chosen[:, : n_blocks * BLOCK] == self.best[: n_blocks * BLOCK]
        return right.reshape(len(right), n_blocks, BLOCK)[..., -LAST:]


def play(backend: Any, n_trials: int, seeds: Sequence[int]) -> Iterator[Choices]:
    """
    Let each item play; what it gets depends on what it has drawn.

    Parameters
    ----------
    backend : NengoDLBackend or NengoBackend
        Holds the network.
    n_trials : int
        How many choices each item has.
    seeds : list of int
        Of each item: when arms pay.

    Yields
    ------
    choices : Choices
        After each choice, all that were made so far.
    """
    rngs = [np.random.RandomState([seed, 2]) for seed in seeds]
    best = np.array([(k // BLOCK * 2 + 1) % N_ARMS for k in range(n_trials)])
    backend.reset()
    backend.run(_together([show(images("A2", rng)) for rng in rngs]))
    chosen = np.full((len(seeds), n_trials), -1)
    for k in range(n_trials):
        pens = backend.run(_shown(["?"] * len(seeds), rngs, CHOICE))
        chosen[:, k] = [_arm(read_pen(pen)) for pen in pens]
        paid = [
            rng.uniform() < (BEST if arm == best[k] else OTHERS) and arm >= 0
            for arm, rng in zip(chosen[:, k], rngs, strict=True)
        ]
        backend.run(_shown(["01"[bool(p)] for p in paid], rngs, REWARDED))
        yield Choices(chosen[:, : k + 1], best[: k + 1])


def _arm(drawn: str) -> int:
    """Return the arm that was drawn, or -1 if it was none."""
    return int(drawn) if len(drawn) == 1 and drawn in "012" else -1


def score_bandit(choices: Choices) -> Score:
    """Score what was chosen."""
    late = choices.late
    right, of = int(late.sum()), late.size
    low, high = wilson(right, of)
    valid = float((choices.chosen >= 0).mean())
    return Score(
        "A2",
        "bandit",
        choices.chosen.size,
        right,
        of,
        low,
        high,
        1 / N_ARMS,
        ACCEPTED,
        bool(of) and right / of >= ACCEPTED and choices.chosen.size >= ASKED,
        choices.chosen.size >= ASKED,
        {"an arm was drawn": valid},
    )


def _shown(
    symbols: Sequence[str], rngs: Sequence[np.random.RandomState], n_steps: int
) -> np.ndarray:
    """Show one symbol to each item, at once."""
    shown = [
        show(images(symbol, rng))[BEFORE:]
        for symbol, rng in zip(symbols, rngs, strict=True)
    ]
    stimulus = np.zeros((len(shown), n_steps, SIDE**2), dtype=np.float32)
    for row, one in zip(stimulus, shown, strict=True):
        row[: len(one)] = one[:n_steps]
    return stimulus


def _together(shown: Sequence[np.ndarray]) -> np.ndarray:
    return np.stack(shown).astype(np.float32)
