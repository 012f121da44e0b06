"""
Parameters of synapses and neurons that Nengo has as numbers, as trainable signals.

Operators are changed before a step is planned.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from nengo.builder.operator import Operator
from nengo.builder.signal import Signal
from nengo.exceptions import BuildError

from ..operators.transformed_parameters import Bounds, SimBoundedParameter


class TrainedParameter(NamedTuple):
    """
    A parameter that is trained by way of a number without bounds.

    Parameters
    ----------
    name : str
        The attribute of the process or neuron type.
    unconstrained : nengo.builder.Signal
        The numbers that training changes, (n,): one, or one for each element.
    bounds : Bounds
        Between which values the parameter stays.
    built : float or (n,) array
        The value that Nengo built: an array if there is one for each element.
    """

    name: str
    unconstrained: Signal
    bounds: Bounds
    built: float | np.ndarray

    def value(self, unconstrained: np.ndarray) -> float | np.ndarray:
        """Return the value that numbers without bounds give."""
        value = self.bounds.value(unconstrained)
        return float(value[0]) if np.ndim(self.built) == 0 else value


class TrainedStart(NamedTuple):
    """
    What state starts from, if that is trained.

    Parameters
    ----------
    parameter : TrainedParameter
        The start.
    begun : nengo.builder.Signal
        State, (n,): 0 as long as the start counts.
    """

    parameter: TrainedParameter
    begun: Signal


class ScaledEncoders(NamedTuple):
    """
    Scaled encoders, of which the gain is trained by itself.

    Parameters
    ----------
    unscaled : nengo.builder.Signal
        The same, divided by the gain: a constant, (n_neurons, dimensions).
    gain : TrainedParameter
        The gain of each neuron.
    others : frozenset of nengo.builder.Signal
        What else follows from the gain.
    """

    unscaled: Signal
    gain: TrainedParameter
    others: frozenset[Signal]

    def value(self, unscaled: np.ndarray, unconstrained: np.ndarray) -> np.ndarray:
        """Return the scaled encoders."""
        return unscaled * np.asarray(self.gain.value(unconstrained))[..., None]


class TrainedObject(NamedTuple):
    """
    What is trained of a synapse, or of neurons.

    Parameters
    ----------
    parameters : list of TrainedParameter
        What is trained.
    attributes : callable
        Takes their values by name, and returns the attributes that these give.
    starts : mapping from nengo.builder.Signal to TrainedStart
        Which of these are starts, of which state.
    scaled : mapping from nengo.builder.Signal to ScaledEncoders
        Scaled encoders, if these are trained in parts.
    """

    parameters: list[TrainedParameter]
    attributes: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict
    starts: Mapping[Signal, TrainedStart] = MappingProxyType({})
    scaled: Mapping[Signal, ScaledEncoders] = MappingProxyType({})


class TrainedOperators(NamedTuple):
    """
    The operators that stand in for those whose parameters are trained.

    Parameters
    ----------
    operators : dict from nengo.builder.Operator to list of nengo.builder.Operator
        Operators, with those in their place.
    trained : TrainedObject
        What is trained.
    """

    operators: dict[Operator, list[Operator]]
    trained: TrainedObject


class TrainedValue(NamedTuple):
    """A parameter, and the operator that computes its value."""

    parameter: TrainedParameter
    compute: SimBoundedParameter


def train_value(
    obj: Any,
    name: str,
    bounds: Bounds,
    value: Any,
    shape: tuple[int, ...] | None,
    setting: str,
) -> TrainedValue:
    """Train one value, or one for each element of a shape."""
    if not bounds.contain(value):
        raise BuildError(
            f"{setting}: expected {name} of {obj} to be {bounds}, which it stays in "
            f"training, got {value}. Use such a value, or do not train it"
        )
    if shape is None and np.any(value != np.ravel(value)[0]):
        raise BuildError(
            f"{setting}: expected 'elementwise' for the {name} of {obj}, which differ, "
            "got True, which is for one value"
        )
    each = np.broadcast_to(np.asarray(value, np.float64), shape or np.shape(value))
    values = each.ravel().copy() if shape else each.ravel()[:1].copy()
    unconstrained = Signal(
        bounds.unconstrained(values), name=f"{obj}.unconstrained_{name}", readonly=True
    )
    target = Signal(values, name=f"{obj}.{name}")
    values.setflags(write=False)
    built = values if shape else float(values[0])
    parameter = TrainedParameter(name, unconstrained, bounds, built)
    return TrainedValue(parameter, SimBoundedParameter(unconstrained, target, bounds))


def values_of(trained: Sequence[TrainedValue]) -> dict[str, Signal]:
    """Return the signals of parameters, by name."""
    return {one.parameter.name: one.compute.value for one in trained}
