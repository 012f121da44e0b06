"""Pictures of trials: what was shown, what was drawn, what went on inside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .drawing import render, strokes
from .rules import MODES, STATES, TASKS
from .stimulus import BEFORE, BLANK, SHOWN
from .symbols import SIDE, SYMBOLS
from .trials import Answer
from .vocabulary import N_POSITIONS, make_words
from .watching import EVERY


def save_pictures(
    answers: list[Answer], dimensions: int, folder: str | Path
) -> list[Path]:
    """
    Save a figure of each trial.

    Parameters
    ----------
    answers : list of Answer
        Trials in which the network was watched.
    dimensions : int
        Size of the vectors.
    folder : str or path-like
        Where to save figures; it is made if need be.

    Returns
    -------
    paths : list of pathlib.Path
        The files.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for k, answer in enumerate(answers):
        safe = "".join(c if c.isalnum() else "_" for c in answer.trial.text)
        paths.append(folder / f"{k}_{safe}.png")
        save_figure(answer, dimensions, paths[-1])
    return paths


def save_drawings(answers: list[Answer], path: str | Path) -> None:
    """
    Save what was drawn in several trials as one picture.

    Parameters
    ----------
    answers : list of Answer
        The trials.
    path : str or path-like
        The file.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 0.55 * len(answers)), layout="constrained")
    for axes, answer in zip(figure.subplots(len(answers), 2), answers, strict=True):
        _strip(axes[0], _symbols(answer), "")
        _strip(axes[1], [render(s) for s in strokes(answer.pen)], "")
        axes[0].set_ylabel(
            answer.trial.text[:2], rotation=0, ha="right", va="center", fontsize=8
        )
        axes[1].set_ylabel(
            answer.read or "nothing", rotation=0, ha="right", va="center", fontsize=8
        )
    figure.savefig(path, dpi=80)


def save_figure(answer: Answer, dimensions: int, path: Path) -> None:
    """Draw one trial."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 8), layout="constrained")
    axes = figure.subplots(6, 1, height_ratios=[1, 1.2, 1.6, 2, 2, 1])
    figure.suptitle(f"{answer.trial.text}  drawn: {answer.read or 'nothing'}")
    inside, seconds = answer.inside, len(answer.stimulus) * 1e-3
    _strip(axes[0], _symbols(answer), "seen")
    _strip(axes[1], [render(s) for s in strokes(answer.pen)], "drawn")
    _words(axes[2], inside, seconds)
    _raster(axes[3], inside, seconds)
    _memory(axes[4], inside["list 1"], dimensions, seconds)
    time = np.arange(len(inside["ramp"])) * EVERY * 1e-3
    axes[5].plot(time, inside["ramp"], linewidth=0.8)
    axes[5].set(xlim=(0, seconds), ylabel="ramp", xlabel="time (s)")
    figure.savefig(path, dpi=70)


def _symbols(answer: Answer) -> list[np.ndarray]:
    """Return the images that were shown."""
    at = BEFORE + np.arange(len(answer.trial.text)) * (SHOWN + BLANK) + SHOWN // 2
    return [answer.stimulus[k].reshape(SIDE, SIDE) for k in at]


def _strip(axes: Any, images: list[np.ndarray], label: str) -> None:
    """Show images side by side."""
    axes.set(xticks=[], yticks=[], ylabel=label)
    if images:
        framed = [np.pad(image, 1, constant_values=0.3) for image in images]
        least = max(14 - len(framed), 0)
        framed += [np.zeros_like(framed[0])] * least
        axes.imshow(np.concatenate(framed, axis=1), cmap="gray_r", vmin=0, vmax=1)


def _words(axes: Any, inside: dict[str, np.ndarray], seconds: float) -> None:
    """Show which word each register holds."""
    rows = (("seen", SYMBOLS), ("task", TASKS), ("state", STATES), ("mode", MODES))
    for row, (name, words) in enumerate(rows):
        values = inside[name]
        word = np.where(values.max(axis=1) > 0.5, values.argmax(axis=1), -1)
        edges = np.flatnonzero(np.diff(word, prepend=-2, append=-2))
        for start, end in zip(edges[:-1], edges[1:], strict=True):
            if word[start] < 0 or end - start < 4:
                continue
            left, right = start * EVERY * 1e-3, end * EVERY * 1e-3
            axes.axvspan(left, right, 0.75 - row / 4, 0.98 - row / 4, alpha=0.25)
            axes.text(left, 3.3 - row, words[word[start]], fontsize=7)
    labels = [name for name, _ in rows][::-1]
    axes.set(xlim=(0, seconds), ylim=(0, 4), yticks=np.arange(4) + 0.5)
    axes.set_yticklabels(labels)


def _raster(axes: Any, inside: dict[str, np.ndarray], seconds: float) -> None:
    """Show how much neurons of some populations fire."""
    names = [name for name in inside if name.startswith("spikes")]
    shown = []
    for name in names:
        values = inside[name]
        shown.append(values / max(values.max(), 1e-9))
    axes.imshow(
        np.concatenate(shown, axis=1).T,
        aspect="auto",
        cmap="gray_r",
        extent=(0, seconds, len(names), 0),
        interpolation="nearest",
    )
    axes.set(yticks=np.arange(len(names)) + 0.5, xticks=[])
    axes.set_yticklabels([name.removeprefix("spikes of ") for name in names])


def _memory(axes: Any, memory: np.ndarray, dimensions: int, seconds: float) -> None:
    """Show how similar a list is to each digit, at each of its positions."""
    words = make_words(dimensions)
    spectra = np.fft.rfft(memory)
    rows = []
    for position in words.positions[: N_POSITIONS - 1]:
        unbound = np.fft.irfft(spectra * np.conj(np.fft.rfft(position)), n=dimensions)
        rows.append(unbound @ words.digits.T)
    for k, similar in enumerate(rows):
        best = similar.max(axis=1)
        time = np.arange(len(memory)) * EVERY * 1e-3
        axes.plot(time, best, linewidth=0.8, label=f"{k + 1}")
    axes.set(xlim=(0, seconds), ylabel="list 1:\nbest match")
    axes.legend(ncols=7, fontsize=6, loc="upper left", title="position")
