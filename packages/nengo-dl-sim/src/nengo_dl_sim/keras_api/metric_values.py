"""Metrics that the user wants, and what they are called in logs."""

from __future__ import annotations

from typing import Any, NamedTuple

from nengo.probe import Probe


class Watched(NamedTuple):
    """
    A metric that the user wants.

    Parameters
    ----------
    probe : nengo.Probe
        What it is a metric of.
    source : keras.metrics.Metric or str or callable
        What the user gave (see `.make_metric`).
    weighted : bool
        Whether weights of samples count.
    for_all : bool
        Whether it is one for all probes that have targets.
    """

    probe: Probe
    source: Any
    weighted: bool
    for_all: bool


class MetricNames:
    """Names of metrics in logs, as Keras makes them."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def of(self, probe: str, metric: str, weighted: bool) -> str:
        """
        Name a metric.

        Parameters
        ----------
        probe, metric : str
            The names of its probe, and of its kind.
        weighted : bool
            Whether weights of samples count.

        Returns
        -------
        name : str
            Another one for each call.
        """
        name = f"{probe}_{metric}"
        if weighted and name in self._counts:
            name = f"{probe}_weighted_{metric}"
        number = self._counts.get(name, 0)
        self._counts[name] = number + 1
        return f"{name}_{number}" if number else name
