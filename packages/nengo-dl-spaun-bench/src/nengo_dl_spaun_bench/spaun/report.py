"""Results of a session as text."""

from __future__ import annotations

from .score import Score
from .session import Results

_HEADINGS = ("task", "", "trials", "right", "interval", "chance", "accepted", "")


def report(results: Results) -> str:
    """
    Describe what came of a session.

    Parameters
    ----------
    results : Results
        The results.

    Returns
    -------
    text : str
        A table, what else was measured, and how long it took.
    """
    rows = [_HEADINGS, *(_row(s) for s in results.scores)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    for s in results.scores:
        lines += [f"{s.task}: {name} {value:.3g}" for name, value in s.also.items()]
    return "\n".join([*lines, *_speed(results)])


def title(results: Results) -> str:
    """Return what the network may be called, by the tasks that it passed."""
    passed = sum(s.passed for s in results.scores)
    return (
        f"Spaun ({passed} of 8 tasks), D={results.session.dimensions}, re-implemented"
    )


def _row(s: Score) -> tuple[str, ...]:
    return (
        s.task,
        s.title,
        str(s.trials),
        f"{s.right}/{s.of}",
        f"{100 * s.low:.0f}-{100 * s.high:.0f} %",
        f"{100 * s.chance:.0f} %",
        f"{100 * s.accepted:.0f} %",
        _verdict(s),
    )


def _verdict(s: Score) -> str:
    """Say whether a task is passed: with few trials it cannot be."""
    if s.passed:
        return "passed"
    return "failed" if s.enough else "too few trials"


def _speed(results: Results) -> list[str]:
    speed, session = results.speed, results.session
    return [
        f"{title(results)}: {results.n_neurons} neurons, seed {session.seed}",
        f"construction {speed.construction:.3g} s, build {speed.build:.3g} s, "
        f"compile {speed.compile:.3g} s",
        f"{speed.per_second:.3g} s for each simulated second and item, "
        f"{session.minibatch} at once ({session.backend})",
    ]
