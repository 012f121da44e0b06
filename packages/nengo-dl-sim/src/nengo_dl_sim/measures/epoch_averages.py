"""Losses and metrics, averaged over the items of an epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ..execution.compiled_call import CompiledForShapes


class MetricValue:
    """
    The value of a metric.

    Parameters
    ----------
    name : str
        What it is called in logs.
    metric : keras.metrics.Metric
        Collects values.
    """

    def __init__(self, name: str, metric: keras.metrics.Metric) -> None:
        self.name = name
        self._metric = metric
        self._compiled = CompiledForShapes(metric.update_state)
        self._is_built = False

    def reset(self) -> None:
        """Forget everything."""
        self._metric.reset_state()

    def add(self, targets: tf.Tensor, outputs: tf.Tensor, *weights: tf.Tensor) -> None:
        """
        Collect the values of a minibatch.

        Shapes: ``targets``, ``outputs`` (minibatch_size, n_steps, size); ``*weights``
        (minibatch_size,).
        """
        # In its first call a metric may make variables.
        update = self._compiled if self._is_built else self._metric.update_state
        update(targets, outputs, *weights)
        self._is_built = True

    def result(self) -> Any:
        """Return the value, a number unless the metric has several."""
        value = np.asarray(self._metric.result())
        return value if value.ndim else float(value)


class EpochAverages:
    """
    Collects losses and metrics.

    Parameters
    ----------
    names : list of str
        What the losses are called. Further ones count in the sum only.
    weights : list of float
        What they are multiplied by in the sum.
    metrics : list of MetricValue
        The metrics.
    """

    def __init__(
        self,
        names: Sequence[str],
        weights: Sequence[float],
        metrics: Sequence[MetricValue],
    ) -> None:
        self._names = names
        self._weights = np.asarray(weights)
        self._metrics = metrics
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self._sums = np.zeros(len(self._weights))
        self._n_items = 0
        for metric in self._metrics:
            metric.reset()

    def add(self, losses: Sequence[Any], pairs: Sequence[Any], n_items: int) -> None:
        """Collect the values of a minibatch."""
        self._sums += n_items * np.asarray(losses, float)
        self._n_items += n_items
        for metric, pair in zip(self._metrics, pairs, strict=True):
            metric.add(*pair)

    def logs(self) -> dict[str, Any]:
        """
        Return the averages.

        Returns ``"loss"``, the weighted sum of losses; each loss; each metric.
        """
        means = self._sums / max(self._n_items, 1)
        return {
            "loss": float(self._weights @ means),
            **dict(zip(self._names, means.tolist(), strict=False)),
            **{metric.name: metric.result() for metric in self._metrics},
        }
