"""Weights of samples and classes, as arrays by probe."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
from nengo.exceptions import ValidationError
from nengo.probe import Probe

from ..checks import check_not_masked
from .keras_forms import UserData


def all_weights(
    user_data: UserData, targets: Mapping[Probe, np.ndarray]
) -> dict[Probe, Any]:
    """Return weights of samples, whether samples or classes were weighed."""
    if user_data.weigh is None:
        return {}
    weights = user_data.weigh(user_data.sample_weight, targets)
    if user_data.class_weight is None:
        return weights
    return class_weights(user_data.class_weight, targets, weights)


def check_weights(
    weights: Mapping[Probe, Any],
    targets: Mapping[Probe, np.ndarray],
    n_items: int,
    n_steps: int,
    dtype: str,
) -> dict[Probe, np.ndarray]:
    """
    Check weights of samples.

    ``weights``: the weights, ``(n_items,)``, ``(n_items, 1)`` or ``(n_items,
    n_steps)``. If a probe has targets, these say how many steps there are. Raises a
    ``ValidationError`` if an array has another shape, or does not hold finite numbers.
    """
    arrays = {}
    for probe, value in weights.items():
        array = numbers(probe, value)
        target = targets.get(probe)
        length = n_steps if target is None else target.shape[1]
        if array.shape == (n_items, 1):
            array = array[:, 0]
        if array.shape not in ((n_items,), (n_items, length)):
            raise ValidationError(
                f"expected weights of shape {(n_items,)} or {(n_items, length)} for "
                f"{probe}, got {array.shape}",
                attr="sample_weight",
            )
        arrays[probe] = array.astype(dtype)
    return arrays


def numbers(probe: Probe, value: Any) -> np.ndarray:
    """Turn weights of samples into an array."""
    check_not_masked("sample_weight", probe, value)
    try:
        value = np.asarray(value)
        if value.dtype.kind not in "biuf":
            raise TypeError(f"data type {value.dtype}")
        array = value.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValidationError(
            f"expected an array of numbers for {probe}, got {value!r:.60}",
            attr="sample_weight",
        ) from error
    if not np.all(np.isfinite(array)):
        raise ValidationError(
            f"expected finite numbers for {probe}, got others as well",
            attr="sample_weight",
        )
    return array


def class_weights(
    class_weight: Any, targets: Mapping[Probe, np.ndarray], others: Mapping[Probe, Any]
) -> dict[Probe, np.ndarray]:
    """
    Turn weights of classes into weights of samples.

    ``class_weight``: the weight of each class; 1 for those that are not there.
    ``targets``: those of one probe: the number of the class, or one element for each
    class, the largest of which counts. Raises a ``ValidationError`` if the weights are
    no such dictionary, if there is not just one target, or there are weights of
    samples.
    """
    if not isinstance(class_weight, Mapping) or not all(
        map(_is_entry, class_weight.items())
    ):
        raise ValidationError(
            "expected a dictionary of finite weights by the numbers of classes, got "
            f"{class_weight!r}",
            attr="class_weight",
        )
    if others:
        raise ValidationError(
            "expected either class_weight or sample_weight, got both",
            attr="class_weight",
        )
    if len(targets) != 1:
        raise ValidationError(
            f"expected targets of one probe, got those of {len(targets)}: use "
            "sample_weight",
            attr="class_weight",
        )
    ((probe, array),) = targets.items()
    one_hot = array.shape[-1] > 1
    classes = np.argmax(array, axis=-1) if one_hot else np.round(array[..., 0])
    weights = np.ones(classes.shape)
    for number, weight in class_weight.items():
        weights[classes == number] = weight
    return {probe: weights}


def _is_entry(entry: tuple[Any, Any]) -> bool:
    number, weight = entry
    are_numbers = isinstance(number, Integral) and isinstance(weight, Real)
    return are_numbers and bool(np.isfinite(weight))
