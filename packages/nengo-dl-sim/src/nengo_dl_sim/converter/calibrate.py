"""Fits firing rates and biases to a number of steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from nengo.exceptions import ValidationError

from ..checks import check_count
from ..progress import ProgressBarLike, make_progress_bar
from .biases import shift_biases
from .items import Items
from .neurons import is_spiking
from .scales import choose_scales

_METHODS = ("max", "percentile", "bias")


def calibrate(
    converter: Any,
    rescale: Callable[[Mapping[Any, float]], None],
    data: Any,
    method: Any,
    percentile: float,
    n_steps: int,
    target_rate: float | None,
    minibatch_size: int,
    progress_bar: ProgressBarLike,
) -> None:
    """
    Choose scales and biases, and make the network anew with them.

    Parameters
    ----------
    converter : Converter
        What to calibrate.
    rescale : callable
        Makes its network anew with other scales of some layers. The other arguments
        are those of its method.
    """
    methods = _methods(method)
    percentile = _number("percentile", percentile, 100)
    n_steps = check_count("n_steps", n_steps, low=1)
    if target_rate is not None:
        target_rate = _number("target_rate", target_rate, np.inf)
    items = Items(converter, "data", data, minibatch_size)
    make_progress_bar("Calibrating", None, progress_bar)  # checks the argument
    groups = converter.populations.values()
    if not any(is_spiking(ens.neurons) for group in groups for ens in group):
        raise ValidationError(
            "expected a network with neurons that spike, got none: convert with "
            "swap_activations={keras.activations.relu: nengo.SpikingRectifiedLinear()}",
            attr="model",
        )
    scales = {}
    if set(methods) != {"bias"}:
        used = 100.0 if "max" in methods else percentile
        scales = choose_scales(converter, items, used, target_rate, progress_bar)
    rescale(scales)
    if "bias" in methods:
        shift_biases(converter, items, n_steps, progress_bar)


def _methods(method: Any) -> tuple[str, ...]:
    methods = tuple(method) if isinstance(method, (list, tuple)) else (method,)
    known = all(isinstance(name, str) and name in _METHODS for name in methods)
    if not methods or not known or {"max", "percentile"} <= set(methods):
        raise ValidationError(
            "expected 'max' or 'percentile', 'bias', or a list of one of the first two "
            f"and 'bias', got {method!r:.100}",
            attr="method",
        )
    return methods


def _number(name: str, value: Any, most: float) -> float:
    is_number = isinstance(value, (int, float, np.number))
    is_number = is_number and not isinstance(value, bool)
    if not is_number or not 0 < value <= most or not np.isfinite(value):
        limit = "a finite number" if np.isinf(most) else f"at most {most:g}"
        raise ValidationError(
            f"expected more than 0 and {limit}, got {value!r:.100}", attr=name
        )
    return float(value)
