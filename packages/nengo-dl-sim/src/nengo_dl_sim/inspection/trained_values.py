"""The current values of what is trained of synapses and neurons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import nengo
import numpy as np
from nengo.builder.connection import BuiltConnection
from nengo.builder.ensemble import BuiltEnsemble
from nengo.neurons import NeuronType

from nengo_dl_ops.planning.trained_parameters import TrainedParameter
from nengo_dl_ops.with_values import with_values

from .live_values import LiveValue, is_as_built

#: Values by the names of attributes: one, or one for each neuron or dimension.
Values = Mapping[str, "float | np.ndarray"]


class TrainedConnection(BuiltConnection):
    """
    What Nengo built of a connection whose synapse is trained.

    Attributes
    ----------
    synapse_parameters : dict from str to float or array
        The current values of what is trained of the synapse: ``tau``, in seconds, or
        ``num`` and ``den``.
    """

    synapse_parameters: Values


class TrainedEnsemble(BuiltEnsemble):
    """
    What Nengo built of an ensemble whose neurons are trained.

    Attributes
    ----------
    neuron_parameters : dict from str to float or array
        The current values of what is trained of the neuron type, such as ``tau_rc``.
    """

    neuron_parameters: Values


def trained_connection(built: BuiltConnection, values: Values) -> TrainedConnection:
    """Add the current values of what is trained of a synapse."""
    trained = TrainedConnection._make(built)
    trained.synapse_parameters = values
    return trained


def trained_ensemble(built: BuiltEnsemble, values: Values) -> TrainedEnsemble:
    """Add the current values of what is trained of neurons."""
    trained = TrainedEnsemble._make(built)
    trained.neuron_parameters = values
    return trained


def current_values(parameters: Sequence[TrainedParameter], live: LiveValue) -> Values:
    """Return the values of parameters: those that were built, or that were trained."""
    return {part.name: _current(part, live) for part in parameters}


def _current(part: TrainedParameter, live: LiveValue) -> float | np.ndarray:
    value = live(part.unconstrained)
    # What has not changed is exactly what Nengo has, without a way there and back.
    if value is None or is_as_built(value, part.unconstrained):
        return part.built
    return part.value(value)


def neuron_types(ens: nengo.Ensemble, values: Values) -> list[NeuronType]:
    """Return the neuron type with the current values: one, or one for each neuron."""
    if all(np.ndim(value) == 0 for value in values.values()):
        return [with_values(ens.neuron_type, **values)]
    each = {name: np.broadcast_to(v, ens.n_neurons) for name, v in values.items()}
    return [
        with_values(ens.neuron_type, **{name: float(v[i]) for name, v in each.items()})
        for i in range(ens.n_neurons)
    ]
