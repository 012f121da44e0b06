"""Which parameters of synapses and neurons training changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import nengo
from nengo.builder import Model
from nengo.builder.neurons import SimNeurons
from nengo.builder.operator import Operator
from nengo.builder.processes import SimProcess
from nengo.builder.signal import Signal
from nengo.exceptions import BuildError

from nengo_dl_ops.operators.processes import trainable_process
from nengo_dl_ops.planning.trained_neurons import NeuronOperators, train_neurons
from nengo_dl_ops.planning.trained_parameters import (
    ScaledEncoders,
    TrainedObject,
    TrainedOperators,
    TrainedStart,
)
from nengo_dl_ops.planning.trained_synapses import train_process

from .config import members, nearest_setting, own_setting
from .trained_gains import GAIN, trained_gain

#: What is trained of the synapses of connections, and of the neurons of ensembles.
TrainedParameters = Mapping[Any, TrainedObject]


def trained_starts(trained: TrainedParameters) -> dict[Signal, TrainedStart]:
    """Return those that are what state starts from, by the state."""
    return {sig: start for one in trained.values() for sig, start in one.starts.items()}


def trained_encoders(trained: TrainedParameters) -> dict[Signal, ScaledEncoders]:
    """Return scaled encoders of which the gain is trained by itself."""
    return {sig: parts for one in trained.values() for sig, parts in one.scaled.items()}


def with_trained_parameters(
    model: Model,
    network: nengo.Network,
    operators: Sequence[Operator],
    inference_only: bool,
) -> tuple[list[Operator], TrainedParameters]:
    """
    Let parameters be trained that Nengo has as numbers.

    ``operators``: those of a step. Returns the operators, with others in the place of
    those whose parameters are trained, and these parameters by connection or ensemble.
    Raises a ``BuildError`` if something is set to be trained that cannot be.
    """
    if inference_only:
        return list(operators), {}
    by_output = {
        op.output: op for op in operators if isinstance(op, (SimNeurons, SimProcess))
    }
    found = {
        **_trained_synapses(model, network, by_output),
        **_trained_neurons(model, network, by_output),
    }
    replaced = {
        op: new for changed in found.values() for op, new in changed.operators.items()
    }
    trained = {obj: changed.trained for obj, changed in found.items()}
    added = []
    for ens in _with_gains(network):
        computed, gain = trained_gain(model, network, ens)
        added += computed
        trained[ens] = _joined(trained[ens], gain) if ens in trained else gain
    return [
        *(new for op in operators for new in replaced.get(op, [op])),
        *added,
    ], trained


def _joined(one: TrainedObject, gain: TrainedObject) -> TrainedObject:
    return one._replace(
        parameters=[*one.parameters, *gain.parameters], scaled=gain.scaled
    )


def _with_gains(network: nengo.Network) -> list[nengo.Ensemble]:
    """Find the ensembles of which gains are trained."""
    return [
        ens
        for networks, ens in members(network, "ensembles")
        if GAIN in (nearest_setting(networks, ens.neurons, "trainable_neurons") or ())
        and not isinstance(ens.neuron_type, nengo.Direct)
    ]


_Found = dict[Any, TrainedOperators]


def _trained_synapses(
    model: Model, network: nengo.Network, by_output: Mapping[Any, Operator]
) -> _Found:
    found: _Found = {}
    for networks, conn in members(network, "connections"):
        setting = nearest_setting(networks, conn, "trainable_synapse")
        if not setting:
            continue
        op = by_output.get(model.sig.get(conn, {}).get("weighted"))
        where = f"trainable_synapse of {conn}"
        if isinstance(op, SimProcess) and (
            trainable_process(op) or _own(networks, conn, "trainable_synapse")
        ):
            each = setting == "elementwise"
            found[conn] = train_process(op, each, model.dt, where)
        elif _own(networks, conn, "trainable_synapse"):
            raise BuildError(
                f"{where}: expected a connection with a synapse, such as Lowpass or "
                f"Alpha, got {conn.synapse}. Use one, or set trainable_synapse = False"
            )
    return found


def _trained_neurons(
    model: Model, network: nengo.Network, by_output: Mapping[Any, Operator]
) -> _Found:
    found: _Found = {}
    asked_for: set[str] = set()
    trained: set[str] = set()
    for networks, ens in members(network, "ensembles"):
        setting = nearest_setting(networks, ens.neurons, "trainable_neurons")
        if not setting:
            continue
        ops = neuron_operators(model, ens, by_output)
        known = [] if ops is None else sorted(ops.bounds(model.dt))
        own_gain = not isinstance(ens.neuron_type, nengo.Direct)
        where = f"trainable_neurons of {ens}"
        if _own(networks, ens.neurons, "trainable_neurons"):
            _check_names(where, ens, setting, known + [GAIN] * own_gain)
        names = {name: each for name, each in setting.items() if name in known}
        asked_for.update(setting)
        trained.update([*names, *[GAIN] * own_gain])
        if ops is not None and names:
            found[ens] = train_neurons(ops, names, model.dt, where)
    for name in sorted(asked_for - trained):
        raise BuildError(
            f"trainable_neurons: expected parameters that the neuron types have, got "
            f"{name!r}, which can be trained of none of them{_elsewhere(name)}"
        )
    return found


def neuron_operators(
    model: Model, ens: nengo.Ensemble, by_output: Mapping[Any, Operator]
) -> NeuronOperators | None:
    """Find what computes the neurons of an ensemble; None: nothing, or Python code."""
    sigs = model.sig.get(ens.neurons, {})
    op = by_output.get(sigs.get("out"))
    base = by_output.get(sigs.get("rate_out"))
    if not isinstance(op, SimNeurons):
        return None
    return NeuronOperators(op, base if isinstance(base, SimNeurons) else None)


def _check_names(
    where: str, ens: nengo.Ensemble, names: Mapping[str, bool], known: Sequence[str]
) -> None:
    for name in names:
        if name not in known:
            raise BuildError(
                f"{where}: expected parameters that can be trained of "
                f"{ens.neuron_type} ({', '.join(known) or 'there is none'}), got "
                f"{name!r}{_elsewhere(name)}"
            )


def _elsewhere(name: str) -> str:
    """Say where something else is set."""
    if name != "bias":
        return ""
    return ", for which there is net.config[ens.neurons].trainable = True"


def _own(networks: Sequence[nengo.Network], obj: Any, name: str) -> bool:
    """Tell whether it is set for the object itself, not for its type or network."""
    return bool(own_setting(networks, obj, name))
