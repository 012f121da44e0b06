"""Accuracy against steps: what `Converter.accuracy_curve` returns."""

from __future__ import annotations

from typing import Any

import numpy as np

from .table import table


class AccuracyCurve:
    """
    How accurate a network in spikes is after each step, and what that takes.

    Parameters
    ----------
    accuracy : ``(n_steps,) array``
        The part of the items that are classified correctly after each step.
    rate_accuracy : float
        That of the Keras model.
    firing_rates : ``(n_steps,) array``
        Spikes a neuron and second, in the mean over all items, neurons that spike,
        and the steps so far.

    Attributes
    ----------
    steps : ``(n_steps,) array``
        1, 2, 3, ...
    """

    def __init__(
        self, accuracy: np.ndarray, rate_accuracy: float, firing_rates: np.ndarray
    ) -> None:
        self.steps = np.arange(1, len(accuracy) + 1)
        self.accuracy = accuracy
        self.rate_accuracy = rate_accuracy
        self.firing_rates = firing_rates

    def plot(self, ax: Any = None) -> Any:
        """
        Draw accuracy, and firing rates beside it, against steps.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; by default, in a new figure.

        Returns
        -------
        ax : matplotlib.axes.Axes
            Where it was drawn; ``ax.figure`` is the figure.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        plt = _pyplot()
        if ax is None:
            _, ax = plt.subplots(layout="constrained")
        lines = ax.plot(self.steps, 100 * self.accuracy, label="in spikes")
        lines.append(
            ax.axhline(
                100 * self.rate_accuracy, color="gray", ls="--", label="Keras model"
            )
        )
        ax.set(xlabel="steps", ylabel="accuracy (%)")
        right = ax.twinx()
        lines += right.plot(
            self.steps, self.firing_rates, color="C1", lw=1, label="firing rate"
        )
        right.set(ylabel="spikes a neuron and second")
        right.set_ylim(bottom=0)
        ax.legend(handles=lines, loc="lower right")
        return ax

    def __str__(self) -> str:
        """Show some steps, which double, and the last one."""
        powers = 2 ** np.arange(len(self.steps).bit_length())
        shown = sorted({*powers.tolist(), len(self.steps)})
        rows = [("steps", "accuracy", "rate (Hz)")]
        rows += [
            (
                str(n),
                f"{100 * self.accuracy[n - 1]:.2f} %",
                f"{self.firing_rates[n - 1]:.1f}",
            )
            for n in shown
        ]
        return f"{table(rows)}\nKeras model: {100 * self.rate_accuracy:.2f} %"


def _pyplot() -> Any:
    """Import matplotlib, which nothing else here needs."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            "plot() draws with matplotlib, which is not installed: "
            "pip install matplotlib"
        ) from error
    return plt
