"""What spikes cost each layer, and what to change: what `diagnose` returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .table import table

_TITLES = (
    *("layer", "error", "added", "neurons", "saturated", "silent"),
    *("rate (Hz)", "settled"),
)
_FEW_SPIKES = 5
_MANY = 0.1  # of the neurons of a layer


@dataclass
class Row:
    """
    How one layer in spikes differs from the same layer in Keras.

    Parameters
    ----------
    layer : str
        Its name.
    error : float
        The root mean square of the difference between the mean output over all steps
        and the activation in Keras, as a part of that of the activations.
    added : float
        By how much the error is above that of the layers before.
    neurons : int
        The number of its neurons that spike.
    saturated : int
        How many would have to fire faster, for an item, than one spike a step, or than
        their refractory period allows.
    silent : int
        How many never spike, though the activation in Keras is above 0.
    rate : float
        The mean rate, in Hz, of neurons whose activation in Keras is not 0.
    settled : int
        From which step on nine tenths of the decline of the error are over.
    """

    layer: str
    error: float
    added: float
    neurons: int
    saturated: int
    silent: int
    rate: float
    settled: int

    def cells(self) -> tuple[str, ...]:
        """Return the row as text."""
        spiking = (str(self.neurons), str(self.saturated), str(self.silent))
        return (
            self.layer,
            f"{100 * self.error:.1f} %",
            f"{100 * self.added:.1f} %",
            *(spiking if self.neurons else ("", "", "")),
            f"{self.rate:.1f}" if self.neurons else "",
            str(self.settled),
        )


class Diagnosis:
    """
    A table with a row for each layer; ``print(diagnosis)`` shows it, with advice.

    Parameters
    ----------
    rows : list of Row
        The rows, in the order of the model.
    n_steps : int
        How many steps each item was shown.
    dt : float
        The length of a step.
    """

    def __init__(self, rows: list[Row], n_steps: int, dt: float) -> None:
        self.rows = rows
        self.n_steps = n_steps
        self._dt = dt

    def __getitem__(self, layer: Any) -> Row:
        """Return the row of a layer, or of its name; the last one of several calls."""
        name = getattr(layer, "name", layer)
        for row in reversed(self.rows):
            if row.layer == name:
                return row
        raise KeyError(f"no layer is called {name!r}")

    @property
    def worst(self) -> Row:
        """The row of the layer with neurons that adds most to the error."""
        spiking = [row for row in self.rows if row.neurons]
        return max(spiking or self.rows, key=lambda row: row.added)

    @property
    def advice(self) -> str:
        """Which layer loses most, and what to change."""
        row = self.worst
        if not row.neurons:
            return "no layer has neurons that spike: nothing is lost by spikes"
        return f"{row.layer} adds most to the error: {self._remedy(row)}"

    def _remedy(self, row: Row) -> str:
        if row.saturated > _MANY * row.neurons:
            return (
                f"scale: {row.saturated} of its {row.neurons} neurons should fire "
                "faster than they can: lower its scale_firing_rates, or "
                "converter.calibrate"
            )
        n_spikes = row.rate * self.n_steps * self._dt
        if n_spikes < _FEW_SPIKES:
            return (
                f"scale: its neurons spike {n_spikes:.1f} times in {self.n_steps} "
                "steps: raise its scale_firing_rates, or converter.calibrate"
            )
        if row.settled > self.n_steps / 2:
            return (
                f"steps: it settles after {row.settled}: run more than {self.n_steps}"
            )
        return (
            f"steps: rates get more exact with more than {self.n_steps}; with as many, "
            'converter.calibrate(data, ["percentile", "bias"]), or per_channel=True, '
            "makes up for what spikes miss"
        )

    def __str__(self) -> str:
        rows = [_TITLES, *(row.cells() for row in self.rows)]
        return f"{table(rows)}\n{self.advice}"
