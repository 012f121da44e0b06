"""
Parameters of synapses and neurons that Nengo has as numbers, as trainable signals.

Operators are changed before a step is planned.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from nengo.builder.neurons import SimNeurons
from nengo.builder.operator import Operator
from nengo.builder.processes import SimProcess
from nengo.builder.signal import Signal
from nengo.exceptions import BuildError

from ..neurons.operator import SimNeuronsBuilder
from ..neurons.training import SimTrainedNeurons, training_mode
from ..operators.process_coefficients import SimProcessCoefficients
from ..operators.process_parameters import SimParametricProcess
from ..operators.processes import trainable_process
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


class TrainedObject(NamedTuple):
    """
    What is trained of a synapse, or of neurons.

    Parameters
    ----------
    parameters : list of TrainedParameter
        What is trained.
    attributes : callable
        Takes their values by name, and returns the attributes that these give.
    """

    parameters: list[TrainedParameter]
    attributes: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict


class TrainedOperators(NamedTuple):
    """
    The operators that stand in for one whose parameters are trained.

    Parameters
    ----------
    operators : list of nengo.builder.Operator
        The operators.
    trained : TrainedObject
        What is trained.
    """

    operators: list[Operator]
    trained: TrainedObject


def train_process(
    op: SimProcess, elementwise: bool, dt: float, setting: str
) -> TrainedOperators:
    """
    Let the parameters of a process be trained.

    ``elementwise``: whether each element has its own. ``setting``: what asks for it,
    for messages. Raises a ``BuildError`` if it has none, or one that is at its bound.
    """
    form = trainable_process(op)
    if form is None:
        raise BuildError(
            f"{setting}: expected a synapse whose parameters can be trained, such as "
            f"Lowpass or Alpha (analog, with method 'zoh'), got {op.process}. Use one, "
            "or set trainable_synapse = False"
        )
    refused = form.refusal(op.process, dt)
    if refused is not None:
        raise BuildError(
            f"{setting}: expected {op.process} to have {refused}. Use such a synapse, "
            "or set trainable_synapse = False"
        )
    bounds, built = form.bounds(op.process, dt), form.values(op.process, dt)
    shape = op.output.shape if elementwise else None
    trained = [
        _train(op.process, name, bounds[name], value, shape, setting)
        for name, value in built.items()
    ]
    compute = SimProcessCoefficients(form, _values(trained), dt, tag=op.tag)
    process = SimParametricProcess(op, compute.coefficients)
    attributes = partial(form.attributes, op.process)
    return _trained(trained, [compute, process], attributes)


def train_neurons(
    op: SimNeurons, elementwise: Mapping[str, bool], dt: float, setting: str
) -> TrainedOperators:
    """
    Let parameters of neurons be trained.

    ``elementwise``: of each of them, whether every neuron has its own. ``setting``:
    what asks for it, for messages. Raises a ``BuildError`` if the type has none of that
    name, or one that is at its bound.
    """
    bounds = SimNeuronsBuilder.trainable_parameters(op.neurons, dt)
    for name in elementwise:
        if name not in bounds:
            raise BuildError(
                f"{setting}: expected parameters of {type(op.neurons).__name__} among "
                f"{sorted(bounds)}, got {name!r}"
            )
    trained = [
        _train(
            op.neurons,
            name,
            bounds[name],
            getattr(op.neurons, name),
            op.J.shape if each else None,
            setting,
        )
        for name, each in elementwise.items()
    ]
    neurons = SimTrainedNeurons(op, training_mode(op), _values(trained))
    return _trained(trained, [neurons])


class _Trained(NamedTuple):
    """A parameter, and the operator that computes its value."""

    parameter: TrainedParameter
    compute: SimBoundedParameter


def _train(
    obj: Any,
    name: str,
    bounds: Bounds,
    value: Any,
    shape: tuple[int, ...] | None,
    setting: str,
) -> _Trained:
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
    return _Trained(parameter, SimBoundedParameter(unconstrained, target, bounds))


def _values(trained: Sequence[_Trained]) -> dict[str, Signal]:
    return {one.parameter.name: one.compute.value for one in trained}


def _trained(
    trained: Sequence[_Trained],
    others: Sequence[Operator],
    attributes: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict,
) -> TrainedOperators:
    operators = [*(one.compute for one in trained), *others]
    parameters = [one.parameter for one in trained]
    return TrainedOperators(operators, TrainedObject(parameters, attributes))
