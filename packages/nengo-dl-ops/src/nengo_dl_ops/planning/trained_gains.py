"""Gains of neurons, which Nengo has as a part of encoders, as trainable signals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from nengo.builder.operator import Copy, ElementwiseInc, Operator, Reset
from nengo.builder.signal import Signal

from ..operators.transformed_parameters import POSITIVE
from .trained_parameters import ScaledEncoders, TrainedObject, train_value


def train_gain(
    obj: Any, gain: np.ndarray, encoders: Signal, scales: Mapping[Signal, Any]
) -> tuple[list[Operator], TrainedObject]:
    """
    Let the gain of each neuron be trained, apart from its encoder.

    ``obj``: the ensemble. ``encoders``: its scaled encoders, a constant until now.
    ``scales``: the gains by which what comes to neurons is multiplied, and which of all
    neurons these are of. Returns operators that compute both. Raises a ``BuildError``
    if a gain is not positive.
    """
    setting = f"trainable_neurons of {obj}"
    trained = train_value(obj, "gain", POSITIVE, gain, gain.shape, setting)
    value, column = trained.compute.value, gain[:, None]
    unscaled = Signal(
        encoders.initial_value / column, name=f"{obj}.unscaled_encoders", readonly=True
    )
    operators = [
        trained.compute,
        Reset(encoders),
        ElementwiseInc(value.reshape((-1, 1)), unscaled, encoders),
        *(Copy(value, sig, src_slice=part) for sig, part in scales.items()),
    ]
    scaled = ScaledEncoders(unscaled, trained.parameter, frozenset(scales))
    return operators, TrainedObject([trained.parameter], scaled={encoders: scaled})
