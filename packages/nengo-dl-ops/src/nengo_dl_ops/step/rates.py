"""Neurons that give rates, while all else computes what it does in a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from nengo.builder.neurons import SimNeurons

from nengo_dl_signals import SignalDict

from ..builder import Memoryless, OpBuilder


class _Rates:
    """
    A group of neurons, of which a step in a run is one of training.

    Parameters
    ----------
    group : OpBuilder
        The group.
    """

    def __init__(self, group: OpBuilder) -> None:
        self._group = group

    def __getattr__(self, name: str) -> Any:
        return getattr(self._group, name)

    def build_step(self, signals: SignalDict) -> None:
        """Emit one step in rates."""
        self._group.build_training_step(signals)

    def memoryless(self, training: bool) -> Memoryless | None:
        """Say from what the group computes what."""
        del training
        return self._group.memoryless(training=True)


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
        cast(OpBuilder, _Rates(group)) if _has_neurons(group) else group
        for group in groups
    ]


def _has_neurons(group: OpBuilder) -> bool:
    return any(isinstance(op, SimNeurons) for op in group.ops)
