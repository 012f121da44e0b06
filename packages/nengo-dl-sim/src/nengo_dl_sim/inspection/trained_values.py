"""The current values of what can be trained of synapses and neurons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import nengo
import numpy as np
from nengo.builder import Model
from nengo.builder.connection import BuiltConnection
from nengo.builder.ensemble import BuiltEnsemble
from nengo.builder.neurons import SimNeurons
from nengo.builder.operator import Operator
from nengo.builder.processes import SimProcess
from nengo.builder.signal import Signal
from nengo.neurons import NeuronType

from nengo_dl_ops.neurons.trained_types import INITIAL, is_initial, with_parameters
from nengo_dl_ops.operators.processes import trainable_process
from nengo_dl_ops.planning.trained_neurons import NeuronOperators
from nengo_dl_ops.planning.trained_parameters import TrainedParameter

from ..settings.trained_gains import GAIN
from ..settings.trained_parameters import TrainedParameters, neuron_operators
from .live_values import LiveValue, is_as_built

#: Values by the names of attributes: one, or one for each neuron or dimension.
Values = Mapping[str, "float | np.ndarray"]


class ConnectionData(BuiltConnection):
    """
    What Nengo built of a connection, with the current values.

    Attributes
    ----------
    synapse_parameters : dict from str to float or array
        The current values of what can be trained of the synapse: ``tau``, in seconds,
        or ``num`` and ``den``.
    """

    synapse_parameters: Values


class EnsembleData(BuiltEnsemble):
    """
    What Nengo built of an ensemble, with the current values.

    Attributes
    ----------
    neuron_parameters : dict from str to float or array
        The current values of what can be trained of the neuron type, such as
        ``tau_rc``.
    """

    neuron_parameters: Values


def connection_data(built: BuiltConnection, values: Values) -> ConnectionData:
    """Add the current values of a synapse."""
    data = ConnectionData._make(built)
    data.synapse_parameters = values
    return data


def ensemble_data(built: BuiltEnsemble, values: Values) -> EnsembleData:
    """Add the current values of neurons."""
    data = EnsembleData._make(built)
    data.neuron_parameters = values
    return data


class CurrentParameters:
    """
    Looks up what can be trained of synapses and neurons: what is trained, and the rest.

    Parameters
    ----------
    model : nengo.builder.Model
        What Nengo built.
    trained : mapping from Connection or Ensemble to TrainedObject
        What is trained.
    live : callable
        Returns the current value of a base signal, or None.
    initial : callable
        Returns what state starts from, or None.
    """

    def __init__(
        self,
        model: Model,
        trained: TrainedParameters,
        live: LiveValue,
        initial: LiveValue,
    ) -> None:
        self._model = model
        self._trained = trained
        self._live = live
        self._initial = initial

    def of_synapse(self, conn: nengo.Connection) -> Values:
        """Return the values of a synapse."""
        if conn in self._trained:
            return self._trained[conn].attributes(self._trained_values(conn))
        op = self._by_output.get(self._model.sig.get(conn, {}).get("weighted"))
        form = trainable_process(op) if isinstance(op, SimProcess) else None
        return {} if op is None or form is None else form.built(op.process, self._dt)

    def of_neurons(self, ens: nengo.Ensemble) -> Values:
        """Return the values of neurons."""
        ops = neuron_operators(self._model, ens, self._by_output)
        if ops is None:
            return {}
        trained = self._trained_values(ens)
        return {
            name: trained[name] if name in trained else self._built(ops, name)
            for name in ops.bounds(self._dt)
        }

    def trained_names(self, obj: Any) -> frozenset[str]:
        """Return the names of what is trained."""
        return frozenset(part.name for part in self._parts(obj))

    def gain(self, ens: nengo.Ensemble) -> np.ndarray | None:
        """Return gains, if they are trained apart from encoders."""
        gain = self._trained_values(ens).get(GAIN)
        return None if gain is None else np.asarray(gain)

    def are_trained(self, obj: Any) -> bool:
        """Tell whether training has changed something."""
        values = self._trained_values(obj)
        return any(values[part.name] is not part.built for part in self._parts(obj))

    @property
    def _dt(self) -> float:
        return float(self._model.dt)

    @cached_property
    def _by_output(self) -> dict[Signal, Operator]:
        kinds = SimNeurons, SimProcess
        return {op.output: op for op in self._model.operators if isinstance(op, kinds)}

    def _parts(self, obj: Any) -> Sequence[TrainedParameter]:
        return self._trained[obj].parameters if obj in self._trained else ()

    def _trained_values(self, obj: Any) -> Values:
        return {part.name: _current(part, self._live) for part in self._parts(obj)}

    def _built(self, ops: NeuronOperators, name: str) -> float | np.ndarray:
        """Return what is not trained: as it was built, or the start that was loaded."""
        if not is_initial(name):
            return float(ops.built(name))
        sig = ops.output.state[name.removeprefix(INITIAL)]
        start = self._initial(sig)
        if start is None or is_as_built(start, sig):
            return np.array(sig.initial_value)
        return start


def _current(part: TrainedParameter, live: LiveValue) -> float | np.ndarray:
    value = live(part.unconstrained)
    # What has not changed is exactly what Nengo has, without a way there and back.
    if value is None or is_as_built(value, part.unconstrained):
        return part.built
    return part.value(value)


def neuron_types(ens: nengo.Ensemble, values: Values) -> list[NeuronType]:
    """Return the neuron type with the current values: one, or one for each neuron."""
    values = {name: value for name, value in values.items() if not is_initial(name)}
    if all(np.ndim(value) == 0 for value in values.values()):
        return [with_parameters(ens.neuron_type, values)]
    each = {name: np.broadcast_to(v, ens.n_neurons) for name, v in values.items()}
    return [
        with_parameters(ens.neuron_type, {k: float(v[i]) for k, v in each.items()})
        for i in range(ens.n_neurons)
    ]
