"""Which data `fit` validates with: other data, or the end of what it is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from nengo.exceptions import ValidationError

from ..checks import check_not_masked
from ..engine.engine import Engine
from .arrays import common_shape
from .from_fit import agreed_n_steps
from .keras_forms import UserData, is_stream, read_values
from .names import Names
from .sample_weights import numbers


def hold_back(
    user_data: UserData,
    validation_data: Any,
    validation_split: Any,
    engine: Engine,
    names: Names,
) -> tuple[UserData, UserData | None]:
    """Return what to train on, and what to validate with."""
    if validation_data is None:
        if not validation_split:
            return user_data, None
        return split_validation(user_data, engine, names, validation_split)
    if is_stream(validation_data):
        return user_data, UserData(validation_data, weigh=user_data.weigh)
    is_tuple = isinstance(validation_data, (tuple, list))
    if not is_tuple or len(validation_data) not in (2, 3):
        raise ValidationError(
            "expected a tuple (x, y) or (x, y, sample_weight), a data set or a "
            f"generator, got {type(validation_data).__name__} "
            f"{validation_data!r:.60}",
            attr="validation_data",
        )
    x, y, weights = (*validation_data, None)[:3]
    n_steps = user_data.n_steps if x is None else None
    return user_data, UserData(x, y, n_steps, weights, weigh=user_data.weigh)


def split_validation(
    user_data: UserData, engine: Engine, names: Names, fraction: float
) -> tuple[UserData, UserData]:
    """
    Keep the last part of the data for validation.

    Raises a ``ValidationError`` if the fraction is not between 0 and 1, the data is not
    in memory, or one of the parts is not a multiple of the minibatch size.
    """
    if is_stream(user_data.x):
        raise ValidationError(
            "expected 0 for a data set or generator, got "
            f"{fraction!r}: use validation_data",
            attr="validation_split",
        )
    inputs, targets, counted = read_values(
        "x", user_data.x, user_data.y, engine.inputs.nodes, engine.model.probes, names
    )
    _check_items("x", inputs, n_axes=3)
    _check_items("y", targets, n_axes=1)
    n_items, _ = common_shape(inputs or targets, engine.config.minibatch_size)
    weights = _weights(user_data, targets)
    n_training = _n_training(n_items, fraction)
    user_data = user_data._replace(n_steps=agreed_n_steps(user_data.n_steps, counted))
    training, validation = (
        user_data._replace(
            x=_items(inputs, items),
            y=_items(targets, items),
            sample_weight=_items(weights, items) or None,
        )
        for items in (slice(None, n_training), slice(n_training, None))
    )
    return training, validation._replace(class_weight=None)


def _weights(user_data: UserData, targets: Mapping[Any, Any]) -> dict[Any, np.ndarray]:
    if user_data.weigh is None:
        return {}
    found = user_data.weigh(user_data.sample_weight, targets)
    return {probe: np.atleast_1d(numbers(probe, w)) for probe, w in found.items()}


def _items(arrays: Mapping[Any, Any], items: slice) -> dict[Any, np.ndarray]:
    return {obj: np.asarray(array)[items] for obj, array in arrays.items()}


def _check_items(name: str, arrays: Mapping[Any, Any], n_axes: int) -> None:
    """Check that there are items to divide; all else is checked of the parts."""
    for obj, array in arrays.items():
        check_not_masked(name, obj, array)
        shape = np.shape(array)
        if len(shape) < n_axes:
            raise ValidationError(
                f"expected values of shape (n_items, n_steps, size) for {obj}, got "
                f"{shape}",
                attr=name,
            )


def _n_training(n_items: int, fraction: Any) -> int:
    is_number = isinstance(fraction, (int, float)) and not isinstance(fraction, bool)
    if not is_number or not 0 < fraction < 1:
        raise ValidationError(
            f"expected a number from 0 to 1, got {fraction!r}", attr="validation_split"
        )
    return int(np.floor(n_items * (1 - fraction) + 1e-9))
