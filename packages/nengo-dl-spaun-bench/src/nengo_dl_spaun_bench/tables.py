"""Comparisons as a table, and as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .compare import Comparison
from .measure import Spread

_HEADINGS = (
    "network",
    "neurons",
    "batch",
    "us/step {}",
    "us/step NengoDL",
    "times as fast",
    "difference",
)


def table(comparisons: Sequence[Comparison]) -> str:
    """
    Arrange comparisons as lines of text.

    Parameters
    ----------
    comparisons : list of Comparison
        With the same other backend.

    Returns
    -------
    text : str
        A line for each, with medians, and the spread of the ratio.
    """
    against = comparisons[0].against
    rows = [tuple(heading.format(against) for heading in _HEADINGS)]
    rows += [_row(comparison) for comparison in comparisons]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def summary(comparison: Comparison) -> str:
    """
    Describe a comparison in a few words.

    Parameters
    ----------
    comparison : Comparison
        A comparison.

    Returns
    -------
    text : str
        What was run, and how fast NengoDL is.
    """
    size, ratio = comparison.benchmark.minibatch_size, comparison.ratio.median
    return f"{label(comparison)}, minibatch {size}: {ratio:.3g} times as fast"


def label(comparison: Comparison) -> str:
    """Return what a comparison is called: network, neuron type, size of minibatch."""
    bench = comparison.benchmark
    return f"{bench.net} ({bench.neuron})"


def save_plot(comparisons: Sequence[Comparison], path: str | Path) -> None:
    """
    Draw the ratios as bars, with their spread.

    Parameters
    ----------
    comparisons : list of Comparison
        With the same other backend.
    path : str or path-like
        Where to save the picture; its ending says in which format.
    """
    # Imported here, because only this function needs it.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 1.2 + 0.4 * len(comparisons)), layout="constrained")
    axes = figure.add_subplot()
    names = [f"{label(c)}, {c.benchmark.minibatch_size}" for c in comparisons]
    ratios = [c.ratio for c in comparisons]
    spread = [
        [ratio.median - ratio.min for ratio in ratios],
        [ratio.max - ratio.median for ratio in ratios],
    ]
    axes.barh(names, [ratio.median for ratio in ratios], xerr=spread, capsize=3)
    axes.invert_yaxis()
    axes.axvline(1, color="0.3", linewidth=1)
    axes.set_xscale("log")
    axes.set_xlabel(f"times as fast as {comparisons[0].against}, for each item")
    axes.set_ylabel("network, minibatch")
    figure.savefig(path)


def _row(comparison: Comparison) -> tuple[str, ...]:
    bench, ratio = comparison.benchmark, comparison.ratio
    return (
        label(comparison),
        str(comparison.n_neurons),
        str(bench.minibatch_size),
        _microseconds(comparison.theirs, bench.n_steps),
        _microseconds(comparison.ours, bench.n_steps),
        f"{ratio.median:.3g} ({ratio.min:.3g} - {ratio.max:.3g})",
        f"{comparison.difference:.1g}",
    )


def _microseconds(spread: Spread, n_steps: int) -> str:
    return f"{1e6 * spread.median / n_steps:.4g}"
