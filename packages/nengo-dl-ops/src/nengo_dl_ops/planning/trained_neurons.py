"""Parameters of neurons, and what their state starts from, as trainable signals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from nengo.builder.neurons import SimNeurons
from nengo.builder.operator import Operator
from nengo.exceptions import BuildError

from ..neurons.operator import SimNeuronsBuilder
from ..neurons.trained_types import BASE, INITIAL, is_initial
from ..neurons.training import (
    BEGUN,
    Rates,
    SimTrainedNeurons,
    SpikeAware,
    TrainingMode,
    training_mode,
)
from ..operators.transformed_parameters import Bounds
from .trained_parameters import (
    TrainedObject,
    TrainedOperators,
    TrainedStart,
    TrainedValue,
    train_value,
    values_of,
)


class NeuronOperators(NamedTuple):
    """
    What computes the neurons of an ensemble.

    Parameters
    ----------
    output : nengo.builder.neurons.SimNeurons
        What gives the output.
    base : nengo.builder.neurons.SimNeurons, optional
        What gives rates to the output, if that makes spikes of rates.
    """

    output: SimNeurons
    base: SimNeurons | None = None

    def bounds(self, dt: float) -> dict[str, Bounds]:
        """Say what can be trained, by name; base types have names that tell them."""
        found = dict(SimNeuronsBuilder.trainable_parameters(self.output.neurons, dt))
        starts = SimNeuronsBuilder.trainable_starts(self.output.neurons)
        found |= {f"{INITIAL}{name}": bounds for name, bounds in starts.items()}
        if self.base is not None:
            base = SimNeuronsBuilder.trainable_parameters(self.base.neurons, dt)
            found |= {f"{BASE}{name}": bounds for name, bounds in base.items()}
        return found

    def built(self, name: str) -> Any:
        """Return the value of one of these: a number, or one for each neuron."""
        if is_initial(name):
            return self.output.state[name.removeprefix(INITIAL)].initial_value
        if self.base is not None and name.startswith(BASE):
            return getattr(self.base.neurons, name.removeprefix(BASE))
        return getattr(self.output.neurons, name)


def train_neurons(
    neurons: NeuronOperators, elementwise: Mapping[str, bool], dt: float, setting: str
) -> TrainedOperators:
    """
    Let parameters of neurons be trained.

    ``elementwise``: of some of their `bounds`, whether every neuron has its own; of
    what state starts from, each has. ``setting``: what asks for it, for messages.
    Raises a ``BuildError`` if a parameter is at its bound; if the start of state is to
    be trained, and no gradient goes through state.
    """
    bounds, output = neurons.bounds(dt), neurons.output
    trained = [
        train_value(
            output.neurons,
            name,
            bounds[name],
            neurons.built(name),
            output.J.shape if each or is_initial(name) else None,
            setting,
        )
        for name, each in elementwise.items()
    ]
    starts = [one for one in trained if is_initial(one.parameter.name)]
    if starts:
        _check_mode(training_mode(output), starts[0].parameter.name, setting)
    return _with_values(neurons, trained, starts)


def _with_values(
    neurons: NeuronOperators,
    trained: Sequence[TrainedValue],
    starts: Sequence[TrainedValue],
) -> TrainedOperators:
    """Let neurons read what is trained of them."""
    of_base = [one for one in trained if one.parameter.name.startswith(BASE)]
    own = [one for one in trained if one not in starts and one not in of_base]
    begin = {name.removeprefix(INITIAL): sig for name, sig in values_of(starts).items()}
    output = _reading(neurons.output, own, begin)
    operators: dict[Operator, list[Operator]] = {
        neurons.output: [*(one.compute for one in trained), output]
    }
    if neurons.base is not None and of_base:
        operators[neurons.base] = [_reading(neurons.base, of_base, {})]
    of_state = {
        neurons.output.state[name]: TrainedStart(one.parameter, output.state[BEGUN])
        for name, one in zip(begin, starts, strict=True)
    }
    parameters = [one.parameter for one in trained]
    return TrainedOperators(operators, TrainedObject(parameters, starts=of_state))


def _reading(
    op: SimNeurons, own: Sequence[TrainedValue], starts: Mapping[str, Any]
) -> SimTrainedNeurons:
    values = {name.removeprefix(BASE): sig for name, sig in values_of(own).items()}
    return SimTrainedNeurons(op, training_mode(op), values, starts)


def _check_mode(mode: TrainingMode, name: str, setting: str) -> None:
    if isinstance(mode, (Rates, SpikeAware)):
        raise BuildError(
            f"{setting}: expected a surrogate gradient as training_mode to train "
            f"{name}, got {'rates' if isinstance(mode, Rates) else 'spike_aware'}, "
            "which have no gradient through what neurons remember: set training_mode = "
            "nengo_dl.surrogates.ATan(), or another surrogate"
        )
