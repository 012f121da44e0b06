"""Neurons that give rates, while all else computes what it does in a run."""

from __future__ import annotations

from collections.abc import Sequence

from ..neurons.operator import SimNeuronsBuilder
from ..op_builder import OpBuilder


def in_rates(groups: Sequence[OpBuilder]) -> list[OpBuilder]:
    """
    Replace spiking neurons by their rate approximation.

    Parameters
    ----------
    groups : list of OpBuilder
        The groups of a step.

    Returns
    -------
    groups : list of OpBuilder
        The same, with other neurons. Layers compute what they do in a run.
    """
    return [
        group.in_rates() if isinstance(group, SimNeuronsBuilder) else group
        for group in groups
    ]
