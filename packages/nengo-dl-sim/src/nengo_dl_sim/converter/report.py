"""What a conversion did, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .activations import label
from .table import table

_TITLES = (
    *("layer", "type", "converted", "neurons", "parameters"),
    *("activation", "scale", "synapse", "remarks"),
)


@dataclass
class Line:
    """
    What became of one layer.

    Parameters
    ----------
    layer : str
        Its name.
    type : str
        Its class.
    converted : str
        How: ``"native"``, ``"nothing"``, ``"special"`` or ``"TensorNode"``.
    parameters : int
        The number of its parameters.
    neurons : int
        The number of its neurons, over all calls.
    activation : object
        The neuron type, a function, or None.
    scale : float or ``(n_channels,) array`` or None
        The scale of firing rates.
    synapse : object
        The synapse behind its neurons.
    remarks : list of str
        What is lossy, and why.
    """

    layer: str
    type: str
    converted: str
    parameters: int
    neurons: int = 0
    activation: Any = None
    scale: Any = None
    synapse: Any = None
    remarks: list[str] = field(default_factory=list)

    def cells(self) -> tuple[str, ...]:
        """Return the line as text."""
        activation = "" if self.activation is None else label(self.activation)
        return (
            self.layer,
            self.type,
            self.converted,
            str(self.neurons or ""),
            str(self.parameters or ""),
            activation,
            _scale(self.scale),
            "" if self.synapse is None else str(self.synapse),
            "; ".join(self.remarks),
        )


class Report:
    """
    A table with a line for each layer; ``print(report)`` shows it.

    Parameters
    ----------
    lines : list of Line
        The lines, in the order of the model.
    """

    def __init__(self, lines: list[Line]) -> None:
        self.lines = lines

    def __getitem__(self, layer: Any) -> Line:
        """Return the line of a layer, or of its name."""
        name = getattr(layer, "name", layer)
        for line in self.lines:
            if line.layer == name:
                return line
        raise KeyError(f"no layer is called {name!r}")

    def __str__(self) -> str:
        rows = [_TITLES, *(line.cells() for line in self.lines)]
        return table(rows)


def _scale(scale: Any) -> str:
    if scale is None:
        return ""
    if np.ndim(scale) == 0:
        return f"{scale:g}"
    return f"{np.min(scale):g} to {np.max(scale):g}"
