"""Which parameters of synapses and neurons training changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import nengo
from nengo.builder import Model
from nengo.builder.neurons import SimNeurons
from nengo.builder.operator import Operator
from nengo.builder.processes import SimProcess
from nengo.exceptions import BuildError

from nengo_dl_ops import SimNeuronsBuilder
from nengo_dl_ops.operators.processes import trainable_process
from nengo_dl_ops.planning.trained_parameters import (
    TrainedObject,
    TrainedOperators,
    train_neurons,
    train_process,
)

from .config import members, nearest_setting, own_setting

#: What is trained of the synapses of connections, and of the neurons of ensembles.
TrainedParameters = Mapping[Any, TrainedObject]


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
    replaced = {op: changed.operators for op, changed in found.values()}
    return (
        [new for op in operators for new in replaced.get(op, [op])],
        {obj: changed.trained for obj, (_, changed) in found.items()},
    )


_Found = dict[Any, tuple[Operator, TrainedOperators]]


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
            found[conn] = op, train_process(op, each, model.dt, where)
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
        op = by_output.get(model.sig.get(ens.neurons, {}).get("out"))
        known = _trainable(op, model.dt)
        where = f"trainable_neurons of {ens}"
        if _own(networks, ens.neurons, "trainable_neurons"):
            _check_names(where, ens, setting, known)
        names = {name: each for name, each in setting.items() if name in known}
        asked_for.update(setting)
        trained.update(names)
        if names:
            found[ens] = op, train_neurons(op, names, model.dt, where)
    for name in sorted(asked_for - trained):
        raise BuildError(
            f"trainable_neurons: expected parameters that the neuron types have, got "
            f"{name!r}, which can be trained of none of them"
        )
    return found


def _trainable(op: Any, dt: float) -> list[str]:
    if not isinstance(op, SimNeurons):
        return []
    return sorted(SimNeuronsBuilder.trainable_parameters(op.neurons, dt))


def _check_names(
    where: str, ens: nengo.Ensemble, names: Mapping[str, bool], known: Sequence[str]
) -> None:
    for name in names:
        if name not in known:
            raise BuildError(
                f"{where}: expected parameters that can be trained of "
                f"{ens.neuron_type} ({', '.join(known) or 'there is none'}), got "
                f"{name!r}"
            )


def _own(networks: Sequence[nengo.Network], obj: Any, name: str) -> bool:
    """Tell whether it is set for the object itself, not for its type or network."""
    return bool(own_setting(networks, obj, name))
